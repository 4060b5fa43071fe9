"""Node maintenance: drain one node after the other, each back before the next goes.

What an operator with kubectl drain, or a rolling upgrade of node pools, does: cordon a node and
evict its pods, wait until all ReplicaSets have their ready pods again or for a while at most,
uncordon it and go on. It runs once, where a world names it among its components:

    maintenance: {timeoutSeconds: 60, nodes: [n1, n2]}

Without `nodes` every node has its turn, in the order of names. A pod that its disruption budget
keeps is asked for again every five seconds, as kubectl drain does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import attrs

from kspec.errors import InputError
from kspec_models.controllers.worker import Worked, stop_on_error
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.objects import Pod, condition, controller_of, freeze
from kspec_models.requests import Drain, Patch, Request, Response

TIMEOUT_SECONDS, RETRY_SECONDS = 60, 5
TURN = "turn"


class MaintenanceMemory(NamedTuple):
    """done: how many nodes have had their turn. since: when the one that is down went down."""

    done: int = 0
    since: int | None = None


@attrs.frozen
class Maintenance:
    """The maintenance of all nodes, as a controller with one key."""

    timeout: int = TIMEOUT_SECONDS
    nodes: tuple[str, ...] = ()
    name: str = "maintenance"
    watches: tuple[Watch, ...] = (Watch("nodes"), Watch("pods"), Watch("replicasets"))

    def initial(self) -> MaintenanceMemory:
        return MaintenanceMemory()

    def relative(self, memory: MaintenanceMemory, now: int) -> MaintenanceMemory:
        return memory if memory.since is None else memory._replace(since=memory.since - now)

    def concerns(self, event: Notification) -> bool:
        """Whether an event changes what a turn waits for."""
        if event.old is None or event.new is None:
            return True
        return _facts(event.old.value) != _facts(event.new.value)

    def handle(
        self, memory: MaintenanceMemory, event: Notification, view: View
    ) -> tuple[MaintenanceMemory, tuple[str, ...]]:
        is_over = memory.done >= len(self._order(view)) and memory.done > 0
        return memory, () if is_over or not self.concerns(event) else (TURN,)

    def _order(self, view: View) -> tuple[str, ...]:
        return self.nodes or tuple(e.value.name for e in view.caches["nodes"].entries())

    def reconcile(self, memory: MaintenanceMemory, key: str, view: View) -> Worked:
        """Take the next node down, or bring the one back whose pods are replaced."""
        order = self._order(view)
        if memory.done >= len(order):
            return Worked(memory)
        node = order[memory.done]
        if memory.since is None:
            if not self.is_settled(view, ""):
                return Worked(memory)
            return Worked(memory._replace(since=view.now), (Drain(node),))
        left = memory.since + self.timeout - view.now
        if left > 0 and not self.is_settled(view, node):
            return Worked(memory, requeue_after=left)
        back = Patch("nodes", node, freeze({"spec": {"unschedulable": False}}))
        memory = MaintenanceMemory(memory.done + 1)
        if memory.done < len(order):
            drain = Drain(order[memory.done])
            return Worked(memory._replace(since=view.now), (back, drain))
        return Worked(memory, (back,))

    def is_settled(self, view: View, node: str) -> bool:
        """Whether no pod counts on a node any more and every ReplicaSet has its ready pods."""
        return _is_settled(view, node)

    def answer(
        self,
        memory: MaintenanceMemory,
        call: Call,
        request: Request,
        response: Response,
        view: View,
    ) -> Worked:
        """What a budget refuses is asked for again, until the node's time is over."""
        if isinstance(request, Drain):
            wait = 0 if response.ok else RETRY_SECONDS
            return Worked(memory, call.requests, requeue_after=wait or self.timeout)
        return stop_on_error(memory, call, response)


def _is_settled(view: View, node: str) -> bool:
    ready: Counter[str] = Counter()
    for entry in view.caches["pods"].entries():
        pod: Pod = entry.value
        owner = controller_of(pod)
        if pod.is_terminating or owner is None or owner.kind == "DaemonSet":
            continue
        if node and pod.spec.node_name == node:
            return False
        found = condition(pod.status.conditions, "Ready")
        ready[owner.uid] += found is not None and found.status == "True"
    sets = (entry.value for entry in view.caches["replicasets"].entries())
    return all(ready[each.uid] >= (each.spec.replicas or 0) for each in sets)


def _facts(obj: Any) -> tuple[Any, ...]:
    if obj.resource != "pods":
        return (obj.spec.replicas,) if obj.resource == "replicasets" else ()
    found = condition(obj.status.conditions, "Ready")
    ready = found is not None and found.status == "True"
    return obj.metadata.deletion_timestamp, obj.spec.node_name, ready


def maintenance_of(options: Mapping[str, Any]) -> Maintenance:
    """The maintenance of a world; raises InputError for an option that is none."""
    for name in options:
        if name not in ("timeoutSeconds", "nodes"):
            raise InputError(
                f"components.maintenance has no option {name!r}", expected="timeoutSeconds or nodes"
            )
    timeout, nodes = options.get("timeoutSeconds", TIMEOUT_SECONDS), options.get("nodes", ())
    if type(timeout) is not int or timeout < 1:
        raise InputError(
            f"components.maintenance: timeoutSeconds is {timeout!r}",
            expected="whole seconds from 1 on",
        )
    if not isinstance(nodes, list | tuple) or not all(isinstance(n, str) for n in nodes):
        raise InputError(
            f"components.maintenance: nodes is {nodes!r}", expected="a list of names of nodes"
        )
    return Maintenance(timeout, tuple(nodes))
