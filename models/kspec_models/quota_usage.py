"""What an object uses of a ResourceQuota, and which objects a quota is about.

After pkg/quota/v1/evaluator/core (pods.go, services.go, persistent_volume_claims.go, registry.go)
and staging/src/k8s.io/apiserver/pkg/quota/v1 (generic/evaluator.go, resources.go) at 1.36. One
evaluator a resource: pods by what they ask for, claims by storage, services by type, everything
else by count.

Left out: resource claims of dynamic allocation, and the scope VolumeAttributesClass, which no
modelled component reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from kspec_models.kinds import KINDS
from kspec_models.objects import EMPTY, FrozenMap, Pod, ResourceQuota
from kspec_models.objects.record import QuantityText, Resources
from kspec_models.quantity import Quantity, parse
from kspec_models.quota_scopes import in_scope
from kspec_models.resources import (
    CPU,
    EPHEMERAL_STORAGE,
    HUGE_PAGES_PREFIX,
    MEMORY,
    is_extended,
    parsed,
    pod_limits,
    pod_requests,
)
from kspec_models.volumes import class_of

PODS, SERVICES, CLAIMS = "pods", "services", "persistentvolumeclaims"
_ONE, _ZERO = parse("1"), parse("0")
_COMPUTE = (CPU, MEMORY, EPHEMERAL_STORAGE)
_OF_PODS = (
    *(PODS, *_COMPUTE),
    *(f"requests.{name}" for name in _COMPUTE),
    *(f"limits.{name}" for name in _COMPUTE),
)
_OF_SERVICES = (SERVICES, "services.nodeports", "services.loadbalancers")
_OF_CLAIMS = (CLAIMS, "requests.storage")
_OF_CLASS: Final = ".storageclass.storage.k8s.io/"
_COUNTED_BY_NAME = ("configmaps", "resourcequotas", "replicationcontrollers", "secrets")
"""Resources that a quota may count by their bare name; any is counted as count/RESOURCE.GROUP."""
_EXPLICIT = (CPU, MEMORY, "requests.cpu", "requests.memory", "limits.cpu", "limits.memory")
"""Where a quota limits one of these, every container must say how much of it it wants."""

Usage = Mapping[str, Quantity]


def _count_names() -> dict[str, str]:
    found: dict[str, str] = {}
    for kind in KINDS.values():
        group = kind.api_version.rpartition("/")[0]
        found.setdefault(kind.plural, f"count/{kind.plural}" + (f".{group}" if group else ""))
    return found


_COUNT_NAMES: Final = _count_names()
_COUNTED: Final = {name: resource for resource, name in _COUNT_NAMES.items()}


def count_name(resource: str) -> str:
    """The name under which a quota counts the objects of a resource, such as count/jobs.batch."""
    return _COUNT_NAMES.get(resource, f"count/{resource}")


def counted_resource(name: str) -> str:
    """The resource whose objects a name in a quota is about, "" if it is none."""
    if name.startswith("count/"):
        return _COUNTED.get(name, name.removeprefix("count/"))
    resources = (PODS, SERVICES, CLAIMS, *_COUNTED_BY_NAME)
    return next((resource for resource in resources if _matches(resource, name)), "")


def matching(resource: str, names: Iterable[str]) -> tuple[str, ...]:
    """Those of the names in a quota that the evaluator of a resource measures."""
    return tuple(name for name in names if _matches(resource, name))


def _matches(resource: str, name: str) -> bool:
    if name.startswith("count/"):
        return name == count_name(resource)
    if resource == PODS:
        is_scalar = name.startswith((HUGE_PAGES_PREFIX, f"requests.{HUGE_PAGES_PREFIX}"))
        return name in _OF_PODS or is_scalar or _is_extended_request(name)
    if resource == SERVICES:
        return name in _OF_SERVICES
    if resource == CLAIMS:
        return name in _OF_CLAIMS or (_OF_CLASS in name and name.endswith(_OF_CLAIMS))
    return name == resource and name in _COUNTED_BY_NAME


def _is_extended_request(name: str) -> bool:
    return name.startswith("requests.") and is_extended(name.removeprefix("requests."))


def usage(obj: Any, now: int) -> Usage:
    """What an object uses, by the names of a quota."""
    used = {count_name(obj.resource): _ONE}
    if obj.resource == PODS:
        if is_charged(obj, now):
            spec = obj.spec
            used.update(_compute(pod_requests(spec, obj.status), pod_limits(spec, obj.status)))
    elif obj.resource == SERVICES:
        used.update(_service(obj))
    elif obj.resource == CLAIMS:
        used.update(_claim(obj))
    elif obj.resource in _COUNTED_BY_NAME:
        used[obj.resource] = _ONE
    return used


def is_charged(pod: Pod, now: int) -> bool:
    """QuotaV1Pod: a pod that has ended is not charged, nor one that should be gone by now."""
    if pod.status.phase in ("Succeeded", "Failed"):
        return False
    expiry = charge_ends(pod)
    return expiry is None or now <= expiry


def charge_ends(pod: Pod) -> int | None:
    """The last second at which a terminating pod is charged; None for another one."""
    meta = pod.metadata
    if meta.deletion_timestamp is None or meta.deletion_grace_period_seconds is None:
        return None
    return meta.deletion_timestamp + meta.deletion_grace_period_seconds


def _compute(requests: Usage, limits: Usage) -> dict[str, Quantity]:
    found = {PODS: _ONE}
    for name in _COMPUTE:
        if name in requests:
            found[name] = found[f"requests.{name}"] = requests[name]
        if name in limits:
            found[f"limits.{name}"] = limits[name]
    for name, amount in requests.items():
        if name.startswith(HUGE_PAGES_PREFIX):
            found[name] = found[f"requests.{name}"] = amount
        elif is_extended(name):
            found[f"requests.{name}"] = amount
    return found


def _service(obj: Any) -> dict[str, Quantity]:
    ports = parse(str(len(obj.spec.ports)))
    has_ports = obj.spec.type in ("NodePort", "LoadBalancer")
    return {
        SERVICES: _ONE,
        "services.nodeports": ports if has_ports else _ZERO,
        "services.loadbalancers": _ONE if obj.spec.type == "LoadBalancer" else _ZERO,
    }


def _claim(obj: Any) -> dict[str, Quantity]:
    storage = obj.spec.resources.requests.get("storage")
    found = {CLAIMS: _ONE}
    if storage is not None:
        found["requests.storage"] = parse(storage).round_up(0)
    name = class_of(obj)
    if name:
        found.update({f"{name}{_OF_CLASS}{k}": v for k, v in tuple(found.items())})
    return found


def missing(quota: ResourceQuota, pod: Pod) -> str:
    """Constraints: what the containers must specify because the quota limits it, "" if nothing."""
    required = [name for name in sorted(quota.status.hard) if name in _EXPLICIT]
    lacking: dict[str, list[str]] = {}
    for container in (*pod.spec.containers, *pod.spec.init_containers):
        resources = container.resources
        said = _compute(parsed(resources.requests), parsed(resources.limits))
        for name in required:
            if name not in said:
                lacking.setdefault(name, []).append(container.name)
    parts = [f"{name} for: {','.join(sorted(set(lacking[name])))}" for name in sorted(lacking)]
    return "; ".join(parts)


def total(quota: ResourceQuota, objects: Mapping[str, Iterable[Any]], now: int) -> Resources:
    """CalculateUsage: what all objects of the quota's namespace use of it, by its hard names.

    objects: those that exist, by resource; what is not listed is measured as nothing.
    """
    hard = sorted(quota.spec.hard)
    tracked = {name: _ZERO for name in hard if counted_resource(name)}
    for resource, every in objects.items():
        names = matching(resource, hard)
        if not names:
            continue
        for obj in every:
            if obj.namespace == quota.namespace and in_scope(quota.spec, obj):
                used = usage(obj, now)
                for name in names:
                    if name in used:
                        tracked[name] = tracked[name].add(used[name])
    return in_text(tracked)


def in_text(amounts: Usage) -> Resources:
    """Amounts as an object holds them."""
    texts = {name: QuantityText(str(amount)) for name, amount in sorted(amounts.items())}
    return FrozenMap(texts) if texts else EMPTY


def same(one: Resources, other: Resources) -> bool:
    """Whether two resource lists say the same amounts."""
    if set(one) != set(other):
        return False
    return all(one[name] == other[name] or _equal(one[name], other[name]) for name in one)


def _equal(one: str, other: str) -> bool:
    return parse(one).cmp(parse(other)) == 0
