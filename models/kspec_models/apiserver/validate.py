"""Validation of the modelled kinds: upstream's field path and reason, one line a problem.

After pkg/apis/{core,apps}/validation/validation.go at 1.36. Left out: fields that no component
reads (probes, security contexts); a document that is wrong only there is accepted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from kspec.values import Memo
from kspec_models.apiserver import storage
from kspec_models.apiserver.shapes import matches, pod_spec_shape
from kspec_models.apiserver.validate_affinity import pod_affinity
from kspec_models.apiserver.validate_policy import (
    pod_disruption_budget,
    priority_class,
    priority_class_changes,
)
from kspec_models.apiserver.validate_spread import spread_constraints
from kspec_models.objects import (
    ApiObject,
    Container,
    Deployment,
    Node,
    ObjectMeta,
    Pod,
    PodSpec,
    PodTemplateSpec,
    ReplicaSet,
    Service,
)
from kspec_models.quantity import parse
from kspec_models.validation import (
    is_dns1035_label,
    is_dns1123_label,
    is_dns1123_subdomain,
    is_qualified_name,
    is_valid_label_value,
    is_valid_path_segment_name,
    is_valid_percent,
    is_valid_port_num,
)

Problems = tuple[str, ...]


def problems(obj: ApiObject) -> Problems:
    """What upstream would refuse, as `field.path: reason` lines; empty for a valid object."""
    return _problems(obj)


def _all_problems(obj: ApiObject) -> Problems:
    found = list(_metadata(obj.metadata, obj.RESOURCE))
    check = _SPECS.get(obj.resource)
    if check is not None:
        found += check(obj)
    return tuple(found)


_NAME_RULES: dict[str, Callable[[str], Sequence[str]]] = {
    "": is_valid_path_segment_name,  # passive kinds: RBAC names, for one, may hold colons
    "services": is_dns1035_label,
    "namespaces": is_dns1123_label,
}


def _metadata(meta: ObjectMeta, resource: str) -> Iterator[str]:
    rule = _NAME_RULES.get(resource, is_dns1123_subdomain)
    if not meta.name and not meta.generate_name:
        yield "metadata.name: Required value: name or generateName is required"
    elif meta.name:
        yield from (f'metadata.name: Invalid value: "{meta.name}": {e}' for e in rule(meta.name))
    if meta.namespace:
        for error in is_dns1123_label(meta.namespace):
            yield f'metadata.namespace: Invalid value: "{meta.namespace}": {error}'
    yield from _labels(meta.labels, "metadata.labels")
    for key in meta.annotations:
        for error in is_qualified_name(key.lower()):
            yield f'metadata.annotations: Invalid value: "{key}": {error}'


def _labels(labels: Mapping[str, str], path: str) -> Iterator[str]:
    for key, value in labels.items():
        for error in (*is_qualified_name(key), *is_valid_label_value(value)):
            yield f'{path}: Invalid value: "{key}={value}": {error}'


def _not_negative(value: int | None, path: str) -> Iterator[str]:
    if value is not None and value < 0:
        yield f"{path}: Invalid value: {value}: must be greater than or equal to 0"


def _quantities(resources: Mapping[str, str], path: str) -> Iterator[str]:
    for name, text in resources.items():
        where = f"{path}[{name}]"
        try:
            if parse(text).cmp(parse("0")) < 0:
                yield f'{where}: Invalid value: "{text}": must be greater than or equal to 0'
        except ValueError as error:
            yield f'{where}: Invalid value: "{text}": {error}'


def _container(container: Container, path: str) -> Iterator[str]:
    if not container.name:
        yield f"{path}.name: Required value"
    elif errors := is_dns1123_label(container.name):
        yield f'{path}.name: Invalid value: "{container.name}": {errors[0]}'
    resources = container.resources
    yield from _quantities(resources.limits, f"{path}.resources.limits")
    yield from _quantities(resources.requests, f"{path}.resources.requests")
    for name, text in resources.requests.items():
        limit = resources.limits.get(name)
        if limit is not None and _above(text, limit):
            yield (
                f'{path}.resources.requests: Invalid value: "{text}": '
                f"must be less than or equal to {name} limit of {limit}"
            )
    for i, port in enumerate(container.ports):
        where = f"{path}.ports[{i}]"
        for error in is_valid_port_num(port.container_port):
            yield f"{where}.containerPort: Invalid value: {port.container_port}: {error}"
        if port.protocol not in ("", "TCP", "UDP", "SCTP"):
            yield f'{where}.protocol: Unsupported value: "{port.protocol}"'


def _above(text: str, limit: str) -> bool:
    try:
        return parse(text).cmp(parse(limit)) > 0
    except ValueError:
        return False


def _pod_spec(spec: PodSpec, path: str) -> Iterator[str]:
    if not spec.containers:
        yield f"{path}.containers: Required value"
    names: list[str] = []
    for field, containers in (
        ("initContainers", spec.init_containers),
        ("containers", spec.containers),
    ):
        for i, container in enumerate(containers):
            yield from _container(container, f"{path}.{field}[{i}]")
            if container.name in names:
                yield f'{path}.{field}[{i}].name: Duplicate value: "{container.name}"'
            names.append(container.name)
    if spec.restart_policy not in ("", "Always", "OnFailure", "Never"):
        yield f'{path}.restartPolicy: Unsupported value: "{spec.restart_policy}"'
    yield from _not_negative(
        spec.termination_grace_period_seconds, f"{path}.terminationGracePeriodSeconds"
    )
    yield from _labels(spec.node_selector, f"{path}.nodeSelector")
    yield from _quantities(spec.overhead, f"{path}.overhead")
    yield from _gates([gate.name for gate in spec.scheduling_gates], f"{path}.schedulingGates")
    shape = tuple(pod_spec_shape(spec, path))
    yield from shape
    if not shape:  # what has another shape cannot be read
        spread = f"{path}.topologySpreadConstraints"
        yield from spread_constraints(spec.topology_spread_constraints, spread)
        yield from pod_affinity(spec.affinity, f"{path}.affinity")


def _gates(names: Sequence[str], path: str) -> Iterator[str]:
    for i, name in enumerate(names):
        yield from (f'{path}[{i}]: Invalid value: "{name}": {e}' for e in is_qualified_name(name))
        if name in names[:i]:
            yield f'{path}[{i}]: Duplicate value: "{name}"'


def _pod(obj: Pod) -> Iterator[str]:
    yield from _pod_spec(obj.spec, "spec")


def _selector(selector: Any, template: PodTemplateSpec) -> Iterator[str]:
    labels = dict(template.metadata.labels)
    if selector is None:
        yield "spec.selector: Required value"
        return
    if not selector:
        yield "spec.selector: Invalid value: {}: empty selector is invalid for deployment"
        return
    is_match, problem = matches(selector, labels, "spec.selector")
    if problem:
        yield problem
    elif not is_match:
        yield (
            f"spec.template.metadata.labels: Invalid value: {labels}: "
            "`selector` does not match template `labels`"
        )


def _template(template: PodTemplateSpec) -> Iterator[str]:
    yield from _labels(template.metadata.labels, "spec.template.metadata.labels")
    yield from _pod_spec(template.spec, "spec.template.spec")
    if template.spec.restart_policy not in ("", "Always"):
        yield (
            f'spec.template.spec.restartPolicy: Unsupported value: "{template.spec.restart_policy}"'
            ': supported values: "Always"'
        )


def _int_or_percent(value: int | str | None, path: str) -> Iterator[str]:
    if isinstance(value, str):
        yield from (f'{path}: Invalid value: "{value}": {e}' for e in is_valid_percent(value))
    else:
        yield from _not_negative(value, path)


def _is_zero(value: int | str | None) -> bool:
    return value == 0 or (isinstance(value, str) and value.rstrip("%").strip("0") == "")


def _deployment(obj: Deployment) -> Iterator[str]:
    spec = obj.spec
    yield from _not_negative(spec.replicas, "spec.replicas")
    yield from _not_negative(spec.min_ready_seconds, "spec.minReadySeconds")
    yield from _not_negative(spec.revision_history_limit, "spec.revisionHistoryLimit")
    yield from _selector(spec.selector, spec.template)
    yield from _template(spec.template)
    strategy = spec.strategy
    path = "spec.strategy.rollingUpdate"
    if strategy.type not in ("", "RollingUpdate", "Recreate"):
        yield f'spec.strategy.type: Unsupported value: "{strategy.type}"'
    elif strategy.type == "Recreate" and strategy.rolling_update is not None:
        yield f"{path}: Forbidden: may not be specified when strategy `type` is 'Recreate'"
    elif strategy.rolling_update is not None:
        rolling = strategy.rolling_update
        yield from _int_or_percent(rolling.max_unavailable, f"{path}.maxUnavailable")
        yield from _int_or_percent(rolling.max_surge, f"{path}.maxSurge")
        if _is_zero(rolling.max_unavailable) and _is_zero(rolling.max_surge):
            yield (
                f"{path}.maxUnavailable: Invalid value: {rolling.max_unavailable}: "
                "may not be 0 when `maxSurge` is 0"
            )


def _replicaset(obj: ReplicaSet) -> Iterator[str]:
    yield from _not_negative(obj.spec.replicas, "spec.replicas")
    yield from _not_negative(obj.spec.min_ready_seconds, "spec.minReadySeconds")
    yield from _selector(obj.spec.selector, obj.spec.template)
    yield from _template(obj.spec.template)


def _service(obj: Service) -> Iterator[str]:
    spec = obj.spec
    headless = spec.cluster_ip == "None" or spec.type == "ExternalName"
    if not spec.ports and not headless:
        yield "spec.ports: Required value"
    for i, port in enumerate(spec.ports):
        for error in is_valid_port_num(port.port):
            yield f"spec.ports[{i}].port: Invalid value: {port.port}: {error}"
        if port.protocol not in ("", "TCP", "UDP", "SCTP"):
            yield f'spec.ports[{i}].protocol: Unsupported value: "{port.protocol}"'
        if len(spec.ports) > 1 and not port.name:
            yield f"spec.ports[{i}].name: Required value"
    if spec.type not in ("", "ClusterIP", "NodePort", "LoadBalancer", "ExternalName"):
        yield f'spec.type: Unsupported value: "{spec.type}"'
    yield from _labels(spec.selector, "spec.selector")


def _node(obj: Node) -> Iterator[str]:
    yield from _quantities(obj.status.capacity, "status.capacity")
    yield from _quantities(obj.status.allocatable, "status.allocatable")
    for i, taint in enumerate(obj.spec.taints):
        if taint.effect not in ("NoSchedule", "PreferNoSchedule", "NoExecute"):
            yield f'spec.taints[{i}].effect: Unsupported value: "{taint.effect}"'


_SPECS: dict[str, Any] = {
    "pods": _pod,
    "deployments": _deployment,
    "replicasets": _replicaset,
    "services": _service,
    "nodes": _node,
    "storageclasses": storage.storage_class_problems,
    "persistentvolumes": storage.volume_problems,
    "persistentvolumeclaims": storage.claim_problems,
    "csinodes": storage.csi_node_problems,
    "poddisruptionbudgets": pod_disruption_budget,
    "priorityclasses": priority_class,
}

_problems: Memo[ApiObject, Problems] = Memo("validation", _all_problems, limit=20_000)


def is_immutable_change(old: Any, new: Any) -> Problems:
    """What an update may not change: selectors of workloads, the spec of a pod but for its image.

    Tolerations may be added, scheduling gates removed, and a Binding, not an update, sets
    spec.nodeName. An object that is being deleted takes no new finalizer.
    """
    if old.is_terminating and not set(new.metadata.finalizers) <= set(old.metadata.finalizers):
        return (
            "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being "
            "deleted",
        )
    if old.resource in ("deployments", "replicasets") and old.spec.selector != new.spec.selector:
        return ("spec.selector: Invalid value: field is immutable",)
    if old.resource == "pods" and old.spec != new.spec:
        return tuple(_pod_changes(old.spec, new.spec))
    if old.resource == "priorityclasses":
        return tuple(priority_class_changes(old, new))
    return tuple(storage.changes(old, new))


def _pod_changes(old: PodSpec, new: PodSpec) -> Iterator[str]:
    """After ValidatePodUpdate."""
    if not set(old.tolerations) <= set(new.tolerations):
        yield "spec.tolerations: Forbidden: existing toleration can not be modified"
    if not set(new.scheduling_gates) <= set(old.scheduling_gates):
        yield "spec.schedulingGates: Forbidden: only deletion is allowed"
    if _fixed(old) != _fixed(new):
        yield "spec: Forbidden: pod updates may not change fields other than image"


def _fixed(spec: PodSpec) -> PodSpec:
    return spec.replace(
        containers=tuple(c.replace(image="") for c in spec.containers),
        init_containers=tuple(c.replace(image="") for c in spec.init_containers),
        tolerations=(),
        scheduling_gates=(),
        extra=spec.extra.without("activeDeadlineSeconds"),
    )
