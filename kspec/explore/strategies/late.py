"""PCT after a head start: FIFO runs a while first, then priorities decide.

Many races are between things that come late: an edit against pods that already run, a deletion
against a rollout that is nearly done. From the initial state PCT seldom gets there with an
interesting order still ahead of it. The head start is drawn from 0 to the length of the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from kspec.explore.strategies.fifo import Fifo
from kspec.explore.strategies.pct import Pct
from kspec.explore.strategies.strategy import Scale
from kspec.system import AnySystem


class Late:
    name = "late"

    def __init__(self, system: AnySystem) -> None:
        self._fifo, self._pct = Fifo(system), Pct(system)
        self._left = 0

    @property
    def contested(self) -> int:
        return self._pct.contested

    def begin(self, rng: Random, scale: Scale) -> None:
        self._left = rng.randrange(scale.length)
        self._fifo.begin()
        self._pct.begin(rng, scale)

    def choose(self, state: Any, enabled: Sequence[Any]) -> int:
        if self._left > 0:
            self._left -= 1
            index = self._fifo.choose(state, enabled)
            if index >= 0:
                return index
            self._left = 0
        return self._pct.choose(state, enabled)
