"""Where a liveness property is owed its goal, and the shortest way to get there.

Whether it is owed is a matter of the way and not of the state, so the search runs over pairs of a
state and whether its goal is owed there.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator

from kspec.explore.liveness.graph import StateGraph

UNSEEN, ROOT = -2, -1


class Owing:
    """The pairs that can be reached, each with the pair before it on a shortest way.

    Pair 2 * i + 1 stands for state i where the goal is owed, 2 * i for state i where it is not.
    """

    def __init__(self, graph: StateGraph, bit: int) -> None:
        self._graph, self._bit = graph, bit
        self._before = array("q", [UNSEEN]) * (2 * len(graph))
        self.order = array("Q")
        self._search()

    def _search(self) -> None:
        graph, bit, before, order = self._graph, self._bit, self._before, self.order
        targets, owes = graph.targets, graph.owes
        root = int(graph.owes_initially(bit))
        before[root] = ROOT
        order.append(root)
        for pair in order:  # which grows on the way
            was_owing = bool(pair & 1)
            for edge in graph.edges(pair >> 1):
                reached = 2 * targets[edge] + owes(bit, edge, was_owing)
                if before[reached] == UNSEEN:
                    before[reached] = pair
                    order.append(reached)

    def is_owed(self, index: int) -> bool:
        """Can the goal be owed in this state?"""
        return self._before[2 * index + 1] != UNSEEN

    def states(self) -> Iterator[int]:
        """The states in which the goal can be owed, the nearest first."""
        return (pair >> 1 for pair in self.order if pair & 1)

    def nearest(self, states: Iterable[int]) -> int:
        """The one of these states where the goal is owed soonest, or -1."""
        wanted = frozenset(states)
        return next((index for index in self.states() if index in wanted), -1)

    def way_to(self, index: int) -> list[int]:
        """The choices of a shortest way to a state where the goal is owed."""
        pair, choices = 2 * index + 1, []
        while self._before[pair] != ROOT:
            before = self._before[pair]
            choices.append(self._choice(before, pair))
            pair = before
        return choices[::-1]

    def _choice(self, before: int, reached: int) -> int:
        graph = self._graph
        return next(
            graph.choices[edge]
            for edge in graph.edges(before >> 1)
            if 2 * graph.targets[edge] + graph.owes(self._bit, edge, bool(before & 1)) == reached
        )
