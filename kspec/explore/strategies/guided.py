"""Coverage-guided: a schedule that showed something new is replayed, changed at a few places.

After Wolff et al., "Greybox Fuzzing for Concurrency Testing" (ASPLOS 2024): what is new is an order
of conflicting actions (`kspec.explore.orders`), and a schedule that showed one is varied. The
portfolio keeps the corpus. Recorded actions that are disabled are skipped; where the record ends,
or no longer fits, PCT goes on, and without a record PCT is the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from kspec.explore.strategies.environment import Environment
from kspec.explore.strategies.pct import Pct
from kspec.explore.strategies.strategy import PerAction, Scale
from kspec.system import AnySystem, Footprint

LOST = 20
"""So many recorded actions in a row that are disabled: the run has gone another way."""

MUTATIONS = 3
FAR = 200
"""How many actions later a conflicting one is looked for."""

_ENVIRONMENT = object()
"""Stands in a plan for whatever user, fault or clock can act there."""


class Guided:
    name = "guided"

    def __init__(self, system: AnySystem) -> None:
        self._system = system
        self._environment = Environment(system)
        self._actor_of = PerAction(system.actor)
        self._footprint_of = PerAction(system.footprint)
        self._after = Pct(system)
        self._plan: list[Any] = []

    @property
    def contested(self) -> int:
        return self._after.contested

    def begin(self, rng: Random, scale: Scale) -> None:
        plan = list(scale.schedule)
        if plan:
            for _ in range(rng.randint(1, MUTATIONS)):
                rng.choice((self._delay, self._swap, self._insert, self._cut))(plan, rng)
        self._plan = plan[::-1]
        self._environment.begin(rng)
        self._after.begin(rng, scale)

    def choose(self, state: Any, enabled: Sequence[Any]) -> int:
        plan, missed = self._plan, 0
        while plan:
            index = self._next(state, enabled)
            if index >= 0:
                return index
            missed += 1
            if missed >= LOST:
                plan.clear()
        return self._after.choose(state, enabled)

    def _next(self, state: Any, enabled: Sequence[Any]) -> int:
        """The index of the next planned action; -1 where it is disabled, and it is dropped."""
        action = self._plan[-1]
        if action is _ENVIRONMENT:
            self._plan.pop()
            kinds = map(self._environment.kind_of.__getitem__, enabled)
            is_possible = any(kind != "system" for kind in kinds)
            return self._environment.choose(enabled) if is_possible else -1
        if action not in enabled:
            action = self._system.resolve(state, action)
        if action is not None and action not in enabled:
            return self._towards(action, enabled)
        self._plan.pop()
        return -1 if action is None else enabled.index(action)

    def _towards(self, action: Any, enabled: Sequence[Any]) -> int:
        """The step towards an action that spans several; it stays planned until it is reached."""
        actor_of = self._actor_of
        for index, other in enumerate(enabled):
            if type(other) is type(action) and actor_of[other] == actor_of[action]:
                return index
        self._plan.pop()
        return -1

    # mutations, in place

    def _delay(self, plan: list[Any], rng: Random) -> None:
        """One actor does nothing for a while, and then all at once."""
        start = rng.randrange(len(plan))
        end = rng.randint(start + 1, len(plan))
        who = self._actor_at(plan, start)
        late = [action for action in plan[start:end] if self._is_of(who, action)]
        plan[start:end] = [a for a in plan[start:end] if not self._is_of(who, a)] + late

    def _swap(self, plan: list[Any], rng: Random) -> None:
        """An action comes after the next one that conflicts with it."""
        start = rng.randrange(len(plan))
        if plan[start] is _ENVIRONMENT:
            return
        mine = self._footprint_of[plan[start]]
        for later in range(start + 1, min(len(plan), start + FAR)):
            if plan[later] is not _ENVIRONMENT and races(mine, self._footprint_of[plan[later]]):
                plan.insert(later, plan.pop(start))
                return

    def _insert(self, plan: list[Any], rng: Random) -> None:
        """A user, a fault or the clock acts."""
        plan.insert(rng.randrange(len(plan)), _ENVIRONMENT)

    def _cut(self, plan: list[Any], rng: Random) -> None:
        """Its last actions are left open: one, or all, each order of magnitude as likely."""
        del plan[max(1, len(plan) - rng.randint(1, 2 ** rng.randint(0, len(plan).bit_length()))) :]

    def _actor_at(self, plan: list[Any], index: int) -> Any:
        return None if plan[index] is _ENVIRONMENT else self._actor_of[plan[index]]

    def _is_of(self, who: Any, action: Any) -> bool:
        return action is not _ENVIRONMENT and self._actor_of[action] == who


def races(one: Footprint, other: Footprint) -> bool:
    """Does one of them write what both touch?"""
    touched = (*other.reads, *other.writes)
    return any(key in touched for key in one.writes) or any(
        key in other.writes for key in one.reads
    )
