"""DaemonSet controller: one pod on each node that should run one, kept up to date.

After pkg/controller/daemon/{daemon_controller,update}.go at Kubernetes 1.36. The pass is in
`daemonset_sync`; its parts in daemonset_{history,pods,manage,rollout,status,nodes}, the handlers
in `daemonset_events`. Caches, clock and expectations are read where upstream reads them, so that
whatever else happens may fall between two requests of a pass.

Left out: events and metrics; the collection of backoffs each minute (one that is over is ignored).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from kspec_models.controllers.concerns import concerns_owner
from kspec_models.controllers.daemonset_events import (
    is_same_place,
    on_daemon_set,
    on_node,
    on_pod,
    on_revision,
)
from kspec_models.controllers.daemonset_pods import Change
from kspec_models.controllers.daemonset_rollout import Rollout, plan_rollout
from kspec_models.controllers.daemonset_steps import (
    Command,
    DaemonSetMemory,
    Pass,
    Steps,
    perform,
    relative,
)
from kspec_models.controllers.daemonset_sync import Ended, sync
from kspec_models.controllers.expectations import CountedExpectations
from kspec_models.controllers.steps import WriteFailed
from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.objects import DaemonSet
from kspec_models.requests import Create, Request, Response, Update

HasSeen = Callable[[View, str, int], bool]
"""Whether the cache of a resource has reached a revision: the hook of the stale check."""

_HANDLERS = {
    "daemonsets": on_daemon_set,
    "pods": on_pod,
    "controllerrevisions": on_revision,
    "nodes": on_node,
}


@attrs.frozen
class DaemonSetController:
    """The daemonset controller of kube-controller-manager.

    stale_check: with it, a key waits until the caches have seen what was last written for it.
    """

    stale_check: HasSeen | None = None
    name: str = "daemonset"
    watches: tuple[Watch, ...] = (
        Watch("daemonsets"),
        Watch("controllerrevisions"),
        Watch("pods"),
        Watch("nodes"),
    )

    def initial(self) -> DaemonSetMemory:
        return DaemonSetMemory()

    def relative(self, memory: DaemonSetMemory, now: int) -> DaemonSetMemory:
        return relative(memory, now)

    def concerns(self, event: Notification) -> bool:
        """Of nodes, only labels and taints; of dependents, those that it owns or may adopt."""
        if event.resource == "nodes":
            return not is_same_place(event)
        return event.resource == "daemonsets" or concerns_owner(event, DaemonSet.KIND)

    def handle(
        self, memory: DaemonSetMemory, event: Notification, view: View
    ) -> tuple[DaemonSetMemory, tuple[str, ...]]:
        """Lower the expectations that the event meets; enqueue the DaemonSets it concerns."""
        before: CountedExpectations = memory.expectations
        expectations, keys = _HANDLERS[event.resource](before, event, view)
        if expectations is before:
            return memory, keys
        return memory._replace(expectations=expectations), keys

    def reconcile(self, memory: DaemonSetMemory, key: str, view: View) -> Worked:
        """One syncDaemonSet, up to its first request."""
        if not self._is_ready(memory, key, view):
            return Worked(memory, failed=True)
        entry = view.caches["daemonsets"].get(f"daemonsets/{key}")
        if entry is None:
            forgotten = memory.expectations.forget(key)
            written = memory.written.without(key) if key in memory.written else memory.written
            return Worked(memory._replace(expectations=forgotten, written=written))
        nodes = tuple(e.value for e in view.caches["nodes"].entries())
        return self._go_on(memory, Pass(entry, nodes), view)

    def answer(
        self,
        memory: DaemonSetMemory,
        call: Call,
        request: Request,
        response: Response,
        view: View,
    ) -> Worked:
        """One request was answered: run the pass on to the next."""
        memory = self._record(memory, call.key, request, response)
        phase: Pass = call.phase
        return self._go_on(memory, phase._replace(answers=(*phase.answers, response)), view)

    def steps(self, given: Pass) -> Steps[int | None]:
        """The pass."""
        return sync(given, self.plan)

    def plan(self, rollout: Rollout) -> Change:
        """What a rolling update changes now."""
        return plan_rollout(rollout)

    def perform(
        self, memory: DaemonSetMemory, daemon_set: DaemonSet, command: Command, view: View
    ) -> tuple[DaemonSetMemory, Any]:
        """Carry out what a pass asks for beside requests."""
        return perform(memory, daemon_set, command, view)

    def _go_on(self, memory: DaemonSetMemory, phase: Pass, view: View) -> Worked:
        """Run the pass with the answers it got, carry out what it asks for, to its next request."""
        steps = self.steps(phase)
        answers, told = list(phase.answers), 0
        try:
            command = next(steps)
            while True:
                if told == len(answers):
                    if isinstance(command, Request):
                        sent = phase._replace(answers=tuple(answers))
                        return Worked(memory, (command,), sent)
                    memory, found = self.perform(memory, phase.value, command, view)
                    answers.append(found)
                command = steps.send(answers[told])
                told += 1
        except StopIteration as end:
            return Worked(memory, requeue_after=end.value)
        except Ended as end:
            return Worked(memory, failed=True, requeue_after=end.requeue_after)
        except WriteFailed:
            return Worked(memory, failed=True)

    def _is_ready(self, memory: DaemonSetMemory, key: str, view: View) -> bool:
        has_seen = self.stale_check
        if has_seen is None:
            return True
        return all(has_seen(view, *write) for write in memory.written.get(key, ()))

    def _record(
        self, memory: DaemonSetMemory, key: str, request: Request, response: Response
    ) -> DaemonSetMemory:
        """Note the revision of an own write, for the stale check."""
        entry = response.entry
        if self.stale_check is None or entry is None or not isinstance(request, Create | Update):
            return memory
        newest = dict(memory.written.get(key, ()))
        newest[request.object.resource] = entry.mod_revision
        return memory._replace(written=memory.written.set(key, tuple(sorted(newest.items()))))
