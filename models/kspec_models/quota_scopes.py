"""The scopes of a ResourceQuota: which pods it is about.

After podMatchesScopeFunc of pkg/quota/v1/evaluator/core/pods.go and the scope functions of
staging/src/k8s.io/apiserver/pkg/quota/v1/generic/evaluator.go at 1.36. Objects of another kind are
in no scope, so that a quota with a scope is about pods alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from kspec_models.objects import EMPTY, Pod, ResourceQuotaSpec
from kspec_models.quantity import parse

TERMINATING: Final = "Terminating"
NOT_TERMINATING: Final = "NotTerminating"
BEST_EFFORT: Final = "BestEffort"
NOT_BEST_EFFORT: Final = "NotBestEffort"
PRIORITY_CLASS: Final = "PriorityClass"
CROSS_NAMESPACE: Final = "CrossNamespacePodAffinity"
SCOPES: Final = (
    *(BEST_EFFORT, CROSS_NAMESPACE, NOT_BEST_EFFORT, NOT_TERMINATING, PRIORITY_CLASS),
    TERMINATING,
)


class Requirement(NamedTuple):
    """A scope with its operator."""

    scope: str
    operator: str = "Exists"
    values: tuple[str, ...] = ()


def requirements(spec: ResourceQuotaSpec) -> Iterator[Requirement]:
    """The scopes of a quota, those of its selector included."""
    for scope in spec.scopes:
        yield Requirement(scope)
    selector = spec.scope_selector if spec.scope_selector is not None else EMPTY
    for e in selector.get("matchExpressions") or ():
        yield Requirement(e.get("scopeName", ""), e.get("operator", ""), tuple(e.get("values", ())))


def in_scope(spec: ResourceQuotaSpec, obj: Any) -> bool:
    """Whether an object is in all scopes of a quota."""
    return all(isinstance(obj, Pod) and _matches(need, obj) for need in requirements(spec))


def _matches(need: Requirement, pod: Pod) -> bool:
    if need.scope in (TERMINATING, NOT_TERMINATING):
        deadline = pod.spec.active_deadline_seconds
        return (deadline is not None and deadline >= 0) == (need.scope == TERMINATING)
    if need.scope in (BEST_EFFORT, NOT_BEST_EFFORT):
        return is_best_effort(pod) == (need.scope == BEST_EFFORT)
    if need.scope == PRIORITY_CLASS:
        return _matches_class(need, pod.spec.priority_class_name)
    return need.scope == CROSS_NAMESPACE and _looks_elsewhere(pod.spec.affinity)


def _matches_class(need: Requirement, name: str) -> bool:
    if need.operator == "Exists":
        return bool(name)
    if need.operator == "DoesNotExist":
        return not name
    is_named = bool(name) and name in need.values
    return is_named if need.operator == "In" else not is_named


def is_best_effort(pod: Pod) -> bool:
    """Whether no container asks for CPU or memory, nor is limited in them."""
    whole = () if pod.spec.resources is None else (pod.spec.resources,)
    containers = (*pod.spec.containers, *pod.spec.init_containers)
    for resources in (*(c.resources for c in containers), *whole):
        for amounts in (resources.requests, resources.limits):
            if any(not parse(amounts[n]).is_zero for n in ("cpu", "memory") if n in amounts):
                return False
    return True


def _looks_elsewhere(affinity: Any) -> bool:
    """Whether a pod affinity term names namespaces."""
    for kind in ("podAffinity", "podAntiAffinity"):
        terms: Mapping[str, Any] = (affinity or {}).get(kind) or {}
        required = terms.get("requiredDuringSchedulingIgnoredDuringExecution") or ()
        preferred = terms.get("preferredDuringSchedulingIgnoredDuringExecution") or ()
        for term in (*required, *(weighted.get("podAffinityTerm", {}) for weighted in preferred)):
            if term.get("namespaces") or term.get("namespaceSelector") is not None:
                return True
    return False
