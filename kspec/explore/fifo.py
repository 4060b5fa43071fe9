"""FIFO: the actor that has waited longest goes first. Deterministic, and fair.

It finds every bug that needs no race, and it is the fair suffix in which liveness is judged.
User operations come when no system action is left, the clock after them, and faults never.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from kspec.explore.strategy import PerAction, Scale, kind_of
from kspec.system import AnySystem

_USER, _CLOCK, _FAULT = object(), object(), object()
_MARKS = {"user": _USER, "clock": _CLOCK, "fault": _FAULT}


class Fifo:
    """`order` is, after `choose`, who waits in which order, as indexes into `enabled`.

    A state and an order together determine all that FIFO does from there, so a run in which both
    come back is a lasso. Indexes, because names of actors may never come back.
    """

    name = "fifo"

    def __init__(self, system: AnySystem) -> None:
        kind, fairness, actor = kind_of(system), system.fairness, system.actor
        self._waiting: list[Any] = []
        self._key_of = PerAction(
            lambda action: _MARKS.get(kind(action)) or (fairness(action), actor(action))
        )
        self.order: tuple[int, ...] = ()
        self.contested = 0

    def begin(self, rng: Random | None = None, scale: Scale | None = None) -> None:
        self._waiting, self.order, self.contested = [], (), 0

    def choose(self, state: Any, enabled: Sequence[Any]) -> int:
        first: dict[Any, int] = {}
        key_of = self._key_of
        for index, action in enumerate(enabled):
            key = key_of[action]
            if key not in first:
                first[key] = index
        user, clock = first.pop(_USER, -1), first.pop(_CLOCK, -1)
        first.pop(_FAULT, None)
        waiting = [key for key in self._waiting if key in first]
        if len(waiting) < len(first):
            known = set(waiting)
            waiting += [key for key in first if key not in known]
        self.order = tuple([first[key] for key in waiting])
        if not waiting:
            self._waiting = waiting
            return user if user >= 0 else clock
        self.contested += len(waiting) > 1
        self._waiting = waiting[1:]
        return self.order[0]
