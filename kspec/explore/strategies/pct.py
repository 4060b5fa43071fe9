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

from kspec.explore.strategies.strategy import PerAction, Scale, kind_of
from kspec.system import AnySystem

DEPTHS = 4
RATES = (0.02, 0.05, 0.15, 0.4)
PATIENCE = 50
"""An actor that wins so many contests in a row is retrying for ever, and is lowered like any."""

ENVIRONMENT = float("-inf")


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
        kind, actor = kind_of(system), system.actor
        self._kind_of = PerAction(kind)
        self._actor_of = PerAction(lambda a: actor(a) if kind(a) == "system" else None)
        self.begin(Random(0), Scale(1, 1))

    def begin(self, rng: Random, scale: Scale) -> None:
        self._rng = rng
        self._priority = priority = _Priorities(rng)
        actor_of = self._actor_of
        self._value = PerAction(lambda action: priority[actor_of[action]])
        self._lowest = -1.0
        self.contested = self._streak = 0
        self._winner = 0.0
        span = max(1, min(scale.contested, scale.length))
        depth = rng.randint(1, DEPTHS)
        self._changes = {rng.randint(1, span) for _ in range(depth - 1)}
        self._rate = rng.choice(RATES)

    def choose(self, state: Any, enabled: Sequence[Any]) -> int:
        values = list(map(self._value.__getitem__, enabled))
        rivals = set(values)
        if ENVIRONMENT in rivals:
            rivals.discard(ENVIRONMENT)
            if not rivals or self._rng.random() < self._rate:
                return self._environment(enabled)
        top = max(rivals)
        if len(rivals) > 1:
            self.contested += 1
            self._streak = self._streak + 1 if top == self._winner else 0
            self._winner = top
            if self.contested in self._changes or self._streak >= PATIENCE:
                self._lower(enabled[values.index(top)])
                values = list(map(self._value.__getitem__, enabled))
                top = max(values)
        if values.count(top) > 1:
            return self._rng.choice([i for i, value in enumerate(values) if value == top])
        return values.index(top)

    def _lower(self, action: Any) -> None:
        self._priority[self._actor_of[action]] = self._lowest
        self._lowest -= 1.0
        self._value.clear()

    def _environment(self, enabled: Sequence[Any]) -> int:
        """First which kind, so that many possible faults do not crowd out the user."""
        by_kind: dict[str, list[int]] = {}
        for index, action in enumerate(enabled):
            if self._actor_of[action] is None:
                by_kind.setdefault(self._kind_of[action], []).append(index)
        return self._rng.choice(by_kind[self._rng.choice(list(by_kind))])
