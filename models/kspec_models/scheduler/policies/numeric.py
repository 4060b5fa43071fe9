"""Policies over plain numbers as policies: what they do not see is judged by the default filters.

The default filters but NodeResourcesFit come first. Resources that the numbers leave out (extended
ones, huge pages) are judged as by default.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from kspec_models.objects import Pod
from kspec_models.resources import amounts_of_spec
from kspec_models.scheduler.framework import (
    SUCCESS,
    UNSCHEDULABLE,
    Context,
    Status,
)
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.plugins import node_resources_fit
from kspec_models.scheduler.policies.default import default_policy
from kspec_models.scheduler.profile import Profile


class NodeNumbers(NamedTuple):
    """A node as numbers: milli-cores, bytes, counts. All at least 0."""

    allocatable_milli_cpu: int
    allocatable_memory: int
    allocatable_ephemeral_storage: int
    allowed_pods: int
    requested_milli_cpu: int
    requested_memory: int
    requested_ephemeral_storage: int
    pods: int


class PodNumbers(NamedTuple):
    """A pod's requests as numbers: milli-cores and bytes."""

    milli_cpu: int
    memory: int
    ephemeral_storage: int


class NumericPolicy(Protocol):
    """A policy over plain numbers, marked by `numeric = True`; runs symbolically as it stands.

    Every other hard constraint (taints, affinity, ports, ...) is judged by the default filters.
    """

    @property
    def name(self) -> str: ...

    def filter(self, pod: PodNumbers, node: NodeNumbers) -> bool: ...

    def score(self, pod: PodNumbers, node: NodeNumbers) -> int: ...


def pod_numbers(pod: Pod) -> PodNumbers:
    """What a numeric policy sees of a pod."""
    requests = amounts_of_spec(pod.spec).requests
    return PodNumbers(requests.milli_cpu, requests.memory, requests.ephemeral_storage)


def node_numbers(info: NodeInfo) -> NodeNumbers:
    """What a numeric policy sees of a node."""
    offered, used = info.allocatable, info.requested
    return NodeNumbers(
        offered.milli_cpu,
        offered.memory,
        offered.ephemeral_storage,
        info.allowed_pods,
        used.milli_cpu,
        used.memory,
        used.ephemeral_storage,
        len(info.pods),
    )


class Numeric:
    """A numeric policy as a policy. Preemption and hooks are those of the default profile."""

    def __init__(self, numeric: NumericPolicy) -> None:
        self.numeric = numeric
        self.name = numeric.name
        default = default_policy()
        others = tuple(p for p in default.filters if p.name != node_resources_fit.NAME)
        name = f"{numeric.name}: other constraints"
        self._others = Profile(name, others, extra=default.extra)
        self.filters, self.extra = self._others.filters, self._others.extra
        self.post_filter = default.post_filter
        self.resources = default.resources
        self.normalises = bool(getattr(numeric, "normalises", False))
        self.rounds = bool(getattr(numeric, "rounds", False))

    def pre_filter(self, pod: Pod, context: Context) -> tuple[Status, Context]:
        """PreFilter of the other constraints."""
        return self._others.pre_filter(pod, context)

    def with_pod(self, pod: Pod, context: Context, added: Pod, info: NodeInfo) -> Context:
        """As `Profile.with_pod`."""
        return self._others.with_pod(pod, context, added, info)

    def without_pod(self, pod: Pod, context: Context, removed: Pod, info: NodeInfo) -> Context:
        """As `Profile.without_pod`."""
        return self._others.without_pod(pod, context, removed, info)

    def filter(self, pod: Pod, node_info: NodeInfo, context: Context) -> Status:
        """What the default filters say, and then the numbers."""
        status = self._others.filter(pod, node_info, context)
        if not status.ok:
            return status
        for name, amount in amounts_of_spec(pod.spec).requests.scalar:
            offered, used = node_info.allocatable.amount(name), node_info.requested.amount(name)
            if not node_resources_fit.fits(amount, offered, used):
                return Status(UNSCHEDULABLE, (f"Insufficient {name}",), node_resources_fit.NAME)
        if self.numeric.filter(pod_numbers(pod), node_numbers(node_info)):
            return SUCCESS
        return Status(UNSCHEDULABLE, (f"node(s) refused by policy {self.name}",), self.name)

    def score(self, pod: Pod, node_infos: tuple[NodeInfo, ...], context: Context) -> Sequence[int]:
        numbers = pod_numbers(pod)
        return [self.numeric.score(numbers, node_numbers(info)) for info in node_infos]
