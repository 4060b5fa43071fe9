"""Validation of PodDisruptionBudgets and PriorityClasses: upstream's field path and reason.

After pkg/apis/policy/validation and pkg/apis/scheduling/validation at 1.36.
"""

from __future__ import annotations

from collections.abc import Iterator

from kspec_models.apiserver.validate_common import (
    immutable,
    int_or_percent,
    label_selector_problems,
    not_above_100_percent,
    shown,
    unsupported,
)
from kspec_models.objects import PodDisruptionBudget, PriorityClass

HIGHEST_USER_DEFINABLE_PRIORITY = 1_000_000_000
SYSTEM_PRIORITIES = {
    "system-cluster-critical": 2_000_000_000,
    "system-node-critical": 2_000_001_000,
}
_SYSTEM_PREFIX = "system-"
_PREEMPTION_POLICIES = ("Never", "PreemptLowerPriority")
_EVICTION_POLICIES = ("AlwaysAllow", "IfHealthyBudget")
_INT32 = 2**31


def pod_disruption_budget(obj: PodDisruptionBudget) -> Iterator[str]:
    """What upstream refuses in a budget, as `field.path: reason` lines."""
    spec = obj.spec
    if spec.min_available is not None and spec.max_unavailable is not None:
        yield (
            f"spec: Invalid value: {shown(spec)}: "
            "minAvailable and maxUnavailable cannot be both set"
        )
    yield from _amount(spec.min_available, "spec.minAvailable")
    yield from _amount(spec.max_unavailable, "spec.maxUnavailable")
    if spec.selector is not None:
        yield from label_selector_problems(spec.selector, "spec.selector")
    policy = spec.unhealthy_pod_eviction_policy
    if policy and policy not in _EVICTION_POLICIES:
        yield unsupported(policy, "spec.unhealthyPodEvictionPolicy", _EVICTION_POLICIES)


def _amount(value: int | str | None, path: str) -> Iterator[str]:
    yield from int_or_percent(value, path)
    yield from not_above_100_percent(value, path)


def priority_class(obj: PriorityClass) -> Iterator[str]:
    """What upstream refuses in a class, as `field.path: reason` lines."""
    if obj.name.startswith(_SYSTEM_PREFIX):
        if SYSTEM_PRIORITIES.get(obj.name) == obj.value and not obj.global_default:
            return
        yield (
            f"metadata.name: Forbidden: priority class names with '{_SYSTEM_PREFIX}' prefix are "
            "reserved for system use only"
        )
    elif obj.value > HIGHEST_USER_DEFINABLE_PRIORITY:
        limit = HIGHEST_USER_DEFINABLE_PRIORITY
        yield f"value: Forbidden: maximum allowed value of a user defined priority is {limit}"
    if obj.value < -_INT32:
        yield f"value: Invalid value: {obj.value}: must be at least {-_INT32}"
    policy = obj.preemption_policy
    if policy and policy not in _PREEMPTION_POLICIES:
        yield unsupported(policy, "preemptionPolicy", _PREEMPTION_POLICIES)


def priority_class_changes(old: PriorityClass, new: PriorityClass) -> Iterator[str]:
    """What an update may not change."""
    if old.value != new.value:
        yield "value: Forbidden: may not be changed in an update."
    if old.preemption_policy != new.preemption_policy:
        yield immutable(new.preemption_policy, "preemptionPolicy")
