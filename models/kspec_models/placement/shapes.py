"""GPU shapes, and the typical pods of a workload.

After pkg/utils/frag.go (GetTypicalPods) and GetGpuAffinityFromPodAnnotation of
hkust-adsl/kubernetes-scheduler-simulator. A typical pod is told from others by its CPU, its GPUs
and their models; memory does not count there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from kspec_models.placement.room import Demand

NO_GPU: Final = 0
SHARED: Final = -1
TYPICAL_PERCENT: Final = 95
"""How many of the pods the typical ones stand for."""

Typical = tuple[tuple[Demand, int], ...]
"""The typical pods, each with how many pods are like it."""


def shape_of(demand: Demand) -> int:
    """`NO_GPU`, `SHARED`, or how many whole GPUs."""
    return SHARED if demand.is_shared else demand.gpus


def with_shape(shapes: tuple[int, ...], demand: Demand) -> tuple[int, ...]:
    """The shapes of a node's GPU pods after one more came."""
    shape = shape_of(demand)
    if shape == NO_GPU or shape in shapes:
        return shapes
    return tuple(sorted((*shapes, shape)))


def counted(demands: Iterable[Demand]) -> Mapping[Demand, int]:
    """How many of the pods are alike, as far as being typical goes."""
    return Counter(demand._replace(memory=0) for demand in demands)


def typical(counts: Mapping[Demand, int]) -> Typical:
    """The most frequent, up to `TYPICAL_PERCENT` of all pods, those without GPU included.

    Among equally frequent ones those with more CPU come first, then more of a GPU, then more GPUs.
    """
    ranked = sorted(
        counts.items(),
        key=lambda item: (item[1], item[0].cpu, item[0].milli, item[0].gpus, item[0].models),
        reverse=True,
    )
    total, so_far = sum(counts.values()), 0
    chosen: list[tuple[Demand, int]] = []
    for demand, count in ranked:
        if so_far * 100 >= TYPICAL_PERCENT * total:
            break
        chosen.append((demand, count))
        so_far += count
    return tuple(chosen)
