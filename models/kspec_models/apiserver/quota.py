"""Defaults and validation of ResourceQuota and LimitRange.

After ValidateResourceQuota and ValidateResourceQuotaUpdate of
pkg/apis/core/validation/validation.go at 1.36.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from kspec_models.apiserver.limit_range import defaulted
from kspec_models.apiserver.limit_range_validation import limit_range_problems
from kspec_models.apiserver.strategy import Strategy
from kspec_models.apiserver.validate_common import immutable, quantities, shown
from kspec_models.objects import ResourceQuota, ResourceQuotaSpec
from kspec_models.quantity import parse
from kspec_models.quota_scopes import (
    BEST_EFFORT,
    CROSS_NAMESPACE,
    NOT_BEST_EFFORT,
    NOT_TERMINATING,
    SCOPES,
    TERMINATING,
    Requirement,
    requirements,
)
from kspec_models.resources import is_extended
from kspec_models.validation import is_qualified_name

_OBJECTS: Final = (
    *("pods", "resourcequotas", "services", "replicationcontrollers", "secrets", "configmaps"),
    *("persistentvolumeclaims", "services.nodeports", "services.loadbalancers"),
)
_OF_PODS: Final = (
    *("pods", "cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"),
)
_STANDARD: Final = (
    *_OBJECTS,
    *_OF_PODS,
    *("ephemeral-storage", "requests.ephemeral-storage", "limits.ephemeral-storage"),
    "requests.storage",
)
_HUGE_PAGES: Final = ("hugepages-", "requests.hugepages-")
_PAIRS: Final = ((BEST_EFFORT, NOT_BEST_EFFORT), (TERMINATING, NOT_TERMINATING))
_ONLY_EXISTS: Final = (
    *(BEST_EFFORT, NOT_BEST_EFFORT, TERMINATING, NOT_TERMINATING, CROSS_NAMESPACE),
)


def quota_problems(obj: ResourceQuota) -> Iterator[str]:
    """What ValidateResourceQuota refuses."""
    spec = obj.spec
    for name in spec.hard:
        yield from _name(name, f"spec.hard[{name}]")
    yield from quantities(spec.hard, "spec.hard")
    for name, text in spec.hard.items():
        if (name in _OBJECTS or is_extended(name)) and not _is_whole(text):
            yield f'spec.hard[{name}]: Invalid value: "{text}": must be an integer'
    yield from _scopes(spec)
    yield from _selector(spec)


def _name(name: str, path: str) -> Iterator[str]:
    errors = is_qualified_name(name)
    yield from (f'{path}: Invalid value: "{name}": {error}' for error in errors)
    if not errors and "/" not in name and not _is_standard(name):
        where = f'{path}: Invalid value: "{name}"'
        yield f"{where}: must be a standard resource type or fully qualified"
        yield f"{where}: must be a standard resource for quota"


def _is_standard(name: str) -> bool:
    return name in _STANDARD or name.startswith(_HUGE_PAGES)


def _is_whole(text: str) -> bool:
    try:
        return parse(text).milli_value() % 1000 == 0
    except ValueError:
        return True  # told by `quantities`


def _scopes(spec: ResourceQuotaSpec) -> Iterator[str]:
    path = "spec.scopes"
    given = shown(spec.scopes)
    for scope in spec.scopes:
        if scope not in SCOPES:
            yield f"{path}: Invalid value: {given}: unsupported scope"
        elif not _fits(scope, spec.hard):
            yield f"{path}: Invalid value: {given}: unsupported scope applied to resource"
    for pair in _PAIRS:
        if set(pair) <= set(spec.scopes):
            yield f"{path}: Invalid value: {given}: conflicting scopes"


def _fits(scope: str, hard: Mapping[str, str]) -> bool:
    """Whether every standard resource of the quota can be measured in that scope."""
    fitting = ("pods",) if scope == BEST_EFFORT else _OF_PODS
    return all(name in fitting for name in hard if _is_standard(name))


def _selector(spec: ResourceQuotaSpec) -> Iterator[str]:
    path = "spec.scopeSelector.matchExpressions"
    needs = list(requirements(spec.replace(scopes=())))
    for need in needs:
        if need.scope not in SCOPES:
            yield f'{path}.scopeName: Invalid value: "{need.scope}": unsupported scope'
        elif not _fits(need.scope, spec.hard):
            yield f"{path}: Invalid value: {need.scope}: unsupported scope applied to resource"
        yield from _operator(need, path)
    for pair in _PAIRS:
        if set(pair) <= {need.scope for need in needs}:
            yield "spec.scopes: Invalid value: []: conflicting scopes"


def _operator(need: Requirement, path: str) -> Iterator[str]:
    if need.scope in _ONLY_EXISTS and need.operator != "Exists":
        yield (
            f"{path}.operator: Invalid value: \"{need.operator}\": must be 'Exist' when scope is "
            "any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
            "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or "
            "ResourceQuotaScopeCrossNamespacePodAffinity"
        )
    if need.operator in ("In", "NotIn"):
        if not need.values:
            yield (
                f"{path}.values: Required value: must be at least one value when `operator` is "
                "'In' or 'NotIn' for scope selector"
            )
    elif need.operator in ("Exists", "DoesNotExist"):
        if need.values:
            yield (
                f"{path}.values: Invalid value: {shown(need.values)}: "
                "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
            )
    else:
        yield f'{path}.operator: Invalid value: "{need.operator}": not a valid selector operator'


def quota_changes(old: ResourceQuota, new: ResourceQuota) -> Iterator[str]:
    """The scopes of a quota stay what they are."""
    if set(old.spec.scopes) != set(new.spec.scopes):
        yield immutable(new.spec.scopes, "spec.scopes")


STRATEGIES: Mapping[str, Strategy] = {
    "resourcequotas": Strategy(
        problems=quota_problems, changes=quota_changes, has_generation=False
    ),
    "limitranges": Strategy(
        default=defaulted, problems=limit_range_problems, has_generation=False, has_status=False
    ),
}
