"""Shrinking: fewer actions, then a smaller world, that violate the same property in the same way.

Chunks of actions are left out from the end, in halving sizes, until no single action can be left
out. Because actions name what they deliver, leaving one out does not shift the others, and greedy
removal finds what delta debugging finds in a seventh of the replays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import attrs

from kspec.errors import KspecError
from kspec.explore.exploration import Violation
from kspec.property import Property
from kspec.replay import replay_leniently
from kspec.system import AnySystem

BUDGET = 2_000


@attrs.frozen(kw_only=True)
class Shrunk:
    """The smaller violation, the system and world that it is of, and what it took.

    is_minimal: no single action can be left out; False where the budget ended first, or where the
    violation did not come back at all.
    """

    violation: Violation
    system: AnySystem
    world: Any
    replays: int
    is_minimal: bool


class _OutOfBudget(Exception):
    """No replay is left."""


class _Shrinker:
    def __init__(
        self, system: AnySystem, prop: Property, violation: Violation, world: Any, budget: int
    ) -> None:
        self.system, self.prop, self.world, self.budget = system, prop, world, budget
        self.best = violation
        self.replays = 0

    def attempt(self, system: AnySystem, actions: Sequence[Any]) -> Violation | None:
        if self.replays >= self.budget:
            raise _OutOfBudget
        self.replays += 1
        try:
            return replay_leniently(system, self.prop, actions, self.best)
        except Exception:  # a broken model may crash beside its path; that is another story
            return None

    def actions(self) -> None:
        """Leave out chunks until a pass over single actions changes nothing."""
        size = max(1, len(self.best.actions) // 2)
        while True:
            is_smaller = self.sweep(size)
            if size > 1:
                size //= 2
            elif not is_smaller:
                return

    def sweep(self, size: int) -> bool:
        """Try to leave out each chunk of `size` actions, from the end to the start."""
        before = end = len(self.best.actions)
        while end > 0:
            start = max(0, end - size)
            actions = self.best.actions
            found = self.attempt(self.system, actions[:start] + actions[end:])
            if found is not None and len(found.actions) < len(actions):
                self.best = found
                start = min(start, len(found.actions))
            end = start
        return len(self.best.actions) < before

    def worlds(
        self, smaller: Callable[[Any], Iterable[Any]], build: Callable[[Any], AnySystem]
    ) -> bool:
        """Adopt the first smaller world with the same violation in no more actions."""
        for world in smaller(self.world):
            try:
                system = build(world)
                found = self.attempt(system, self.best.actions)
            except KspecError:
                continue  # a world that cannot stand, or in which the actions mean nothing
            if found is not None and len(found.actions) <= len(self.best.actions):
                self.system, self.world, self.best = system, world, found
                return True
        return False


def shrink(
    system: AnySystem,
    prop: Property,
    violation: Violation,
    *,
    world: Any = None,
    shrink_world: Callable[[Any], Iterable[Any]] | None = None,
    build: Callable[[Any], AnySystem] | None = None,
    budget: int = BUDGET,
) -> Shrunk:
    """Make a violation smaller, deterministically and in at most `budget` replays.

    shrink_world: smaller worlds than the one it is given, best first; build: the system of a
    world. Without both of them the world stays as it is.
    """
    work = _Shrinker(system, prop, violation, world, budget)
    is_minimal = False
    try:
        found = work.attempt(system, violation.actions)
        if found is not None:
            work.best = found
            work.actions()
            if shrink_world is not None and build is not None:
                while work.worlds(shrink_world, build):
                    work.actions()
            is_minimal = True
    except _OutOfBudget:
        pass
    return Shrunk(
        violation=work.best,
        system=work.system,
        world=work.world,
        replays=work.replays,
        is_minimal=is_minimal,
    )
