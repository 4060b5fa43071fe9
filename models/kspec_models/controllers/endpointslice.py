"""EndpointSlice controller: keep the slices of every Service with a selector equal to its pods.

After pkg/controller/endpointslice/endpointslice_controller.go at 1.36.

A Service that is gone gets no write: its slices carry an owner reference and the garbage collector
deletes them, as upstream. The controller itself deletes only slices of a namesake with another uid.

Kept as upstream has them, because they are real: the deletion of a slice that this incarnation of
the controller never wrote is not healed; and a tracked slice whose ADDED and DELETED were both
missed blocks the Service as "stale" (kubernetes issue 141592).

The pods of a missing node have no endpoint, where the world has nodes that can be missing. Upstream
then tries the Service again after a backoff; here, when the node comes.

Left out: everything in `endpointslice_plan`; batching and the one-second delay after slice events,
which only delay; giving up after 15 retries, so that liveness is judged on a controller that goes
on; and the topology queue.
"""

from __future__ import annotations

from typing import NamedTuple

from kspec.values import EMPTY_MAP, Memo
from kspec_models.controllers.endpointslice_marks import SERVICE_NAME, is_managed
from kspec_models.controllers.endpointslice_plan import (
    MAX_ENDPOINTS_PER_SLICE,
    NOTHING,
    Plan,
    Situation,
    plan,
)
from kspec_models.controllers.endpointslice_tracker import (
    DELETION_EXPECTED,
    UNTRACKED,
    Tracked,
    Tracker,
    handle_slice,
    is_stale,
    may_concern_slices,
)
from kspec_models.controllers.worker import Worked, stop_on_error
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.objects import EndpointSlice, FrozenMap, Pod, Service
from kspec_models.requests import (
    NAMESPACE_TERMINATING,
    NOT_FOUND,
    Create,
    Delete,
    Request,
    Response,
    Update,
)
from kspec_models.service_pods import (
    may_concern_services,
    services_of,
    services_of_update,
)
from kspec_models.store import EMPTY_SNAPSHOT, Entry, Snapshot


class Same:
    """Entries as a key that is equal to the very same tuple only.

    An index keeps the tuple of a group in which nothing changed. So a sync of a Service costs the
    same however many pods it has, unless one of them changed.
    """

    __slots__ = ("entries",)

    def __init__(self, entries: tuple[Entry, ...]) -> None:
        self.entries = entries

    def __hash__(self) -> int:
        return object.__hash__(self.entries)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.entries is other.entries


class Inputs(NamedTuple):
    """pods: the groups of the index for each label of the selector. slices: those of the name.

    missing: the nodes of such pods that do not exist.
    """

    service: Service
    pods: tuple[Same, ...]
    slices: Same
    limit: int
    missing: tuple[str, ...] = ()


class Prepared(NamedTuple):
    """The slices of the Service in the cache, their revisions by name, and what to write."""

    slices: tuple[EndpointSlice, ...]
    revisions: FrozenMap[int]
    plan: Plan


def _prepare(inputs: Inputs) -> Prepared:
    selector = tuple(inputs.service.spec.selector.items())
    smallest = min((group.entries for group in inputs.pods), key=len)
    pods: tuple[Pod, ...] = tuple(entry.value for entry in smallest)
    if len(selector) > 1:
        pods = tuple(p for p in pods if all(p.metadata.labels.get(k) == v for k, v in selector))
    if inputs.missing and not inputs.service.spec.publish_not_ready_addresses:
        pods = tuple(p for p in pods if p.spec.node_name not in inputs.missing)
    found = [e for e in inputs.slices.entries if is_managed(e.value) and not e.value.is_terminating]
    slices = tuple(e.value for e in found)
    return Prepared(
        slices,
        FrozenMap({e.value.name: e.resource_version for e in found}),
        plan(Situation(inputs.service, pods, slices, inputs.limit)),
    )


_prepared: Memo[Inputs, Prepared] = Memo("syncs of a service", _prepare, limit=50_000)


class EndpointSliceController:
    """`clears_on_recreation` is the repair of kubernetes pull request 141593, after 1.36.

    looks_up_nodes: pods of a node that does not exist have no endpoint, as upstream; not needed
    where no node can be missing.
    """

    name = "endpointslice"

    def __init__(
        self,
        limit: int = MAX_ENDPOINTS_PER_SLICE,
        clears_on_recreation: bool = False,
        *,
        looks_up_nodes: bool = False,
    ) -> None:
        self.limit, self.clears_on_recreation = limit, clears_on_recreation
        self.looks_up_nodes = looks_up_nodes
        nodes = (Watch("nodes"),) if looks_up_nodes else ()
        self.watches = (Watch("services"), Watch("pods"), Watch("endpointslices"), *nodes)

    def initial(self) -> Tracker:
        return EMPTY_MAP

    def concerns(self, event: Notification) -> bool:
        """Not a pod without labels or whose endpoint stays as it is, nor somebody else's slice.

        Of nodes those that come: upstream tries a Service again whose pods are on a missing one.
        """
        if event.resource == "pods":
            return may_concern_services(event)
        if event.resource == "nodes":
            return event.old is None
        return event.resource == "services" or may_concern_slices(event)

    def handle(
        self, memory: Tracker, event: Notification, view: View
    ) -> tuple[Tracker, tuple[str, ...]]:
        """Enqueue the Services that an event of a Service, pod or slice may concern."""
        if event.resource == "services":
            return memory, (event.key,)
        if event.resource == "endpointslices":
            return handle_slice(memory, event)
        services = view.caches.get("services", EMPTY_SNAPSHOT)
        if event.resource == "nodes":
            return memory, self._services_on(event.key, services, view)
        if event.old is not None and event.new is not None:
            return memory, services_of_update(event.old, event.new, services)
        entry = event.new or event.old
        assert entry is not None
        return memory, services_of((entry.value.namespace, entry.value.metadata.labels, services))

    def _services_on(self, node: str, services: Snapshot, view: View) -> tuple[str, ...]:
        """The Services of the pods of a node."""
        pods = (e.value for e in view.caches["pods"].indexed(f"node/{node}"))
        keys = (services_of((p.namespace, p.metadata.labels, services)) for p in pods)
        return tuple(dict.fromkeys(key for found in keys for key in found))

    def reconcile(self, memory: Tracker, key: str, view: View) -> Worked:
        """Bring the slices of one Service in line with the pods in the cache."""
        entry = view.caches["services"].get(f"services/{key}")
        if entry is None:
            return Worked(memory.without(key))
        service: Service = entry.value
        if service.spec.type == "ExternalName" or not service.spec.selector:
            return Worked(memory)
        prepared = _prepared(self._inputs(service, view))
        memory = self._forgotten(memory, key, service)
        if is_stale(memory.get(key, UNTRACKED), prepared.slices):
            return Worked(memory, failed=True)
        return _requests(memory, prepared)

    def _inputs(self, service: Service, view: View) -> Inputs:
        pods, prefix = view.caches["pods"], f"label/{service.namespace}/"
        groups = tuple(
            Same(pods.indexed(f"{prefix}{k}={v}")) for k, v in service.spec.selector.items()
        )
        slices = view.caches["endpointslices"].indexed(f"{prefix}{SERVICE_NAME}={service.name}")
        return Inputs(service, groups, Same(slices), self.limit, self._missing(groups, view))

    def _missing(self, groups: tuple[Same, ...], view: View) -> tuple[str, ...]:
        """The nodes of pods that the Service may select which do not exist."""
        if not self.looks_up_nodes:
            return ()
        smallest = min((group.entries for group in groups), key=len)
        names = {entry.value.spec.node_name for entry in smallest} - {""}
        return tuple(n for n in sorted(names) if view.caches["nodes"].get(f"nodes/{n}") is None)

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


def _requests(memory: Tracker, prepared: Prepared) -> Worked:
    planned, revisions = prepared.plan, prepared.revisions
    if planned == NOTHING:
        return Worked(memory)
    requests: list[Request] = [Create(obj) for obj in planned.creates]
    requests += [Update(obj, revisions[obj.name]) for obj in planned.updates]
    requests += [Update(obj) for obj in planned.replaces]
    requests += [Delete("endpointslices", obj.key) for obj in planned.deletes]
    uids = tuple((obj.key, obj.uid) for obj in planned.deletes)
    return Worked(memory, tuple(requests), uids or None)
