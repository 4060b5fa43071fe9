"""Random: any node that can take the pod, and any GPU of it, each as likely as the others.

After pkg/simulator/plugin/random_score.go and open_gpu_share.go (allocateGpuIdBasedOnRandomFit) of
hkust-adsl/kubernetes-scheduler-simulator.

Choices: whole GPUs are the idle ones of the lowest indexes, since idle GPUs are alike. As it draws
among all nodes, a rule for ties changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import numpy as np

from kspec_models.placement.policy import AT_RANDOM
from kspec_models.placement.room import Demand, Room, least_room
from kspec_models.placement.rooms import Integers, Rooms


class RandomChoice:
    """The policy `random`."""

    name = "random"
    tie_break = AT_RANDOM
    draws = True

    def score(self, demand: Demand, room: Room) -> int:
        return 0

    def scores(self, demand: Demand, rooms: Rooms) -> Integers:
        return np.zeros(len(rooms), np.int64)

    def devices(self, demand: Demand, room: Room, rng: Random) -> tuple[int, ...]:
        if not demand.is_shared:
            return least_room(demand, room)
        fitting = [i for i, free in enumerate(room.gpus) if free >= demand.milli]
        return (fitting[rng.randrange(len(fitting))],)

    def quick_devices(
        self, demand: Demand, room: Room, row: Callable[[], Rooms], rng: Random
    ) -> tuple[int, ...]:
        return self.devices(demand, room, rng)
