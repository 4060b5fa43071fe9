"""Node lifecycle: say of a silent node that nothing is known of it, and taint what is not ready.

After pkg/controller/nodelifecycle/node_lifecycle_controller.go at 1.36. Three kinds of keys: all
nodes together (monitorNodeHealth with the NoExecute taints that follow), one node (the NoSchedule
taints of its conditions; a failure is not retried, as upstream does not), and one pod that is bound
to a node which is not ready.

Upstream looks at all nodes every five seconds. Here it does so when a node or a Lease changed, when
a grace ends or a limiter has its next token, and five seconds after something failed. Sound,
because a look may come at any time, and between those it would find what the last one found.

Left out: the labels of os and architecture, which no modelled component reads; events and metrics.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Final, NamedTuple

import attrs

from kspec_models.controllers.nodelifecycle_health import TRUE, Graces, overdue_at, ready_of
from kspec_models.controllers.nodelifecycle_pass import Look, mark_not_ready
from kspec_models.controllers.nodelifecycle_state import Inputs, LifecycleMemory, Looked
from kspec_models.controllers.nodelifecycle_taints import NO_SCHEDULE, no_schedule_changes, swap
from kspec_models.controllers.nodelifecycle_zones import Rates
from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.objects import Node
from kspec_models.requests import Request, Response
from kspec_models.store import Entry

MONITOR_PERIOD_SECONDS: Final = 5
LEASES: Final = "kube-node-lease"
MONITOR: Final = "all nodes"


class OneNode(NamedTuple):
    """The NoSchedule taints of a node are being changed."""

    node: Node
    now: int


class OnePod(NamedTuple):
    """A pod is being marked not ready."""

    pod: Entry
    now: int


class Waiting(NamedTuple):
    """A pass that waits for an answer: what it read, and the answers that it got so far."""

    inputs: Inputs | OneNode | OnePod
    answers: tuple[Response, ...] = ()


@attrs.frozen
class NodeLifecycleController:
    """The node-lifecycle-controller of kube-controller-manager; `look` runs over all nodes."""

    graces: Graces = attrs.field(factory=Graces)
    rates: Rates = attrs.field(factory=Rates)
    look: type[Look] = Look
    reads_node_leases: bool = True
    name: str = "nodelifecycle"
    watches: tuple[Watch, ...] = (Watch("nodes"), Watch("leases"), Watch("pods"))

    def initial(self) -> LifecycleMemory:
        return LifecycleMemory()

    def relative(self, memory: LifecycleMemory, now: int) -> LifecycleMemory:
        health = memory.health
        for name, known in memory.health.sorted_items():
            health = health.set(name, known.relative(now))
        zones = tuple((name, zone.relative(now)) for name, zone in memory.zones)
        return memory._replace(health=health, zones=zones)

    def concerns(self, event: Notification) -> bool:
        """Leases of nodes, nodes whose health, taints or place changed, pods that were bound."""
        old, new = event.old, event.new
        if event.resource == "leases":
            return event.key.startswith(f"{LEASES}/")
        if event.resource == "nodes":
            return old is None or new is None or _facts(old.value) != _facts(new.value)
        if new is None or not new.value.spec.node_name:
            return False
        return old is None or bool(old.value.spec.node_name != new.value.spec.node_name)

    def handle(
        self, memory: LifecycleMemory, event: Notification, view: View
    ) -> tuple[LifecycleMemory, tuple[str, ...]]:
        """Look at all nodes; at the node that changed, if its taints are wrong; at a pod."""
        if not self.concerns(event):
            return memory, ()
        if event.resource == "leases":
            return memory, (MONITOR,)
        if event.resource == "pods":
            assert event.new is not None
            health = memory.health.get(event.new.value.spec.node_name)
            is_bad = health is not None and health.ready[0] not in ("", TRUE)
            return memory, (f"pods/{event.key}",) if is_bad else ()
        if event.new is None or no_schedule_changes(event.new.value) == ((), ()):
            return memory, (MONITOR,)
        return memory, (f"nodes/{event.key}", MONITOR)

    def reconcile(self, memory: LifecycleMemory, key: str, view: View) -> Worked:
        """Begin a pass."""
        if key == MONITOR:
            return self._go_on(memory, Waiting(self._inputs(memory, view)), view)
        entry = view.caches[key.partition("/")[0]].get(key)
        if entry is None:
            return Worked(memory)
        inputs: Any = OneNode(entry.value, view.now)
        if key.startswith("pods/"):
            health = memory.health.get(entry.value.spec.node_name)
            if health is None or health.ready[0] in ("", TRUE):
                return Worked(memory)
            inputs = OnePod(entry, view.now)
        return self._go_on(memory, Waiting(inputs), view)

    def _inputs(self, memory: LifecycleMemory, view: View) -> Inputs:
        nodes = view.caches["nodes"].entries()
        leases = tuple(
            (e.value.name, e.value)
            for e in view.caches["leases"].entries()
            if e.value.namespace == LEASES
        )
        silent = {name for name, lease in leases if lease.spec.renew_time is not None}
        named = [e.value.name for e in nodes if ready_of(e.value)[0] != TRUE]
        of = view.caches["pods"]
        pods = tuple((n, of.indexed(f"node/{n}")) for n in sorted({*named, *silent, *memory.retry}))
        return Inputs(memory, nodes, leases, pods, self.graces, self.rates, view.now)

    def answer(
        self,
        memory: LifecycleMemory,
        call: Call,
        request: Request,
        response: Response,
        view: View,
    ) -> Worked:
        """Go on with the pass."""
        waiting: Waiting = call.phase
        return self._go_on(memory, Waiting(waiting.inputs, (*waiting.answers, response)), view)

    def _go_on(self, memory: LifecycleMemory, waiting: Waiting, view: View) -> Worked:
        """Run the pass from its start, with the answers it got, to the next request or its end."""
        steps = self._steps(waiting.inputs)
        try:
            request = next(steps)
            for response in waiting.answers:
                request = steps.send(response)
        except StopIteration as end:
            return self._ended(memory, waiting.inputs, end.value, view)
        return Worked(memory, (request,), waiting)

    def _steps(self, inputs: Inputs | OneNode | OnePod) -> Generator[Request, Response, Any]:
        if isinstance(inputs, Inputs):
            return self.look(inputs).run()
        if isinstance(inputs, OnePod):
            return mark_not_ready(inputs.pod, inputs.now)
        missing, vain = no_schedule_changes(inputs.node)
        return swap(inputs.node, missing, vain, NO_SCHEDULE, inputs.now)

    def _ended(self, memory: LifecycleMemory, inputs: Any, result: Any, view: View) -> Worked:
        if isinstance(inputs, OnePod):
            return Worked(memory, failed=not result)
        if not isinstance(result, Looked):
            return Worked(memory)
        waits = [at - view.now for at in self._deadlines(result.memory, inputs)]
        waits += [MONITOR_PERIOD_SECONDS] if result.has_failed else []
        wait = min((max(1, seconds) for seconds in waits), default=None)
        return Worked(result.memory, requeue_after=wait)

    def _deadlines(self, memory: LifecycleMemory, inputs: Inputs) -> list[int]:
        """When a grace ends, and when a node may be tainted that has to wait."""
        leases, found = dict(inputs.leases), []
        for entry in inputs.nodes:
            node: Node = entry.value
            health = memory.health.get(node.name)
            if health is not None and health.ready[0] == ready_of(node)[0]:
                found.append(overdue_at(health, node, leases.get(node.name), self.graces))
        found += [zone.next_token for _, zone in memory.zones if zone.queue and zone.period]
        return [at for at in found if at is not None]


def _facts(node: Node) -> Any:
    """All that the controller reads of a node."""
    spec, labels = node.spec, node.metadata.labels
    return node.uid, node.status.conditions, spec.taints, spec.unschedulable, labels
