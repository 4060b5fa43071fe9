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

from kspec.explore.strategy import PerAction, Scale, kind_of
from kspec.system import AnySystem

DEPTHS = 4
RATES = (0.01, 0.03, 0.1, 0.3)


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
        self._priority: dict[str, float] = {}
        self._lowest = -1.0
        self.contested = 0
        span = max(1, min(scale.contested, scale.length))
        depth = rng.randint(1, DEPTHS)
        self._changes = {rng.randint(1, span) for _ in range(depth - 1)}
        self._rate = rng.choice(RATES)

    def choose(self, state: Any, enabled: Sequence[Any]) -> int:
        environment, best, index, several, rivals = self._scan(enabled)
        if environment and (best is None or self._rng.random() < self._rate):
            return self._environment(enabled)
        if rivals:
            self.contested += 1
            if self.contested in self._changes:
                self._priority[best] = self._lowest
                self._lowest -= 1.0
                _, best, index, several, _ = self._scan(enabled)
        return self._one_of(enabled, best) if several else index

    def _scan(self, enabled: Sequence[Any]) -> tuple[bool, Any, int, bool, bool]:
        """Is the environment enabled; the first actor, its index, has it several; has it rivals."""
        actor_of, priority = self._actor_of, self._priority
        environment = several = rivals = False
        best, index, top = None, -1, 0.0
        for place, action in enumerate(enabled):
            actor = actor_of[action]
            if actor is None:
                environment = True
                continue
            if actor == best:
                several = True
                continue
            value = priority.get(actor)
            if value is None:
                value = priority[actor] = self._rng.random()
            rivals = best is not None
            if best is None or value > top:
                best, index, top, several = actor, place, value, False
        return environment, best, index, several, rivals

    def _one_of(self, enabled: Sequence[Any], actor: Any) -> int:
        actor_of = self._actor_of
        return self._rng.choice([i for i, a in enumerate(enabled) if actor_of[a] == actor])

    def _environment(self, enabled: Sequence[Any]) -> int:
        """First which kind, so that many possible faults do not crowd out the user."""
        by_kind: dict[str, list[int]] = {}
        for index, action in enumerate(enabled):
            if self._actor_of[action] is None:
                by_kind.setdefault(self._kind_of[action], []).append(index)
        return self._rng.choice(by_kind[self._rng.choice(list(by_kind))])
