"""The kubelet of one node: admits the pods bound to it, runs them, and reports their status.

After pkg/kubelet/kubelet.go (HandlePodAdditions, SyncPod, HandlePodCleanups), pod_workers.go,
kuberuntime/kuberuntime_manager.go (computePodActions) and status/status_manager.go at 1.36. Each
pod worker is an actor of its own; one step is one syncPod with the status write that follows from
it. Admission is one queue for the node, as the sync loop is: pods of the first list by creation
time, later ones as they are told. A restart forgets everything but the runtime, admits again and
kills what the API does not know.

A worker has at most one call in flight and syncs again after the answer; upstream's status manager
writes on a thread of its own, but a worker that is slower shows no state that a lagging one does
not. A failed write is tried again after the status manager's period, or with the next sync.

Left out: static pods (their workers differ only in where pods come from), probes and their timing,
crash back-off (it delays and never prevents), volumes, cgroups, eviction manager and in-place
resize (they change what a pod may use, not which pods are admitted), Node status and lease (the
heartbeat is another host). They change nothing that the API shows of the pods modelled here.

One deliberate difference: upstream makes a worker wait for an older pod of the same full name only
if the pod is static; API pods start at once. `waits_for_predecessor=False` is upstream's way.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from kspec.values import EMPTY_MAP, FingerprintedMap, Memo
from kspec_models.host import Call, Notification, Outcome, View, Watch
from kspec_models.kubelet_admission import Rejection, Usage, admit, allocatable_of
from kspec_models.kubelet_status import TERMINAL_PHASES, Observed, owned, phase_of, report
from kspec_models.kubelet_sync import next_containers, resumed, unmet_gates
from kspec_models.objects import Pod, PodStatus
from kspec_models.requests import CONFLICT, NOT_FOUND, Delete, Patch, Request, Response
from kspec_models.resources import NOTHING_REQUESTED, Requests, amounts_of_spec
from kspec_models.runtime import Runtime
from kspec_models.store import Entry
from kspec_models.workqueue import WorkQueue

ARRIVED: Final = "arrived"
SYNCING: Final = "syncing"
TERMINATING: Final = "terminating"
TERMINATED: Final = "terminated"

ORPHAN: Final = "orphan:"
"""Prefix of the keys of pods that run and that the API does not know: `orphan:<uid>`."""

STATUS_SYNC_SECONDS: Final = 10


class PodWorker(NamedTuple):
    """What the kubelet knows of one pod.

    requests: what it is charged with, None while it is not admitted or once it is terminated.
    reported: the owned status as the API server last acknowledged it, at that version of the key.
    """

    key: str
    state: str = ARRIVED
    requests: Requests | None = None
    rejection: Rejection | None = None
    reported: PodStatus | None = None
    version: int = 0


class KubeletMemory(NamedTuple):
    """workers: by uid. charged: the sum of what the admitted pods request.

    arrivals: (creation time, key) of pods that wait for admission, in order. leaving: (key, uid)
    of pods that may run and that the API does not know. allocatable: None before the Node is seen.
    """

    queue: WorkQueue = WorkQueue()
    workers: FingerprintedMap[str, PodWorker] = EMPTY_MAP
    charged: Usage = Usage()
    arrivals: tuple[tuple[int, str], ...] = ()
    leaving: tuple[tuple[str, str], ...] = ()
    allocatable: Usage | None = None
    has_listed: bool = False


def admitted_requests(memory: KubeletMemory) -> Usage:
    """What the kubelet has admitted and not yet terminated; a pod force-deleted is not counted."""
    return memory.charged


def running_requests(runtime: Runtime) -> Usage:
    """What really holds resources on the node: every sandbox that is up, whoever knows of it."""
    usage = Usage()
    for pod in runtime.pods.values():
        if pod.is_up:
            usage = usage.plus(pod.demand)
    return usage


class Kubelet:
    """A host. `waits_for_predecessor`: a pod starts only when older pods of its name are gone."""

    def __init__(self, node_name: str, *, waits_for_predecessor: bool = True) -> None:
        self.node_name = node_name
        self.waits_for_predecessor = waits_for_predecessor
        self.name = f"kubelet/{node_name}"
        self.watches = (Watch("pods", node_name), Watch("nodes", node_name))

    def initial(self, node: Runtime) -> KubeletMemory:
        """After a start: whatever runs is a suspected orphan until the pods are listed."""
        leaving = tuple((pod.key, uid) for uid, pod in node.pods.sorted_items())
        return KubeletMemory(WorkQueue(tuple(ORPHAN + uid for _, uid in leaving)), leaving=leaving)

    def enabled(self, memory: KubeletMemory, now: int) -> tuple[str, ...]:
        """Pods with something to do in queue order, then the first pod that waits for admission."""
        queue = memory.queue
        keys = queue.ready
        if queue.waiting and queue.waiting[0][0] <= now:
            queue = queue.tick(now)
            keys = queue.ready
        if memory.arrivals and memory.allocatable is not None:
            key = memory.arrivals[0][1]
            if key not in keys and key not in queue.processing:
                return (*keys, key)
        return keys

    def deadline(self, memory: KubeletMemory) -> int | None:
        """When the next failed status write is tried again."""
        return memory.queue.deadline

    # event handlers

    def handle(self, memory: KubeletMemory, notification: Notification, view: View) -> Any:
        old, new = notification.old, notification.new
        if notification.resource == "nodes":
            seen = allocatable_of(new.value) if new is not None else memory.allocatable
            return memory if seen == memory.allocatable else memory._replace(allocatable=seen)
        if not memory.has_listed:
            memory = memory._replace(has_listed=True)
            entries = view.caches["pods"].entries()
            for entry in sorted(entries, key=lambda e: e.value.metadata.creation_timestamp or 0):
                memory = _add(memory, entry.value)
        if new is None:
            assert old is not None
            return _remove(memory, old.value)
        if old is not None and old.value.uid == new.value.uid:
            return _update(memory, old.value, new)
        if old is not None:
            memory = _remove(memory, old.value)
        return _add(memory, new.value)

    def runtime_changed(self, memory: KubeletMemory, uid: str) -> KubeletMemory:
        """The pod lifecycle event generator saw a container of that pod change."""
        if any(other == uid for _, other in memory.leaving):
            return _enqueue(memory, ORPHAN + uid)
        worker: PodWorker | None = memory.workers.get(uid)
        if worker is None or worker.state in (ARRIVED, TERMINATED):
            return memory
        return _enqueue(memory, worker.key)

    # pod workers

    def run(self, memory: KubeletMemory, key: str, view: View) -> Outcome:
        """One syncPod of the pod with that key, or one step of the clean-up of an orphan."""
        queue = memory.queue.tick(view.now).add(key).take(key)
        memory = memory._replace(queue=queue)
        if key.startswith(ORPHAN):
            return _clean_up(memory, key, view)
        entry = view.caches["pods"].get(f"pods/{key}")
        worker: PodWorker | None = memory.workers.get(entry.value.uid) if entry else None
        if entry is None or worker is None:
            memory = _without_arrival(memory, key)  # the handlers will say what became of it
            return Outcome(_done(memory, key))
        pod: Pod = entry.value
        older = [uid for other, uid in memory.leaving if other == key]
        if pod.uid in older or (older and self._waits(pod, worker)):
            return Outcome(_done(memory, key))
        if worker.state == ARRIVED:
            memory, worker = _admit(memory, worker, pod)
        before = worker
        worker, runtime = _sync(worker, pod, view.node)
        if worker is not before or worker is not memory.workers.get(pod.uid):
            memory = _put_worker(memory, pod.uid, worker)
        return _write_status(memory, worker, entry, runtime, view)

    def _waits(self, pod: Pod, worker: PodWorker) -> bool:
        return self.waits_for_predecessor and worker.state == SYNCING and not pod.is_terminating

    def answer(
        self, memory: KubeletMemory, call: Call, request: Request, response: Response, view: View
    ) -> Outcome:
        """A status write or a final delete was answered."""
        uid, status = call.phase
        worker: PodWorker | None = memory.workers.get(uid)
        if not response.ok and response.reason not in (NOT_FOUND, CONFLICT):
            queue = memory.queue.done(call.key)
            retry = queue.add_after(call.key, STATUS_SYNC_SECONDS, view.now)
            return Outcome(memory._replace(queue=retry))
        if isinstance(request, Patch) and response.ok:
            if worker is not None:
                memory = _acknowledge(memory, uid, worker, status, response.entry)
            if call.requests:
                return Outcome(memory, call.requests, call.phase)
        memory = _done(memory, call.key)
        if isinstance(request, Delete) and all(other != uid for _, other in memory.leaving):
            memory = memory._replace(workers=memory.workers.without(uid))
            return Outcome(memory, node=view.node.remove(uid))
        return Outcome(memory)
