"""NodeResourcesFit: what a pod requests must be free on the node; emptier nodes score higher.

After pkg/scheduler/framework/plugins/noderesources/{fit,least_allocated,most_allocated,
resource_allocation}.go at 1.36. Since kubernetes/kubernetes#131345 (1.34) a request beyond the
whole of what a node offers is UnschedulableAndUnresolvable.

`fits`, `least_allocated` and `most_allocated` are plain functions over integers, so the same code
is proved by z3; the strategy RequestedToCapacityRatio is in `requested_to_capacity_ratio`. Left
out: extended resources backed by device claims (gated), which no default profile has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from kspec.errors import InputError
from kspec_models.objects.core import PodSpec
from kspec_models.resources import (
    CPU,
    EPHEMERAL_STORAGE,
    MEMORY,
    amounts_of_spec,
    is_extended,
    is_scalar,
)
from kspec_models.scheduler.framework import (
    MAX_NODE_SCORE,
    SUCCESS,
    UNRESOLVABLE,
    UNSCHEDULABLE,
    Status,
)
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.plugins.requested_to_capacity_ratio import (
    RequestedToCapacityRatio,
    mean_of_positive,
)

NAME = "NodeResourcesFit"
TOO_MANY_PODS = "Too many pods"


def fits(request: int, allocatable: int, requested: int) -> bool:
    """Whether a request fits what is left of one resource; a request of nothing always fits."""
    return request <= 0 or request <= allocatable - requested


def least_allocated(requested: int, allocatable: int) -> int:
    """0..100: the share that stays free once `requested` (the pod included) is taken."""
    if allocatable <= 0 or requested > allocatable:
        return 0
    return (allocatable - requested) * MAX_NODE_SCORE // allocatable


def most_allocated(requested: int, allocatable: int) -> int:
    """0..100: the share that is taken; above what there is counts as all of it."""
    if allocatable <= 0:
        return 0
    taken = requested if requested <= allocatable else allocatable
    return taken * MAX_NODE_SCORE // allocatable


def weighted_mean(scores: Sequence[tuple[int, int]]) -> int:
    """The mean of (score, weight), rounded down; 0 where there is none."""
    total = sum(weight for _, weight in scores)
    return sum(score * weight for score, weight in scores) // total if total else 0


class Insufficient(NamedTuple):
    """A resource that a node has too little of. unresolvable: even empty it had too little."""

    resource: str
    reason: str
    requested: int
    used: int
    capacity: int
    unresolvable: bool


class Weight(NamedTuple):
    """A resource and its weight, 1..100, in a score."""

    resource: str
    weight: int


DEFAULT_WEIGHTS = (Weight(CPU, 1), Weight(MEMORY, 1))


def checked_weights(weights: Sequence[Weight]) -> tuple[Weight, ...]:
    """The weights, or InputError where one is outside 1..100."""
    for resource, weight in weights:
        if not 1 <= weight <= MAX_NODE_SCORE:
            raise InputError(f"weight {weight} of {resource}", expected="a weight from 1 to 100")
    return tuple(weights)


def insufficient(
    spec: PodSpec, info: NodeInfo, ignored: frozenset[str] = frozenset()
) -> tuple[Insufficient, ...]:
    """Every resource that the node has too little of for the pod, in upstream's order.

    ignored: extended resources, and groups (the part before /), that are not looked at.
    """
    found = []
    if not fits(1, info.allowed_pods, len(info.pods)):
        found.append(
            Insufficient("pods", TOO_MANY_PODS, 1, len(info.pods), info.allowed_pods, False)
        )
    request = amounts_of_spec(spec).requests
    for resource in (CPU, MEMORY, EPHEMERAL_STORAGE, *(name for name, _ in request.scalar)):
        amount = request.amount(resource)
        used, capacity = info.requested.amount(resource), info.allocatable.amount(resource)
        if fits(amount, capacity, used) or _is_ignored(resource, ignored):
            continue
        reason = f"Insufficient {resource}"
        found.append(Insufficient(resource, reason, amount, used, capacity, amount > capacity))
    return tuple(found)


def _is_ignored(resource: str, ignored: frozenset[str]) -> bool:
    if not ignored or not is_extended(resource):
        return False
    return resource in ignored or resource.partition("/")[0] in ignored


def has_room(spec: PodSpec, info: NodeInfo) -> bool:
    """Whether `insufficient` finds nothing, without saying what."""
    amounts = amounts_of_spec(spec).requests
    used, capacity = info.requested, info.allocatable
    return (
        fits(1, info.allowed_pods, len(info.pods))
        and fits(amounts.milli_cpu, capacity.milli_cpu, used.milli_cpu)
        and fits(amounts.memory, capacity.memory, used.memory)
        and fits(amounts.ephemeral_storage, capacity.ephemeral_storage, used.ephemeral_storage)
        and all(fits(n, capacity.amount(name), used.amount(name)) for name, n in amounts.scalar)
    )


def usage(spec: PodSpec, info: NodeInfo, resource: str, non_zero: bool) -> tuple[int, int]:
    """(taken with the pod, offered) of a resource; (0, 0) where it does not count.

    non_zero: count the defaults of scoring for CPU and memory. An extended resource that the pod
    does not ask for does not count.
    """
    amounts = amounts_of_spec(spec)
    if non_zero and resource == CPU:
        return info.non_zero_milli_cpu + amounts.non_zero_milli_cpu, info.allocatable.milli_cpu
    if non_zero and resource == MEMORY:
        return info.non_zero_memory + amounts.non_zero_memory, info.allocatable.memory
    asked = amounts.requests.amount(resource)
    if asked == 0 and is_scalar(resource):
        return 0, 0
    return info.requested.amount(resource) + asked, info.allocatable.amount(resource)


Strategy = Callable[[int, int], int]


class NodeResourcesFit:
    """strategy: least_allocated, most_allocated or a RequestedToCapacityRatio. ignored: see
    `insufficient`. Raises InputError for a weight outside 1..100."""

    name = NAME
    is_relative = False
    rounds = True  # a container that requests nothing counts as 100m and 200Mi at any scale

    def __init__(
        self,
        strategy: Strategy = least_allocated,
        weights: Sequence[Weight] = DEFAULT_WEIGHTS,
        ignored: frozenset[str] = frozenset(),
    ) -> None:
        self.strategy, self.ignored = strategy, ignored
        self.weights = checked_weights(weights)
        is_shaped = isinstance(strategy, RequestedToCapacityRatio)
        self.mean = mean_of_positive if is_shaped else weighted_mean

    def filter(self, spec: PodSpec, node_info: NodeInfo) -> Status:
        if has_room(spec, node_info):
            return SUCCESS
        found = insufficient(spec, node_info, self.ignored)
        if not found:
            return SUCCESS
        code = UNRESOLVABLE if any(each.unresolvable for each in found) else UNSCHEDULABLE
        return Status(code, tuple(each.reason for each in found), NAME)

    def score(self, spec: PodSpec, node_info: NodeInfo) -> int:
        scores = []
        for resource, weight in self.weights:
            taken, offered = usage(spec, node_info, resource, non_zero=True)
            if offered:
                scores.append((self.strategy(taken, offered), weight))
        return self.mean(scores)

    def normalize(self, scores: Sequence[int]) -> Sequence[int]:
        return scores
