"""A hunt: one historical bug is looked for in its own world, and its trace is made small.

It counts as found where the property that it breaks fails, the small trace replays strictly, and
the model without the bug passes the same world, seed and steps. A live limit has nothing to do
without: there the faithful model is what fails.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs

from kspec.check import Options, check
from kspec.check.failures import Failure
from kspec.check.outcome import Report
from kspec.check.plan import named
from kspec.suite import Bug, Suite

SCHEMA = "kspec.dev/bugs/v1"
SECONDS = 60.0
"""How long a bug is looked for."""

Clock = Callable[[], float]


@attrs.frozen(kw_only=True)
class Caught:
    """What became of one hunt.

    seconds: wall-clock time of search, shrinking, replay and control. actions: of the small trace,
    not counting a fair suffix that follows from it. problem: why it does not count as found.
    """

    bug: Bug
    seconds: float
    actions: int | None = None
    trace: str = ""
    witness: str = ""
    problem: str = ""

    @property
    def found(self) -> bool:
        return not self.problem

    @property
    def is_short(self) -> bool:
        """Whether the trace is as short as the estimate asks for."""
        return self.actions is not None and self.actions <= self.bug.longest_trace

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.bug.name,
            "found": self.found,
            "property": self.bug.property,
            "seconds": round(self.seconds, 2),
            "actions": self.actions,
            "estimate": self.bug.estimate,
            "trace": self.trace or None,
        }


def chosen(suite: Suite, ids: Sequence[str]) -> tuple[Bug, ...]:
    """The bugs of these ids, all without any. Raises InputError for an id that none has."""
    known = suite.bugs()
    return tuple(named("bug", name, known) for name in ids) or known


def hunts(
    suite: Suite,
    bugs: Sequence[Bug],
    *,
    seed: int = 0,
    seconds: float = SECONDS,
    out: Path = Path("kspec-out"),
    clock: Clock = time.monotonic,
) -> Iterator[Caught]:
    """Hunt the bugs one after the other."""
    for bug in bugs:
        began = clock()
        options = Options(mutant=bug.name, seed=seed, seconds=seconds, out=out / bug.name)
        report = check(suite, options)
        yield _caught(bug, report, clock() - began)
        if report.is_interrupted:
            raise KeyboardInterrupt


def _caught(bug: Bug, report: Report, seconds: float) -> Caught:
    failure = next((f for f in report.failures if f.property.name == bug.property), None)
    if failure is None:
        problem = f"not found in {report.steps:,} steps"
        return Caught(bug=bug, seconds=seconds, problem=problem)
    return Caught(
        bug=bug,
        seconds=seconds,
        actions=len(failure.trace.actions),
        trace=failure.path,
        witness=failure.trace.witness,
        problem=_objection(bug, report, failure),
    )


def _objection(bug: Bug, report: Report, failure: Failure) -> str:
    """Why what failed is not the bug; "" where it is."""
    if failure.problem:
        return f"its trace does not replay: {failure.problem}"
    controls = [line for line in report.remarks if line.startswith("control:")]
    if not bug.is_live_limit and not any("passes" in line for line in controls):
        return "the model without it fails as well"
    return ""


def to_json(caught: Sequence[Caught]) -> dict[str, Any]:
    """The hunt for machines; `kspec schema bugs` prints its schema."""
    return {"schema": SCHEMA, "bugs": [each.to_json() for each in caught]}
