"""Swarm: each run leaves out or slows down some classes, under a strategy of its own.

After Groce et al., "Swarm Testing" (ISSTA 2012): many bugs need that something does not happen, so
runs that each omit a random half of the features find more than runs that all may do everything.
Fault classes are left out. System actions cannot be, else nothing would go on: some classes, or
some actors, are slow instead, which act where nothing else can, and now and then. Users may be held
back for a while.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from kspec.explore.strategies.environment import Environment
from kspec.explore.strategies.late import Late
from kspec.explore.strategies.pct import Pct
from kspec.explore.strategies.pos import Pos
from kspec.explore.strategies.strategy import PerAction, Scale, Strategy, class_of, fault_of
from kspec.explore.strategies.weighted import Weighted
from kspec.system import AnySystem

OMITTED = 0.5
"""How likely a fault class is left out of a run."""

SLOW_RATES = (0.0, 0.1, 0.3)
"""How likely a class or an actor is slow, one of these per run."""

LEAKS = (0.0, 0.02, 0.1)
"""How likely what is slow acts all the same, one of these per run."""

_FREE, _SLOW, _OUTSIDE, _USER, _LEFT_OUT = range(5)


class Swarm:
    name = "swarm"

    def __init__(self, system: AnySystem) -> None:
        self._kind_of = Environment(system).kind_of
        self._fault_of = fault_of(system)
        self._groupings = (PerAction(class_of(system)), PerAction(system.actor))
        self._bases: tuple[Strategy, ...] = (Pct(system), Late(system), Pos(system))
        self._bases += (Weighted(system),)
        self.begin(Random(0), Scale(1, 1))

    @property
    def contested(self) -> int:
        return self._base.contested

    def begin(self, rng: Random, scale: Scale) -> None:
        self._random = rng.random
        slow_rate, self._leak = rng.choice(SLOW_RATES), rng.choice(LEAKS)
        group_of = rng.choice(self._groupings)
        self._users_wait = rng.choice((0, rng.randrange(max(1, scale.length))))
        is_left_out = PerAction(lambda fault: rng.random() < OMITTED)
        is_slow = PerAction(lambda group: rng.random() < slow_rate)
        kind_of, fault_of = self._kind_of, self._fault_of

        def tag(action: Any) -> int:
            kind = kind_of[action]
            if kind == "system":
                return _SLOW if is_slow[group_of[action]] else _FREE
            if kind == "user":
                return _USER
            return _LEFT_OUT if kind == "fault" and is_left_out[fault_of(action)] else _OUTSIDE

        self._tag = PerAction(tag)
        self._base = rng.choice(self._bases)
        self._base.begin(rng, scale)

    def choose(self, state: Any, enabled: Sequence[Any]) -> int:
        tags = list(map(self._tag.__getitem__, enabled))
        refused = [tag for tag in self._refused(tags) if tag in tags]
        if not refused:
            return self._base.choose(state, enabled)
        allowed = [index for index, tag in enumerate(tags) if tag not in refused]
        if not allowed:  # nothing else is left
            return self._base.choose(state, enabled)
        return allowed[self._base.choose(state, [enabled[index] for index in allowed])]

    def _refused(self, tags: list[int]) -> list[int]:
        """The tags of what may not act now."""
        refused = [_LEFT_OUT]
        if self._users_wait > 0:
            self._users_wait -= 1
            if _FREE in tags or _SLOW in tags:
                refused.append(_USER)
        if _SLOW in tags and _FREE in tags and self._random() >= self._leak:
            refused.append(_SLOW)
        return refused
