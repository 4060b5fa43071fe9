"""Taint eviction: delete the pods that do not tolerate the NoExecute taints of their node.

After pkg/controller/tainteviction/taint_eviction.go at 1.36. A change of a node's NoExecute taints,
or of a pod's node or tolerations, is looked at under the key of the node, nodes before pods: a pod
that does not tolerate a taint is evicted at once, one that tolerates all of them for a limited time
gets a timer, and the timer is cancelled when nothing is left that limits it. An eviction reads the
pod live, adds the condition DisruptionTarget, deletes it by name, and is given up after five
attempts. Upstream's workers and timers are goroutines; here evictions come one after the other,
each a pass of its own.

Left out: events and metrics; retrying at once a pod that is gone, which finds nothing.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import attrs

from kspec_models.controllers.tainteviction_timers import (
    TaintMemory,
    no_execute_taints,
    process_pod,
)
from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.objects import Pod, Time, condition, freeze
from kspec_models.objects.record import encode_time
from kspec_models.requests import NOT_FOUND, Delete, Get, Patch, Request, Response

RETRIES: Final = 5
UNBOUND: Final = "no node"
"""The key of pods without a node, whose name may be that of an earlier pod with a timer."""
_CONDITION: Final = {
    "type": "DisruptionTarget",
    "status": "True",
    "reason": "DeletionByTaintManager",
    "message": "Taint manager: deleting due to NoExecute taint",
}


class Evicting(NamedTuple):
    """An eviction is under way: the pod, and how many attempts have failed."""

    pod: str
    failures: int = 0


@attrs.frozen
class TaintEvictionController:
    """Keys are the names of nodes."""

    name: str = "tainteviction"
    watches: tuple[Watch, ...] = (Watch("pods"), Watch("nodes"))

    def initial(self) -> TaintMemory:
        return TaintMemory()

    def relative(self, memory: TaintMemory, now: int) -> TaintMemory:
        return memory.relative(now)

    def concerns(self, event: Notification) -> bool:
        """A node whose NoExecute taints changed; a pod that changed its node or tolerations."""
        old = event.old.value if event.old is not None else None
        new = event.new.value if event.new is not None else None
        if old is None or new is None:
            return event.resource == "nodes" or new is None or bool(new.spec.node_name)
        if event.resource == "nodes":
            return bool(_no_execute(old) != _no_execute(new))
        if old.spec.node_name != new.spec.node_name:
            return True
        return bool(old.spec.tolerations != new.spec.tolerations)

    def handle(
        self, memory: TaintMemory, event: Notification, view: View
    ) -> tuple[TaintMemory, tuple[str, ...]]:
        """Note what changed under the key of its node."""
        if not self.concerns(event):
            return memory, ()
        if event.resource == "nodes":
            nodes = tuple(dict.fromkeys((*memory.changed_nodes, event.key)))
            return memory._replace(changed_nodes=nodes), (event.key,)
        entry = event.new if event.new is not None else event.old
        assert entry is not None
        pod, node = entry.value.key, entry.value.spec.node_name or UNBOUND
        if not _may_matter(memory, pod, node):
            return memory, ()
        pods = tuple(dict.fromkeys((*memory.changed_pods, (pod, node))))
        return memory._replace(changed_pods=pods), (node,)

    def reconcile(self, memory: TaintMemory, key: str, view: View) -> Worked:
        """What changed on a node, then one eviction whose time has come."""
        memory = self._noticed(memory, key, view).fired(key, view.now)
        firing = next((item for item in memory.firing if item[1] == key), None)
        if firing is None:
            return Worked(memory, requeue_after=memory.next_wait(key, view.now))
        return Worked(memory, (Get("pods", firing[0]),), Evicting(firing[0]))

    def _noticed(self, memory: TaintMemory, node: str, view: View) -> TaintMemory:
        if node in memory.changed_nodes:
            rest = tuple(name for name in memory.changed_nodes if name != node)
            memory = self.node_update(memory._replace(changed_nodes=rest), node, view)
        for pod, other in memory.changed_pods:
            if other == node:
                memory = self._pod_update(memory, pod, node, view)
        left = tuple(item for item in memory.changed_pods if item[1] != node)
        return memory if left == memory.changed_pods else memory._replace(changed_pods=left)

    def node_update(self, memory: TaintMemory, node: str, view: View) -> TaintMemory:
        """handleNodeUpdate: remember the taints, and look at every pod of the node."""
        entry = view.caches["nodes"].get(f"nodes/{node}")
        if entry is None:
            return memory._replace(taints=memory.taints.without(node))
        taints = no_execute_taints(entry.value)
        known = memory.taints.set(node, taints) if taints else memory.taints.without(node)
        memory = memory._replace(taints=known)
        for each in view.caches["pods"].indexed(f"node/{node}"):
            if taints:
                memory = self.process_pod(memory, each.value, taints, view.now)
            else:
                memory = memory.cancelled(each.value.key)
        return memory

    def _pod_update(self, memory: TaintMemory, pod: str, node: str, view: View) -> TaintMemory:
        """handlePodUpdate."""
        entry = view.caches["pods"].get(f"pods/{pod}")
        if entry is None:
            return memory.cancelled(pod)
        taints = memory.taints.get(node)
        if entry.value.spec.node_name != node or taints is None:
            return memory
        return self.process_pod(memory, entry.value, taints, view.now)

    def process_pod(self, memory: TaintMemory, pod: Pod, taints: Any, now: int) -> TaintMemory:
        """What the taints of its node mean for a pod."""
        return process_pod(memory, pod, taints, now)

    def answer(
        self, memory: TaintMemory, call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        """addConditionAndDeletePod, with its attempts."""
        progress: Evicting = call.phase
        if response.ok and not isinstance(request, Delete):
            requests = call.requests
            if isinstance(request, Get):
                requests = _eviction(response, view.now)
            return Worked(memory, requests, progress)
        failures = progress.failures + 1
        if not response.ok and response.reason != NOT_FOUND and failures < RETRIES:
            again = (Get("pods", progress.pod),)
            return Worked(memory, again, progress._replace(failures=failures))
        firing = tuple(item for item in memory.firing if item[0] != progress.pod)
        memory = memory._replace(firing=firing)
        return Worked(memory, requeue_after=memory.next_wait(call.key, view.now))


def _no_execute(node: Any) -> Any:
    return tuple(taint for taint in node.spec.taints if taint.effect == "NoExecute")


def _may_matter(memory: TaintMemory, pod: str, node: str) -> bool:
    """Whether looking at the pod could do anything; its node's own change will look at it too."""
    return node in memory.taints or node in memory.changed_nodes or memory.timer(pod) is not None


def _eviction(response: Response, now: int) -> tuple[Request, ...]:
    """The condition, unless the pod has it, and the deletion by name."""
    assert response.entry is not None
    pod: Pod = response.entry.value
    removal = Delete("pods", pod.key)
    known = condition(pod.status.conditions, "DisruptionTarget")
    wanted = (_CONDITION["status"], _CONDITION["reason"], _CONDITION["message"])
    if known is not None and (known.status, known.reason, known.message) == wanted:
        return (removal,)
    since = Time(now)
    if known is not None and known.status == "True" and known.last_transition_time is not None:
        since = known.last_transition_time
    new = {**_CONDITION, "lastTransitionTime": encode_time(since)}
    patch = freeze({"status": {"conditions": [new]}})
    return (Patch("pods", pod.key, patch, "status", pod.uid), removal)
