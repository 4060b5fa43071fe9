"""The schedules worth varying: of runs that showed an order of conflicting actions first."""

from __future__ import annotations

from collections import deque
from random import Random
from typing import Any

from kspec.explore.task import RunOutcome

LIMIT = 64
"""How many schedules are kept; the oldest makes room."""

MOST_ORDERS = 1_000_000
"""So many known orders, and all of them are forgotten."""

SPLICED = 0.25
"""How likely the beginning of one schedule goes on with the end of another."""


class Corpus:
    """A bounded set of schedules, in the order in which their runs were taken."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._orders: set[int] = set()
        self._schedules: deque[tuple[Any, ...]] = deque(maxlen=limit)

    def __len__(self) -> int:
        return len(self._schedules)

    def add(self, outcome: RunOutcome) -> None:
        """Keep the schedule of a run if it showed an order that no run before it did."""
        if outcome.schedule and not outcome.orders <= self._orders:
            if len(self._orders) >= MOST_ORDERS:
                self._orders.clear()
            self._orders |= outcome.orders
            self._schedules.append(outcome.schedule)

    def pick(self, rng: Random) -> tuple[Any, ...]:
        """A schedule to vary, perhaps two in one; () where there is none."""
        if not self._schedules:
            return ()
        one = self._one(rng)
        if rng.random() >= SPLICED:
            return one
        other, share = self._one(rng), rng.random()
        return (*one[: int(share * len(one))], *other[int(share * len(other)) :])

    def _one(self, rng: Random) -> tuple[Any, ...]:
        """The later of two at random: what is new now builds on what was new before."""
        count = len(self._schedules)
        return self._schedules[max(rng.randrange(count), rng.randrange(count))]
