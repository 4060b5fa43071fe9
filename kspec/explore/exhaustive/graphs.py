"""Expanding states where someone wants the whole graph: every edge with the number of its target.

Keeps the number of every mark, so it takes more memory; it is for the search for fair cycles.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kspec.explore.exhaustive.expand import Expander, Expansion, Graph


class GraphExpander:
    """Expands as Expander does and tells `graph` what it meets; `numbers` is mark to number.

    room: how many states may be numbered in all. Where one more is met the expansion ends before
    that edge, and `is_full` says so.
    """

    def __init__(self, expander: Expander, graph: Graph, room: int) -> None:
        self._expander, self._graph, self._room = expander, graph, room
        self.numbers: dict[int, int] = {}
        self.is_full = False

    def expand(self, entries: Iterable[tuple[int, Any]]) -> Expansion:
        """Expand (number, state) pairs, in order. The candidates are new, all of them."""
        out = self._expander.begin()
        for index, state in entries:
            enabled = self._expander.system.enabled(state)
            self._expander.enter(out, index, state, enabled)
            self._graph.state(index, state, enabled)
            taken = 0
            for choice, action in enumerate(enabled):
                if not self._edge(out, index, state, choice, action):
                    break
                taken += 1
            if self._expander.leave(out, taken) or self.is_full:
                break
        return out

    def _edge(self, out: Expansion, index: int, state: Any, choice: int, action: Any) -> bool:
        """One edge; False where its target finds no room."""
        expander, numbers = self._expander, self.numbers
        after = expander.system.step(state, action)
        mark = expander.mark(after)
        target = numbers.get(mark)
        if target is None:
            target = len(numbers)
            if target >= self._room:
                self.is_full = True
                return False
            numbers[mark] = target
            out.marks.append(mark)
            out.sources.append(index)
            out.choices.append(choice)
            out.states.append(after)
        self._graph.edge(index, choice, target, action, after)
        expander.judge_edge(out, state, after, index, choice)
        return True
