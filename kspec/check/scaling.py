"""Incremental scaling: the same check on growing topologies, until the smallest one that fails."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import attrs

from kspec.check.listener import Listener
from kspec.check.options import Options, refuse_conflicts
from kspec.check.outcome import Report
from kspec.check.plan import make_plan
from kspec.check.run import explore_plan
from kspec.check.searching import Budget, Clock
from kspec.errors import (
    EXIT_HOLDS,
    EXIT_INTERRUPTED,
    EXIT_UNFINISHED,
    EXIT_VIOLATION,
    InputError,
)
from kspec.suite import Suite

SCHEMA = "kspec.dev/scale/v1"
MOST = 10_000
"""Topologies; more are surely a slip of the pen."""

EXPECTED = "nodes=1..6,replicas=3"
_AXIS = re.compile(r"\s*([a-z]+)\s*=\s*(\d+)(?:\.\.(\d+))?\s*")
WORDS = {
    EXIT_VIOLATION: "FAILS",
    EXIT_UNFINISHED: "unfinished",
    EXIT_INTERRUPTED: "interrupted",
}
Sizes = Mapping[str, int]


def topologies(text: str) -> tuple[Sizes, ...]:
    """The sizes that `nodes=1..6,replicas=1..8` names, the smallest first.

    Small is measured by the sum of the sizes; of equal sums the first axis grows last. Raises
    InputError for any other text.
    """
    ranges: dict[str, range] = {}
    for part in text.split(","):
        match = _AXIS.fullmatch(part)
        if match is not None and match[1] in ranges:
            raise InputError(f"--scale names {match[1]} twice", expected=EXPECTED)
        if match is None:
            raise InputError(f"--scale {part!r} is not understood", expected=EXPECTED)
        low, high = int(match[2]), int(match[3] or match[2])
        if not 1 <= low <= high:
            raise InputError(
                f"--scale {part!r} names no size", expected="a range from 1 on, such as 1..6"
            )
        ranges[match[1]] = range(low, high + 1)
    count = 1
    for sizes in ranges.values():
        count *= len(sizes)
    if count > MOST:
        raise InputError(f"--scale names {count:,} topologies", expected=f"at most {MOST:,}")
    every = sorted(product(*ranges.values()), key=lambda sizes: (sum(sizes), sizes))
    return tuple(dict(zip(ranges, sizes, strict=True)) for sizes in every)


def name_of(sizes: Sizes) -> str:
    return ", ".join(f"{axis}={size}" for axis, size in sizes.items())


@attrs.frozen
class Topology:
    """One size of the world, and what the check of it reported."""

    sizes: Sizes
    report: Report


@attrs.frozen(kw_only=True)
class ScaleReport:
    """The topologies that were checked, in their order, of all that were asked for."""

    checked: tuple[Topology, ...]
    asked: int

    @property
    def smallest_failing(self) -> Topology | None:
        """The first that failed: the walk ends there."""
        return next((found for found in self.checked if found.report.has_failed), None)

    @property
    def exit_status(self) -> int:
        """That of the failing one; else interrupted, unfinished or 0."""
        statuses = {found.report.exit_status for found in self.checked}
        failing = self.smallest_failing
        if failing is not None:
            return failing.report.exit_status
        if EXIT_INTERRUPTED in statuses:
            return EXIT_INTERRUPTED
        is_short = EXIT_UNFINISHED in statuses or len(self.checked) < self.asked
        return EXIT_UNFINISHED if is_short else EXIT_HOLDS

    def to_json(self) -> dict[str, Any]:
        """For machines: every topology, and the whole report of the smallest that fails."""
        failing = self.smallest_failing
        return {
            "schema": SCHEMA,
            "asked": self.asked,
            "checked": [
                {
                    "sizes": dict(found.sizes),
                    "failed": found.report.has_failed,
                    "status": found.report.exit_status,
                    "steps": found.report.steps,
                    "states": found.report.states,
                }
                for found in self.checked
            ],
            "smallest_failing": dict(failing.sizes) if failing else None,
            "report": failing.report.to_json() if failing else None,
        }


def check_scale(
    suite: Suite,
    options: Options,
    scale: str,
    listener: Listener | None = None,
    clock: Clock = time.monotonic,
) -> ScaleReport:
    """Check topology after topology and stop at the first that fails.

    Steps and seconds are shared out over all of them. Raises InputError for an axis that the world
    does not have, before anything is explored.
    """
    refuse_conflicts(options)
    every = topologies(scale)
    plan = make_plan(suite, options)
    worlds = [suite.scaled(plan.world, sizes) for sizes in every]
    budget = Budget(*options.limits, clock)
    checked: list[Topology] = []
    for number, (sizes, world) in enumerate(zip(every, worlds, strict=True)):
        if number and budget.is_overdrawn:
            break
        steps, seconds = budget.share(1, len(every) - number)
        out = options.out / name_of(sizes).replace(", ", "-")
        share = attrs.evolve(options, steps=steps, seconds=seconds, out=out)
        if options.checkpoint is not None:
            share = attrs.evolve(share, checkpoint=options.checkpoint / out.name)
        report = explore_plan(suite, attrs.evolve(plan, world=world), share, listener, clock)
        budget.spend(report.states if options.is_exhaustive else report.steps)
        checked.append(Topology(sizes, report))
        if report.has_failed or report.is_interrupted:
            break
    return ScaleReport(checked=tuple(checked), asked=len(every))


def lines(found: ScaleReport) -> Iterator[str]:
    """A line for each topology, for people; the failing one's own report follows."""
    for topology in found.checked:
        report = topology.report
        word = WORDS.get(report.exit_status, "kept")
        yield f"  {word:11} {name_of(topology.sizes)} ({report.steps:,} steps)"
    failing = found.smallest_failing
    if failing is not None:
        yield f"the smallest topology that fails: {name_of(failing.sizes)}"
    elif any(t.report.exit_status == EXIT_UNFINISHED for t in found.checked):
        yield "a limit stopped some of them: give more --steps or --seconds"
    elif len(found.checked) < found.asked:
        missed = found.asked - len(found.checked)
        yield f"{missed:,} of {found.asked:,} topologies were not checked: give more --seconds"
    else:
        yield f"none of the {found.asked:,} topologies failed"
