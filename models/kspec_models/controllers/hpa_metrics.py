"""Which replica count the metrics of a HorizontalPodAutoscaler ask for.

After computeReplicasForMetrics and computeStatusFor... in pkg/controller/podautoscaler/
horizontal.go at Kubernetes 1.36: each metric proposes a count and the highest wins. Where some
metrics cannot be had, the others may only scale up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from kspec_models import metrics as source
from kspec_models.controllers import hpa_calculator as calculator
from kspec_models.controllers.hpa_calculator import Proposal, Target
from kspec_models.metrics import MetricError
from kspec_models.objects import Load, freeze
from kspec_models.objects.record import FrozenMap
from kspec_models.quantity import Quantity, parse

Spec = Mapping[str, Any]


class Seen(NamedTuple):
    """What the metrics are computed from. status_replicas: that of the target's scale."""

    target: Target
    status_replicas: int
    loads: tuple[Load, ...]

    @property
    def per_pod(self) -> Target:
        """The target as the averages of objects and external metrics count it."""
        return self.target._replace(replicas=self.status_replicas)


class Found(NamedTuple):
    """One metric: its proposal, its name for messages, and what status.currentMetrics says."""

    proposal: Proposal
    name: str
    status: FrozenMap[Any]


class Computed(NamedTuple):
    """All metrics. replicas None: nothing may be scaled. active: reason and message of
    ScalingActive, which holds unless `is_failed`."""

    replicas: int | None
    active: tuple[str, str]
    is_failed: bool
    statuses: tuple[FrozenMap[Any], ...]


def compute(specs: tuple[Spec, ...], seen: Seen) -> Computed:
    """computeReplicasForMetrics."""
    best, statuses = None, []
    failure: tuple[str, str] | None = None
    failed = 0
    for spec in specs:
        try:
            found = _COMPUTERS[spec["type"]](spec, seen)
        except MetricError as error:
            failed += 1
            told = f"the HPA was unable to compute the replica count: {error}"
            failure = failure or (f"FailedGet{spec['type']}Metric", told)
            continue
        statuses.append(found.status)
        if best is None or found.proposal.replicas > best.proposal.replicas:
            best = found
    is_down = best is not None and best.proposal.replicas < seen.target.replicas
    if failure is not None and (failed >= len(specs) or is_down):
        return Computed(None, failure, True, tuple(statuses))
    assert best is not None
    message = f"the HPA was able to successfully calculate a replica count from {best.name}"
    active = ("ValidMetricFound", message)
    return Computed(best.proposal.replicas, active, False, tuple(statuses))


def _resource(spec: Spec, seen: Seen) -> Found:
    return _of_resource(spec, seen, "resource", "")


def _container_resource(spec: Spec, seen: Seen) -> Found:
    return _of_resource(spec, seen, "containerResource", spec["containerResource"]["container"])


def _of_resource(spec: Spec, seen: Seen, field: str, container: str) -> Found:
    """computeStatusForResourceMetricGeneric."""
    name, aim = spec[field]["name"], spec[field]["target"]
    target, loads = seen.target, seen.loads
    about = {"name": name, **({"container": container} if container else {})}
    if "averageValue" in aim:
        try:
            metrics = source.resource_metric(loads, target.pods, name, container, target.now)
            found = calculator.plain_replicas(target, metrics, name, _milli(aim["averageValue"]))
        except MetricError as error:
            raise MetricError(f"failed to get {name} usage: {error}") from None
        return Found(found, f"{name} resource", _status(spec, field, about, _average(found.usage)))
    try:
        metrics = source.resource_metric(loads, target.pods, name, container, target.now)
        found = calculator.resource_replicas(
            target, metrics, name, container, aim["averageUtilization"]
        )
    except MetricError as error:
        raise MetricError(f"failed to get {name} utilization: {error}") from None
    kind = "container resource" if container else "resource"
    current = {"averageUtilization": found.utilization, **_average(found.usage)}
    told = f"{name} {kind} utilization (percentage of request)"
    return Found(found, told, _status(spec, field, about, current))


def _pods(spec: Spec, seen: Seen) -> Found:
    metric, aim = spec["pods"]["metric"], spec["pods"]["target"]
    target = seen.target
    used = source.pods_metric(seen.loads, target.pods, metric["name"], target.now)
    found = calculator.plain_replicas(target, used, "", _milli(aim["averageValue"]))
    status = _status(spec, "pods", {"metric": metric}, _average(found.usage))
    return Found(found, f"pods metric {metric['name']}", status)


def _object(spec: Spec, seen: Seen) -> Found:
    """computeStatusForObjectMetric: by value, or by average value for each replica."""
    metric, aim = spec["object"]["metric"], spec["object"]["target"]
    described = spec["object"]["describedObject"]
    level = source.object_metric(seen.loads, metric["name"], described)
    about = {"metric": metric, "describedObject": described}
    if aim["type"] == "Value":
        found = calculator.object_replicas(seen.target, level, _milli(aim["value"]))
        status = _status(spec, "object", about, {"value": _text(found.usage)})
        return Found(found, f"{described['kind']} metric {metric['name']}", status)
    each = _milli(aim["averageValue"])
    found = calculator.object_per_pod_replicas(seen.per_pod, level, each)
    status = _status(spec, "object", about, _average(found.usage))
    return Found(found, f"external metric {metric['name']}", status)


def _external(spec: Spec, seen: Seen) -> Found:
    """computeStatusForExternalMetric: an average value comes before a value."""
    metric, aim = spec["external"]["metric"], spec["external"]["target"]
    levels = source.external_metric(seen.loads, metric["name"], metric.get("selector"))
    told = f"external metric {metric['name']}"
    if "averageValue" in aim:
        each = _milli(aim["averageValue"])
        found = calculator.external_per_pod_replicas(seen.per_pod, levels, each)
        current = _average(found.usage)
    else:
        found = calculator.external_replicas(seen.target, levels, _milli(aim["value"]))
        current = {"value": _text(found.usage)}
    return Found(found, told, _status(spec, "external", {"metric": metric}, current))


_COMPUTERS: Mapping[str, Callable[[Spec, Seen], Found]] = {
    "Resource": _resource,
    "ContainerResource": _container_resource,
    "Pods": _pods,
    "Object": _object,
    "External": _external,
}


def _milli(text: str) -> int:
    return parse(str(text)).milli_value()


def _text(milli: int) -> str:
    return str(Quantity.new_milli(milli))


def _average(milli: int) -> dict[str, Any]:
    return {"averageValue": _text(milli)}


def _status(spec: Spec, field: str, about: Mapping[str, Any], current: Mapping[str, Any]) -> Any:
    return freeze({"type": spec["type"], field: {**about, "current": current}})


def trusts_age(specs: tuple[Spec, ...]) -> bool:
    """Whether the age of a pod matters to one of the metrics: those of CPU usage."""
    fields = [s.get("resource") or s.get("containerResource") or {} for s in specs]
    return any(field.get("name") == "cpu" for field in fields)
