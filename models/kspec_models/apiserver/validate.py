"""Validation of the modelled kinds: upstream's field path and reason, one line a problem.

After pkg/apis/{core,apps}/validation/validation.go at 1.36. Left out: fields that no component
reads (probes, security contexts); a document that is wrong only there is accepted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kspec.values import Memo
from kspec_models.apiserver import storage, strategies
from kspec_models.apiserver.validate_common import (
    Problems,
    immutable,
    int_or_percent,
    is_zero,
    not_above_100_percent,
    not_negative,
    pod_spec_problems,
    quantities,
    selector_problems,
    shown,
    template_problems,
    unsupported,
)
from kspec_models.apiserver.validate_metadata import metadata_problems
from kspec_models.apiserver.validate_policy import (
    pod_disruption_budget,
    priority_class,
    priority_class_changes,
)
from kspec_models.apiserver.validate_service import service_problems
from kspec_models.apiserver.validate_taints import taints_problems
from kspec_models.endings import ending_problems
from kspec_models.objects import (
    ApiObject,
    Deployment,
    DeploymentStrategy,
    Lease,
    Node,
    Pod,
    PodSpec,
    PodTemplateSpec,
    ReplicaSet,
    Secret,
)


def problems(obj: ApiObject) -> Problems:
    """What upstream would refuse, as `field.path: reason` lines; empty for a valid object."""
    return _problems(obj)


def _all_problems(obj: ApiObject) -> Problems:
    found = list(metadata_problems(obj.metadata, obj.RESOURCE))
    check = _SPECS.get(obj.resource)
    if check is not None:
        found += check(obj)
    return tuple(found)


def _pod(obj: Pod) -> Iterator[str]:
    yield from ending_problems(obj.metadata.annotations, "metadata.annotations")
    yield from pod_spec_problems(obj.spec, "spec")


def _deployment(obj: Deployment) -> Iterator[str]:
    """ValidateDeploymentSpec."""
    spec = obj.spec
    yield from not_negative(spec.replicas, "spec.replicas")
    yield from selector_problems(spec.selector, spec.template)
    yield from template_problems(spec.template)
    yield from _has_no_deadline(spec.template)
    yield from _strategy(spec.strategy)
    yield from not_negative(spec.min_ready_seconds, "spec.minReadySeconds")
    yield from not_negative(spec.revision_history_limit, "spec.revisionHistoryLimit")
    deadline = spec.progress_deadline_seconds
    yield from not_negative(deadline, "spec.progressDeadlineSeconds")
    if deadline is not None and deadline <= spec.min_ready_seconds:
        yield (
            f"spec.progressDeadlineSeconds: Invalid value: {deadline}: "
            "must be greater than minReadySeconds"
        )


def _has_no_deadline(template: PodTemplateSpec) -> Iterator[str]:
    if template.spec.active_deadline_seconds is not None:
        yield (
            "spec.template.spec.activeDeadlineSeconds: Forbidden: "
            "activeDeadlineSeconds in ReplicaSet is not Supported"
        )


def _strategy(strategy: DeploymentStrategy) -> Iterator[str]:
    """ValidateDeploymentStrategy."""
    path, rolling = "spec.strategy.rollingUpdate", strategy.rolling_update
    if strategy.type not in ("", "RollingUpdate", "Recreate"):
        yield unsupported(strategy, "spec.strategy", ("Recreate", "RollingUpdate"))
    elif rolling is None:
        return
    elif strategy.type == "Recreate":
        yield f"{path}: Forbidden: may not be specified when strategy `type` is 'Recreate'"
    else:
        yield from int_or_percent(rolling.max_unavailable, f"{path}.maxUnavailable")
        yield from int_or_percent(rolling.max_surge, f"{path}.maxSurge")
        if is_zero(rolling.max_unavailable) and is_zero(rolling.max_surge):
            yield (
                f"{path}.maxUnavailable: Invalid value: {shown(rolling.max_unavailable)}: "
                "may not be 0 when `maxSurge` is 0"
            )
        yield from not_above_100_percent(rolling.max_unavailable, f"{path}.maxUnavailable")


def _replicaset(obj: ReplicaSet) -> Iterator[str]:
    yield from not_negative(obj.spec.replicas, "spec.replicas")
    yield from not_negative(obj.spec.min_ready_seconds, "spec.minReadySeconds")
    yield from selector_problems(obj.spec.selector, obj.spec.template)
    yield from template_problems(obj.spec.template)
    yield from _has_no_deadline(obj.spec.template)


def _node(obj: Node) -> Iterator[str]:
    yield from taints_problems(obj.spec.taints, "metadata.taints")
    yield from quantities(obj.status.capacity, "status.capacity")
    yield from quantities(obj.status.allocatable, "status.allocatable")


def _lease(obj: Lease) -> Iterator[str]:
    """ValidateLeaseSpec."""
    duration = obj.spec.lease_duration_seconds
    if duration is not None and duration <= 0:
        path = "spec.leaseDurationSeconds"
        yield f"{path}: Invalid value: {duration}: must be greater than 0"
    yield from not_negative(obj.spec.lease_transitions, "spec.leaseTransitions")


def _secret(obj: Secret) -> Iterator[str]:
    """ValidateSecret, of a ServiceAccount's token."""
    account = "kubernetes.io/service-account.name"
    if obj.type == "kubernetes.io/service-account-token" and not obj.metadata.annotations.get(
        account
    ):
        yield f"metadata.annotations[{account}]: Required value"


_SPECS: dict[str, Any] = {
    **strategies.PROBLEMS,
    "pods": _pod,
    "deployments": _deployment,
    "replicasets": _replicaset,
    "services": service_problems,
    "nodes": _node,
    "storageclasses": storage.storage_class_problems,
    "persistentvolumes": storage.volume_problems,
    "persistentvolumeclaims": storage.claim_problems,
    "csinodes": storage.csi_node_problems,
    "poddisruptionbudgets": pod_disruption_budget,
    "priorityclasses": priority_class,
    "leases": _lease,
    "secrets": _secret,
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
        return (immutable(new.spec.selector, "spec.selector"),)
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
