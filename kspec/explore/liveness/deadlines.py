"""Goals that are due within some virtual time, on a whole graph.

A state is late when the goal has been owed for longer than that on some way to it, so what matters
of all the ways is the earliest time at which it began to be owed. Flooding the graph from where it
begins, the earliest first, finds that time for each state in one visit: no state has to be told
apart by the age of what it owes.
"""

from __future__ import annotations

from array import array
from collections import deque

from kspec.explore.liveness.graph import EXPANDED, StateGraph
from kspec.explore.liveness.owing import Owing

UNSEEN = -2
BEGINS = -1


class Deadlines:
    """Looks for a way on which the goal of one property comes too late, in units of the clock."""

    def __init__(self, graph: StateGraph, bit: int, within: int) -> None:
        self._graph, self._bit, self._within = graph, bit, within
        self._before = array("q", [UNSEEN]) * len(graph)

    def beginnings(self) -> list[int]:
        """The states in which the goal can begin to be owed, the earliest first."""
        graph, bit = self._graph, self._bit
        found = {0: None} if graph.owes_initially(bit) else {}
        for source in graph.states_with(EXPANDED):
            for edge in graph.edges(source):
                if graph.owes(bit, edge, False):
                    found[graph.targets[edge]] = None
        return sorted(found, key=lambda index: (graph.times[index], index))

    def late_way(self) -> list[int] | None:
        """The choices of a way on which the goal comes too late; None where there is none."""
        for beginning in self.beginnings():
            if self._before[beginning] == UNSEEN:
                self._before[beginning] = BEGINS
                late = self._flood(beginning)
                if late is not None:
                    return self._way(*late)
        return None

    def _flood(self, beginning: int) -> tuple[int, int] | None:
        """Spread what is owed since the time of `beginning`; the first edge that is late, with its
        source."""
        graph, before, waiting = self._graph, self._before, deque([beginning])
        latest = graph.times[beginning] + self._within
        while waiting:
            index = waiting.popleft()
            for edge in graph.edges(index):
                target = graph.targets[edge]
                if graph.times[target] > latest:
                    return index, edge
                if before[target] == UNSEEN and not graph.goal_holds(self._bit, target):
                    before[target] = index
                    waiting.append(target)
        return None

    def _way(self, index: int, last: int) -> list[int]:
        graph, choices = self._graph, [self._graph.choices[last]]
        while self._before[index] != BEGINS:
            before = self._before[index]
            choices.append(self._choice(before, index))
            index = before
        return Owing(graph, self._bit).way_to(index) + choices[::-1]

    def _choice(self, source: int, target: int) -> int:
        graph = self._graph
        return next(graph.choices[e] for e in graph.edges(source) if graph.targets[e] == target)
