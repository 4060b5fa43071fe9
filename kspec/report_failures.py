"""Failures for people: the causes in a line each, and each failure as a story."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from rich.text import Text

from kspec.check import Failure, Shown
from kspec.explain import Group
from kspec.explain.text import explanation_lines, group_lines
from kspec.explore import Suffix
from kspec.shrinking.tried import tried_text

MOST_STEPS = 60
MOST_OF_SUFFIX = 12
MOST_CHANGES = 8


def count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def grouped_lines(groups: Sequence[Group]) -> Iterator[str | Text]:
    """The causes in a line each; then each cause's shortest failure whole, and the others."""
    if groups:
        yield ""
        failures = count(sum(group.count for group in groups), "failure", "failures")
        yield Text(f"{count(len(groups), 'cause', 'causes')} of {failures}", "bold")
        yield from group_lines(groups)
    for group in groups:
        yield ""
        yield from failure_lines(group.first)
        yield from _others(group)


def _others(group: Group) -> Iterator[str | Text]:
    """The other failures of a cause: one for each property and column, and how many more."""
    told = {(group.first.property.name, group.first.faults)}
    for failure in group.failures[1:]:
        cell = (failure.property.name, failure.faults)
        if cell not in told:
            told.add(cell)
            yield ""
            yield from _same_cause_lines(failure)
    more = group.count - len(told)
    if more:
        yield f"  and {more:,} more of the same cause; their traces are beside this one"


def failure_lines(failure: Failure) -> Iterator[str | Text]:
    """One failure: witness, numbered steps with what they changed, and the line that replays it."""
    trace = failure.trace
    yield _failure_title(failure)
    yield f"  promise: {failure.property.promise}"
    yield f"  witness: {trace.witness or 'the last state below'}"
    seed = "" if trace.seed is None else f" with seed {trace.seed}"
    yield f"  found by {trace.strategy}{seed}{_shrunk(failure)}"
    if failure.tried:
        yield f"  shrunk: {tried_text(failure.tried)}"
    recorded = [step for step in failure.steps if not step.is_suffix]
    yield from steps_of(recorded)
    rest = failure.steps[len(recorded) :]
    if trace.cycle:
        yield "       and then, for ever:"
        yield from steps_of(rest, len(recorded) + 1, MOST_OF_SUFFIX)
    elif trace.suffix is not None:
        yield "       and then, with no more faults and first come first served:"
        yield from steps_of(rest, len(recorded) + 1, MOST_OF_SUFFIX)
        yield f"       {ending(trace.suffix)}"
    yield from explanation_lines(failure.explanation, failure.unexplained)
    yield from _replay_lines(failure)


def _failure_title(failure: Failure) -> Text:
    title, style = ("known limit", "magenta") if failure.known_limit else ("FAILS", "bold red")
    return Text(f"{title}: {failure.property.name} (faults: {failure.faults})", style)


def _same_cause_lines(failure: Failure) -> Iterator[str | Text]:
    """A failure whose cause has been told already."""
    yield _failure_title(failure)
    yield f"  witness: {failure.trace.witness or 'the last state of the trace'}"
    yield f"  the same cause, in {count(len(failure.trace.actions), 'action', 'actions')}"
    yield from _replay_lines(failure)


def _replay_lines(failure: Failure) -> Iterator[str | Text]:
    if failure.problem:
        yield Text(f"  this trace does NOT replay: {failure.problem}", "bold red")
    yield f"  replay:  {replay_line(failure.path)}"


def _shrunk(failure: Failure) -> str:
    length = len(failure.trace.actions)
    before = failure.found_after
    return f": {length} actions" + (f", shrunk from {before:,}" if before > length else "")


def replay_line(path: str) -> str:
    """What to paste into a shell."""
    return f"kspec replay {shlex.quote(path)}"


def ending(suffix: Suffix) -> str:
    """How a run that breaks a liveness property ends."""
    if suffix.cycle:
        return f"the last {count(suffix.cycle, 'step', 'steps')} repeat for ever"
    return "after which nothing more happens"


def steps_of(
    steps: Sequence[Shown], first: int = 1, most: int = MOST_STEPS
) -> Iterator[str | Text]:
    """Numbered steps with the fields that each changed; the middle of a long list is left out."""
    left_out = range(most // 2, len(steps) - most // 2) if len(steps) > most else range(0)
    for index, step in enumerate(steps):
        if index not in left_out:
            yield from step_lines(first + index, step)
        elif index == left_out.start:
            yield f"       ... {len(left_out):,} steps that the replay shows ..."


def step_lines(number: int, step: Shown, most: int = MOST_CHANGES) -> Iterator[str | Text]:
    """One step: the action, and indented below it what changed."""
    yield Text(f"  {number:3}. {step.text}", "bold")
    for change in step.changes[:most]:
        yield f"         {change}"
    if len(step.changes) > most:
        yield f"         ... and {len(step.changes) - most} more fields"
