"""Fair components: parts of the graph in which a fair behaviour can stay for ever.

Strongly connected components by Tarjan's algorithm, without recursion. One that neglects a strongly
fair class is searched again without the states in which that class is enabled, after Emerson and
Lei (1985) and Streett (1982); one that neglects a weakly fair class holds no fair behaviour at all.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence

from kspec.explore.liveness.fairness import neglected
from kspec.explore.liveness.graph import StateGraph

Visit = Callable[[int], bool]


class Components:
    """Searches one graph again and again; the arrays are made once.

    floor: the edges that count, as the least label (fairness.CLOCK, fairness.USER).
    """

    def __init__(self, graph: StateGraph) -> None:
        self._graph = graph
        self._group = array("I", [0]) * len(graph)
        self._number = array("I", [0]) * len(graph)
        self._low = array("I", [0]) * len(graph)
        self._groups = 0

    def group(self, members: Iterable[int]) -> tuple[int, list[int]]:
        """Mark states as a group of their own; the group and its states."""
        self._groups += 1
        states = list(members)
        for index in states:
            self._group[index] = self._groups
        return self._groups, states

    def inner_edges(self, group: int, index: int, floor: int) -> Iterator[int]:
        """The edges of a state that stay in a group."""
        graph, groups = self._graph, self._group
        targets, labels = graph.targets, graph.labels
        for edge in graph.edges(index):
            if labels[edge] >= floor and groups[targets[edge]] == group:
                yield edge

    def cyclic(self, members: Iterable[int], floor: int) -> Iterator[list[int]]:
        """The strongly connected components that hold a cycle, of the graph of these states."""
        group, states = self.group(members)
        number, low = self._number, self._low
        for index in states:
            number[index] = 0
        count = 0
        for root in states:
            if number[root]:
                continue
            count += 1
            number[root] = low[root] = count
            path, stack = [(root, self.inner_edges(group, root, floor))], [root]
            while path:
                index, edges = path[-1]
                child = self._descend(index, edges)
                if child >= 0:
                    count += 1
                    number[child] = low[child] = count
                    path.append((child, self.inner_edges(group, child, floor)))
                    stack.append(child)
                    continue
                path.pop()
                if path:
                    above = path[-1][0]
                    low[above] = min(low[above], low[index])
                if low[index] == number[index]:
                    found = self._pop(stack, index)
                    if len(found) > 1 or self._has_loop(index, floor):
                        yield found

    def _descend(self, index: int, edges: Iterator[int]) -> int:
        """The next successor that is new, or -1; notes how far up the others reach."""
        number, low, targets = self._number, self._low, self._graph.targets
        for edge in edges:
            target = targets[edge]
            if not number[target]:
                return target
            if low[target] and number[target] < low[index]:
                low[index] = number[target]
        return -1

    def _pop(self, stack: list[int], root: int) -> list[int]:
        """Take a finished component off the stack; a low of 0 says that it is finished."""
        found: list[int] = []
        while not found or found[-1] != root:
            found.append(stack.pop())
            self._low[found[-1]] = 0
        return found

    def _has_loop(self, index: int, floor: int) -> bool:
        graph = self._graph
        return any(
            graph.targets[edge] == index and graph.labels[edge] >= floor
            for edge in graph.edges(index)
        )

    def fair(self, members: Iterable[int], floor: int, is_visited: Visit) -> Iterator[list[int]]:
        """The components in which a fair behaviour can stay for ever, and visit for ever again
        some state of which `is_visited` is true."""
        waiting: list[Sequence[int]] = [list(members)]
        while waiting:
            for found in list(self.cyclic(waiting.pop(), floor)):
                if not any(map(is_visited, found)):
                    continue
                missing = self._neglected(found, floor)
                if not missing:
                    yield found
                elif missing == missing & self._graph.classes.strong:
                    waiting.append([i for i in found if not self._enabled(i) & missing])

    def _enabled(self, index: int) -> int:
        return self._graph.masks[self._graph.enabled[index]]

    def _neglected(self, component: list[int], floor: int) -> int:
        group, _ = self.group(component)
        always, ever, taken = -1, 0, 0
        for index in component:
            here = self._enabled(index)
            always &= here
            ever |= here
            for edge in self.inner_edges(group, index, floor):
                label = self._graph.labels[edge]
                if label >= 0:
                    taken |= 1 << label
        return neglected(always, ever, taken, self._graph.classes.strong)
