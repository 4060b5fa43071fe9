"""The scheduler's event handlers: what a change of a pod or node does to its cache and queue.

After pkg/scheduler/eventhandlers.go at 1.36. Bound pods go to the cache, the others to the queue
if they ask for this scheduler. The informer of upstream selects pods that have not terminated, so
here one that terminates counts as deleted.

A pod that was deleted and created again under its name may be told as one update (a relist does
that). Since 1.36 upstream no longer splits it: such an update of a bound pod makes the process
exit (kubernetes/kubernetes#141255 mends that). The default here splits it, as releases before and
after do; `splits_recreated_pods=False` raises CorruptedCache as 1.36 exits.

Events of volumes and of their classes only retry the pods that a volume plugin rejected.

Left out: pod groups and the API dispatcher.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from kspec_models.host import Notification
from kspec_models.objects import Node, Pod
from kspec_models.scheduler.binding import Waiting
from kspec_models.scheduler.cache import EMPTY_CACHE, Cache
from kspec_models.scheduler.events import (
    ADD,
    DELETE,
    NODE,
    POD,
    UPDATE,
    AnyHints,
    ClusterEvent,
    node_events,
    pod_events,
)
from kspec_models.scheduler.line import QueuedPod
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.nominator import NOBODY, Nominator
from kspec_models.scheduler.profiles import Profiles
from kspec_models.scheduler.queue import EMPTY_QUEUE, Queue
from kspec_models.scheduler.volume_binder import Assumed, unseen

_RETRYING = (
    "persistentvolumes",
    "persistentvolumeclaims",
    "storageclasses",
    "csinodes",
    "csidrivers",
    "csistoragecapacities",
)
"""The resources besides pods and nodes whose events retry pods."""


class Cycle(NamedTuple):
    """A cycle between taking a pod and deciding: the pod and the snapshot of the nodes."""

    queued: QueuedPod
    nodes: tuple[NodeInfo, ...]


class Memory(NamedTuple):
    """All that the scheduler remembers, and so all that a restart loses.

    preempting: the uids of pods of which victims are still to be deleted, sorted. waiting: the
    pods at Permit. start: where the next search of nodes starts, if nodes are sampled. assumed:
    what PreBind wrote of volumes and claims and the informers have yet to show.
    """

    cache: Cache = EMPTY_CACHE
    queue: Queue = EMPTY_QUEUE
    cycle: Cycle | None = None
    nominator: Nominator = NOBODY
    preempting: tuple[str, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    start: int = 0
    assumed: tuple[Assumed, ...] = ()

    def moved(
        self, event: ClusterEvent, now: int, hints: AnyHints | None, most: int | None = None
    ) -> Memory:
        """The same with the pods retried that the event may help; most: as of `Queue.move`."""
        queue = self.queue.move(event, now, hints, self.preempting, most)
        return self if queue is self.queue else self._replace(queue=queue)


def is_terminal(pod: Pod) -> bool:
    """Whether the pod has run to its end."""
    return pod.status.phase in ("Succeeded", "Failed")


class Handlers:
    """The event handlers of one scheduler."""

    def __init__(self, profiles: Profiles, splits_recreated_pods: bool = True) -> None:
        self.profiles, self.hints = profiles, profiles.hints
        self.splits_recreated_pods = splits_recreated_pods

    def is_responsible_for(self, pod: Pod) -> bool:
        """Whether the pod asks for one of this scheduler's profiles."""
        return self.profiles.serves(pod)

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
        if notification.resource in _RETRYING:
            if memory.assumed:
                memory = memory._replace(assumed=unseen(memory.assumed, notification))
            action = ADD if old is None else DELETE if new is None else UPDATE
            obj: Any = new if old is None else old
            kind: str = obj.KIND or obj.kind
            return memory.moved(ClusterEvent(kind, action, old, new), now, self.hints)
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
            return self._dequeued(memory, old) if self.is_responsible_for(old) else memory
        if self.is_responsible_for(old) and not _is_resync(notification):
            return self._update_waiting(memory, old, new, now)
        return memory

    def _add(self, memory: Memory, pod: Pod, now: int) -> Memory:
        if pod.spec.node_name:
            return self._add_assigned(memory, pod, now)
        if not self.is_responsible_for(pod):
            return memory
        memory = memory._replace(queue=memory.queue.add(pod, now))
        if pod.status.nominated_node_name and memory.queue.active.get(pod.key) is not None:
            return memory._replace(nominator=memory.nominator.add(pod))
        return memory

    def _dequeued(self, memory: Memory, pod: Pod) -> Memory:
        """A pod leaves the queue for good, and with it its nomination."""
        queue, nominator = memory.queue.delete(pod.key), memory.nominator.delete(pod.uid)
        return memory._replace(queue=queue, nominator=nominator)

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
        is_queued = not memory.queue.is_in_flight(new.uid)
        queue = memory.queue.update(old, new, now, self.hints, memory.preempting)
        memory = memory._replace(queue=queue)
        if is_queued:
            memory = memory._replace(nominator=memory.nominator.update(old, new))
        before = old.status.nominated_node_name
        if before and before != new.status.nominated_node_name:
            return self._room_is_given_up(memory, old, now)
        return memory

    def _room_is_given_up(self, memory: Memory, pod: Pod, now: int) -> Memory:
        """A nominated pod went or goes elsewhere: pods of no higher priority may use its room."""
        event = ClusterEvent(POD, DELETE, pod)
        return memory.moved(event, now, self.hints, pod.spec.priority or 0)

    def _delete(self, memory: Memory, pod: Pod, now: int) -> Memory:
        if pod.spec.node_name:
            memory = memory._replace(cache=memory.cache.remove_pod(pod))
            return memory.moved(ClusterEvent(POD, DELETE, pod), now, self.hints)
        if not self.is_responsible_for(pod):
            return memory
        memory = self._dequeued(memory, pod)
        if memory.cache.is_assumed(pod.uid):
            return self.assumed_pod_deleted(memory, pod.uid, now)
        if pod.status.nominated_node_name:
            return self._room_is_given_up(memory, pod, now)
        return memory

    def assumed_pod_deleted(self, memory: Memory, uid: str, now: int) -> Memory:
        """handleAssumedPodDeletion: free what the pod held at once; its binding will fail."""
        assumed = memory.cache.pod(uid)
        assert assumed is not None
        cache = memory.cache.forget(uid, assumed.spec.node_name)
        waiting = tuple(each for each in memory.waiting if each.queued.pod.uid != uid)
        queue = memory.queue.done(uid)  # a pod that waits at Permit is in flight
        memory = memory._replace(cache=cache or memory.cache, waiting=waiting, queue=queue)
        return memory.moved(ClusterEvent(POD, DELETE, assumed), now, self.hints)


def _is_resync(notification: Notification) -> bool:
    old, new = notification.old, notification.new
    return old is not None and new is not None and old.mod_revision == new.mod_revision
