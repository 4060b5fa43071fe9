"""What a Service asks of pods: which it selects, which have an endpoint, and at which ports.

After k8s.io/endpointslice/util/controller_utils.go (GetPodUpdateProjectionKey, GetServicesToUpdate,
ShouldPodBeInEndpoints, ShouldSetHostname) and pkg/api/v1/pod/util.go (FindPort) at 1.36; what the
Endpoints and the EndpointSlice controller share. Kept as upstream has it, because it is real: a pod
that a joined notification replaces by one of another uid, but of equal labels, readiness and
address, goes unnoticed.

Left out: IPv6.
"""

from __future__ import annotations

from kspec.values import Memo
from kspec_models.host import Notification
from kspec_models.objects import FrozenMap, Pod, PodSpec, Service, ServicePort, condition
from kspec_models.store import Entry, Snapshot

Selectors = dict[str, tuple[tuple[str, FrozenMap[str]], ...]]


def is_pod_ready(pod: Pod) -> bool:
    """Whether the pod's Ready condition is true."""
    ready = condition(pod.status.conditions, "Ready")
    return ready is not None and ready.status == "True"


def should_be_in_endpoints(pod: Pod, *, with_terminating: bool) -> bool:
    """Whether the pod has an address and is not terminal."""
    ip = pod.status.pod_ip
    is_over = pod.status.phase in ("Succeeded", "Failed")
    if is_over or not ip or ":" in ip:
        return False
    return with_terminating or not pod.is_terminating


def hostname_for(pod: Pod, service: Service) -> str:
    """The name that the pod has under the Service, "" for a pod of another subdomain."""
    return pod.spec.hostname if pod.spec.subdomain == service.name else ""


def find_port(spec: PodSpec, port: ServicePort) -> int | None:
    """The number that a service port targets in a pod; None where the name is not found.

    Containers first, then sidecars, as podutil.FindPort does.
    """
    wanted = port.target_port or port.port
    if isinstance(wanted, int):
        return wanted
    sidecars = tuple(c for c in spec.init_containers if c.restart_policy == "Always")
    for container in (*spec.containers, *sidecars):
        for offered in container.ports:
            same_protocol = (offered.protocol or "TCP") == (port.protocol or "TCP")
            if offered.name == wanted and same_protocol:
                return offered.container_port
    return None


def _selectors(services: Snapshot) -> Selectors:
    found: Selectors = {}
    for entry in services.entries():
        service: Service = entry.value
        if service.spec.selector:
            pair = (service.key, service.spec.selector)
            found[service.namespace] = (*found.get(service.namespace, ()), pair)
    return found


_selectors_of: Memo[Snapshot, Selectors] = Memo(
    "selectors of the services", _selectors, limit=10_000
)


def _services(key: tuple[str, FrozenMap[str], Snapshot]) -> tuple[str, ...]:
    namespace, labels, services = key
    return tuple(
        service
        for service, selector in _selectors_of(services).get(namespace, ())
        if all(labels.get(k) == v for k, v in selector.items())
    )


services_of: Memo[tuple[str, FrozenMap[str], Snapshot], tuple[str, ...]] = Memo(
    "services of a pod's labels", _services, limit=50_000
)
"""The keys of the services whose selector takes these labels, in the order of keys."""


def _pod_changed(old: Pod, new: Pod) -> bool:
    """Whether an update may change the pod's endpoint.

    Upstream compares the deletion timestamps by address, so that every update of a terminating
    pod counts.
    """
    return (
        old.is_terminating
        or new.is_terminating
        or is_pod_ready(old) != is_pod_ready(new)
        or old.status.pod_ip != new.status.pod_ip
    )


def may_concern_services(event: Notification) -> bool:
    """Whether there can be Services that an event of a pod concerns, whatever Services there are.

    An empty selector selects no pod, so a pod without labels is in no Service.
    """
    old, new = event.old, event.new
    if old is None or new is None:
        return bool((new or old).value.metadata.labels)  # type: ignore[union-attr]
    if old.mod_revision == new.mod_revision:
        return False
    before, after = old.value.metadata.labels, new.value.metadata.labels
    if before == after:
        return bool(after) and _pod_changed(old.value, new.value)
    return True


def services_of_update(old: Entry, new: Entry, services: Snapshot) -> tuple[str, ...]:
    """The Services that an update of a pod concerns, in the order of keys.

    Where only the labels changed, those that select the pod before and after are spared.
    """
    if old.mod_revision == new.mod_revision:
        return ()
    before, after = old.value.metadata.labels, new.value.metadata.labels
    changed = _pod_changed(old.value, new.value)
    if before == after:
        return services_of((new.value.namespace, after, services)) if changed else ()
    left = services_of((new.value.namespace, before, services))
    right = services_of((new.value.namespace, after, services))
    either = tuple(sorted({*left, *right}))
    return either if changed else tuple(k for k in either if (k in left) != (k in right))
