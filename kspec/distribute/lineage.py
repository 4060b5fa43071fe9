"""How states came about, as a search log tells it, cut down to what makes some of them again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kspec.distribute.expanding import Lineage
from kspec.explore.exhaustive.log import SearchLog

if TYPE_CHECKING:
    from kspec.distribute.shard import Numbers


def lineage_of(log: SearchLog, numbers: Numbers) -> Lineage:
    """The lineage of states of one level; their numbers ascend."""
    lineage = []
    while len(numbers) and numbers[0] > 0:
        wanted = numbers.tolist()
        parents = np.array([log.parent(number) for number in wanted], np.uint64)
        choices = np.array([log.choice(number) for number in wanted], np.uint32)
        numbers, places = np.unique(parents, return_inverse=True)
        lineage.append((places.astype(np.uint32), choices))
    return lineage[::-1]
