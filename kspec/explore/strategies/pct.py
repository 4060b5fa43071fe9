"""PCT: random priorities per actor, lowered at a few random points.

After Burckhardt et al., "A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs"
(ASPLOS 2010): a bug that d ordered steps expose is found with probability at least 1/(n k^(d-1))
among n actors and k steps, while each actor has one enabled action at a time. Steps count only
where two actors compete. The choice among several actions of one actor, and the environment
(faults, users, the clock), are drawn outside that bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from kspec.explore.strategies.environment import ENVIRONMENT, Environment
from kspec.explore.strategies.strategy import PerAction, Scale
from kspec.system import AnySystem

DEPTHS = 4
PATIENCE = 50
"""An actor that wins so many contests in a row is retrying for ever, and is lowered like any."""


class _Priorities(dict[Any, float]):
    """The priority of each actor of one run, drawn when it is first seen."""

    def __init__(self, rng: Random) -> None:
        super().__init__({None: ENVIRONMENT})
        self._random = rng.random

    def __missing__(self, actor: Any) -> float:
        value = self[actor] = self._random()
        return value


class Pct:
    """Depth and the rate of environment actions are drawn anew for each run."""

    name = "pct"

    def __init__(self, system: AnySystem) -> None:
        actor = system.actor
        self._environment = environment = Environment(system)
        kind_of = environment.kind_of
        self._actor_of = PerAction(lambda a: actor(a) if kind_of[a] == "system" else None)
        self.begin(Random(0), Scale(1, 1))

    def begin(self, rng: Random, scale: Scale) -> None:
        self._rng = rng
        self._priority = priority = _Priorities(rng)
        actor_of = self._actor_of
        self._value = PerAction(lambda action: priority[actor_of[action]])
        self._value_of = self._value.__getitem__
        self._lowest = -1.0
        self.contested = self._streak = 0
        self._winner = 0.0
        span = max(1, min(scale.contested, scale.length))
        depth = rng.randint(1, DEPTHS)
        self._changes = {rng.randint(1, span) for _ in range(depth - 1)}
        self._environment.begin(rng)

    def choose(self, state: Any, enabled: Sequence[Any]) -> int:
        values = list(map(self._value_of, enabled))
        top = max(values)
        outside = values.count(ENVIRONMENT)
        if outside and (top == ENVIRONMENT or self._environment.is_due()):
            return self._environment.choose(enabled)
        ties = values.count(top)
        if ties + outside < len(values):
            self.contested += 1
            self._streak = self._streak + 1 if top == self._winner else 0
            self._winner = top
            if self._streak >= PATIENCE or self.contested in self._changes:
                self._lower(enabled[values.index(top)])
                values = list(map(self._value_of, enabled))
                top = max(values)
                ties = values.count(top)
        if ties > 1:
            return self._rng.choice([i for i, value in enumerate(values) if value == top])
        return values.index(top)

    def _lower(self, action: Any) -> None:
        self._priority[self._actor_of[action]] = self._lowest
        self._lowest -= 1.0
        self._value.clear()
