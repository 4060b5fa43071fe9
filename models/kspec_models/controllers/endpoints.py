"""Endpoints controller: keep the Endpoints of every Service with a selector equal to its pods.

After pkg/controller/endpoint/endpoints_controller.go and endpoints_tracker.go at 1.36. Endpoints
are deprecated and still written. Nothing in the model reads them, and they double the writes of
each Service, so that this controller runs only where a world asks for it.

The Endpoints of a Service that is gone are deleted; those that a restart finds without a Service
are looked at once more, as upstream does when it starts. A cache that shows what was last
overwritten is too old to act upon.

Left out: truncation beyond 1,000 addresses, of which a modelled Service has fewer; batching, which
only delays; giving up after 15 retries, so that liveness is judged on a controller that goes on;
the trigger-time annotation, which serves a metric; mirroring of Endpoints into slices (the
endpointslicemirroring controller), which concerns Services without a selector only.
"""

from __future__ import annotations

from typing import Final

import attrs

from kspec.values import EMPTY_MAP, FingerprintedMap
from kspec_models.controllers.endpoints_subsets import subsets_of
from kspec_models.controllers.worker import Worked, stop_on_error
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.indexes import labelled
from kspec_models.objects import Endpoints, FrozenMap, ObjectMeta, Service
from kspec_models.requests import (
    FORBIDDEN,
    NAMESPACE_TERMINATING,
    NOT_FOUND,
    Create,
    Delete,
    Request,
    Response,
    Update,
)
from kspec_models.service_pods import may_concern_services, services_of, services_of_update
from kspec_models.store import EMPTY_SNAPSHOT, Entry

MANAGED_BY: Final = "endpoints.kubernetes.io/managed-by"
HEADLESS: Final = "service.kubernetes.io/headless"
CONTROLLER_NAME: Final = "endpoint-controller"

Overwritten = FingerprintedMap[str, int]
"""The version of the Endpoints that was last overwritten, by Service, until it is seen no more."""


@attrs.frozen
class EndpointsController:
    """Keys are those of Services."""

    name: str = "endpoints"
    watches: tuple[Watch, ...] = (Watch("services"), Watch("pods"), Watch("endpoints"))

    def initial(self) -> Overwritten:
        return EMPTY_MAP

    def concerns(self, event: Notification) -> bool:
        """Services, Endpoints, and pods that some Service may select."""
        return event.resource != "pods" or may_concern_services(event)

    def handle(
        self, memory: Overwritten, event: Notification, view: View
    ) -> tuple[Overwritten, tuple[str, ...]]:
        """Enqueue the Services that an event concerns; of Endpoints only if they come or go."""
        if not self.concerns(event):
            return memory, ()
        if event.resource == "endpoints":
            known, new = memory.get(event.key), event.new
            is_seen = new is None or (known is not None and new.resource_version > known)
            memory = memory.without(event.key) if is_seen else memory
            return memory, () if event.old is not None and new is not None else (event.key,)
        if event.resource == "services":
            return memory, (event.key,)
        services = view.caches.get("services", EMPTY_SNAPSHOT)
        if event.old is not None and event.new is not None:
            return memory, services_of_update(event.old, event.new, services)
        entry = event.new or event.old
        assert entry is not None
        return memory, services_of((entry.value.namespace, entry.value.metadata.labels, services))

    def reconcile(self, memory: Overwritten, key: str, view: View) -> Worked:
        """syncService."""
        entry = view.caches["services"].get(f"services/{key}")
        if entry is None:
            return Worked(memory, (Delete("endpoints", key),))
        service: Service = entry.value
        if service.spec.type == "ExternalName" or not service.spec.selector:
            return Worked(memory)
        current = view.caches["endpoints"].get(f"endpoints/{key}")
        if current is not None and memory.get(key) == current.resource_version:
            return Worked(memory, failed=True)
        wanted = self._wanted(service, current, view)
        if current is None:
            return Worked(memory, (Create(wanted),))
        if wanted == current.value:
            return Worked(memory)
        version = current.resource_version
        return Worked(memory, (Update(wanted, version),), version)

    def _wanted(self, service: Service, current: Entry | None, view: View) -> Endpoints:
        selector = dict(service.spec.selector)
        found = labelled(view.caches["pods"], service.namespace, selector)
        labels = {**service.metadata.labels, MANAGED_BY: CONTROLLER_NAME}
        if service.spec.cluster_ip in ("", "None"):
            labels[HEADLESS] = ""
        meta = ObjectMeta(name=service.name, namespace=service.namespace)
        old = Endpoints(metadata=meta) if current is None else current.value
        pods = tuple(entry.value for entry in found)
        made: Endpoints = old.with_metadata(labels=FrozenMap(labels))
        return made.replace(subsets=subsets_of((service, pods)))

    def answer(
        self, memory: Overwritten, call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        """What is gone needs no deletion, and a terminating namespace takes nothing new."""
        if isinstance(request, Delete) and (response.ok or response.reason == NOT_FOUND):
            return Worked(memory.without(call.key))
        refused = response.reason in (FORBIDDEN, NAMESPACE_TERMINATING)
        if isinstance(request, Create) and refused:
            return Worked(memory)
        if isinstance(request, Update) and response.ok:
            entry = response.entry
            if entry is not None and entry.resource_version != call.phase:
                memory = memory.set(call.key, call.phase)
        return stop_on_error(memory, call, response)
