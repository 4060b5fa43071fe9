"""FIFO: the actor that has waited longest goes first. Deterministic, and fair.

It finds every bug that needs no race, and it is the fair suffix in which liveness is judged.
User operations come when no system action is left, the clock after them, and faults never.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from kspec.explore.strategies.strategy import PerAction, Scale, kind_of
from kspec.system import AnySystem

_USER, _CLOCK, _FAULT = -1, -2, -3
_MARKS = {"user": _USER, "clock": _CLOCK, "fault": _FAULT}


class Fifo:
    """`order` is, after `choose`, who waits in which order, as indexes into `enabled`.

    A state and an order together determine all that FIFO does from there, so a run in which both
    come back is a lasso. Indexes, because names of actors may never come back.
    """

    name = "fifo"

    def __init__(self, system: AnySystem) -> None:
        kind, fairness, actor = kind_of(system), system.fairness, system.actor
        numbers: dict[tuple[Any, Any], int] = {}  # who waits, as numbers that compare fast

        def key(action: Any) -> int:
            who = (fairness(action), actor(action))
            return _MARKS.get(kind(action)) or numbers.setdefault(who, len(numbers))

        self._waiting: dict[int, int] = {}
        self._key_of = PerAction(key)
        self.order: tuple[int, ...] = ()
        self.contested = 0

    def begin(self, rng: Random | None = None, scale: Scale | None = None) -> None:
        self._waiting, self.order, self.contested = {}, (), 0

    def choose(self, state: Any, enabled: Sequence[Any]) -> int:
        keys = list(map(self._key_of.__getitem__, enabled))
        first: dict[int, int] = dict.fromkeys(keys, 0)
        first.update(zip(reversed(keys), range(len(keys) - 1, -1, -1), strict=True))
        user, clock = first.pop(_USER, -1), first.pop(_CLOCK, -1)
        first.pop(_FAULT, None)
        waiting = self._waiting
        for key in waiting.keys() - first.keys():
            del waiting[key]
        waiting.update(first)  # who waits already keeps its place; newcomers follow in order
        self.order = tuple(waiting.values())
        if not waiting:
            return user if user >= 0 else clock
        self.contested += len(waiting) > 1
        return waiting.pop(next(iter(waiting)))
