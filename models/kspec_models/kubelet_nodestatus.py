"""What a kubelet reports of its node: the conditions that nobody else can know.

After pkg/kubelet/kubelet_node_status.go and nodestatus/setters.go (ReadyCondition and the pressure
conditions) at 1.36, as small as node lifecycle needs it: a kubelet that sees its node without a
Ready condition, or with conditions that were called unknown because nothing was heard of it,
reports what is true. True is what the node said before; a kubelet that just started finds all well.

Upstream reports every ten seconds, changed or not. Here it does when its node shows something else,
and ten seconds after a failure: what would be written meanwhile changes nothing.

Left out: capacity, addresses and images, which stay as given; registering a Node that is missing.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import attrs

from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.objects import Node, Time, condition, freeze
from kspec_models.objects.record import encode_time
from kspec_models.requests import NOT_FOUND, Patch, Request, Response

UPDATE_SECONDS: Final = 10
_WELL: Final = (
    ("DiskPressure", "False", "KubeletHasNoDiskPressure"),
    ("MemoryPressure", "False", "KubeletHasSufficientMemory"),
    ("PIDPressure", "False", "KubeletHasSufficientPID"),
    ("Ready", "True", "KubeletReady"),
)


class Known(NamedTuple):
    """Type, status and reason of the conditions as they are, sorted."""

    conditions: tuple[tuple[str, str, str], ...] = _WELL


@attrs.frozen
class NodeStatus:
    """The part of a kubelet that reports on its node; a controller with one key."""

    node: str

    @property
    def name(self) -> str:
        return f"nodestatus/{self.node}"

    @property
    def watches(self) -> tuple[Watch, ...]:
        return (Watch("nodes", self.node),)

    def initial(self) -> Known:
        return Known()

    def concerns(self, event: Notification) -> bool:
        """Nodes whose conditions changed."""
        if event.new is None:
            return False
        old = event.old
        return old is None or old.value.status.conditions != event.new.value.status.conditions

    def handle(
        self, memory: Known, event: Notification, view: View
    ) -> tuple[Known, tuple[str, ...]]:
        """Remember what is true, and report where it is not said."""
        if not self.concerns(event):
            return memory, ()
        assert event.new is not None
        said = {c.type: c for c in event.new.value.status.conditions}
        true = tuple(
            (kind, said[kind].status, said[kind].reason)
            if kind in said and said[kind].status != "Unknown"
            else (kind, status, reason)
            for kind, status, reason in memory.conditions
        )
        known = memory if true == memory.conditions else Known(true)
        return known, (self.node,) if self._unsaid(known, event.new.value) else ()

    def _unsaid(self, memory: Known, node: Node) -> tuple[tuple[str, str, str], ...]:
        """The conditions to report; all of them where the node is not said to be ready or not."""
        is_new = condition(node.status.conditions, "Ready") is None
        unknown = {c.type for c in node.status.conditions if c.status == "Unknown"}
        return tuple(item for item in memory.conditions if is_new or item[0] in unknown)

    def reconcile(self, memory: Known, key: str, view: View) -> Worked:
        """tryUpdateNodeStatus."""
        entry = view.caches["nodes"].get(f"nodes/{key}")
        unsaid = self._unsaid(memory, entry.value) if entry is not None else ()
        if not unsaid:
            return Worked(memory)
        conditions: list[dict[str, Any]] = [
            {
                "type": kind,
                "status": status,
                "reason": reason or None,
                "message": None,
                "lastTransitionTime": encode_time(Time(view.now)),
            }
            for kind, status, reason in unsaid
        ]
        body = freeze({"status": {"conditions": conditions}})
        return Worked(memory, (Patch("nodes", key, body, "status"),))

    def answer(
        self, memory: Known, call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        """After an error it waits for the next report."""
        is_over = response.ok or response.reason == NOT_FOUND
        return Worked(memory, requeue_after=None if is_over else UPDATE_SECONDS)
