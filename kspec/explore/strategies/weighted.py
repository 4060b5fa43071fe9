"""Weighted by action class: in each run some classes of actions are much faster than others.

The class of an action is the name that its text begins with (Sync, Reconcile, Deliver ...). Each
run gives each class a weight 2**-x, x drawn from 0 to SPREAD, so that in one run deliveries all but
stop and in the next the workers do. After TigerBeetle's simulator, which draws the probability of
each kind of event anew for each run.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from random import Random
from typing import Any

from kspec.explore.strategies.environment import Environment
from kspec.explore.strategies.strategy import PerAction, Scale, class_of
from kspec.system import AnySystem

SPREAD = 8


class Weighted:
    name = "weighted"
    contested = 0

    def __init__(self, system: AnySystem) -> None:
        self._environment = environment = Environment(system)
        kind_of, name_of = environment.kind_of, class_of(system)
        self._class_of = PerAction(lambda a: name_of(a) if kind_of[a] == "system" else None)
        self.begin(Random(0), Scale(1, 1))

    def begin(self, rng: Random, scale: Scale) -> None:
        self._rng = rng
        self._environment.begin(rng)
        of_class = PerAction(lambda name: 0.0 if name is None else 2.0 ** -rng.randint(0, SPREAD))
        class_of = self._class_of
        self._weight = PerAction(lambda action: of_class[class_of[action]])

    def choose(self, state: Any, enabled: Sequence[Any]) -> int:
        weights = list(map(self._weight.__getitem__, enabled))
        if 0.0 in weights and (self._environment.is_due() or not any(weights)):
            return self._environment.choose(enabled)
        sums = list(accumulate(weights))
        last = len(sums) - 1  # rounding must not lead beyond the end
        return bisect_right(sums, self._rng.random() * sums[-1], 0, last)
