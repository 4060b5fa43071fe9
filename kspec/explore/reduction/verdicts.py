"""Symmetry and properties: a renaming must leave every verdict as it is, or states are left out.

A search up to symmetry judges one state of each orbit, so that a property which names objects would
be passed. In some of the states that are expanded every step is therefore judged, and what it leads
to, beside the steps out of a renamed state to states of the same mark. Renamed states themselves
are not judged: a property may look at the step that has made a state, and none has made these.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random
from typing import Any

from kspec.explore.reduction.symmetry import BrokenSymmetry, Symmetry
from kspec.property import LIVENESS, Kind, Property
from kspec.system import AnySystem

FIRST, EVERY = 24, 4_096
"""Compared are the first so many states that are expanded, and one in so many after them."""

FEW, RENAMINGS = 6, 4
"""The first few are compared with so many renamings each, because a small space has few more."""


def compare_verdicts(
    system: AnySystem,
    symmetry: Symmetry,
    properties: Iterable[Property],
    state: Any,
    others: Iterable[Any],
) -> None:
    """Judge the steps out of a state beside those out of renamed ones. Raises BrokenSymmetry."""
    judged = [prop for prop in properties if prop.kind not in LIVENESS]
    if not judged:
        return
    ours = _verdicts(system, symmetry, judged, state)
    for other in others:
        theirs = _verdicts(system, symmetry, judged, other)
        for prop, verdicts, renamed in zip(judged, ours, theirs, strict=True):
            if verdicts != renamed:
                what = "step" if prop.kind is Kind.TRANSITION else "state"
                raise BrokenSymmetry(
                    f"property {prop.name} tells a {what} from a renamed one: it names objects, "
                    "and is to be checked without symmetry"
                )


def _verdicts(
    system: AnySystem, symmetry: Symmetry, properties: Sequence[Property], state: Any
) -> list[list[tuple[int, bool]]]:
    """For each property, the mark of what each step leads to and whether it holds of the step."""
    following = [system.step(state, action) for action in system.enabled(state)]
    marks = list(map(symmetry.canonical, following))
    return [
        sorted(
            (mark, bool(prop.holds(state, after)))
            for mark, after in zip(marks, following, strict=True)
        )
        for prop in properties
    ]


class Compared:
    """A system that compares verdicts in some of the states that it is asked to expand.

    All that is not here is the system's own.
    """

    def __init__(
        self, system: AnySystem, symmetry: Symmetry, properties: Iterable[Property], seed: int
    ) -> None:
        self._system, self._symmetry = system, symmetry
        self._properties, self._rng = tuple(properties), Random(seed)
        self._asked = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._system, name)

    def enabled(self, state: Any) -> Sequence[Any]:
        """What the system enables. Raises BrokenSymmetry where a verdict depends on names."""
        self._asked += 1
        count = int(self._asked <= FIRST or not self._asked % EVERY)
        if self._asked <= FEW:
            count = RENAMINGS
        if count:
            others = [self._symmetry.permuted(state, self._rng) for _ in range(count)]
            compare_verdicts(self._system, self._symmetry, self._properties, state, others)
        enabled: Sequence[Any] = self._system.enabled(state)
        return enabled
