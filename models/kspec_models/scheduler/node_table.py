"""What filters and scores ask of many nodes, as columns of numbers: the index of a snapshot.

A table belongs to one snapshot of the cache and is as immutable as that: a change of one node
copies the columns and replaces one entry of each. Only clusters of at least `SMALLEST` nodes have
one; below that a loop is as fast.

Quantities beyond what int64 or a float holds exactly (2**53) have no table; then the plain form
decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kspec.values import MASK, mix
from kspec_models.scheduler.nodeinfo import NodeInfo

SMALLEST = 64
_EXACT = 2**53

COLUMNS = (
    "allocatable_milli_cpu",
    "allocatable_memory",
    "allocatable_ephemeral_storage",
    "allowed_pods",
    "requested_milli_cpu",
    "requested_memory",
    "requested_ephemeral_storage",
    "pods",
    "non_zero_milli_cpu",
    "non_zero_memory",
)
(
    ALLOCATABLE_MILLI_CPU,
    ALLOCATABLE_MEMORY,
    ALLOCATABLE_EPHEMERAL_STORAGE,
    ALLOWED_PODS,
    REQUESTED_MILLI_CPU,
    REQUESTED_MEMORY,
    REQUESTED_EPHEMERAL_STORAGE,
    PODS,
    NON_ZERO_MILLI_CPU,
    NON_ZERO_MEMORY,
) = range(len(COLUMNS))


def _numbers(info: NodeInfo) -> tuple[int, ...]:
    offered, used = info.allocatable, info.requested
    return (
        offered.milli_cpu,
        offered.memory,
        offered.ephemeral_storage,
        info.allowed_pods,
        used.milli_cpu,
        used.memory,
        used.ephemeral_storage,
        len(info.pods),
        info.non_zero_milli_cpu,
        info.non_zero_memory,
    )


class NodeTable:
    """numbers: a row per column of `COLUMNS`, in milli-CPU, bytes and counts; an entry per node in
    the order of names. nodes: a mark of the node objects, which the pods on them do not change.
    affinity, images: how many nodes hold pods with affinity, and report images.
    """

    __slots__ = ("affinity", "images", "nodes", "numbers")

    def __init__(self, numbers: Any, nodes: int, affinity: int, images: int) -> None:
        self.numbers, self.nodes = numbers, nodes
        self.affinity, self.images = affinity, images

    def changed(self, at: int, old: NodeInfo, new: NodeInfo) -> NodeTable | None:
        """The table after one node changed; None where it does not fit in."""
        row = _numbers(new)
        if max(row) > _EXACT:
            return None
        numbers = self.numbers.copy()
        numbers[:, at] = row
        nodes = self.nodes
        if old.node is not new.node:
            nodes = (nodes - _mark(at, old) + _mark(at, new)) & MASK
        affinity = self.affinity + bool(new.pods_with_affinity) - bool(old.pods_with_affinity)
        images = self.images + _has_images(new) - _has_images(old)
        return NodeTable(numbers, nodes, affinity, images)


def _has_images(info: NodeInfo) -> bool:
    return info.node is not None and bool(info.node.status.images)


def _mark(at: int, info: NodeInfo) -> int:
    return mix(info.node.fingerprint, at) if info.node is not None else 0


def table_of(infos: Sequence[NodeInfo]) -> NodeTable | None:
    """The table of a snapshot; None for one that is small, or whose amounts are too large."""
    if len(infos) < SMALLEST:
        return None
    import numpy as np  # a small world, which asks for no table, starts without it

    rows = [_numbers(info) for info in infos]
    if max(map(max, rows)) > _EXACT:
        return None
    nodes = sum(_mark(at, info) for at, info in enumerate(infos)) & MASK
    affinity = sum(bool(info.pods_with_affinity) for info in infos)
    images = sum(map(_has_images, infos))
    return NodeTable(np.array(rows, np.int64).T.copy(), nodes, affinity, images)
