"""`kspec replay`: run a trace again, explain it, or make a regression test of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kspec.cli.output import check_json, emit, json_option, look, write_json
from kspec.errors import EXIT_HOLDS, EXIT_VIOLATION

if TYPE_CHECKING:
    from kspec.explain import Explanation
    from kspec.explore import Violation
    from kspec.property import Property
    from kspec.replay import Replay, Step
    from kspec.system import AnySystem
    from kspec.trace import Trace

SCHEMA = "kspec.dev/replay/v1"


@click.command("replay")
@click.argument("trace_file", type=click.Path(path_type=Path), metavar="TRACE")
@click.option(
    "--strict", is_flag=True, help="States that differ from the recorded ones are errors."
)
@click.option("--quiet", is_flag=True, help="Only how it ends, not the steps.")
@click.option("--explain", is_flag=True, help="Say why: what was stale, which fault it took.")
@click.option(
    "--as-test",
    "test_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a standalone pytest file that fails until the bug is fixed.",
)
@json_option
def command(
    trace_file: Path,
    strict: bool,
    quiet: bool,
    explain: bool,
    test_file: Path | None,
    json_file: str | None,
) -> int:
    """Run a trace again, step by step, with the fields that each step changes.

    Exit status: 1 the violation is reproduced, 3 the replay diverges, 2 it is not a whole trace;
    with --as-test 0 once the test is written.

    \b
    Example:
      kspec replay kspec-out/no-surplus-crash-0.yaml --explain
      kspec replay kspec-out/no-surplus-crash-0.yaml --as-test test_no_surplus.py
    """
    from kspec import trace as traces
    from kspec.replay import Replay
    from kspec.testing import stage

    check_json(json_file)
    trace = traces.read(trace_file)
    system, prop = stage(trace, str(trace_file))
    replay = Replay(system, prop, trace, strict=strict)
    emit(heading(trace, prop), json_file)
    steps = _steps(system, replay, trace, json_file, quiet=quiet or test_file is not None)
    violation = replay.outcome.violation if replay.outcome.is_reproduced else None
    explanation = None
    if violation is not None and (explain or test_file is not None):
        explanation = _explanation(system, prop, violation)
    status = conclude(replay, str(trace_file), steps, json_file, explanation)
    if test_file is not None and explanation is not None:
        return _write_test(trace, prop, explanation, test_file, json_file)
    return status


def _steps(
    system: AnySystem, replay: Replay, trace: Trace, json_file: str | None, *, quiet: bool
) -> list[dict[str, Any]]:
    """Take the steps and show them."""
    steps: list[dict[str, Any]] = []
    for step in replay:
        steps.append(_step(system, step))
        if not quiet:
            if step.is_suffix and step.number == len(trace.actions) + 1:
                emit(f"       {_before_suffix(trace)}:\n", json_file)
            emit(step_text(steps[-1]), json_file)
    return steps


def _before_suffix(trace: Trace) -> str:
    if trace.cycle:
        return "and then, for ever"
    return "and then, with no more faults and first come first served"


def _explanation(system: AnySystem, prop: Property, violation: Violation) -> Explanation:
    from kspec.explain import explain

    return explain(system, prop, violation)


def _write_test(
    trace: Trace, prop: Property, explanation: Explanation, file: Path, json_file: str | None
) -> int:
    from kspec import as_test

    text = as_test.test_text(trace, prop.promise, explanation.lines, file.parent)
    as_test.write(text, file)
    emit(f"wrote {file}; it fails until the bug is fixed:  pytest {file}\n", json_file)
    return EXIT_HOLDS


def conclude(
    replay: Replay,
    trace_file: str,
    steps: list[dict[str, Any]],
    json_file: str | None,
    explanation: Explanation | None = None,
) -> int:
    """Say how a replay ended; raises its difference where it diverged."""
    outcome = replay.outcome
    difference = outcome.difference
    document = {
        "schema": SCHEMA,
        "trace": trace_file,
        "outcome": "Diverged" if difference else "Reproduced",
        "property": outcome.violation.property if outcome.violation else None,
        "witness": outcome.violation.witness if outcome.violation else "",
        "difference": str(difference) if difference else "",
        "warnings": list(outcome.warnings),
        "steps": steps,
        "explanation": explanation.to_json() if explanation is not None else None,
    }
    write_json(document, json_file)
    for warning in outcome.warnings:
        click.echo(f"kspec: warning: {warning}", err=True)
    if difference is not None:
        raise type(difference)(f"{trace_file}: diverged: {difference}")
    assert outcome.violation is not None
    emit(_ending(outcome.violation), json_file)
    if explanation is not None:
        from kspec.explain.text import explanation_lines

        emit("".join(f"{line}\n" for line in explanation_lines(explanation)), json_file)
    return EXIT_VIOLATION


def _ending(violation: Violation) -> str:
    from kspec.report_failures import count, ending

    witness = violation.witness or "the last state above"
    how = f"\n  {ending(violation.suffix)}" if violation.suffix else ""
    if violation.cycle:
        how = f"\n  the last {count(len(violation.cycle), 'step', 'steps')} repeat for ever"
    return f"\nreproduced: {violation.property} is violated: {witness}{how}\n"


def heading(trace: Trace, prop: Property) -> str:
    name = (trace.world.get("metadata") or {}).get("name", "world")
    mutant = f", mutant {trace.options['mutant']}" if trace.options.get("mutant") else ""
    found = f"found by {trace.strategy} with seed {trace.seed}"
    return (
        f"{prop.name}: {prop.promise}\n"
        f"world {name}{mutant}; faults: {trace.options.get('faults', 'none')}; {found}\n\n"
    )


def _step(system: AnySystem, step: Step) -> dict[str, Any]:
    return {
        "number": step.number,
        "action": step.text,
        "changes": list(system.describe(step.before, step.after)),
        "suffix": step.is_suffix,
    }


def step_text(step: dict[str, Any]) -> str:
    from kspec import report
    from kspec.check import Shown

    shown = Shown(step["action"], tuple(step["changes"]))
    lines: Iterator[Any] = report.step_lines(step["number"], shown, most=len(shown.changes))
    return report.to_text(lines, *look())
