"""EndpointSlice controller: keep the slices of every Service with a selector equal to its pods.

After pkg/controller/endpointslice/endpointslice_controller.go and
k8s.io/endpointslice/util/controller_utils.go at 1.36.

A Service that is gone gets no write: its slices carry an owner reference and the garbage collector
deletes them, as upstream. The controller itself deletes only slices of a namesake with another uid.

Kept as upstream has them, because they are real: a pod that a joined notification replaces by one
of another uid but equal labels, readiness and address is not noticed; the deletion of a slice that
this incarnation of the controller never wrote is not healed; and a tracked slice whose ADDED and
DELETED were both missed blocks the Service as "stale" (kubernetes issue 141592).

Left out: everything in `endpointslice_plan`; batching and the one-second delay after slice events,
which only delay; giving up after 15 retries, so that liveness is judged on a controller that goes
on; and the topology queue.
"""

from __future__ import annotations

from typing import Any

from kspec.values import EMPTY_MAP, Memo
from kspec_models.controllers.endpointslice_endpoints import is_pod_ready
from kspec_models.controllers.endpointslice_marks import CONTROLLER_NAME, MANAGED_BY, SERVICE_NAME
from kspec_models.controllers.endpointslice_plan import MAX_ENDPOINTS_PER_SLICE, Situation, plan
from kspec_models.controllers.endpointslice_tracker import (
    DELETION_EXPECTED,
    UNTRACKED,
    Tracked,
    Tracker,
    handle_slice,
    is_stale,
)
from kspec_models.controllers.worker import Worked, stop_on_error
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.objects import FrozenMap, Pod, Service
from kspec_models.requests import (
    NAMESPACE_TERMINATING,
    NOT_FOUND,
    Create,
    Delete,
    Request,
    Response,
    Update,
)
from kspec_models.store import EMPTY_SNAPSHOT, Entry, Snapshot


def matching(snapshot: Snapshot, namespace: str, labels: FrozenMap[str]) -> tuple[Entry, ...]:
    """The entries of the namespace that carry all the labels, in the order of keys."""
    groups = [snapshot.indexed(f"label/{namespace}/{k}={v}") for k, v in labels.items()]
    smallest = min(groups, key=len, default=())
    if len(groups) < 2:
        return smallest
    wanted = tuple(labels.items())
    return tuple(
        entry
        for entry in smallest
        if all(entry.value.metadata.labels.get(k) == v for k, v in wanted)
    )


def _selectors(services: Snapshot) -> dict[str, tuple[tuple[str, FrozenMap[str]], ...]]:
    found: dict[str, tuple[tuple[str, FrozenMap[str]], ...]] = {}
    for entry in services.entries():
        service: Service = entry.value
        if service.spec.selector:
            pair = (service.key, service.spec.selector)
            found[service.namespace] = (*found.get(service.namespace, ()), pair)
    return found


_selectors_of: Memo[Snapshot, dict[str, tuple[tuple[str, FrozenMap[str]], ...]]] = Memo(
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


def _services_of_update(old: Entry, new: Entry, services: Snapshot) -> tuple[str, ...]:
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


class EndpointSliceController:
    """`clears_on_recreation` is the repair of kubernetes pull request 141593, after 1.36."""

    name = "endpointslice"
    watches = (Watch("services"), Watch("pods"), Watch("endpointslices"))

    def __init__(
        self, limit: int = MAX_ENDPOINTS_PER_SLICE, clears_on_recreation: bool = False
    ) -> None:
        self.limit, self.clears_on_recreation = limit, clears_on_recreation

    def initial(self) -> Tracker:
        return EMPTY_MAP

    def handle(
        self, memory: Tracker, event: Notification, view: View
    ) -> tuple[Tracker, tuple[str, ...]]:
        """Enqueue the Services that an event of a Service, pod or slice may concern."""
        if event.resource == "services":
            return memory, (event.key,)
        if event.resource == "endpointslices":
            return handle_slice(memory, event)
        services = view.caches.get("services", EMPTY_SNAPSHOT)
        if event.old is not None and event.new is not None:
            return memory, _services_of_update(event.old, event.new, services)
        entry = event.new or event.old
        assert entry is not None
        return memory, services_of((entry.value.namespace, entry.value.metadata.labels, services))

    def reconcile(self, memory: Tracker, key: str, view: View) -> Worked:
        """Bring the slices of one Service in line with the pods in the cache."""
        entry = view.caches["services"].get(f"services/{key}")
        if entry is None:
            return Worked(memory.without(key))
        service: Service = entry.value
        if service.spec.type == "ExternalName" or not service.spec.selector:
            return Worked(memory)
        pods = matching(view.caches["pods"], service.namespace, service.spec.selector)
        found = {
            e.value.name: e
            for e in matching(
                view.caches["endpointslices"],
                service.namespace,
                FrozenMap({SERVICE_NAME: service.name, MANAGED_BY: CONTROLLER_NAME}),
            )
            if not e.value.is_terminating
        }
        slices = tuple(e.value for e in found.values())
        memory = self._forgotten(memory, key, service)
        if is_stale(memory.get(key, UNTRACKED), slices):
            return Worked(memory, failed=True)
        pods_found = tuple(e.value for e in pods)
        return _requests(memory, Situation(service, pods_found, slices, self.limit), found)

    def _forgotten(self, memory: Tracker, key: str, service: Service) -> Tracker:
        """With the repair, the memory without what was written for an earlier Service."""
        tracked = memory.get(key, UNTRACKED)
        if not self.clears_on_recreation or tracked.service_uid == service.uid:
            return memory
        kept = () if tracked.service_uid else tracked.generations
        return memory.set(key, Tracked(service.uid, kept))

    def answer(
        self, memory: Tracker, call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        """Track what was written; a slice that is gone already needs no deletion."""
        if isinstance(request, Delete) and response.reason == NOT_FOUND:
            return Worked(memory, call.requests, call.phase)
        if isinstance(request, Create) and response.reason == NAMESPACE_TERMINATING:
            return Worked(memory)
        if response.ok:
            tracked = memory.get(call.key, UNTRACKED)
            if isinstance(request, Delete):
                uid = next(uid for key, uid in call.phase if key == request.key)
                memory = memory.set(call.key, tracked.set(uid, DELETION_EXPECTED))
            elif response.entry is not None:
                meta = response.entry.value.metadata
                memory = memory.set(call.key, tracked.set(meta.uid, meta.generation))
        return stop_on_error(memory, call, response)


def _requests(memory: Tracker, situation: Situation, found: dict[str, Entry]) -> Worked:
    planned = plan(situation)
    requests: list[Any] = [Create(obj) for obj in planned.creates]
    requests += [Update(obj, found[obj.name].mod_revision) for obj in planned.updates]
    requests += [Update(obj) for obj in planned.replaces]
    requests += [Delete("endpointslices", obj.key) for obj in planned.deletes]
    uids = tuple((obj.key, obj.uid) for obj in planned.deletes)
    return Worked(memory, tuple(requests), uids or None)
