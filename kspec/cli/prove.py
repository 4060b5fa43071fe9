"""`kspec prove`: z3 proofs of the code that runs, and their counterexamples on the engine."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kspec.cli.output import (
    check_json,
    emit,
    json_option,
    look,
    must_be_writable,
    write_json,
)
from kspec.errors import EXIT_HOLDS, EXIT_UNFINISHED, EXIT_VIOLATION

if TYPE_CHECKING:
    from kspec.check import Report
    from kspec.suite import JsonMap, Suite

SCHEMA = "kspec.dev/proofs/v1"
REPLAY_STEPS = 20_000
KNOWN = {"Refuted": " (known to be false)", "Unknown": " (known to be open)"}
"""What is said of a claim that is not expected to be proved."""


@click.command("prove")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--policy", metavar="MODULE:CLASS", help="Prove this policy instead of the default.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("kspec-out"),
    show_default=True,
    metavar="DIR",
    help="Where the traces of counterexamples go.",
)
@json_option
def command(names: tuple[str, ...], policy: str | None, out: Path, json_file: str | None) -> int:
    """Prove claims about the code that runs; a refuted one becomes a trace.

    Exit status: 0 all are proved, 1 one is refuted, 3 one is unknown. Claims that are known to be
    false are shown with their counterexample, those known to be open with the reason, and do not
    count.

    \b
    Examples:
      kspec prove
      kspec prove --policy mypolicies:ForgetsMemory
    """
    from kspec import suite as suites

    check_json(json_file)
    must_be_writable(out)
    suite = suites.load_suite()
    proved = suite.prove(names, policy, time.perf_counter)
    documents = [show(suite, each, policy, out, json_file) for each in proved]
    write_json({"schema": SCHEMA, "policy": policy, "proofs": documents}, json_file)
    verdicts = {each.proof.verdict for each in proved if each.expected == "Proved"}
    emit(_summary(documents), json_file)
    if "Refuted" in verdicts:
        return EXIT_VIOLATION
    return EXIT_UNFINISHED if "Unknown" in verdicts else EXIT_HOLDS


def _summary(documents: list[dict[str, Any]]) -> str:
    def count(verdict: str, expected: str) -> int:
        return [(d["verdict"], d["expected"]) for d in documents].count((verdict, expected))

    parts = [
        f"{count('Proved', 'Proved')} proved",
        f"{count('Refuted', 'Proved')} refuted",
        f"{count('Unknown', 'Proved')} unknown",
        f"{count('Refuted', 'Refuted')} refuted that are known to be false",
        f"{count('Unknown', 'Unknown')} unknown that are known to be open",
    ]
    return f"\n{', '.join(part for part in parts if not part.startswith('0'))}\n"


def show(
    suite: Suite, proved: Any, policy: str | None, out: Path, json_file: str | None
) -> dict[str, Any]:
    """Print what came of one claim, its counterexample replayed; return it for machines."""
    claim, proof = proved.claim, proved.proof
    known = KNOWN.get(proved.expected, "")
    emit(
        f"{proof.verdict:8} {claim.name}{known}: {claim.promise}\n"
        f"         {proof.reason}; {proof.paths:,} paths, {proved.seconds:.2f} s\n"
        f"         about {claim.about}\n",
        json_file,
    )
    objects: tuple[JsonMap, ...] = ()
    report = None
    if proof.verdict == "Refuted":
        objects = suite.counterexample(proof)
        emit(_example(proof, objects), json_file)
        report = replay(suite, proof, policy, out)
    if report is not None:
        emit(_replayed(report), json_file)
    return {
        "name": claim.name,
        "promise": claim.promise,
        "about": claim.about,
        "verdict": proof.verdict,
        "expected": proved.expected,
        "reason": proof.reason,
        "paths": proof.paths,
        "seconds": round(proved.seconds, 3),
        "accepting_path": proof.accepting_path,
        "counterexample": dict(proof.counterexample) if proof.counterexample else None,
        "objects": [dict(each) for each in objects],
        "traces": [failure.path for failure in report.failures] if report else [],
    }


def _example(proof: Any, objects: tuple[JsonMap, ...]) -> str:
    """The counterexample as objects that a user would write, or else as numbers."""
    import yaml

    if objects:
        unshared = json.loads(json.dumps(objects))  # else YAML writes anchors
        text = yaml.safe_dump_all(unshared, sort_keys=False)
        return "         counterexample:\n" + _indented(text)
    if proof.counterexample:
        return "         counterexample:\n" + _indented(
            yaml.safe_dump(dict(proof.counterexample), sort_keys=False)
        )
    return ""


def _indented(text: str) -> str:
    return "".join(f"           {line}\n" for line in text.splitlines())


def replay(suite: Suite, proof: Any, policy: str | None, out: Path) -> Report | None:
    """What the engine finds on the world of a counterexample, FIFO first; None without a world."""
    import attrs

    from kspec.check import Options, explore_plan, plan_of_world
    from kspec.suite import Settings

    world = suite.counterexample_world(proof)
    if world is None:
        return None
    options = Options(settings=Settings(policy=policy), faults="none", steps=REPLAY_STEPS, out=out)
    for strategy in ("fifo", "portfolio"):
        options = attrs.evolve(options, strategy=strategy)
        report = explore_plan(suite, plan_of_world(suite, options, world), options)
        if report.has_failed or report.is_interrupted:
            break
    return report


def _replayed(report: Report) -> str:
    from kspec import report as reports

    if not report.failures:
        print("kspec: the engine does not reproduce this counterexample", file=sys.stderr)
        return f"         the engine took {report.steps:,} steps on it and saw no violation\n"
    lines = (line for failure in report.failures for line in reports.failure_lines(failure))
    shown = reports.to_text(lines, *look())
    return "         on the engine:\n" + _indented(shown)
