"""A policy that places GPUs: the default filters, GpuShare, one score, and Reserve.

The score is a placement policy's plain form (`kspec_models.placement`), over what the NodeInfo
says. In a world without GPUs the formulas see CPU alone. Reserve chooses the GPUs and has them
written into the pod with its binding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from kspec.values import Memo
from kspec_models.objects import Pod
from kspec_models.placement.objects import GPU_INDEX, index_text
from kspec_models.placement.policy import Placing
from kspec_models.placement.room import Demand
from kspec_models.placement.shapes import Typical, counted, typical
from kspec_models.scheduler.framework import MAX_NODE_SCORE, Context, PreScoreResult
from kspec_models.scheduler.gpu import GpuShare, asked, room_of
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.policies.default import default_policy
from kspec_models.scheduler.profile import Profile


def _counted(info: NodeInfo) -> tuple[tuple[Demand, int], ...]:
    return tuple(counted(asked(pod).demand for pod in info.pods).items())


_COUNTED: Memo[NodeInfo, tuple[tuple[Demand, int], ...]] = Memo("GPU demands on a node", _counted)


def typical_of(pod: Pod, context: Context) -> Typical:
    """The typical pods of a cluster: of those that run there, and the one to be placed."""
    found: Counter[Demand] = Counter(counted([asked(pod).demand]))
    for info in context.nodes:
        for demand, count in _COUNTED(info):
            found[demand] += count
    return typical(found)


class Placer:
    """The score plugin of a placement policy, and its Reserve.

    make: the policy for a workload with these typical pods. reads_typical: whether they matter to
    it. normalises: its scores are brought to 0..100 by min-max normalisation.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[Typical], Placing],
        *,
        reads_typical: bool = False,
        normalises: bool = False,
    ) -> None:
        self.name, self._make, self._normalises = name, make, normalises
        self._fixed = None if reads_typical else make(())

    def _placing(self, pod: Pod, context: Context) -> Placing:
        return self._fixed or self._make(typical_of(pod, context))

    def pre_score(self, pod: Pod, feasible: Sequence[NodeInfo], context: Context) -> PreScoreResult:
        return PreScoreResult(state=(self._placing(pod, context), asked(pod).demand))

    def score_with(self, state: tuple[Placing, Demand], pod: Pod, node_info: NodeInfo) -> int:
        placing, demand = state
        return placing.score(demand, room_of(node_info))

    def normalize_with(
        self, state: Any, scores: Sequence[int], node_infos: Sequence[NodeInfo]
    ) -> Sequence[int]:
        if not self._normalises:
            return scores
        lowest, highest = min(scores, default=0), max(scores, default=0)
        span = highest - lowest
        return [(score - lowest) * MAX_NODE_SCORE // span if span else 0 for score in scores]

    def reserve(self, pod: Pod, node_info: NodeInfo, context: Context) -> Mapping[str, str]:
        """The annotation that names the GPUs of the pod; none for a pod without GPU."""
        demand = asked(pod).demand
        if demand.gpus == 0:
            return {}
        placing = self._placing(pod, context)
        devices = placing.devices(demand, room_of(node_info), Random(0))
        return {GPU_INDEX: index_text(devices)}


def gpu_policy(placer: Placer) -> Profile:
    """The default filters and preemption, GpuShare, and one score."""
    base = default_policy()
    return GpuProfile(
        placer.name,
        (*base.filters, GpuShare()),
        ((placer, 1),),
        resources=base.resources,
        post_filter=base.post_filter,
        extra=base.extra,
    )


class GpuProfile(Profile):
    """is_scale_free: its maxima are numbers of cores and GPUs, and it rounds."""

    is_scale_free = False
