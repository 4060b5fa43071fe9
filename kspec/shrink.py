"""Shrinking: the schedule, then the workload, then the world, for the same kind of violation.

Every stage is greedy, deterministic and counted in replays, never in seconds. A smaller world is
adopted where the actions still lead there, in no more of them, and then the schedule has another
go. Because actions name what they deliver, leaving one out does not shift the others, and greedy
removal finds what delta debugging finds in a seventh of the replays.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import attrs

from kspec.errors import KspecError
from kspec.explore.exploration import Violation
from kspec.property import Property
from kspec.replay import replay_leniently
from kspec.shrinking.remembering import Remembering
from kspec.shrinking.schedule import Schedule
from kspec.shrinking.tried import SCHEDULE, Record, Tried
from kspec.suite import Smaller
from kspec.system import AnySystem

BUDGET = 2_000


@attrs.frozen(kw_only=True)
class Shrunk:
    """The smaller violation, the system and world that it is of, and what it took.

    is_minimal: no single action can be left out; False where the budget ended first, or where the
    violation did not come back at all. tried: what each stage did.
    """

    violation: Violation
    system: AnySystem
    world: Any
    replays: int
    is_minimal: bool
    tried: tuple[Tried, ...] = ()


class _OutOfBudget(Exception):
    """No replay is left."""


class _Shrinker:
    def __init__(
        self,
        system: AnySystem,
        prop: Property,
        violation: Violation,
        world: Any,
        budget: int,
        most_steps: int | None = None,
    ) -> None:
        self.prop, self.world, self.budget, self.most_steps = prop, world, budget, most_steps
        self.best = violation
        self.replays = 0
        self.record = Record()
        self.settle_in(system)

    def settle_in(self, system: AnySystem) -> None:
        """Go on in this system, whose states are not known yet."""
        self.system = system
        self.remembering = Remembering.of(system)
        self.began = self.remembering.stepped

    def attempt(
        self, system: AnySystem, actions: Sequence[Any], like: Violation | None = None
    ) -> Violation | None:
        is_long = self.remembering.stepped - self.began >= (self.most_steps or math.inf)
        if self.replays >= self.budget or is_long:
            raise _OutOfBudget
        self.replays += 1
        try:
            return replay_leniently(system, self.prop, actions, like or self.best)
        except Exception:  # a broken model may crash beside its path; that is another story
            return None

    def adopt(self, found: Violation) -> None:
        self.best = found
        self.remembering.remember(found.actions)

    def schedule(self) -> None:
        """The first stage, from the best violation so far."""
        replays, before = self.replays, len(self.best.actions)
        stage = Schedule(
            self.best,
            lambda actions: self.attempt(self.remembering, actions),
            self.system.actor,
            self.adopt,
        )
        try:
            stage.run()
            self.cycle()
        finally:
            self.record.add(SCHEDULE, self.replays - replays, before, len(self.best.actions))

    def cycle(self) -> None:
        """Leave out parts of the cycle of a lasso, where what is left still comes back."""
        size = len(self.best.cycle) // 2
        while size:
            end = len(self.best.cycle)
            while end > 0:
                cycle, start = self.best.cycle, max(0, end - size)
                like = attrs.evolve(self.best, cycle=cycle[:start] + cycle[end:])
                found = like.cycle and self.attempt(self.system, self.best.actions, like)
                if found and len(found.cycle) < len(cycle):
                    self.adopt(found)
                end = start
            size //= 2

    def worlds(
        self, smaller: Callable[[Any], Iterable[Smaller]], build: Callable[[Any], AnySystem]
    ) -> None:
        """The other stages: each cut is tried once in a pass, until a pass finds nothing."""
        is_smaller = True
        while is_smaller:
            is_smaller = False
            tried: set[tuple[str, str]] = set()
            while self._cut(smaller, build, tried):
                is_smaller = True
                self.schedule()

    def _cut(
        self,
        smaller: Callable[[Any], Iterable[Smaller]],
        build: Callable[[Any], AnySystem],
        tried: set[tuple[str, str]],
    ) -> bool:
        """Adopt the first smaller world with the same violation in no more actions."""
        for cut in smaller(self.world):
            if (cut.stage, cut.what) in tried:
                continue
            tried.add((cut.stage, cut.what))
            replays, before = self.replays, len(self.best.actions)
            found = system = None
            try:
                system = build(cut.world)
                found = self.attempt(system, self.best.actions)
            except KspecError:
                pass  # a world that cannot stand, or in which the actions mean nothing
            is_adopted = found is not None and len(found.actions) <= before
            after = len(found.actions) if found is not None and is_adopted else before
            self.record.add(
                cut.stage, self.replays - replays, before, after, cut.what if is_adopted else ""
            )
            if found is not None and system is not None and is_adopted:
                self.world = cut.world
                self.settle_in(system)
                self.adopt(found)
                return True
        return False


def shrink(
    system: AnySystem,
    prop: Property,
    violation: Violation,
    *,
    world: Any = None,
    shrink_world: Callable[[Any], Iterable[Smaller]] | None = None,
    build: Callable[[Any], AnySystem] | None = None,
    budget: int = BUDGET,
    most_steps: int | None = None,
) -> Shrunk:
    """Make a violation smaller, deterministically and in at most `budget` replays.

    system: where it remembers the states of the violation, its replays start late. most_steps:
    of that system, beyond those of the violation itself, after which no further replay is begun.
    shrink_world: smaller worlds than the one it is given, best first; build: the system of a
    world. Without both of them the world stays as it is.
    """
    work = _Shrinker(system, prop, violation, world, budget, most_steps)
    is_minimal = False
    try:
        found = work.attempt(work.remembering, violation.actions)
        if found is not None:
            work.adopt(found)
            work.schedule()
            if shrink_world is not None and build is not None:
                work.worlds(shrink_world, build)
            is_minimal = True
    except _OutOfBudget:
        pass
    return Shrunk(
        violation=work.best,
        system=work.system,
        world=work.world,
        replays=work.replays,
        is_minimal=is_minimal,
        tried=work.record.tried,
    )
