"""Validation of the modelled kinds: upstream's field path and reason, one line a problem.

After pkg/apis/{core,apps}/validation/validation.go at 1.36. Left out: fields that no component
reads (probes, security contexts); a document that is wrong only there is accepted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from kspec.values import Memo
from kspec_models.apiserver import storage, strategies
from kspec_models.apiserver.validate_common import (
    Problems,
    int_or_percent,
    is_zero,
    labels_problems,
    not_negative,
    pod_spec_problems,
    quantities,
    selector_problems,
    template_problems,
)
from kspec_models.apiserver.validate_policy import (
    pod_disruption_budget,
    priority_class,
    priority_class_changes,
)
from kspec_models.endings import ending_problems
from kspec_models.objects import (
    ApiObject,
    Deployment,
    Node,
    ObjectMeta,
    Pod,
    PodSpec,
    ReplicaSet,
    Service,
)
from kspec_models.validation import (
    is_dns1035_label,
    is_dns1123_label,
    is_dns1123_subdomain,
    is_qualified_name,
    is_valid_path_segment_name,
    is_valid_port_num,
)


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
    yield from labels_problems(meta.labels, "metadata.labels")
    for key in meta.annotations:
        for error in is_qualified_name(key.lower()):
            yield f'metadata.annotations: Invalid value: "{key}": {error}'


def _pod(obj: Pod) -> Iterator[str]:
    yield from ending_problems(obj.metadata.annotations, "metadata.annotations")
    yield from pod_spec_problems(obj.spec, "spec")


def _deployment(obj: Deployment) -> Iterator[str]:
    spec = obj.spec
    yield from not_negative(spec.replicas, "spec.replicas")
    yield from not_negative(spec.min_ready_seconds, "spec.minReadySeconds")
    yield from not_negative(spec.revision_history_limit, "spec.revisionHistoryLimit")
    yield from selector_problems(spec.selector, spec.template)
    yield from template_problems(spec.template)
    strategy = spec.strategy
    path = "spec.strategy.rollingUpdate"
    if strategy.type not in ("", "RollingUpdate", "Recreate"):
        yield f'spec.strategy.type: Unsupported value: "{strategy.type}"'
    elif strategy.type == "Recreate" and strategy.rolling_update is not None:
        yield f"{path}: Forbidden: may not be specified when strategy `type` is 'Recreate'"
    elif strategy.rolling_update is not None:
        rolling = strategy.rolling_update
        yield from int_or_percent(rolling.max_unavailable, f"{path}.maxUnavailable")
        yield from int_or_percent(rolling.max_surge, f"{path}.maxSurge")
        if is_zero(rolling.max_unavailable) and is_zero(rolling.max_surge):
            yield (
                f"{path}.maxUnavailable: Invalid value: {rolling.max_unavailable}: "
                "may not be 0 when `maxSurge` is 0"
            )


def _replicaset(obj: ReplicaSet) -> Iterator[str]:
    yield from not_negative(obj.spec.replicas, "spec.replicas")
    yield from not_negative(obj.spec.min_ready_seconds, "spec.minReadySeconds")
    yield from selector_problems(obj.spec.selector, obj.spec.template)
    yield from template_problems(obj.spec.template)


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
    yield from labels_problems(spec.selector, "spec.selector")


def _node(obj: Node) -> Iterator[str]:
    yield from quantities(obj.status.capacity, "status.capacity")
    yield from quantities(obj.status.allocatable, "status.allocatable")
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
    **strategies.PROBLEMS,
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
    check = strategies.CHANGES.get(old.resource)
    if check is not None:
        return tuple(check(old, new))
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
