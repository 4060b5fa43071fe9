"""Users, faults and the clock, drawn apart from the system by the strategies that need it.

A budget of faults makes many actions possible at once (a crash of each process, a loss of each
request), so a choice among all that is enabled would spend it at once. Which kind acts is drawn
first, then which action, at a rate that is drawn for each run.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from kspec.explore.strategies.strategy import PerAction, kind_of
from kspec.system import AnySystem

RATES = (0.02, 0.05, 0.15, 0.4)

ENVIRONMENT = float("-inf")
"""What strategies that give each action a number give to those of the environment."""


class Environment:
    """Tells the environment's actions from the system's, and draws among them."""

    def __init__(self, system: AnySystem) -> None:
        kind = kind_of(system)
        self.kind_of = PerAction(kind)
        self.rate = 0.0
        self._rng = Random(0)

    def begin(self, rng: Random) -> None:
        self._rng = rng
        self.rate = rng.choice(RATES)

    def is_due(self) -> bool:
        """Is it the environment's turn, where the system could go on too?"""
        return self._rng.random() < self.rate

    def choose(self, enabled: Sequence[Any]) -> int:
        """The index of one of its actions; there must be one."""
        kinds = list(map(self.kind_of.__getitem__, enabled))
        present = [kind for kind in dict.fromkeys(kinds) if kind != "system"]
        wanted = self._rng.choice(present)
        if kinds.count(wanted) == 1:
            return kinds.index(wanted)
        return self._rng.choice([index for index, kind in enumerate(kinds) if kind == wanted])
