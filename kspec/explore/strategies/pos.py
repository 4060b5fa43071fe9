"""POS, partial order sampling: a random priority per action, drawn again after each race.

After Yuan, Yang and Gu, "Partial Order Aware Concurrency Sampling" (CAV 2018). The enabled action
of the highest priority is taken; then the priorities of those that race with it, because one of
the two writes what both touch, are drawn anew. So both orders of a race are about as likely, at
whatever distance, and what is independent costs no luck. The environment is drawn apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from random import Random
from typing import Any

from kspec.explore.strategies.environment import ENVIRONMENT, Environment
from kspec.explore.strategies.strategy import PerAction, Scale
from kspec.system import AnySystem


class _Priorities(dict[Any, float]):
    """The priority of each pending action, and who touches a key, so that races need no search.

    facts: of each action, whether it is the system's, and the keys that it reads and writes.
    """

    def __init__(self, facts: PerAction, rng: Random) -> None:
        super().__init__()
        self._facts, self._random = facts, rng.random
        self._touching: defaultdict[str, dict[Any, None]] = defaultdict(dict)
        self._writing: defaultdict[str, dict[Any, None]] = defaultdict(dict)

    def __missing__(self, action: Any) -> float:
        is_system, reads, writes = self._facts[action]
        value = self[action] = self._random() if is_system else ENVIRONMENT
        if is_system:
            touching, writing = self._touching, self._writing
            for key in reads:
                touching[key][action] = None
            for key in writes:
                touching[key][action] = writing[key][action] = None
        return value

    def taken(self, action: Any) -> None:
        """Forget the priority of an action, and draw those that race with it anew."""
        _, reads, writes = self._facts[action]
        random, touching, writing = self._random, self._touching, self._writing
        self.pop(action, None)
        for key in reads:
            touching[key].pop(action, None)
        for key in writes:
            touching[key].pop(action, None)
            writing[key].pop(action, None)
        for key in writes:
            for other in touching[key]:
                self[other] = random()
        for key in reads:
            for other in writing[key]:
                self[other] = random()


class Pos:
    """What is pending keeps its priority for as long as nothing races with it."""

    name = "pos"
    contested = 0

    def __init__(self, system: AnySystem) -> None:
        self._environment = environment = Environment(system)
        kind_of, footprint = environment.kind_of, system.footprint
        self._facts = PerAction(lambda action: (kind_of[action] == "system", *footprint(action)))
        self.begin(Random(0), Scale(1, 1))

    def begin(self, rng: Random, scale: Scale) -> None:
        self._environment.begin(rng)
        self._priority = _Priorities(self._facts, rng)

    def choose(self, state: Any, enabled: Sequence[Any]) -> int:
        values = list(map(self._priority.__getitem__, enabled))
        top = max(values)
        if ENVIRONMENT in values and (top == ENVIRONMENT or self._environment.is_due()):
            index = self._environment.choose(enabled)
        else:
            index = values.index(top)
        self._priority.taken(enabled[index])
        return index
