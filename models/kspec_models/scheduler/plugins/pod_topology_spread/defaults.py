"""Default constraints: what spreads a pod that brings no constraint itself.

After pkg/scheduler/framework/plugins/podtopologyspread/plugin.go (systemDefaultConstraints),
plugins/helper/spread.go (DefaultSelector) and apis/config/validation/validation_pluginargs.go
(ValidatePodTopologySpreadArgs) at 1.36. A kind that cannot occur in the world has no cache, and
then selects nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from kspec.errors import InputError
from kspec_models.objects import EMPTY, FrozenMap, OwnerReference, Pod, Service, controller_of
from kspec_models.objects.record import Record, api_type, freeze, thaw
from kspec_models.scheduler.framework import Context
from kspec_models.scheduler.plugins.pod_topology_spread.common import (
    DO_NOT_SCHEDULE,
    HONOR,
    HOSTNAME,
    IGNORE,
    SCHEDULE_ANYWAY,
    ZONE,
    Constraint,
    constraints_of,
)
from kspec_models.selectors import Selector, SelectorError, label_selector, selector_from_set
from kspec_models.validation import is_qualified_name

SYSTEM: Final = "System"
LIST: Final = "List"
RESOURCES: Final = ("services", "replicationcontrollers", "replicasets", "statefulsets")

SYSTEM_CONSTRAINTS: Final[tuple[FrozenMap[Any], ...]] = freeze(
    [
        {"maxSkew": 3, "topologyKey": HOSTNAME, "whenUnsatisfiable": SCHEDULE_ANYWAY},
        {"maxSkew": 5, "topologyKey": ZONE, "whenUnsatisfiable": SCHEDULE_ANYWAY},
    ]
)
"""Over nodes with maxSkew 3 and over zones with maxSkew 5, if that can be done."""


@api_type
class _Given(Record):
    max_skew: int = 0
    topology_key: str = ""
    when_unsatisfiable: str = ""
    label_selector: Any = None
    min_domains: int | None = None
    node_affinity_policy: str = ""
    node_taints_policy: str = ""
    match_label_keys: tuple[str, ...] = ()
    extra: FrozenMap[Any] = EMPTY


def checked_constraints(defaulting: str, given: Sequence[Mapping[str, Any]]) -> tuple[Any, ...]:
    """The default constraints in frozen JSON, or InputError with what is wrong with the first.

    defaulting: System (then none may be given) or List.
    """
    if defaulting not in (SYSTEM, LIST):
        raise InputError(
            f"got {defaulting!r}", where="defaultingType", expected=f"{SYSTEM} or {LIST}"
        )
    if defaulting == SYSTEM:
        if given:
            raise InputError(
                "System while defaultConstraints are given", where="defaultingType", expected=LIST
            )
        return SYSTEM_CONSTRAINTS
    if not isinstance(given, list | tuple):
        raise InputError(f"got {given!r}", where="defaultConstraints", expected="a list")
    seen = dict[tuple[str, str], int]()
    for index, each in enumerate(given):
        where = f"defaultConstraints[{index}]"
        constraint = _Given.from_json(thaw(each), where)
        for field, problem, expected in _problems(constraint):
            raise InputError(problem, where=f"{where}.{field}", expected=expected)
        key = constraint.topology_key, constraint.when_unsatisfiable
        if seen.setdefault(key, index) != index:
            raise InputError(
                f"repeats {{{key[0]}, {key[1]}}} of defaultConstraints[{seen[key]}]",
                where=where,
                expected="one constraint for each topologyKey and whenUnsatisfiable",
            )
    found: tuple[Any, ...] = freeze(thaw(tuple(given)))
    return found


def _problems(given: _Given) -> Iterator[tuple[str, str, str]]:
    """Field, what is wrong with it, and what was expected."""
    if given.max_skew <= 0:
        yield "maxSkew", f"got {given.max_skew}", "more than 0"
    if not given.topology_key:
        yield "topologyKey", "is missing", "the key of a node label"
    elif errors := is_qualified_name(given.topology_key):
        yield "topologyKey", f"got {given.topology_key!r}", errors[0]
    if given.when_unsatisfiable not in (DO_NOT_SCHEDULE, SCHEDULE_ANYWAY):
        named = f"{DO_NOT_SCHEDULE} or {SCHEDULE_ANYWAY}"
        yield "whenUnsatisfiable", f"got {given.when_unsatisfiable!r}", named
    if given.label_selector is not None:
        yield "labelSelector", "is given", "none: it is deduced for each pod"
    for field, policy in (
        ("nodeAffinityPolicy", given.node_affinity_policy),
        ("nodeTaintsPolicy", given.node_taints_policy),
    ):
        if policy not in ("", HONOR, IGNORE):
            yield field, f"got {policy!r}", f"{HONOR} or {IGNORE}"
    for field in given.extra:
        yield field, "no such field", "a field of a topology spread constraint"


def default_constraints(
    pod: Pod, context: Context, given: tuple[Any, ...], action: str
) -> tuple[Constraint, ...]:
    """The default constraints of that action for this pod; none where nothing selects it."""
    constraints = constraints_of(given, pod.metadata.labels, action)
    if not constraints:
        return ()
    selector = default_selector(pod, context)
    if selector.is_empty:
        return ()
    return tuple(constraint._replace(selector=selector) for constraint in constraints)


def default_selector(pod: Pod, context: Context) -> Selector:
    """Selects the pods of the same services and controller as this one; empty if it has none."""
    labels: dict[str, str] = {}
    for service in _services(pod, context):
        labels.update(service.spec.selector)
    owner = controller_of(pod)
    if owner is None:
        return selector_from_set(labels)
    given = _selector_of_owner(owner, pod.namespace, context)
    if owner.kind == "ReplicationController":
        return selector_from_set({**labels, **(given or EMPTY)})
    selector = selector_from_set(labels)
    try:
        return selector.add(*label_selector(given).requirements) if given else selector
    except SelectorError:
        return selector


def _services(pod: Pod, context: Context) -> list[Service]:
    cache, namespace = context.caches.get("services"), pod.namespace
    if cache is None:
        return []
    # "0" is the character after "/": the keys of this namespace and of no other.
    entries = cache.between(f"services/{namespace}/", f"services/{namespace}0")
    services = [entry.value for entry in entries]
    return [s for s in services if s.spec.selector and _selects(s, pod)]


def _selects(service: Service, pod: Pod) -> bool:
    labels = pod.metadata.labels
    return all(labels.get(key) == value for key, value in service.spec.selector.items())


_OWNERS: Final = {
    "ReplicationController": ("v1", "replicationcontrollers"),
    "ReplicaSet": ("apps/v1", "replicasets"),
    "StatefulSet": ("apps/v1", "statefulsets"),
}
"""By kind: apiVersion and resource."""


def _selector_of_owner(
    owner: OwnerReference, namespace: str, context: Context
) -> Mapping[str, Any] | None:
    version, resource = _OWNERS.get(owner.kind, ("", ""))
    cache = context.caches.get(resource)
    if cache is None or owner.api_version not in ("", version):
        return None
    entry = cache.get(f"{resource}/{namespace}/{owner.name}")
    if entry is None:
        return None
    value = entry.value
    spec = value.spec if hasattr(value, "spec") else value.extra.get("spec") or EMPTY
    selector = spec.get("selector") if isinstance(spec, Mapping) else spec.selector
    found: Mapping[str, Any] | None = selector
    return found
