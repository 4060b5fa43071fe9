"""Adapters of the HorizontalPodAutoscaler's replica calculator."""

import datetime

import pytest

from adapters import NotCovered, adapter
from kspec_models.controllers import hpa_calculator as calculator
from kspec_models.controllers.hpa_pods import Patience, group_pods
from kspec_models.metrics import BEGINNING, MetricError, PodMetric, of_container, of_pod
from kspec_models.objects import Pod
from kspec_models.objects.record import EPOCH

NANOSECONDS = 1_000_000_000
ZERO_TIME, LONG_AGO = "0001-01-01T00:00:00Z", "0002-01-01T00:00:00Z"


@adapter("hpa_replicas")
def check_replicas(case):
    given, expected = case["input"], case["expected"]
    if expected.get("error"):
        with pytest.raises(MetricError) as raised:
            proposed(given)
        assert expected["error"] in str(raised.value)
        return
    proposal = proposed(given)
    assert proposal.replicas == expected["replicas"]
    if "utilization" in expected:
        assert (proposal.utilization, proposal.usage) == (
            expected["utilization"],
            expected["rawValue"],
        )
    if "usageMilli" in expected:
        assert proposal.usage == expected["usageMilli"]


def proposed(given):
    """What the metric of a case asks for."""
    metric, target = given["metric"], target_of(given)
    kind, levels = metric["type"], metric.get("levelsMilli") or []
    if kind in ("Resource", "ContainerResource"):
        return by_resource(given, metric, target)
    if kind == "Pods":
        names = [pod.name for pod in target.pods]
        prefix = names[0].rpartition("-")[0] if names else "test-pod"
        metrics = {f"{prefix}-{i}": PodMetric(level) for i, level in enumerate(levels)}
        if not metrics:
            why = "no metrics returned from custom metrics API"
            raise MetricError(f"unable to get metric {metric['name']}: {why}")
        return calculator.plain_replicas(target, metrics, "", metric["targetUsageMilli"])
    if not levels:
        raise MetricError("no metrics returned from external metrics API")
    total, each = metric.get("targetUsageMilli", 0), metric.get("perPodTargetUsageMilli", 0)
    if kind == "Object":
        return calculator.object_replicas(target, levels[0], total)
    if kind == "ObjectPerPod":
        return calculator.object_per_pod_replicas(target, levels[0], each)
    if kind == "External":
        return calculator.external_replicas(target, levels, total)
    if kind == "ExternalPerPod":
        return calculator.external_per_pod_replicas(target, levels, each)
    raise NotCovered(f"a metric of type {kind!r}")


def by_resource(given, metric, target):
    container, timestamp = given.get("container", ""), seconds(given["metricTimestamp"])
    name, metrics = metric["name"], {}
    space = next((pod.namespace for pod in target.pods), "test-namespace")
    for each in metric.get("podMetrics") or []:
        used = each.get("containersMilli") or {}
        value = (
            of_container(used, container, f"{space}/{each['name']}") if container else of_pod(used)
        )
        if value is not None:
            metrics[each["name"]] = PodMetric(value, timestamp, each.get("windowSeconds", 0))
    if not metrics:
        raise MetricError(
            f"unable to get metrics for resource {name}: "
            "no metrics returned from resource metrics API"
        )
    if metric.get("targetUtilization"):
        utilization = metric["targetUtilization"]
        return calculator.resource_replicas(target, metrics, name, container, utilization)
    return calculator.plain_replicas(target, metrics, name, metric["targetUsageMilli"])


def target_of(given):
    tolerance = given["tolerance"]
    if not isinstance(tolerance, dict):
        tolerance = {"scaleDown": tolerance, "scaleUp": tolerance}
    return calculator.Target(
        given["currentReplicas"],
        pods_of(given),
        seconds(given["now"]),
        calculator.Tolerances(tolerance["scaleDown"], tolerance["scaleUp"]),
        patience_of(given),
    )


def pods_of(given):
    """The pods. Go's zero time, which the model reads as none, says that one started long ago."""
    return tuple(map(pod_of, given.get("pods") or ()))


def pod_of(data):
    status = data.get("status") or {}
    if status.get("startTime") == ZERO_TIME:
        data = {**data, "status": {**status, "startTime": LONG_AGO}}
    return Pod.from_json(data)


def seconds(text):
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return BEGINNING if text == ZERO_TIME else int((moment - EPOCH).total_seconds())


def patience_of(given):
    return Patience(
        given["cpuInitializationPeriodSeconds"], given["delayOfInitialReadinessStatusSeconds"]
    )


@adapter("hpa_group_pods")
def check_groups(case):
    given, expected = case["input"], case["expected"]
    metrics = {name: metric_of(data) for name, data in (given.get("metrics") or {}).items()}
    groups = group_pods(
        pods_of(given),
        metrics,
        given["resource"],
        patience_of(given),
        seconds(given["now"]),
    )
    assert groups.ready == expected["expectReadyPodCount"]
    assert groups.unready == set(expected["expectUnreadyPods"] or ())
    assert groups.missing == set(expected["expectMissingPods"] or ())
    assert groups.ignored == set(expected["expectIgnoredPods"] or ())


def metric_of(data):
    timestamp = data.get("timestamp")
    return PodMetric(
        data.get("value", 0),
        seconds(timestamp or ZERO_TIME),
        data.get("window", 0) // NANOSECONDS,
    )
