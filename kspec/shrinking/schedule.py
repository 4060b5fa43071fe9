"""The first stage: fewer actions, and then fewer changes from one actor to another.

Chunks are left out from the end, in halving sizes, until no single action can be left out; then
pairs, where the trace is short. Last, actions are moved next to those of the same actor as long as
the trace stays as short: the fewer the changes, the nearer it is to a first-come order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations, pairwise
from typing import Any

from kspec.explore.exploration import Violation

Attempt = Callable[[Sequence[Any]], Violation | None]
"""Replays actions; the violation that they still lead to."""

MOST_FOR_PAIRS = 12
"""Pairs of actions are left out of traces of at most that length: 66 replays."""

MOST_FOR_MOVES = 24


class Schedule:
    """The stage over one violation; `best` is the smallest so far."""

    def __init__(
        self, best: Violation, attempt: Attempt, actor: Callable[[Any], str], adopt: Any
    ) -> None:
        self.best, self._attempt, self._actor, self._adopt = best, attempt, actor, adopt

    def run(self) -> None:
        """Until nothing can be left out; raises what `attempt` raises."""
        self._sweeps()
        if 2 < len(self.best.actions) <= MOST_FOR_PAIRS:
            while self._without_a_pair():
                self._sweeps()
        if 2 < len(self.best.actions) <= MOST_FOR_MOVES and self._moves():
            self._sweeps()

    def _take(self, found: Violation) -> None:
        self.best = found
        self._adopt(found)

    def _sweeps(self) -> None:
        size = max(1, len(self.best.actions) // 2)
        while True:
            is_smaller = self._sweep(size)
            if size > 1:
                size //= 2
            elif not is_smaller:
                return

    def _sweep(self, size: int) -> bool:
        """Try to leave out each chunk of `size` actions, from the end to the start."""
        before = end = len(self.best.actions)
        while end > 0:
            start = max(0, end - size)
            actions = self.best.actions
            found = self._attempt(actions[:start] + actions[end:])
            if found is not None and len(found.actions) < len(actions):
                self._take(found)
                start = min(start, len(found.actions))
            end = start
        return len(self.best.actions) < before

    def _without_a_pair(self) -> bool:
        actions = self.best.actions
        for first, second in combinations(range(len(actions)), 2):
            rest = actions[:first] + actions[first + 1 : second] + actions[second + 1 :]
            found = self._attempt(rest)
            if found is not None and len(found.actions) < len(actions):
                self._take(found)
                return True
        return False

    def _moves(self) -> bool:
        """Move actions up behind an earlier one of their actor, where that saves a change."""
        is_changed = False
        place = 1
        while place < len(self.best.actions):
            is_changed |= self._move_up(place)
            place += 1
        return is_changed

    def _move_up(self, place: int) -> bool:
        actions, actor = self.best.actions, self._actor
        mine = actor(actions[place])
        earlier = (p for p in reversed(range(place - 1)) if actor(actions[p]) == mine)
        goal = next(earlier, None)
        if goal is None:
            return False
        rest = actions[:place] + actions[place + 1 :]
        moved = (*rest[: goal + 1], actions[place], *rest[goal + 1 :])
        if self.changes(moved) >= self.changes(actions):
            return False
        found = self._attempt(moved)
        if found is None or len(found.actions) > len(actions):
            return False
        if self.changes(found.actions) >= self.changes(actions):
            return False
        self._take(found)
        return True

    def changes(self, actions: Sequence[Any]) -> int:
        """How often another actor takes its turn."""
        return sum(self._actor(a) != self._actor(b) for a, b in pairwise(actions))
