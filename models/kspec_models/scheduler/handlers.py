"""The scheduler's event handlers: what a change of a pod or node does to its cache and queue.

After pkg/scheduler/eventhandlers.go at 1.36. Bound pods go to the cache, the others to the queue
if they ask for this scheduler. The informer of upstream selects pods that have not terminated, so
here one that terminates counts as deleted.

A pod that was deleted and created again under its name may be told as one update (a relist does
that). Since 1.36 upstream no longer splits it: such an update of a bound pod makes the process
exit (kubernetes/kubernetes#141255 mends that). The default here splits it, as releases before and
after do; `splits_recreated_pods=False` raises CorruptedCache as 1.36 exits.

Left out: nominations, pod groups, the API dispatcher, and every resource but pods and nodes.
"""

from __future__ import annotations

from typing import NamedTuple

from kspec_models.host import Notification
from kspec_models.objects import Node, Pod
from kspec_models.scheduler.cache import EMPTY_CACHE, Cache
from kspec_models.scheduler.events import (
    ADD,
    DELETE,
    NODE,
    POD,
    ClusterEvent,
    Hints,
    node_events,
    pod_events,
)
from kspec_models.scheduler.line import QueuedPod
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.queue import EMPTY_QUEUE, Queue

DEFAULT_SCHEDULER = "default-scheduler"


class Cycle(NamedTuple):
    """A cycle between taking a pod and deciding: the pod and the snapshot of the nodes."""

    queued: QueuedPod
    nodes: tuple[NodeInfo, ...]


class Memory(NamedTuple):
    """All that the scheduler remembers, and so all that a restart loses."""

    cache: Cache = EMPTY_CACHE
    queue: Queue = EMPTY_QUEUE
    cycle: Cycle | None = None

    def moved(self, event: ClusterEvent, now: int, hints: Hints | None) -> Memory:
        """The same with the pods retried that the event may help."""
        queue = self.queue.move(event, now, hints)
        return self if queue is self.queue else self._replace(queue=queue)


def is_terminal(pod: Pod) -> bool:
    """Whether the pod has run to its end."""
    return pod.status.phase in ("Succeeded", "Failed")


class Handlers:
    """The event handlers of one scheduler."""

    def __init__(
        self, scheduler_name: str, hints: Hints | None, splits_recreated_pods: bool = True
    ) -> None:
        self.scheduler_name, self.hints = scheduler_name, hints
        self.splits_recreated_pods = splits_recreated_pods

    def is_responsible_for(self, pod: Pod) -> bool:
        """Whether the pod asks for this scheduler; an empty name is the default scheduler's."""
        return (pod.spec.scheduler_name or DEFAULT_SCHEDULER) == self.scheduler_name

    def handle(self, memory: Memory, notification: Notification, now: int) -> Memory:
        """The memory after one notification."""
        old = notification.old.value if notification.old is not None else None
        new = notification.new.value if notification.new is not None else None
        if notification.resource == "nodes":
            return self._node(memory, old, new, now)
        if notification.resource == "pods":
            old = None if old is None or is_terminal(old) else old
            new = None if new is None or is_terminal(new) else new
            return self._pod(memory, old, new, notification, now)
        return memory

    def _node(self, memory: Memory, old: Node | None, new: Node | None, now: int) -> Memory:
        if new is None:
            assert old is not None
            moved = memory.moved(ClusterEvent(NODE, DELETE, old), now, self.hints)
            return moved._replace(cache=moved.cache.remove_node(old.name))
        memory = memory._replace(cache=memory.cache.set_node(new))
        events = (ClusterEvent(NODE, ADD, None, new),) if old is None else node_events(old, new)
        for event in events:
            memory = memory.moved(event, now, self.hints)
        return memory

    def _pod(
        self,
        memory: Memory,
        old: Pod | None,
        new: Pod | None,
        notification: Notification,
        now: int,
    ) -> Memory:
        if old is None:
            return memory if new is None else self._add(memory, new, now)
        if new is None:
            return self._delete(memory, old, now)
        if old.uid != new.uid and self.splits_recreated_pods:
            return self._add(self._delete(memory, old, now), new, now)
        if old.spec.node_name:
            return self._update_assigned(memory, old, new, now)
        if new.spec.node_name:
            memory = self._add_assigned(memory, new, now)
            if self.is_responsible_for(old):
                memory = memory._replace(queue=memory.queue.delete(old.key))
            return memory
        if self.is_responsible_for(old) and not _is_resync(notification):
            return self._update_waiting(memory, old, new, now)
        return memory

    def _add(self, memory: Memory, pod: Pod, now: int) -> Memory:
        if pod.spec.node_name:
            return self._add_assigned(memory, pod, now)
        if self.is_responsible_for(pod):
            return memory._replace(queue=memory.queue.add(pod, now))
        return memory

    def _add_assigned(self, memory: Memory, pod: Pod, now: int) -> Memory:
        memory = memory._replace(cache=memory.cache.add_pod(pod))
        return memory.moved(ClusterEvent(POD, ADD, None, pod), now, self.hints)

    def _update_assigned(self, memory: Memory, old: Pod, new: Pod, now: int) -> Memory:
        cache = memory.cache.update_pod(old, new)
        if cache is not memory.cache:
            memory = memory._replace(cache=cache)
        for event in pod_events(old, new):
            memory = memory.moved(event, now, self.hints)
        return memory

    def _update_waiting(self, memory: Memory, old: Pod, new: Pod, now: int) -> Memory:
        if memory.cache.is_assumed(new.uid):
            if new.is_terminating and not old.is_terminating:
                return self.assumed_pod_deleted(memory, new.uid, now)
            return memory
        return memory._replace(queue=memory.queue.update(old, new, now, self.hints))

    def _delete(self, memory: Memory, pod: Pod, now: int) -> Memory:
        if pod.spec.node_name:
            memory = memory._replace(cache=memory.cache.remove_pod(pod))
            return memory.moved(ClusterEvent(POD, DELETE, pod), now, self.hints)
        if not self.is_responsible_for(pod):
            return memory
        memory = memory._replace(queue=memory.queue.delete(pod.key))
        if memory.cache.is_assumed(pod.uid):
            return self.assumed_pod_deleted(memory, pod.uid, now)
        return memory

    def assumed_pod_deleted(self, memory: Memory, uid: str, now: int) -> Memory:
        """handleAssumedPodDeletion: free what the pod held at once; its binding will fail."""
        assumed = memory.cache.pod(uid)
        assert assumed is not None
        cache = memory.cache.forget(uid, assumed.spec.node_name)
        memory = memory._replace(cache=cache if cache is not None else memory.cache)
        return memory.moved(ClusterEvent(POD, DELETE, assumed), now, self.hints)


def _is_resync(notification: Notification) -> bool:
    old, new = notification.old, notification.new
    return old is not None and new is not None and old.mod_revision == new.mod_revision
