"""FGD, fragmentation gradient descent: the node whose fragmentation grows least.

After pkg/simulator/plugin/fgd_score.go of hkust-adsl/kubernetes-scheduler-simulator. The score is
int(100 * sigmoid((F(n) - F(n')) / 1000)), where F (see `fragmentation`) is taken before and after
the placement. A pod that shares a GPU gets the one of the best score, the lowest index among
equals; one of whole GPUs the idle ones of the lowest indexes; without GPU only the CPU moves F.

Choices: F is an exact fraction, so two nodes that are alike score the same, where sums in floating
point may differ in the last place. The typical pods are those of the trace before any is copied.
Ties go to the lowest name, as in the paper's simulator: that gives 95.17 percent at full load where
95.23 is published; at random the same scores give 89.78, less than BestFit.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from functools import cached_property
from random import Random
from typing import Final

import numpy as np

from kspec_models.placement.fragmentation import (
    Tables,
    amount,
    tables,
    weighted,
    weights_of,
)
from kspec_models.placement.policy import LOWEST
from kspec_models.placement.room import WHOLE, Demand, Room, after, least_room
from kspec_models.placement.rooms import Integers, Rooms
from kspec_models.placement.shapes import Typical

HIGHEST_SCORE: Final = 100
MOST: Final = 64 * WHOLE
"""More than F of a node can change, in thousandths of a GPU."""


def score_of(shrinkage: int, pods: int) -> int:
    """0..100 from how much F shrinks, times the number of pods behind the typical ones."""
    return int(HIGHEST_SCORE / (1 + math.exp(-shrinkage / (WHOLE * pods))))


def best_device(typical: Typical, demand: Demand, room: Room) -> tuple[int, tuple[int, ...]]:
    """The score of a node that can take the pod, and the GPUs that give it."""
    pods = sum(count for _, count in typical) or 1
    before = amount(typical, room)
    options = [least_room(demand, room)]
    if demand.is_shared:
        options = [(i,) for i, free in enumerate(room.gpus) if free >= demand.milli]
    scores = [
        score_of(before - amount(typical, after(demand, room, option)), pods) for option in options
    ]
    best = max(scores)
    return best, options[scores.index(best)]


class FragmentationGradientDescent:
    """The policy `fgd`, for a workload with these typical pods."""

    name = "fgd"
    tie_break = LOWEST
    draws = False

    def __init__(self, typical: Typical) -> None:
        self.typical = typical
        self._tables: dict[tuple[str, ...], Tables] = {}

    @cached_property
    def _thresholds(self) -> Integers:
        """By score from 1 on, the least shrinkage that gives it: `score_of` as a table."""
        pods = sum(count for _, count in self.typical)
        span = range(-MOST * pods, MOST * pods)

        def least(score: int) -> int:
            return span[bisect_left(span, score, key=lambda shrinkage: score_of(shrinkage, pods))]

        return np.array([least(score) for score in range(1, HIGHEST_SCORE)], np.int64)

    def score(self, demand: Demand, room: Room) -> int:
        return best_device(self.typical, demand, room)[0]

    def devices(self, demand: Demand, room: Room, rng: Random) -> tuple[int, ...]:
        return best_device(self.typical, demand, room)[1]

    def quick_devices(
        self, demand: Demand, room: Room, row: Callable[[], Rooms], rng: Random
    ) -> tuple[int, ...]:
        if demand.is_shared:
            return (int(self.device_scores(demand, row())[0].argmax()),)
        return least_room(demand, room)

    def tables(self, models: tuple[str, ...]) -> Tables:
        """The tables of the typical pods for these GPU models, made once."""
        found = self._tables.get(models)
        if found is None:
            found = self._tables[models] = tables(self.typical, models)
        return found

    def scores(self, demand: Demand, rooms: Rooms) -> Integers:
        if demand.is_shared:
            best: Integers = self.device_scores(demand, rooms).max(axis=1)
            return best
        found = self.tables(rooms.model_names)
        use = left = found.use[rooms.gpus].sum(axis=1)
        if demand.gpus:  # idle GPUs, of which a node that fits has enough
            left = use - demand.gpus * found.use[WHOLE]
        return self._scores(found, demand, rooms, use, left)

    def device_scores(self, demand: Demand, rooms: Rooms) -> Integers:
        """For a pod that shares a GPU: the score of each GPU of each node, -1 where it is full."""
        found = self.tables(rooms.model_names)
        gpus = rooms.gpus
        fits = gpus >= demand.milli
        each = found.use[gpus]
        use = each.sum(axis=1)
        left = found.use[np.where(fits, gpus - demand.milli, 0)]
        left -= each
        left += use[:, np.newaxis, :]
        return np.where(fits, self._scores(found, demand, rooms, use, left), -1)

    def _scores(
        self, found: Tables, demand: Demand, rooms: Rooms, use: Integers, left: Integers
    ) -> Integers:
        """use, left: what each typical pod can use of the node's GPUs, before and after; the
        latter of each node, or of each of its GPUs that may be shared."""
        cpu = rooms.cpu
        before = weighted(found, use, weights_of(found, rooms, cpu))
        weights = weights_of(found, rooms, cpu - demand.cpu)
        if left.ndim == 3:
            before, weights = before[:, np.newaxis], weights[:, np.newaxis, :]
        gone = demand.total_milli * found.pods
        shrinkage = gone - before + weighted(found, left, weights)
        return np.searchsorted(self._thresholds, shrinkage, "right").astype(np.int64)
