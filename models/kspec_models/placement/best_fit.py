"""BestFit: the node on which least stays free.

After pkg/simulator/plugin/best_fit_score.go of hkust-adsl/kubernetes-scheduler-simulator. The
score is int(100 * (1 - sum of 1/2 * (free - requested) / max)) over CPU (max 128,000 thousandths of
a core) and GPU (max 8,000 thousandths), which is brought to 0..100 by min-max normalisation.

Choices: the arithmetic is exact, over integers, where the paper's is in floating point. More free
than the maxima scores 0. Normalisation is left out here: the scores are integers of 0..100, so it
neither merges nor reorders any. A pod without GPU is scored by the same formula. It gets the GPUs
with the least room that fits. Ties go to the lowest name: that gives 93.08 percent at full load
where 92.86 is published; at random 92.87, so here the published figure does not tell the rule.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from kspec_models.placement.policy import LOWEST, LeastRoom
from kspec_models.placement.room import Demand, Room
from kspec_models.placement.rooms import Integers, Rooms

MAX_CPU: Final = 128_000
MAX_GPU: Final = 8_000
HIGHEST_SCORE: Final = 100
_CPU_STEP: Final = 2 * MAX_CPU // HIGHEST_SCORE
_GPU_WEIGHT: Final = MAX_CPU // MAX_GPU


def best_fit_score(cpu: int, total_milli: int, demand_cpu: int, demand_milli: int) -> int:
    """0..100 from what is free and what is requested of CPU and of GPU."""
    left = cpu - demand_cpu + _GPU_WEIGHT * (total_milli - demand_milli)
    score = (HIGHEST_SCORE * _CPU_STEP - left) // _CPU_STEP
    return score if score > 0 else 0


class BestFit(LeastRoom):
    """The policy `best-fit`."""

    name = "best-fit"
    tie_break = LOWEST

    def score(self, demand: Demand, room: Room) -> int:
        return best_fit_score(room.cpu, room.total_milli, demand.cpu, demand.total_milli)

    def scores(self, demand: Demand, rooms: Rooms) -> Integers:
        left = rooms.cpu - demand.cpu + _GPU_WEIGHT * (rooms.total - demand.total_milli)
        found: Integers = np.maximum((HIGHEST_SCORE * _CPU_STEP - left) // _CPU_STEP, 0)
        return found
