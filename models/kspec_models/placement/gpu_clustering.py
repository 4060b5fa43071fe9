"""GpuClustering: pods of one GPU shape together.

After pkg/simulator/plugin/gpu_clustering_score.go of hkust-adsl/kubernetes-scheduler-simulator.
Four bands of 25, best first: a node whose pods all have the pod's GPU shape, one that has that
shape among others, one without GPU pods, one with other shapes only. Inside a band
25 * (8,000 - free thousandths of the node's GPUs) / 8,000.

Choices: the division rounds down, as in Go. Pods without GPU have no say in what shapes a node has
(GetNodeResourceViaNodeInfo). More than 8 GPUs free count as 8. A pod without GPU scores 0
everywhere. It gets the GPUs with the least room that fits. Ties go to the lowest name: that gives
91.14 percent at full load where 91.65 is published; at random 88.55.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from kspec_models.placement.policy import LOWEST, LeastRoom
from kspec_models.placement.room import Demand, Room
from kspec_models.placement.rooms import Integers, Rooms, shape_bit
from kspec_models.placement.shapes import NO_GPU, shape_of

MAX_GPU: Final = 8_000
BAND: Final = 25
ALONE, AMONG_OTHERS, EMPTY, OTHERS = 3, 2, 1, 0
"""The bands, by how many are below."""


def gpu_clustering_score(shape: int, shapes: tuple[int, ...], total_milli: int) -> int:
    """0..100 from the pod's GPU shape, those on the node, and what is free of its GPUs."""
    if shape == NO_GPU:
        return 0
    if shape in shapes:
        band = ALONE if len(shapes) == 1 else AMONG_OTHERS
    else:
        band = OTHERS if shapes else EMPTY
    taken = MAX_GPU - total_milli if total_milli < MAX_GPU else 0
    return BAND * band + BAND * taken // MAX_GPU


class GpuClustering(LeastRoom):
    """The policy `gpu-clustering`."""

    name = "gpu-clustering"
    tie_break = LOWEST

    def score(self, demand: Demand, room: Room) -> int:
        return gpu_clustering_score(shape_of(demand), room.shapes, room.total_milli)

    def scores(self, demand: Demand, rooms: Rooms) -> Integers:
        if demand.gpus == 0:
            return np.zeros(len(rooms), np.int64)
        bit = shape_bit(shape_of(demand))
        shapes = rooms.shapes
        band = np.where(shapes == 0, EMPTY, OTHERS)
        band = np.where(shapes & bit, AMONG_OTHERS, band)
        band = np.where(shapes == bit, ALONE, band)
        taken = np.maximum(MAX_GPU - rooms.total, 0)
        found: Integers = BAND * band + BAND * taken // MAX_GPU
        return found
