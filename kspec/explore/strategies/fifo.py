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
    """A state and the order in which actors wait in it determine all that FIFO does from there."""

    name = "fifo"

    def __init__(self, system: AnySystem) -> None:
        kind, fairness, actor = kind_of(system), system.fairness, system.actor
        numbers: dict[tuple[Any, Any], int] = {}  # who waits, as numbers that compare fast

        def key(action: Any) -> int:
            who = (fairness(action), actor(action))
            return _MARKS.get(kind(action)) or numbers.setdefault(who, len(numbers))

        self._key_of = PerAction(key).__getitem__
        self.begin()

    def begin(self, rng: Random | None = None, scale: Scale | None = None) -> None:
        self._waiting: dict[int, None] = {}
        self._chosen: list[int] = []
        self._keys: list[int] = []
        self.contested = 0

    @property
    def order(self) -> tuple[int, ...]:
        """After `choose`, who waited in which order, as indexes into `enabled`.

        Indexes, because names of actors may never come back, and then no run were ever a lasso.
        """
        return tuple(map(self._keys.index, (*self._chosen, *self._waiting)))

    def choose(self, state: Any, enabled: Sequence[Any]) -> int:
        keys = self._keys = list(map(self._key_of, enabled))
        present = dict.fromkeys(keys)
        present.pop(_USER, None)
        present.pop(_CLOCK, None)
        present.pop(_FAULT, None)
        waiting = self._waiting
        waiting.update(present)  # who waits already keeps its place; newcomers follow in order
        if len(waiting) > len(present):
            for key in waiting.keys() - present.keys():
                del waiting[key]
        if not waiting:
            self._chosen = []
            return next((keys.index(key) for key in (_USER, _CLOCK) if key in keys), -1)
        self.contested += len(waiting) > 1
        first = next(iter(waiting))
        del waiting[first]
        self._chosen = [first]
        return keys.index(first)
