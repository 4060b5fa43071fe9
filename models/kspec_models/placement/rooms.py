"""Rooms of many nodes as arrays, and the vectorised form of what `room` says of one.

Each sum that several policies ask for is kept as an array too, so that one changed node costs one
entry and not a pass over all GPUs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kspec_models.placement.room import WHOLE, Demand, Room
from kspec_models.placement.shapes import SHARED

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Arrays:
    """The rooms of all nodes, one entry or row a node; `put` changes one.

    gpus: one column a GPU, 0 where a node has fewer than others. counts: how many GPUs. models:
    indexes into `model_names`. shapes: a bit for each GPU shape (see `shape_bit`). total: free of
    all GPUs. most: free of the emptiest GPU. idle: how many GPUs are.
    """

    def __init__(self, rooms: Sequence[Room]) -> None:
        nodes, width = len(rooms), max((len(room.gpus) for room in rooms), default=0)
        self.model_names = tuple(sorted({room.model for room in rooms}))
        self.counts: Integers = np.array([len(room.gpus) for room in rooms], np.int64)
        models = [self.model_names.index(room.model) for room in rooms]
        self.models: Integers = np.array(models, np.int64)
        self.gpus: Integers = np.zeros((nodes, width), np.int64)
        self.cpu, self.memory, self.shapes, self.total, self.most, self.idle = (
            np.zeros(nodes, np.int64) for _ in range(6)
        )
        for node, room in enumerate(rooms):
            self.put(node, room, range(len(room.gpus)))

    def put(self, node: int, room: Room, devices: Sequence[int]) -> None:
        """The room of a node is this now; what is free changed on these GPUs only."""
        gpus = room.gpus
        self.cpu[node], self.memory[node] = room.cpu, room.memory
        for device in devices:
            self.gpus[node, device] = gpus[device]
        if devices:
            self.shapes[node] = shape_bits(room.shapes)
            self.total[node], self.most[node] = sum(gpus), max(gpus)
            self.idle[node] = gpus.count(WHOLE)


class Rooms:
    """Some rows of the arrays, gathered as they are asked for."""

    __slots__ = ("_all", "_rows")

    def __init__(self, arrays: Arrays, rows: Integers) -> None:
        self._all, self._rows = arrays, rows

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def model_names(self) -> tuple[str, ...]:
        return self._all.model_names

    @property
    def cpu(self) -> Integers:
        return self._all.cpu[self._rows]

    @property
    def memory(self) -> Integers:
        return self._all.memory[self._rows]

    @property
    def gpus(self) -> Integers:
        return self._all.gpus[self._rows]

    @property
    def counts(self) -> Integers:
        return self._all.counts[self._rows]

    @property
    def models(self) -> Integers:
        return self._all.models[self._rows]

    @property
    def shapes(self) -> Integers:
        return self._all.shapes[self._rows]

    @property
    def total(self) -> Integers:
        return self._all.total[self._rows]

    @property
    def most(self) -> Integers:
        return self._all.most[self._rows]

    @property
    def idle(self) -> Integers:
        return self._all.idle[self._rows]


def all_rooms(rooms: Sequence[Room]) -> Rooms:
    """Arrays of all these rooms."""
    return Rooms(Arrays(rooms), np.arange(len(rooms)))


def shape_bit(shape: int) -> int:
    """Bit 0 for a shared GPU, bit k for k whole ones."""
    return 1 if shape == SHARED else 1 << min(shape, 62)


def shape_bits(shapes: tuple[int, ...]) -> int:
    return sum(shape_bit(shape) for shape in shapes)


def fits(demand: Demand, rooms: Rooms, allowed: Flags | None) -> Flags:
    """Which rows can take the pod. allowed: by model, whether it will do; None: all will.

    Whole GPUs are idle ones; a GPU is shared where the emptiest one has room.
    """
    fit: Flags = (rooms.cpu >= demand.cpu) & (rooms.memory >= demand.memory)
    if demand.gpus:
        if demand.is_shared:
            fit &= rooms.most >= demand.milli
        else:
            fit &= rooms.idle >= demand.gpus
        if allowed is not None:
            fit &= allowed[rooms.models]
    return fit
