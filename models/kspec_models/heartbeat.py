"""Heartbeats: the part of each kubelet that keeps the Lease of its node renewed.

After staging/src/k8s.io/component-helpers/apimachinery/lease/controller.go and
pkg/kubelet/util/nodelease.go at Kubernetes 1.36. A Lease without a renew time is kept renewed (see
`processes`), so that only the first renewal after a silence is a step.

Left out: the five attempts at once, the rest of which a timeout ends as well; after a failure the
renew interval is waited for.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import attrs

from kspec_models.host import Call, Notification, Outcome, View, Watch
from kspec_models.objects import Lease, LeaseSpec, ObjectMeta, OwnerReference
from kspec_models.requests import (
    ALREADY_EXISTS,
    CONFLICT,
    NOT_FOUND,
    Create,
    Get,
    Request,
    Response,
    Update,
)
from kspec_models.store import Entry

NODE_LEASES: Final = "kube-node-lease"
NODE_LEASE_SECONDS: Final = 40
NODE_RENEW_SECONDS: Final = 10


class Renewing(NamedTuple):
    """What a kubelet remembers of its Lease."""

    is_busy: bool = False
    retry_at: int | None = None


@attrs.frozen
class NodeLease:
    """The part of a kubelet that keeps the Lease of its node renewed."""

    node: str
    watches: tuple[Watch, ...] = ()

    @property
    def name(self) -> str:
        return f"node-lease/{self.node}"

    @property
    def lease(self) -> str:
        return f"{NODE_LEASES}/{self.node}"

    def initial(self, node: Any) -> Renewing:
        return Renewing()

    def synced(self, entry: Entry | None) -> Renewing:
        return Renewing()

    def handle(self, memory: Renewing, notification: Notification, view: View) -> Renewing:
        return memory

    def enabled(self, memory: Renewing, now: int) -> tuple[str, ...]:
        return ()

    def polled(self, memory: Renewing, entry: Entry | None, now: int) -> tuple[str, ...]:
        """The Lease, where it is not one that this kubelet keeps renewed."""
        if memory.is_busy or (memory.retry_at is not None and memory.retry_at > now):
            return ()
        spec = entry.value.spec if entry is not None else LeaseSpec()
        is_kept = spec.holder_identity == self.node and spec.renew_time is None
        return () if is_kept else (self.lease,)

    def due(self, memory: Renewing, entry: Entry | None) -> int | None:
        return memory.retry_at

    def deadline(self, memory: Renewing) -> int | None:
        return None

    def relative(self, memory: Renewing, now: int) -> Renewing:
        retry = memory.retry_at
        return memory._replace(retry_at=None if retry is None else max(0, retry - now))

    def run(self, memory: Renewing, key: str, view: View) -> Outcome:
        return Outcome(Renewing(is_busy=True), (Get("leases", key),))

    def answer(
        self, memory: Renewing, call: Call, request: Request, response: Response, view: View
    ) -> Outcome:
        """Update the Lease that is there, or create it; after a failure wait for the interval."""
        if not isinstance(request, Get):
            is_over = response.ok or response.reason in (CONFLICT, ALREADY_EXISTS)
            return Outcome(Renewing() if is_over else self._failed(view.now))
        entry = response.entry
        if entry is None and response.reason != NOT_FOUND:
            return Outcome(self._failed(view.now))
        if entry is None:
            return Outcome(memory, (Create(node_lease(self.node, self._owner(view))),))
        spec = entry.value.spec.replace(holder_identity=self.node, renew_time=None)
        return Outcome(memory, (Update(entry.value.replace(spec=spec), entry.resource_version),))

    def _failed(self, now: int) -> Renewing:
        return Renewing(retry_at=now + NODE_RENEW_SECONDS)

    def _owner(self, view: View) -> str:
        node = view.caches["nodes"].get(f"nodes/{self.node}") if "nodes" in view.caches else None
        return node.value.uid if node is not None else ""


def node_lease(node: str, uid: str = "") -> Lease:
    """The Lease of a node, kept renewed; it belongs to the Node, where that is known."""
    owner = OwnerReference(api_version="v1", kind="Node", name=node, uid=uid)
    return Lease(
        metadata=ObjectMeta(
            name=node, namespace=NODE_LEASES, owner_references=(owner,) if uid else ()
        ),
        spec=LeaseSpec(holder_identity=node, lease_duration_seconds=NODE_LEASE_SECONDS),
    )
