"""`kspec replay`: run a trace again, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kspec.cli.output import check_json, emit, json_option, look, write_json
from kspec.errors import EXIT_VIOLATION, InputError

if TYPE_CHECKING:
    from kspec.explore import Violation
    from kspec.property import Property
    from kspec.replay import Replay, Step
    from kspec.suite import Suite
    from kspec.system import AnySystem
    from kspec.trace import Trace

SCHEMA = "kspec.dev/replay/v1"


@click.command("replay")
@click.argument("trace_file", type=click.Path(path_type=Path), metavar="TRACE")
@click.option(
    "--strict", is_flag=True, help="States that differ from the recorded ones are errors."
)
@click.option("--quiet", is_flag=True, help="Only how it ends, not the steps.")
@json_option
def command(trace_file: Path, strict: bool, quiet: bool, json_file: str | None) -> int:
    """Run a trace again, step by step, with the fields that each step changes.

    Exit status: 1 the violation is reproduced, 3 the replay diverges, 2 it is not a whole trace.

    \b
    Example:
      kspec replay kspec-out/no-surplus-crash-0.yaml
    """
    from kspec import suite as suites
    from kspec import trace as traces
    from kspec.replay import Replay

    check_json(json_file)
    trace = traces.read(trace_file)
    suite = suites.load_suite(trace.options.get("suite") or "kubernetes")
    prop = property_of(suite, trace, str(trace_file))
    system = suite.build(trace.world, parts_of(trace))
    replay = Replay(system, prop, trace, strict=strict)
    emit(heading(trace, prop), json_file)
    steps: list[dict[str, Any]] = []
    for step in replay:
        steps.append(_step(system, step))
        if not quiet:
            if step.is_suffix and step.number == len(trace.actions) + 1:
                emit(
                    "       and then, with no more faults and first come first served:\n", json_file
                )
            emit(step_text(steps[-1]), json_file)
    return conclude(replay, str(trace_file), steps, json_file)


def conclude(
    replay: Replay, trace_file: str, steps: list[dict[str, Any]], json_file: str | None
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
    }
    write_json(document, json_file)
    for warning in outcome.warnings:
        click.echo(f"kspec: warning: {warning}", err=True)
    if difference is not None:
        raise type(difference)(f"{trace_file}: diverged: {difference}")
    assert outcome.violation is not None
    emit(_ending(outcome.violation), json_file)
    return EXIT_VIOLATION


def _ending(violation: Violation) -> str:
    from kspec.report import ending

    witness = violation.witness or "the last state above"
    how = f"\n  {ending(violation.suffix)}" if violation.suffix else ""
    return f"\nreproduced: {violation.property} is violated: {witness}{how}\n"


def property_of(suite: Suite, trace: Trace, where: str) -> Property:
    """The property that a trace violates: the suite's, or the user's own that it names."""
    from kspec.check.plan import load_property

    reference = trace.options.get("property")
    if reference:
        return load_property(reference)
    for prop in suite.properties():
        if prop.name == trace.property:
            return prop
    raise InputError(
        f"it violates {trace.property}, which is no property here",
        where=where,
        expected="a property that `kspec properties` lists",
    )


def parts_of(trace: Trace) -> Any:
    """What was added to the world or changed in its model."""
    from kspec.suite import Parts

    options = trace.options
    return Parts(
        policy=options.get("policy"),
        controllers=tuple(options.get("controllers") or ()),
        mutant=options.get("mutant"),
    )


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
