"""Expiry of Events: an Event is gone an hour after it was written.

After the TTL of pkg/registry/core/event/storage/storage.go and --event-ttl of kube-apiserver at
Kubernetes 1.36. In etcd the lease of the key ends; here a controller deletes the Event when its
time has come. A crash makes that late and never early, which is all that a lease promises as well.

Left out: Events that the components write: no component creates any, because none reads them; those
that a world gives, and those that its users apply, are there to be watched and to expire. A later
write of an Event renews its lease upstream; here its creation counts.
"""

from __future__ import annotations

from typing import Final

import attrs

from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.objects import Event
from kspec_models.requests import NOT_FOUND, Delete, Request, Response

DEFAULT_TTL_SECONDS: Final = 60 * 60


@attrs.frozen
class EventExpiryController:
    """The leases of Events; it remembers nothing. seconds: --event-ttl."""

    seconds: int = DEFAULT_TTL_SECONDS
    name: str = "eventexpiry"
    watches: tuple[Watch, ...] = (Watch("events"),)

    def initial(self) -> tuple[()]:
        return ()

    def concerns(self, event: Notification) -> bool:
        return event.new is not None

    def handle(
        self, memory: tuple[()], event: Notification, view: View
    ) -> tuple[tuple[()], tuple[str, ...]]:
        return memory, (event.key,) if event.new is not None else ()

    def reconcile(self, memory: tuple[()], key: str, view: View) -> Worked:
        """Wait until the lease ends, then delete that very Event."""
        entry = view.caches["events"].get(f"events/{key}")
        if entry is None:
            return Worked(memory)
        event: Event = entry.value
        end = (event.metadata.creation_timestamp or 0) + self.seconds
        if end > view.now:
            return Worked(memory, requeue_after=end - view.now)
        return Worked(memory, (Delete("events", key, event.uid),))

    def answer(
        self, memory: tuple[()], call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        return Worked(memory, failed=not response.ok and response.reason != NOT_FOUND)
