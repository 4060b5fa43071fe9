"""The cycle of a lasso: real edges of a fair component that leave no condition open.

From its entry it goes to the nearest edge or state that settles a condition which is still open,
until none is, and back. Of several entries the one with the shortest stem and cycle is taken.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from kspec.explore.liveness.components import Components, Visit
from kspec.explore.liveness.fairness import neglected
from kspec.explore.liveness.graph import StateGraph
from kspec.explore.liveness.owing import Owing

MOST_ENTRIES, MOST_VISITS = 32, 200_000


class Lasso(NamedTuple):
    """A stem and a cycle, each as the choices that make it."""

    stem: tuple[int, ...]
    cycle: tuple[int, ...]

    @property
    def length(self) -> int:
        return len(self.stem) + len(self.cycle)


class _Open:
    """The conditions of a cycle that are still open."""

    def __init__(self, graph: StateGraph, component: list[int], entry: int, visit: Visit) -> None:
        self._graph, self._visit = graph, visit
        ever = 0
        for index in component:
            ever |= self.enabled(index)
        self.strong = ever & graph.classes.strong
        self.weak = self.enabled(entry)
        self.visit_due = not visit(entry)

    def enabled(self, index: int) -> int:
        return self._graph.masks[self._graph.enabled[index]]

    @property
    def is_settled(self) -> bool:
        return not (self.strong or self.weak or self.visit_due)

    def is_settling(self, edge: int) -> bool:
        """Would this edge settle one of them, by what it takes or where it leads?"""
        label, target = self._graph.labels[edge], self._graph.targets[edge]
        return bool(
            (label >= 0 and (self.strong | self.weak) >> label & 1)
            or self.weak & ~self.enabled(target)
            or (self.visit_due and self._visit(target))
        )

    def take(self, edge: int) -> None:
        label, target = self._graph.labels[edge], self._graph.targets[edge]
        if label >= 0:
            self.strong &= ~(1 << label)
            self.weak &= ~(1 << label)
        self.weak &= self.enabled(target)
        self.visit_due = self.visit_due and not self._visit(target)


class Weaver:
    """Makes lassos of one graph, for one property."""

    def __init__(
        self, graph: StateGraph, components: Components, owing: Owing, visit: Visit, floor: int
    ) -> None:
        self._graph, self._components = graph, components
        self._owing, self._visit, self._floor = owing, visit, floor

    def lasso(self, component: list[int]) -> Lasso:
        """The shortest lasso that was found for a fair component.

        The component's states come nearest first.
        """
        entries = max(1, min(MOST_ENTRIES, MOST_VISITS // len(component)))
        lassos = (self._from(component, entry) for entry in component[:entries])
        return min(lassos, key=lambda lasso: lasso.length)

    def _from(self, component: list[int], entry: int) -> Lasso:
        group, _ = self._components.group(component)
        edges = self._way(group, entry, entry, None)
        if not self._is_fair(edges, entry):
            edges, here = [], entry
            conditions = _Open(self._graph, component, entry, self._visit)
            while not conditions.is_settled:
                way = self._way(group, here, -1, conditions)
                for edge in way:
                    conditions.take(edge)
                edges += way
                here = self._graph.targets[way[-1]]
            if here != entry:
                edges += self._way(group, here, entry, None)
        choices = self._graph.choices
        return Lasso(tuple(self._owing.way_to(entry)), tuple(choices[edge] for edge in edges))

    def _way(self, group: int, start: int, goal: int, conditions: _Open | None) -> list[int]:
        """The edges of a shortest way, of one at least, inside the group: to the state `goal`, or
        over an edge that settles a condition."""
        targets, before, waiting = self._graph.targets, dict[int, int](), deque([start])
        came_from: dict[int, int] = {}
        while waiting:
            index = waiting.popleft()
            for edge in self._components.inner_edges(group, index, self._floor):
                target = targets[edge]
                if target == goal or (conditions is not None and conditions.is_settling(edge)):
                    return _unwound(before, came_from, start, index, edge)
                if target != start and target not in before:
                    before[target], came_from[target] = edge, index
                    waiting.append(target)
        raise AssertionError("a component is strongly connected, and what is open can be settled")

    def _is_fair(self, edges: list[int], entry: int) -> bool:
        """Is this cycle fair as it stands, with a visit that counts?"""
        graph, always, ever, taken, is_visited = self._graph, -1, 0, 0, False
        for edge in edges:
            here, label = graph.targets[edge], graph.labels[edge]
            mask = graph.masks[graph.enabled[here]]
            always, ever = always & mask, ever | mask
            taken |= 1 << label if label >= 0 else 0
            is_visited = is_visited or self._visit(here)
        return is_visited and not neglected(always, ever, taken, graph.classes.strong)


def _unwound(
    before: dict[int, int], came_from: dict[int, int], start: int, index: int, edge: int
) -> list[int]:
    edges = [edge]
    while index != start:
        edges.append(before[index])
        index = came_from[index]
    return edges[::-1]
