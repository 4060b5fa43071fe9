"""What the HorizontalPodAutoscaler knows of the pods of its target: who counts, and for how much.

After groupPods and calculateRequests in pkg/controller/podautoscaler/replica_calculator.go at
Kubernetes 1.36. Pods are told apart by name, as upstream does. Left out: nothing that a pod of the
model can have; requests at pod level count as upstream's PodLevelResources has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kspec_models.metrics import BEGINNING, MetricError, PodMetric
from kspec_models.objects import Container, Pod, condition
from kspec_models.objects.record import EMPTY
from kspec_models.quantity import parse
from kspec_models.resources import CPU

CPU_INITIALIZATION_SECONDS = 300
INITIAL_READINESS_SECONDS = 30


class Patience(NamedTuple):
    """How long the CPU usage of a young pod is not trusted, as the flags of the same names."""

    cpu_initialization_period: int = CPU_INITIALIZATION_SECONDS
    initial_readiness_delay: int = INITIAL_READINESS_SECONDS


class Groups(NamedTuple):
    """The pods of a target: ready ones counted, the others by name."""

    ready: int
    unready: frozenset[str]
    missing: frozenset[str]
    ignored: frozenset[str]


def group_pods(
    pods: Iterable[Pod],
    metrics: Mapping[str, PodMetric],
    resource: str,
    patience: Patience,
    now: int,
) -> Groups:
    """groupPods: failed and deleted pods are ignored, pending and starting ones are unready."""
    ready = 0
    unready, missing, ignored = set(), set(), set()
    for pod in pods:
        if pod.is_terminating or pod.status.phase == "Failed":
            ignored.add(pod.name)
        elif pod.status.phase == "Pending":
            unready.add(pod.name)
        elif pod.name not in metrics:
            missing.add(pod.name)
        elif resource == CPU and _is_starting(pod, metrics[pod.name], patience, now):
            unready.add(pod.name)
        else:
            ready += 1
    return Groups(ready, frozenset(unready), frozenset(missing), frozenset(ignored))


def _is_starting(pod: Pod, metric: PodMetric, patience: Patience, now: int) -> bool:
    """Whether the CPU usage of the pod says more about its start than about its load."""
    ready, started = condition(pod.status.conditions, "Ready"), pod.status.start_time
    if ready is None or started is None:
        return True
    changed = BEGINNING if ready.last_transition_time is None else ready.last_transition_time
    is_false = ready.status == "False"
    if started + patience.cpu_initialization_period > now:
        return is_false or metric.timestamp < changed + metric.window
    return is_false and started + patience.initial_readiness_delay > changed


def pod_requests(pods: Iterable[Pod], container: str, resource: str) -> dict[str, int]:
    """calculateRequests: the request of each pod, or of one container of it, in thousandths."""
    return {pod.name: _request(pod, container, resource) for pod in pods}


def _request(pod: Pod, container: str, resource: str) -> int:
    whole = pod.spec.resources.requests if pod.spec.resources is not None else EMPTY
    if whole and not container:
        if resource not in whole:
            raise MetricError(f"missing pod-level request for {resource} in Pod {pod.name}")
        return parse(whole[resource]).milli_value()
    sidecars = (c for c in pod.spec.init_containers if c.restart_policy == "Always")
    every = (*pod.spec.containers, *sidecars)
    if not container:
        return sum(_of_container(pod, each, resource) for each in every)
    for each in every:
        if each.name == container:
            return _of_container(pod, each, resource)
    raise MetricError(f"container {container} not found in Pod {pod.name}")


def _of_container(pod: Pod, container: Container, resource: str) -> int:
    amount = container.resources.requests.get(resource)
    if amount is None:
        raise MetricError(
            f"missing request for {resource} in container {container.name} of Pod {pod.name}"
        )
    return parse(amount).milli_value()
