"""What a pod asks for: its requests and limits, added up over its containers.

After staging/src/k8s.io/component-helpers/resource/helpers.go (PodRequests, PodLimits) and
pkg/scheduler/framework/types.go (calculateResource) at 1.36: the larger of the sum of the
containers and the peak of the init containers, where a restartable init container (sidecar) keeps
its share from its start on; pod-level resources replace the sum; overhead is added at the end.

Left out: in-place resize of pod-level resources and node resources of device claims, both gated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from kspec.values import Memo, recurring
from kspec_models.objects import Container, ContainerStatus, Pod, condition
from kspec_models.objects.core import PodSpec, PodStatus
from kspec_models.objects.record import EMPTY, Resources
from kspec_models.quantity import Quantity, parse

CPU, MEMORY, EPHEMERAL_STORAGE, PODS = "cpu", "memory", "ephemeral-storage", "pods"
HUGE_PAGES_PREFIX = "hugepages-"
ATTACHABLE_VOLUMES_PREFIX = "attachable-volumes-"
NATIVE_DOMAIN = "kubernetes.io/"
DEFAULT_REQUESTS: Resources = Resources({CPU: "100m", MEMORY: "200Mi"})  # type: ignore[dict-item]
"""What scoring counts for a container that requests no CPU or memory (upstream's non-zero)."""

NO_STATUS = PodStatus()
ResourceList = dict[str, Quantity]


class Options(NamedTuple):
    """PodResourcesOptions of upstream. `non_missing_container_requests` fills absent requests."""

    exclude_overhead: bool = False
    use_status_resources: bool = False
    skip_pod_level_resources: bool = False
    skip_container_level_resources: bool = False
    non_missing_container_requests: Resources = EMPTY


DEFAULT_OPTIONS = Options()


@recurring
class Requests(NamedTuple):
    """Amounts of each resource: CPU in thousandths of a core, memory and storage in bytes.

    scalar: hugepages and extended resources by name, in whole units, sorted by name.
    """

    milli_cpu: int = 0
    memory: int = 0
    ephemeral_storage: int = 0
    scalar: tuple[tuple[str, int], ...] = ()

    def amount(self, resource: str) -> int:
        """The amount of a resource by its API name; 0 where there is none."""
        if resource == CPU:
            return self.milli_cpu
        if resource == MEMORY:
            return self.memory
        if resource == EPHEMERAL_STORAGE:
            return self.ephemeral_storage
        return next((amount for name, amount in self.scalar if name == resource), 0)


NOTHING_REQUESTED = Requests()


def is_huge_page(resource: str) -> bool:
    return resource.startswith(HUGE_PAGES_PREFIX)


def is_extended(resource: str) -> bool:
    """An extended resource: qualified by a domain other than kubernetes.io."""
    native = "/" not in resource or NATIVE_DOMAIN in resource
    return not native and not resource.startswith("requests.")


def is_scalar(resource: str) -> bool:
    """Whether the scheduler counts a resource besides CPU, memory and storage."""
    native = NATIVE_DOMAIN in resource or resource.startswith(ATTACHABLE_VOLUMES_PREFIX)
    return is_extended(resource) or is_huge_page(resource) or native


def requests_of_list(resources: Mapping[str, Quantity]) -> Requests:
    """A resource list in the units of the scheduler; names that it does not count are dropped."""
    zero = Quantity()
    return Requests(
        resources.get(CPU, zero).milli_value(),
        resources.get(MEMORY, zero).value(),
        resources.get(EPHEMERAL_STORAGE, zero).value(),
        tuple(sorted((k, v.value()) for k, v in resources.items() if is_scalar(k))),
    )


def parsed(resources: Mapping[str, str]) -> ResourceList:
    """A resource list read from its text."""
    return {name: parse(text) for name, text in resources.items()}


def _add(total: ResourceList, more: Mapping[str, Quantity]) -> None:
    for name, amount in more.items():
        total[name] = total[name].add(amount) if name in total else amount


def _raise_to(peak: ResourceList, other: Mapping[str, Quantity]) -> None:
    for name, amount in other.items():
        if name not in peak or amount.cmp(peak[name]) > 0:
            peak[name] = amount


def _largest(*lists: Mapping[str, str]) -> ResourceList:
    peak: ResourceList = {}
    for each in lists:
        _raise_to(peak, parsed(each))
    return peak


def _container_requests(c: Container, found: ContainerStatus | None, stuck: bool) -> ResourceList:
    if found is None or found.resources is None:
        return parsed(c.resources.requests)
    wanted: Resources = EMPTY if stuck else c.resources.requests
    return _largest(wanted, found.resources.requests, found.allocated_resources)


def _container_limits(c: Container, found: ContainerStatus | None, stuck: bool) -> ResourceList:
    if found is None or found.resources is None:
        return parsed(c.resources.limits)
    return _largest(EMPTY if stuck else c.resources.limits, found.resources.limits)


def _aggregate(
    spec: PodSpec,
    status: PodStatus,
    options: Options,
    of: Callable[[Container, ContainerStatus | None, bool], ResourceList],
    fill: Resources,
) -> ResourceList:
    """The larger of the containers' sum and the init containers' peak, resource by resource."""
    reported = (*status.container_statuses, *status.init_container_statuses)
    statuses = {s.name: s for s in reported} if options.use_status_resources else {}
    pending = condition(status.conditions, "PodResizePending")
    infeasible = pending is not None and pending.reason == "Infeasible"
    defaults = parsed(fill)
    total: ResourceList = {}
    for container in spec.containers:
        _add(total, {**defaults, **of(container, statuses.get(container.name), infeasible)})
    sidecars: ResourceList = {}
    peak: ResourceList = {}
    for container in spec.init_containers:
        restartable = container.restart_policy == "Always"
        found = statuses.get(container.name) if restartable else None
        amounts = {**defaults, **of(container, found, infeasible)}
        if restartable:
            _add(total, amounts)
            _add(sidecars, amounts)
            amounts = dict(sidecars)
        else:
            _add(amounts, sidecars)
        _raise_to(peak, amounts)
    _raise_to(total, peak)
    return total


def is_pod_level(resource: str) -> bool:
    """Whether `spec.resources` of a pod may name this resource."""
    return resource in (CPU, MEMORY) or is_huge_page(resource)


def _with_pod_level(total: ResourceList, whole: Mapping[str, str], options: Options) -> None:
    if not options.skip_pod_level_resources:
        total.update({k: v for k, v in parsed(whole).items() if is_pod_level(k)})


def pod_requests(
    spec: PodSpec, status: PodStatus = NO_STATUS, options: Options = DEFAULT_OPTIONS
) -> ResourceList:
    """What the pod requests, by resource name."""
    total: ResourceList = {}
    if not options.skip_container_level_resources:
        fill = options.non_missing_container_requests
        total = _aggregate(spec, status, options, _container_requests, fill)
    if spec.resources is not None:
        _with_pod_level(total, spec.resources.requests, options)
    if not options.exclude_overhead:
        _add(total, parsed(spec.overhead))
    return total


def pod_limits(
    spec: PodSpec, status: PodStatus = NO_STATUS, options: Options = DEFAULT_OPTIONS
) -> ResourceList:
    """What the pod is limited to; overhead only raises limits that are set."""
    total: ResourceList = {}
    if not options.skip_container_level_resources:
        total = _aggregate(spec, status, options, _container_limits, EMPTY)
    if spec.resources is not None:
        _with_pod_level(total, spec.resources.limits, options)
    if not options.exclude_overhead:
        _add(total, {k: v for k, v in parsed(spec.overhead).items() if k in total})
    return total


class PodAmounts(NamedTuple):
    """What a pod adds to a node: its requests, and CPU and memory as scoring counts them."""

    requests: Requests
    non_zero_milli_cpu: int
    non_zero_memory: int


def _missing_defaults(spec: PodSpec, found: ResourceList) -> Resources:
    """The defaults of scoring, but none for a resource that is set for the pod as a whole."""
    whole = spec.resources.requests if spec.resources is not None else EMPTY
    if not any(is_pod_level(name) for name in whole):
        return DEFAULT_REQUESTS
    return Resources({k: v for k, v in DEFAULT_REQUESTS.items() if k not in found})


def _amounts(key: tuple[PodSpec, PodStatus]) -> PodAmounts:
    spec, status = key
    found = pod_requests(spec, status, Options(use_status_resources=True))
    filled = Options(
        use_status_resources=True, non_missing_container_requests=_missing_defaults(spec, found)
    )
    non_zero = requests_of_list(pod_requests(spec, status, filled))
    return PodAmounts(requests_of_list(found), non_zero.milli_cpu, non_zero.memory)


AMOUNTS: Memo[tuple[PodSpec, PodStatus], PodAmounts] = Memo("amounts of a pod", _amounts)
"""What a pod adds to a node, by its spec and the resources in its status; a proof sets entries."""


def has_status_resources(status: PodStatus) -> bool:
    """Whether a container's status reports resources, as it does once the pod runs."""
    reported = (*status.container_statuses, *status.init_container_statuses)
    return any(s.resources is not None for s in reported)


def amounts_of_spec(spec: PodSpec) -> PodAmounts:
    """What a pod with this spec and no resources in its status adds to a node; memoised."""
    return AMOUNTS((spec, NO_STATUS))


def amounts_of(pod: Pod) -> PodAmounts:
    """What the pod adds to its node; while a resize is under way the larger of old and new."""
    status = pod.status if has_status_resources(pod.status) else NO_STATUS
    return AMOUNTS((pod.spec, status))
