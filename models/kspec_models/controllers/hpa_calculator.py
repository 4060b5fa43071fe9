"""How many replicas a metric asks for: the ReplicaCalculator of the HorizontalPodAutoscaler.

After pkg/controller/podautoscaler/replica_calculator.go and metrics/utilization.go at Kubernetes
1.36. Amounts are whole thousandths; ratios are float64, as in Go, and so round alike. Counts
saturate at the largest int32 where upstream caps them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from kspec_models.controllers.hpa_pods import Groups, Patience, group_pods, pod_requests
from kspec_models.metrics import MetricError, PodMetric
from kspec_models.objects import Pod, condition

MAX_INT32, MAX_INT64 = 2**31 - 1, 2**63 - 1
TOLERANCE = 0.1

Metrics = Mapping[str, PodMetric]


class Tolerances(NamedTuple):
    """How far the usage ratio may be from 1 without any scaling, by direction."""

    down: float = TOLERANCE
    up: float = TOLERANCE

    def is_within(self, ratio: float) -> bool:
        return 1.0 - self.down <= ratio <= 1.0 + self.up


class Target(NamedTuple):
    """What is scaled, as a pass sees it: its size, its pods, and how they are judged."""

    replicas: int
    pods: tuple[Pod, ...]
    now: int
    tolerances: Tolerances = Tolerances()
    patience: Patience = Patience()


class Proposal(NamedTuple):
    """replicas: what one metric asks for. usage: per pod in thousandths, or the level of an object.

    utilization: in percent of the requests, where that is what the metric is about.
    """

    replicas: int
    usage: int
    utilization: int | None = None


class _Usage(NamedTuple):
    """The ratio of usage to target, with what the HPA reports of it."""

    ratio: float
    usage: int
    utilization: int | None = None


def resource_replicas(
    target: Target, metrics: Metrics, resource: str, container: str, utilization: int
) -> Proposal:
    """GetResourceReplicas: usage in percent of what the pods request."""
    groups, counted = _counted(target, metrics, resource)
    requests = pod_requests(target.pods, container, resource)
    fallback = max(100, utilization)

    def used(metrics: Metrics) -> _Usage:
        return _utilization(metrics, requests, utilization)

    missing = {name: requests[name] * fallback // 100 for name in groups.missing}
    return _proposed(target, groups, counted, missing, used)


def plain_replicas(target: Target, metrics: Metrics, resource: str, usage: int) -> Proposal:
    """GetRawResourceReplicas and GetMetricReplicas: usage per pod; "" for a custom metric."""
    groups, counted = _counted(target, metrics, resource)

    def used(metrics: Metrics) -> _Usage:
        current = sum(m.value for m in metrics.values()) // len(metrics)
        return _Usage(_quotient(current, usage), current)

    missing = dict.fromkeys(groups.missing, usage)
    return _proposed(target, groups, counted, missing, used)


def _counted(
    target: Target, metrics: Metrics, resource: str
) -> tuple[Groups, dict[str, PodMetric]]:
    """The groups of the pods, and the metrics of those that are neither ignored nor unready."""
    if not target.pods:
        raise MetricError("no pods returned by selector while calculating replica count")
    groups = group_pods(target.pods, metrics, resource, target.patience, target.now)
    out = groups.ignored | groups.unready
    counted = {name: metric for name, metric in metrics.items() if name not in out}
    if not counted:
        raise MetricError("did not receive metrics for targeted pods (pods might be unready)")
    return groups, counted


def _proposed(
    target: Target,
    groups: Groups,
    metrics: dict[str, PodMetric],
    fallback: Mapping[str, int],
    used: Callable[[Metrics], _Usage],
) -> Proposal:
    """The common half: what the pods without a usage of their own are taken to use.

    fallback: what a missing pod is taken to use where the others ask for fewer replicas.
    """
    first = used(metrics)
    proposal = Proposal(target.replicas, first.usage, first.utilization)
    is_up_with_unready = bool(groups.unready) and first.ratio > 1.0
    if not is_up_with_unready and not groups.missing:
        if target.tolerances.is_within(first.ratio):
            return proposal
        return proposal._replace(replicas=_ceiling(first.ratio * groups.ready))
    if first.ratio < 1.0:
        metrics.update({name: PodMetric(value) for name, value in fallback.items()})
    elif first.ratio > 1.0:
        metrics.update(dict.fromkeys(groups.missing, PodMetric(0)))
    if is_up_with_unready:
        metrics.update(dict.fromkeys(groups.unready, PodMetric(0)))
    again = used(metrics).ratio
    if target.tolerances.is_within(again) or _turns(first.ratio, again):
        return proposal
    replicas = _ceiling(again * len(metrics))
    if (again < 1.0 and replicas > target.replicas) or (again > 1.0 and replicas < target.replicas):
        return proposal  # more or fewer pods with metrics would turn the direction around
    return proposal._replace(replicas=replicas)


def _turns(first: float, again: float) -> bool:
    return (first < 1.0 and again > 1.0) or (first > 1.0 and again < 1.0)


def _utilization(metrics: Metrics, requests: Mapping[str, int], target: int) -> _Usage:
    """GetResourceUtilizationRatio: whole percents, rounded down as Go divides."""
    known = [name for name in metrics if name in requests]
    total = sum(metrics[name].value for name in known)
    requested = sum(requests[name] for name in known)
    if not requested:
        raise MetricError("no metrics returned matched known pods")
    current = total * 100 // requested
    return _Usage(_quotient(current, target), total // len(known), current)


def object_replicas(target: Target, level: int, usage: int) -> Proposal:
    """GetObjectMetricReplicas and GetExternalMetricReplicas: a level against a target value."""
    return Proposal(_by_ratio(target, _quotient(level, usage)), level)


def external_replicas(target: Target, levels: Iterable[int], usage: int) -> Proposal:
    """GetExternalMetricReplicas: the sum of all series of the metric."""
    return object_replicas(target, _total(levels), usage)


def _by_ratio(target: Target, ratio: float) -> int:
    """getUsageRatioReplicaCount: times the ready pods; from zero the ratio alone."""
    if target.replicas == 0:
        return _ceiling(ratio)
    if target.tolerances.is_within(ratio):
        return target.replicas
    if not target.pods:
        raise MetricError(
            "unable to calculate ready pods: "
            "no pods returned by selector while calculating replica count"
        )
    return _ceiling(ratio * sum(map(_is_ready, target.pods)))


def _is_ready(pod: Pod) -> bool:
    ready = condition(pod.status.conditions, "Ready")
    return pod.status.phase == "Running" and ready is not None and ready.status == "True"


def object_per_pod_replicas(target: Target, level: int, usage: int) -> Proposal:
    """GetObjectPerPodMetricReplicas, by status.replicas of the target."""
    replicas = target.replicas
    if not target.tolerances.is_within(_quotient(level, usage * replicas)):
        replicas = _ceiling(_quotient(level, usage))
    share = MAX_INT64 if level >= MAX_INT64 else _whole(_quotient(level, target.replicas))
    return Proposal(replicas, share)


def external_per_pod_replicas(target: Target, levels: Iterable[int], usage: int) -> Proposal:
    """GetExternalPerPodMetricReplicas, by status.replicas of the target."""
    return object_per_pod_replicas(target, _total(levels), usage)


def _total(levels: Iterable[int]) -> int:
    return min(sum(levels), MAX_INT64)


def _quotient(amount: int, by: int) -> float:
    """float64(amount) / float64(by), which in Go gives an infinity or a NaN and no panic."""
    if by:
        return float(amount) / float(by)
    return math.nan if not amount else math.copysign(math.inf, amount)


def _whole(value: float) -> int:
    """int64(math.Ceil(value)), saturating."""
    return MAX_INT64 if not value < MAX_INT64 else math.ceil(value)


def _ceiling(value: float) -> int:
    """int32(math.Ceil(value)), saturating."""
    return min(_whole(value), MAX_INT32)
