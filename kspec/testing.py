"""Found bugs as tests: what a test that `kspec replay TRACE --as-test FILE` writes calls.

    from kspec.testing import assert_passes

    def test_no_over_commit():
        assert_passes(TRACE)

Such a test fails while the bug is there, and passes once it is fixed. That is the natural way round
for a regression test: it guards the fix, and needs no change on the day of the fix. A trace of what
is meant to stay broken (a mutant, a known limit) is asserted the other way by `assert_reproduces`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kspec import suite as suites
from kspec import trace as traces
from kspec.errors import KspecError
from kspec.explain import explain
from kspec.explain.variation import Walk
from kspec.explore.exploration import Violation
from kspec.property import Property
from kspec.replay import Replay, replay_leniently
from kspec.suite import Parts, Suite
from kspec.system import AnySystem
from kspec.trace import Trace

MOST_STEPS_SHOWN = 40


def parts_of(trace: Trace) -> Parts:
    """What was added to the world of a trace, or changed in its model."""
    options = trace.options
    return Parts(
        policy=options.get("policy"),
        controllers=tuple(options.get("controllers") or ()),
        mutant=options.get("mutant"),
    )


def property_of(suite: Suite, trace: Trace, where: str = "trace") -> Property:
    """The property that a trace violates: the suite's, or the user's own that it names.

    Raises InputError where there is none of that name.
    """
    from kspec.check.plan import load_property
    from kspec.errors import InputError

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


def stage(trace: Trace, where: str = "trace") -> tuple[AnySystem, Property]:
    """The system of a trace and the property that it violates; raises InputError."""
    suite = suites.load_suite(trace.options.get("suite") or "kubernetes")
    return suite.build(trace.world, parts_of(trace)), property_of(suite, trace, where)


def assert_passes(trace: str, *, paths: Iterable[Path | str] = ()) -> None:
    """The property holds along the schedule of this trace, and of a fair suffix for liveness.

    trace: its text. paths: folders from which what it names as MODULE:NAME can be imported.
    Actions that are not enabled any more are skipped, because a fixed model need not take them.
    Raises AssertionError with the steps and their cause where it is violated, in whichever way,
    and where a limit leaves it open.
    """
    __tracebackhide__ = True
    whole, system, prop = _read(trace, paths)
    actions, cycle = decoded(system, whole.actions), decoded(system, whole.cycle)
    found = replay_leniently(system, prop, actions, like(whole, actions, cycle))
    if found is not None:
        raise AssertionError(_story(system, prop, found))
    walk = Walk(system, prop, _stem(whole))
    varied = walk.vary(actions, is_continued=False)
    if varied.violation is not None:
        raise AssertionError(_story(system, prop, varied.violation))
    if not varied.passes:
        raise AssertionError(f"{prop.name} is not decided along this schedule: a limit came first")


def assert_reproduces(trace: str, *, paths: Iterable[Path | str] = ()) -> None:
    """A strict replay of this trace ends in the same violation, state by state.

    Raises AssertionError with the first difference where it does not.
    """
    __tracebackhide__ = True
    whole, system, prop = _read(trace, paths)
    outcome = Replay(system, prop, whole, strict=True).outcome
    if not outcome.is_reproduced:
        raise AssertionError(f"{prop.name} is not violated as recorded: {outcome.difference}")


def like(trace: Trace, actions: tuple[Any, ...], cycle: tuple[Any, ...] = ()) -> Violation:
    """The violation that a trace records, with its actions in a system."""
    return Violation(
        property=trace.property,
        kind=trace.kind,
        witness=trace.witness,
        actions=actions,
        suffix=trace.suffix,
        cycle=cycle,
        strategy=trace.strategy,
        seed=trace.seed,
    )


def _stem(trace: Trace) -> Violation:
    """The violation before its first action, from which variants begin."""
    return Violation(property=trace.property, kind=trace.kind, witness=trace.witness, actions=())


def decoded(system: AnySystem, texts: Iterable[str]) -> tuple[Any, ...]:
    """Those actions that this system still knows."""
    found = []
    for text in texts:
        try:
            found.append(system.decode(text))
        except (KspecError, ValueError, KeyError):
            continue
    return tuple(found)


def _read(text: str, paths: Iterable[Path | str]) -> tuple[Trace, AnySystem, Property]:
    for path in map(str, paths):
        if path not in sys.path:
            sys.path.append(path)
    trace = traces.from_text(text)
    return trace, *stage(trace)


def _story(system: AnySystem, prop: Property, found: Violation) -> str:
    """The violation for the output of a failed test: promise, steps, cause."""
    lines = [f"{prop.name} is violated: {found.witness or prop.promise}", f"  {prop.promise}"]
    for number, action in enumerate(found.actions[:MOST_STEPS_SHOWN], 1):
        lines.append(f"  {number:3}. {system.encode(action)}")
    if len(found.actions) > MOST_STEPS_SHOWN:
        lines.append(f"       ... {len(found.actions) - MOST_STEPS_SHOWN} more")
    try:
        lines += [f"  {line}" for line in explain(system, prop, found).lines]
    except Exception as error:  # the violation matters more than its explanation
        lines.append(f"  it could not be explained: {type(error).__name__}: {error}")
    return "\n".join(lines)
