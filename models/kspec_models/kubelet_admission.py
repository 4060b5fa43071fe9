"""Which pods a kubelet admits: those whose requests fit beside what it has admitted already.

After pkg/kubelet/lifecycle/predicate.go and noderesources.Fits (pkg/scheduler/framework/plugins/
noderesources/fit.go) at 1.36: the pod count first, then CPU, memory, ephemeral storage, then the
scalar resources that the node has; the first that is short becomes the reason, e.g. OutOfcpu.

Left out: node name, node affinity, host ports and NoExecute taints (the scheduler and the taint
eviction judge them; a kubelet that checks less rejects fewer pods and runs no pod that does not
fit); operating system and policy checks; preemption by critical pods. All of them need pods or
nodes that no world has.
"""

from __future__ import annotations

from typing import NamedTuple

from kspec.values import Memo
from kspec_models.kubelet_status import Rejection
from kspec_models.objects import Node
from kspec_models.objects.record import Resources
from kspec_models.quantity import whole
from kspec_models.resources import (
    CPU,
    EPHEMERAL_STORAGE,
    MEMORY,
    NOTHING_REQUESTED,
    PODS,
    Requests,
    is_extended,
    parsed,
    requests_of_list,
)


class Usage(NamedTuple):
    """A number of pods and the sum of their requests."""

    pods: int = 0
    requests: Requests = NOTHING_REQUESTED

    def plus(self, requests: Requests) -> Usage:
        """This usage with one pod more."""
        return Usage(self.pods + 1, _sum(self.requests, requests, 1))

    def minus(self, requests: Requests) -> Usage:
        """This usage with one pod less."""
        return Usage(self.pods - 1, _sum(self.requests, requests, -1))


def _sum(a: Requests, b: Requests, sign: int) -> Requests:
    scalar = a.scalar
    if b.scalar:
        total = dict(a.scalar)
        for name, amount in b.scalar:
            total[name] = total.get(name, 0) + sign * amount
        scalar = tuple(sorted((name, amount) for name, amount in total.items() if amount))
    return Requests(
        a.milli_cpu + sign * b.milli_cpu,
        a.memory + sign * b.memory,
        a.ephemeral_storage + sign * b.ephemeral_storage,
        scalar,
    )


def _parse_allocatable(resources: Resources) -> Usage:
    pods = resources.get(PODS)
    return Usage(whole(pods) if pods is not None else 0, requests_of_list(parsed(resources)))


_allocatable: Memo[Resources, Usage] = Memo("allocatable of a kubelet", _parse_allocatable)


def allocatable_of(node: Node) -> Usage:
    """What the node has for pods. Upstream's kubelet reads it from its own Node object."""
    return _allocatable(node.status.allocatable)


def admit(allocatable: Usage, used: Usage, pod: Requests) -> Rejection | None:
    """None if the pod fits beside `used`, else why it is rejected."""
    if used.pods + 1 > allocatable.pods:
        return _insufficient(PODS, 1, used.pods, allocatable.pods)
    have, taken = allocatable.requests, used.requests
    if pod.milli_cpu > have.milli_cpu - taken.milli_cpu and pod.milli_cpu:
        return _insufficient(CPU, pod.milli_cpu, taken.milli_cpu, have.milli_cpu)
    if pod.memory > have.memory - taken.memory and pod.memory:
        return _insufficient(MEMORY, pod.memory, taken.memory, have.memory)
    storage, free = pod.ephemeral_storage, have.ephemeral_storage - taken.ephemeral_storage
    if storage > free and storage:
        return _insufficient(
            EPHEMERAL_STORAGE, storage, taken.ephemeral_storage, have.ephemeral_storage
        )
    for name, amount in pod.scalar:
        capacity, in_use = have.amount(name), taken.amount(name)
        is_elsewhere = is_extended(name) and not any(name == known for known, _ in have.scalar)
        if not is_elsewhere and amount and amount > capacity - in_use:
            return _insufficient(name, amount, in_use, capacity)
    return None


def _insufficient(resource: str, requested: int, used: int, capacity: int) -> Rejection:
    return Rejection(
        f"OutOf{resource}",
        f"Pod was rejected: Node didn't have enough resource: {resource}, "
        f"requested: {requested}, used: {used}, capacity: {capacity}",
    )
