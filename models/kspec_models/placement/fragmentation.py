"""Fragmentation: the GPU of a node that the typical pods cannot be expected to use.

After pkg/utils/frag.go (NodeGpuShareFragAmount, FragAmountSumExceptQ3) of
hkust-adsl/kubernetes-scheduler-simulator. For one typical pod it is what is free of those GPUs that
are too full for it; all that is free, where the node cannot take the pod for want of CPU, of GPU or
of the right model, or where the pod asks for no GPU. F is the mean over the typical pods, by how
many pods each stands for.

Exact: `amount` is F times the number of pods that the typical ones stand for, an integer.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kspec_models.placement.room import WHOLE, Demand, Room
from kspec_models.placement.rooms import Integers, Rooms
from kspec_models.placement.shapes import Typical


def usable(demand: Demand, room: Room) -> int:
    """What of the free GPU, in thousandths of one, a typical pod can use; memory is not asked."""
    if demand.gpus == 0 or demand.cpu > room.cpu:
        return 0
    if demand.models and room.model not in demand.models:
        return 0
    fitting = [free for free in room.gpus if free >= demand.milli]
    return sum(fitting) if len(fitting) >= demand.gpus else 0


def amount(typical: Typical, room: Room) -> int:
    """F of a node, in thousandths of a GPU, times the number of pods behind `typical`."""
    free = sum(max(free, 0) for free in room.gpus)  # below 0 only where a GPU is over-committed
    return sum(count * (free - usable(demand, room)) for demand, count in typical)


class Tables(NamedTuple):
    """The typical pods with GPU, arranged for arrays.

    weights: how many pods ask for the GPU of column d, may run on the model of row m, and ask for
    at most the c-th CPU of `cpus`, at [m, c, d]. use: what a pod of column d can use of a GPU, by
    what is free of it. least: what must be usable on the node for the pod to fit there.
    """

    pods: int
    cpus: Integers
    weights: Integers
    use: Integers
    least: Integers


def tables(typical: Typical, models: tuple[str, ...]) -> Tables:
    """The tables for nodes of these GPU models."""
    with_gpu = [(demand, count) for demand, count in typical if demand.gpus]
    cpus = sorted({demand.cpu for demand, _ in with_gpu})
    asked = sorted({(demand.gpus, demand.milli) for demand, _ in with_gpu})
    weights = np.zeros((len(models), len(cpus) + 1, len(asked)), np.int64)
    for demand, count in with_gpu:
        column, first = asked.index((demand.gpus, demand.milli)), cpus.index(demand.cpu) + 1
        for row, model in enumerate(models):
            if not demand.models or model in demand.models:
                weights[row, first:, column] += count
    free = np.arange(WHOLE + 1)[:, np.newaxis]
    milli = np.array([milli for _, milli in asked], np.int64)
    return Tables(
        sum(count for _, count in typical),
        np.array(cpus, np.int64),
        weights,
        np.where(free >= milli, free, 0),
        np.array([gpus * milli for gpus, milli in asked], np.int64),
    )


def weights_of(found: Tables, rooms: Rooms, cpu: Integers) -> Integers:
    """The row of weights for each node, with that much CPU free on it."""
    weights: Integers = found.weights[rooms.models, np.searchsorted(found.cpus, cpu, "right")]
    return weights


def weighted(found: Tables, use: Integers, weights: Integers) -> Integers:
    """What all typical pods can use, times how many they are, from the sums over the GPUs."""
    total: Integers = np.einsum("...d,...d->...", np.where(use >= found.least, use, 0), weights)
    return total


def amounts(found: Tables, rooms: Rooms) -> Integers:
    """`amount` of each node."""
    free = np.maximum(rooms.gpus, 0)
    use = found.use[free].sum(axis=1)
    wasted: Integers = found.pods * free.sum(axis=1)
    return wasted - weighted(found, use, weights_of(found, rooms, rooms.cpu))
