"""The nodes during one run: which can take a pod, which of them score highest, and placing it.

`PlainCluster` asks the policy about every node, one by one: the specification. `IndexedCluster`
keeps for every demand a column with the score of each node, and on the next pod of that demand asks
again only about the nodes that changed since. Both make the same decisions.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Protocol

import numpy as np

from kspec_models.placement.policy import Placing
from kspec_models.placement.room import Demand, Room, after, fits
from kspec_models.placement.rooms import Arrays, Flags, Integers, Rooms, all_rooms
from kspec_models.placement.rooms import fits as which_fit
from kspec_models.placement.shapes import with_shape
from kspec_models.placement.workload import Arrival

REFUSED = -1
"""The score of a node that cannot take the pod."""


class Nodes(Protocol):
    """The nodes by index, in the order of names."""

    rooms: list[Room]

    def best(self, pod: Arrival) -> Sequence[int]:
        """The nodes with the highest score of those that can take the pod, in order."""
        ...

    def devices(self, pod: Arrival, node: int, rng: Random) -> tuple[int, ...]:
        """The GPUs that the pod gets on a node that can take it."""
        ...

    def place(self, pod: Arrival, node: int, devices: tuple[int, ...]) -> None:
        """The pod runs there from now on."""
        ...


class PlainCluster:
    """Every node judged for every pod by the plain form."""

    def __init__(self, rooms: Sequence[Room], policy: Placing) -> None:
        self.rooms, self._policy = list(rooms), policy

    def best(self, pod: Arrival) -> Sequence[int]:
        score, demand = self._policy.score, pod.demand
        scores = [score(demand, r) if fits(demand, r) else REFUSED for r in self.rooms]
        highest = max(scores, default=REFUSED)
        return [i for i, s in enumerate(scores) if s == highest] if highest != REFUSED else []

    def devices(self, pod: Arrival, node: int, rng: Random) -> tuple[int, ...]:
        return self._policy.devices(pod.demand, self.rooms[node], rng)

    def place(self, pod: Arrival, node: int, devices: tuple[int, ...]) -> None:
        self.rooms[node] = taken(pod.demand, self.rooms[node], devices)


def taken(demand: Demand, room: Room, devices: tuple[int, ...]) -> Room:
    """The room with the pod in it, its GPU shape noted."""
    left = after(demand, room, devices)
    shapes = with_shape(room.shapes, demand)
    return left if shapes == room.shapes else left._replace(shapes=shapes)


class _Column:
    """The scores of one demand, as they were after so many placements."""

    __slots__ = ("allowed", "scores", "seen")

    def __init__(self, nodes: int, allowed: Flags | None) -> None:
        self.scores: Integers = np.full(nodes, REFUSED, np.int64)
        self.allowed, self.seen = allowed, -1


class IndexedCluster:
    """A column of scores for each demand; only rows that changed are judged again."""

    def __init__(self, rooms: Sequence[Room], policy: Placing) -> None:
        self.rooms, self._policy = list(rooms), policy
        self.arrays = Arrays(rooms)
        self._changed: Integers = np.zeros(len(rooms), np.int64)
        self._placements = 0
        self._columns: dict[Demand, _Column] = {}

    def best(self, pod: Arrival) -> Sequence[int]:
        demand = pod.demand
        column = self._columns.get(demand) or self._add_column(demand)
        rows = (self._changed > column.seen).nonzero()[0]
        if len(rows):
            self._judge(demand, column, rows)
        column.seen = self._placements
        highest = np.maximum.reduce(column.scores)
        if highest == REFUSED:
            return ()
        found: Sequence[int] = (column.scores == highest).nonzero()[0]
        return found

    def _add_column(self, demand: Demand) -> _Column:
        allowed = None
        if demand.models:
            allowed = np.array([model in demand.models for model in self.arrays.model_names])
        column = self._columns[demand] = _Column(len(self.rooms), allowed)
        return column

    def _judge(self, demand: Demand, column: _Column, rows: Integers) -> None:
        column.scores[rows] = REFUSED
        fit = rows[which_fit(demand, Rooms(self.arrays, rows), column.allowed)]
        if len(fit):
            column.scores[fit] = self._policy.scores(demand, Rooms(self.arrays, fit))

    def devices(self, pod: Arrival, node: int, rng: Random) -> tuple[int, ...]:
        def row() -> Rooms:
            return Rooms(self.arrays, np.array([node]))

        return self._policy.quick_devices(pod.demand, self.rooms[node], row, rng)

    def place(self, pod: Arrival, node: int, devices: tuple[int, ...]) -> None:
        room = self.rooms[node] = taken(pod.demand, self.rooms[node], devices)
        self.arrays.put(node, room, devices)
        self._placements += 1
        self._changed[node] = self._placements


def arrays_of(cluster: Nodes) -> Rooms:
    """The rooms of a cluster as arrays, made afresh where it keeps none."""
    if isinstance(cluster, IndexedCluster):
        return Rooms(cluster.arrays, np.arange(len(cluster.rooms)))
    return all_rooms(cluster.rooms)
