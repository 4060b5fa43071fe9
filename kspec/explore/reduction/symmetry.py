"""Symmetry: states that differ in names only are explored once, if the names really do not matter.

A system that has one says so by an object with two methods: a canonical mark, equal only for states
of one orbit, which a search uses in place of the fingerprint; and a random renaming of a state, by
which the claim is checked: a renamed state has the same mark, as many enabled actions, and they
lead to states of the same marks. Traces keep the states as they were, not renamed ones.

Left out: liveness, whose cycles need not be cycles of renamed states, and properties that name
objects; a property whose verdict a renaming changes is found by the same check.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any, Protocol

import attrs

from kspec.errors import KspecError
from kspec.property import LIVENESS, Kind, Property
from kspec.system import AnySystem


class Symmetry(Protocol):
    """The renamings under which a system claims to behave alike."""

    def canonical(self, state: Any) -> int:
        """64 bits, equal for a state and its renamings, and else different."""
        ...

    def permuted(self, state: Any, rng: Random) -> Any:
        """The state under a renaming that is drawn from `rng`."""
        ...


class BrokenSymmetry(KspecError):
    """Names can be told apart after all: the search would leave out states that differ."""


@attrs.frozen
class Checked:
    """How much a self-check looked at."""

    states: int
    steps: int


class Plain:
    """A symmetry of a system of plain values, from a function that lists all renamings of a state.

    The canonical mark is the smallest fingerprint among them.
    """

    def __init__(self, system: AnySystem, renamings: Any) -> None:
        self.system, self.renamings = system, renamings

    def canonical(self, state: Any) -> int:
        return min(map(self.system.fingerprint, self.renamings(state)))

    def permuted(self, state: Any, rng: Random) -> Any:
        return rng.choice(list(self.renamings(state)))


def check_symmetry(
    system: AnySystem,
    symmetry: Symmetry,
    properties: Iterable[Property] = (),
    *,
    seed: int = 0,
    walks: int = 4,
    steps: int = 25,
    renamings: int = 3,
) -> Checked:
    """Walk at random and compare each state with some renamed ones.

    Raises BrokenSymmetry where a mark, the enabled actions, what they lead to, or the verdict of a
    safety property differs.
    """
    successors = 0
    rng, judged = Random(seed), tuple(p for p in properties if p.kind not in LIVENESS)
    states = taken = 0
    for _ in range(walks):
        state = system.init()
        for _ in range(steps):
            for _ in range(renamings):
                successors = _compare(system, symmetry, state, symmetry.permuted(state, rng))
            states += 1
            taken += successors
            if not system.enabled(state):
                break
            state = _advance(system, symmetry, judged, state, rng)
    return Checked(states, taken)


def _compare(system: AnySystem, symmetry: Symmetry, state: Any, other: Any) -> int:
    """How many steps the state and a renamed one have in common: all of them, or it raises."""
    if symmetry.canonical(state) != symmetry.canonical(other):
        raise BrokenSymmetry("a renamed state has another canonical mark")
    ours = [(a, symmetry.canonical(system.step(state, a))) for a in system.enabled(state)]
    theirs = [(a, symmetry.canonical(system.step(other, a))) for a in system.enabled(other)]
    marks = sorted(mark for _, mark in ours)
    if marks != sorted(mark for _, mark in theirs):
        known = {mark for _, mark in theirs}
        odd = next((a for a, mark in ours if mark not in known), None)
        which = f", such as {system.encode(odd)}" if odd is not None else ""
        raise BrokenSymmetry(
            f"a renamed state has {len(theirs)} steps that lead elsewhere than the "
            f"{len(ours)} of the state itself{which}: names can be told apart"
        )
    return len(marks)


def _advance(
    system: AnySystem,
    symmetry: Symmetry,
    properties: tuple[Property, ...],
    state: Any,
    rng: Random,
) -> Any:
    """One random step; every property must say the same of the renamed state after it."""
    after = system.step(state, rng.choice(system.enabled(state)))
    other = symmetry.permuted(after, rng)
    for prop in properties:
        if prop.kind is Kind.INVARIANT and bool(prop.predicate(after)) != bool(
            prop.predicate(other)
        ):
            raise BrokenSymmetry(f"property {prop.name} tells a state from a renamed one")
    return after
