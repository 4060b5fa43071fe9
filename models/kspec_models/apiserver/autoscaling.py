"""Defaults and validation of HorizontalPodAutoscaler and Load.

After pkg/apis/autoscaling/{v2/defaults.go,validation/validation.go} at Kubernetes 1.36, and what
kind autoscaling/v1 becomes when it is stored (v1/conversion.go). A Load is kspec's own kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kspec_models.apiserver.strategy import Strategy
from kspec_models.apiserver.validate_common import shown, unsupported
from kspec_models.objects import HorizontalPodAutoscaler, Load, freeze
from kspec_models.quantity import QuantityError, parse

_DEFAULT_METRICS = freeze(
    [
        {
            "type": "Resource",
            "resource": {
                "name": "cpu",
                "target": {"type": "Utilization", "averageUtilization": 80},
            },
        }
    ]
)
_FIELDS = {
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
    "ContainerResource": "containerResource",
    "External": "external",
}
_POLICY_TYPES = ("Pods", "Percent")
_SELECTS = ("Max", "Min", "Disabled")
_MAX_PERIOD, _MAX_WINDOW = 1800, 3600


def _default(hpa: HorizontalPodAutoscaler) -> HorizontalPodAutoscaler:
    """SetDefaults_HorizontalPodAutoscaler; behaviour is completed where it is read."""
    spec = hpa.spec
    return hpa.replace(
        spec=spec.replace(
            min_replicas=1 if spec.min_replicas is None else spec.min_replicas,
            metrics=spec.metrics or _DEFAULT_METRICS,
        )
    )


def _problems(hpa: HorizontalPodAutoscaler) -> Iterator[str]:
    """validateHorizontalPodAutoscalerSpec."""
    spec = hpa.spec
    if spec.min_replicas is not None and spec.min_replicas < 1:
        yield (
            f"spec.minReplicas: Invalid value: {spec.min_replicas}: "
            "must be greater than or equal to 1"
        )
    if spec.max_replicas < 1:
        yield f"spec.maxReplicas: Invalid value: {spec.max_replicas}: must be greater than 0"
    if spec.min_replicas is not None and spec.max_replicas < spec.min_replicas:
        yield (
            f"spec.maxReplicas: Invalid value: {spec.max_replicas}: "
            "must be greater than or equal to `minReplicas`"
        )
    for field in ("kind", "name"):
        if not getattr(spec.scale_target_ref, field):
            yield f"spec.scaleTargetRef.{field}: Required value"
    if not isinstance(spec.metrics, tuple):
        yield "spec.metrics: Invalid value: must be a list"
        return
    for i, metric in enumerate(spec.metrics):
        yield from _metric(metric, f"spec.metrics[{i}]")
    if spec.behavior is not None:
        for name in ("scaleUp", "scaleDown"):
            rules = spec.behavior.get(name)
            if rules is not None:
                yield from _rules(rules, f"spec.behavior.{name}")


def _metric(metric: Any, path: str) -> Iterator[str]:
    """validateMetricSpec: one source, that of the type."""
    kind = metric.get("type") if isinstance(metric, Mapping) else None
    if not kind:
        yield f"{path}.type: Required value: must specify a metric source type"
        return
    if kind not in _FIELDS:
        yield unsupported(kind, f"{path}.type", sorted(_FIELDS))
        return
    field = _FIELDS[kind]
    source = metric.get(field)
    if not isinstance(source, Mapping):
        why = "must populate information for the given metric source"
        yield f"{path}.{field}: Required value: {why}"
        return
    for other in _FIELDS.values():
        if other != field and metric.get(other) is not None:
            yield f"{path}.{other}: Forbidden: must populate the given metric source only"
    yield from _source(kind, source, f"{path}.{field}")


def _source(kind: str, source: Mapping[str, Any], path: str) -> Iterator[str]:
    if kind in ("Resource", "ContainerResource"):
        if not source.get("name"):
            yield f"{path}.name: Required value: must specify a resource name"
        if kind == "ContainerResource" and not source.get("container"):
            yield f"{path}.container: Required value: must specify a container"
    elif not (source.get("metric") or {}).get("name"):
        yield f"{path}.metric.name: Required value: must specify a metric name"
    if kind == "Object":
        for field in ("kind", "name"):
            if not (source.get("describedObject") or {}).get(field):
                yield f"{path}.describedObject.{field}: Required value"
    target = source.get("target")
    if not isinstance(target, Mapping):
        yield f"{path}.target.type: Required value: must specify a metric target type"
        return
    yield from _target(kind, target, f"{path}.target")


_AIMS = {
    "Resource": ("averageUtilization", "averageValue"),
    "ContainerResource": ("averageUtilization", "averageValue"),
    "Pods": ("averageValue",),
    "Object": ("averageValue", "value"),
    "External": ("averageValue", "value"),
}
_TYPES = {"averageUtilization": "Utilization", "averageValue": "AverageValue", "value": "Value"}


def _target(kind: str, target: Mapping[str, Any], path: str) -> Iterator[str]:
    """validateMetricTarget and what each source asks of it: exactly one goal, and positive."""
    if target.get("type") not in _TYPES.values():
        yield f'{path}.type: Invalid value: "{target.get("type", "")}": must be either ' + (
            "Utilization, Value, or AverageValue"
        )
        return
    aims = [name for name in _TYPES if target.get(name) is not None]
    for name in aims:
        if not _is_positive(name, target[name]):
            must = "greater than 0" if name == "averageUtilization" else "positive"
            yield f"{path}.{name}: Invalid value: {shown(target[name])}: must be {must}"
        if name not in _AIMS[kind]:
            yield f"{path}.{name}: Forbidden: may not be set for this metric source"
    allowed = [name for name in aims if name in _AIMS[kind]]
    if not allowed:
        yield f"{path}.{_AIMS[kind][0]}: Required value: must set " + " or ".join(_AIMS[kind])
    elif len(allowed) > 1:
        yield f"{path}.{allowed[1]}: Forbidden: may not set both {' and '.join(allowed)}"
    elif kind == "Object" and _TYPES[allowed[0]] != target["type"]:
        yield f"{path}.type: Invalid value: {target['type']}: {allowed[0]} is set"


def _is_positive(name: str, value: Any) -> bool:
    if name == "averageUtilization":
        return type(value) is int and value > 0
    try:
        return parse(str(value)).sign > 0
    except QuantityError:
        return False


def _rules(rules: Mapping[str, Any], path: str) -> Iterator[str]:
    """validateScalingRules."""
    window = rules.get("stabilizationWindowSeconds")
    if window is not None and not (type(window) is int and 0 <= window <= _MAX_WINDOW):
        is_low = type(window) is not int or window < 0
        must = "greater than or equal to zero" if is_low else f"less than or equal to {_MAX_WINDOW}"
        yield f"{path}.stabilizationWindowSeconds: Invalid value: {shown(window)}: must be {must}"
    select = rules.get("selectPolicy")
    if select is not None and select not in _SELECTS:
        yield unsupported(select, f"{path}.selectPolicy", sorted(_SELECTS))
    tolerance = rules.get("tolerance")
    if tolerance is not None and not _is_tolerance(tolerance):
        yield f"{path}.tolerance: Invalid value: {tolerance}: must be between 0 and 1"
    policies = rules.get("policies")
    if policies is None:
        return
    if not policies:
        yield f"{path}.policies: Required value: must specify at least one Policy"
    for i, policy in enumerate(policies):
        yield from _policy(policy, f"{path}.policies[{i}]")


def _is_tolerance(value: Any) -> bool:
    try:
        return 0 <= parse(str(value)).as_float() <= 1
    except QuantityError:
        return False


def _policy(policy: Mapping[str, Any], path: str) -> Iterator[str]:
    if policy.get("type") not in _POLICY_TYPES:
        yield unsupported(policy.get("type", ""), f"{path}.type", ("Pods", "Percent"))
    for field, most in (("value", None), ("periodSeconds", _MAX_PERIOD)):
        value = policy.get(field)
        if type(value) is not int or value <= 0:
            yield f"{path}.{field}: Invalid value: {value}: must be greater than zero"
        elif most is not None and value > most:
            yield f"{path}.{field}: Invalid value: {value}: must be less than or equal to {most}"


def as_stored(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """A document in the version that its kind is stored in: autoscaling/v1 becomes v2."""
    is_old = data.get("apiVersion") == "autoscaling/v1"
    if not is_old or data.get("kind") != HorizontalPodAutoscaler.KIND:
        return data
    changed = {**data, "apiVersion": HorizontalPodAutoscaler.API_VERSION}
    for field, name in (
        ("spec", "targetCPUUtilizationPercentage"),
        ("status", "currentCPUUtilizationPercentage"),
    ):
        if isinstance(data.get(field), Mapping):
            changed[field] = {k: v for k, v in data[field].items() if k != name}
            percentage = data[field].get(name)
            if field == "spec" and percentage is not None:
                target = {"type": "Utilization", "averageUtilization": percentage}
                metric = {"type": "Resource", "resource": {"name": "cpu", "target": target}}
                changed[field]["metrics"] = [metric]
    return changed


_SOURCES = ("", "Resource", "Pods", "Object", "External")


def _load_problems(load: Load) -> Iterator[str]:
    """What makes a Load say nothing, or two things at once."""
    spec = load.spec
    for name in spec.extra:
        yield f"spec.{name}: Invalid value: a Load has no such field"
    if spec.source not in _SOURCES:
        yield f'spec.source: Unsupported value: "{spec.source}": supported values: ' + ", ".join(
            _SOURCES[1:]
        )
    is_of_pods = spec.source in ("", "Resource", "Pods")
    said = [n for n in ("value", "by_age", "total") if getattr(spec, n)]
    if len(said) != 1 or (not is_of_pods and said != ["value"]):
        allowed = "exactly one of value, byAge and total" if is_of_pods else "value alone"
        yield f"spec: Invalid value: expected {allowed}"
    if spec.source == "Object" and spec.described_object is None:
        yield "spec.describedObject: Required value"
    amounts = [("value", spec.value), ("total", spec.total)]
    amounts += [(f"byAge[{i}].value", step.value) for i, step in enumerate(spec.by_age)]
    for path, amount in amounts:
        if (amount or path.startswith("byAge")) and not _is_amount(amount):
            yield f'spec.{path}: Invalid value: "{amount}": must be a quantity of at least 0'


def _is_amount(text: str) -> bool:
    try:
        return parse(text).sign >= 0
    except QuantityError:
        return False


STRATEGIES: Mapping[str, Strategy] = {
    "horizontalpodautoscalers": Strategy(_default, _problems),
    "loads": Strategy(problems=_load_problems, has_status=False),
}
