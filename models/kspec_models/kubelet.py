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
volumes, cgroups, eviction manager and in-place
resize (they change what a pod may use, not which pods are admitted), Node status and lease (the
heartbeat is another host). They change nothing that the API shows of the pods modelled here.

One deliberate difference: upstream makes a worker wait for an older pod of the same full name only
if the pod is static; API pods start at once. `waits_for_predecessor=False` is upstream's way.
"""

from __future__ import annotations

from typing import Final

from kspec.values import Memo
from kspec_models import endings
from kspec_models.host import Call, Notification, Outcome, View, Watch
from kspec_models.kubelet_admission import (
    ARRIVED,
    ORPHAN,
    SYNCING,
    TERMINATED,
    TERMINATING,
    KubeletMemory,
    PodWorker,
    add_pod,
    admit_pod,
    allocatable_of,
    enqueue,
    put_worker,
    remove_pod,
    update_pod,
    with_queue,
)
from kspec_models.kubelet_status import (
    TERMINAL_PHASES,
    Observed,
    owned,
    phase_of,
    report,
    unmet_gates,
)
from kspec_models.objects import Pod, PodStatus
from kspec_models.requests import CONFLICT, NOT_FOUND, Delete, Patch, Request, Response
from kspec_models.restart_policy import ContainerRun, should_be_restarted
from kspec_models.runtime import (
    EXITED,
    INIT,
    KILLED,
    RUNNING,
    SIDECAR,
    WAITING,
    Runtime,
    RuntimeContainer,
    RuntimePod,
)
from kspec_models.store import Entry
from kspec_models.workqueue import WorkQueue

STATUS_SYNC_SECONDS: Final = 10
OVER: Final = ""


class Kubelet:
    """A host. `waits_for_predecessor`: a pod starts only when older pods of its name are gone."""

    def __init__(self, node_name: str, *, waits_for_predecessor: bool = False) -> None:
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
            key = memory.arrivals[0][0]
            if key not in keys and key not in queue.processing:
                return (*keys, key)
        return keys

    def relative(self, memory: KubeletMemory, now: int) -> KubeletMemory:
        return memory._replace(queue=memory.queue.relative(now))

    def deadline(self, memory: KubeletMemory) -> int | None:
        """When the next failed status write is tried again."""
        return memory.queue.deadline

    # event handlers

    def handle(
        self, memory: KubeletMemory, notification: Notification, view: View
    ) -> KubeletMemory:
        """A change of a pod of this node, or of its Node."""
        old, new = notification.old, notification.new
        if notification.resource == "nodes":
            seen = allocatable_of(new.value) if new is not None else memory.allocatable
            return memory if seen == memory.allocatable else memory._replace(allocatable=seen)
        if not memory.has_listed:
            memory = memory._replace(has_listed=True)
            for entry in sorted(view.caches["pods"].entries(), key=_creation_time):
                memory = add_pod(memory, entry.value)
        if new is None:
            assert old is not None
            return remove_pod(memory, old.value)
        if old is not None and old.value.uid == new.value.uid:
            return update_pod(memory, old.value, new)
        if old is not None:
            memory = remove_pod(memory, old.value)
        return add_pod(memory, new.value)

    def runtime_changed(self, memory: KubeletMemory, uid: str) -> KubeletMemory:
        """The pod lifecycle event generator saw a container of that pod change."""
        if any(other == uid for _, other in memory.leaving):
            return enqueue(memory, ORPHAN + uid)
        worker: PodWorker | None = memory.workers.get(uid)
        if worker is None or worker.state in (ARRIVED, TERMINATED):
            return memory
        return enqueue(memory, worker.key)

    # pod workers

    def run(self, memory: KubeletMemory, key: str, view: View) -> Outcome:
        """One syncPod of the pod with that key, or one step of the clean-up of an orphan."""
        memory = with_queue(memory, memory.queue.tick(view.now).add(key).take(key))
        if key.startswith(ORPHAN):
            return _clean_up(memory, key, view)
        entry = view.caches["pods"].get(f"pods/{key}")
        pair = (key, entry.value.uid if entry is not None else "")
        if memory.arrivals and memory.arrivals[0][0] == key and memory.arrivals[0] != pair:
            memory = memory._replace(arrivals=memory.arrivals[1:])
        worker: PodWorker | None = memory.workers.get(pair[1])
        if entry is None or worker is None or pair in memory.leaving:
            return Outcome(_done(memory, key))  # the handlers will say what became of the pod
        pod: Pod = entry.value
        if worker.state == ARRIVED:
            if memory.allocatable is None or memory.arrivals[:1] != (pair,):
                return Outcome(_done(memory, key))
            node = view.caches["nodes"].get(f"nodes/{self.node_name}")
            worker = admit_pod(memory, worker, pod, node)
            memory = memory._replace(arrivals=memory.arrivals[1:])
        runtime: Runtime = view.node
        if not self._waits(memory, worker, pod):
            worker, runtime = _sync(worker, pod, endings.at(runtime, pod.uid, view.now), view.now)
            runtime = endings.at(runtime, pod.uid, view.now)
            wake = endings.next_second(runtime, pod.uid, view.now)
            if wake is not None:
                later = memory.queue.add_after(key, wake - view.now, view.now)
                memory = with_queue(memory, later)
        if worker is not memory.workers.get(pod.uid):
            memory = put_worker(memory, pod.uid, worker)
        return _write_status(memory, worker, entry, runtime, view.now)

    def _waits(self, memory: KubeletMemory, worker: PodWorker, pod: Pod) -> bool:
        if not memory.leaving or not self.waits_for_predecessor or worker.state != SYNCING:
            return False
        return not pod.is_terminating and any(key == pod.key for key, _ in memory.leaving)

    def answer(
        self, memory: KubeletMemory, call: Call, request: Request, response: Response, view: View
    ) -> Outcome:
        """A status write or a final delete was answered."""
        uid, status = call.phase
        if not response.ok and response.reason not in (NOT_FOUND, CONFLICT):
            queue = memory.queue.done(call.key)
            retry = queue.add_after(call.key, STATUS_SYNC_SECONDS, view.now)
            return Outcome(with_queue(memory, retry))
        if isinstance(request, Patch) and response.ok:
            memory = _acknowledge(memory, call.key, uid, status, response)
            if call.requests:
                return Outcome(memory, call.requests, call.phase)
        memory = _done(memory, call.key)
        if isinstance(request, Delete) and all(other != uid for _, other in memory.leaving):
            memory = memory._replace(workers=memory.workers.without(uid))
            return Outcome(memory, node=view.node.remove(uid))
        return Outcome(memory)


def _creation_time(entry: Entry) -> int:
    return entry.value.metadata.creation_timestamp or 0


def _done(memory: KubeletMemory, key: str) -> KubeletMemory:
    return with_queue(memory, memory.queue.done(key))


def _runs_of(container: RuntimeContainer) -> tuple[ContainerRun, ...]:
    """The runs of a container, newest first; one that is on its way up counts as running."""
    if container.state == WAITING:
        return ()
    state = EXITED if container.state == EXITED else RUNNING
    return (ContainerRun(state, container.exit_code),)


def _next_containers(pod: RuntimePod) -> tuple[str, ...]:
    if phase_of(pod.containers) in TERMINAL_PHASES:
        return (OVER,)
    has_main = any(c.is_live for c in pod.containers if c.role not in (INIT, SIDECAR))
    names = []
    for c in pod.containers:
        is_over = c.state == EXITED
        if c.role == INIT:
            if is_over and c.exit_code == 0:
                continue
            restarts = is_over and c.policy.restarts(c.exit_code)
            return (c.name,) if c.state == WAITING or restarts else ()
        if c.role == SIDECAR:
            if c.state in (WAITING, EXITED):
                names.append(c.name)
            if c.state != RUNNING and not has_main:
                return tuple(names)
            continue
        if should_be_restarted(c.policy, _runs_of(c), is_pod_deleted=False):
            names.append(c.name)
    return tuple(names)


next_containers: Memo[RuntimePod, tuple[str, ...]] = Memo("containers to start", _next_containers)
"""computePodActions: the containers of a sandbox to start now.

One init container after the other, a sidecar before what follows it, then all others together;
`OVER` alone where the pod has come to its end.
"""


def _resumed(pod: Pod) -> tuple[RuntimeContainer, ...]:
    """The containers of a new sandbox; what ran in a sandbox that the node has lost was killed."""
    known = {
        s.name: s for s in (*pod.status.init_container_statuses, *pod.status.container_statuses)
    }
    containers = []
    for c in endings.planned(pod):
        status = known.get(c.name)
        if status is not None and status.restart_count:
            c = c._replace(restarts=status.restart_count)
        if status is not None and "waiting" not in status.state and status.state and c.role != INIT:
            ended = status.state.get("terminated", {})
            c = c._replace(state=EXITED, exit_code=ended.get("exitCode", 0) if ended else KILLED)
        containers.append(c)
    return tuple(containers)


def _sync(worker: PodWorker, pod: Pod, runtime: Runtime, now: int) -> tuple[PodWorker, Runtime]:
    """SyncPod, SyncTerminatingPod and SyncTerminatedPod, as far as the runtime allows."""
    uid = pod.uid
    if worker.state == SYNCING and (pod.is_terminating or pod.status.phase in TERMINAL_PHASES):
        worker = worker._replace(state=TERMINATING)
    if worker.state == SYNCING:
        if runtime.pod(uid) is None:
            runtime = runtime.run_sandbox(uid, worker.key, worker.requests, _resumed(pod))
        for name in next_containers(runtime.pods[uid]):
            if name == OVER:
                worker = worker._replace(state=TERMINATING)
            elif not endings.is_backing_off(runtime, uid, name, now):
                runtime = runtime.pull_and_start(uid, name)
    if worker.state == TERMINATING:
        runtime, is_gone = _stop(runtime, uid)
        if is_gone:
            worker = worker._replace(state=TERMINATED, requests=None)
    return worker, runtime


def _stop(runtime: Runtime, uid: str) -> tuple[Runtime, bool]:
    if runtime.pod(uid) is None:
        return runtime, True
    runtime = runtime.stop_pod(uid)
    return runtime, not runtime.pods[uid].is_live


def _clean_up(memory: KubeletMemory, key: str, view: View) -> Outcome:
    """HandlePodCleanups, for one pod that runs and that the API does not know."""
    uid = key.removeprefix(ORPHAN)
    pod_key = next((k for k, other in memory.leaving if other == uid), "")
    memory = _done(memory, key)
    if not pod_key:
        return Outcome(memory)
    leaving = tuple(item for item in memory.leaving if item[1] != uid)
    entry = view.caches["pods"].get(f"pods/{pod_key}")
    is_known = entry is not None and entry.value.uid == uid
    if is_known and uid not in memory.workers:
        return Outcome(memory)  # no orphan as far as the cache goes; the handlers will say
    runtime, is_gone = _stop(view.node, uid)
    if not is_gone:
        return Outcome(memory, node=runtime)
    memory = memory._replace(leaving=leaving, workers=memory.workers.without(uid))
    if entry is not None and is_known:
        memory = add_pod(memory, entry.value)
    elif entry is not None and entry.value.uid in memory.workers:
        memory = enqueue(memory, pod_key)
    return Outcome(memory, node=runtime.remove(uid))


def _write_status(
    memory: KubeletMemory, worker: PodWorker, entry: Entry, runtime: Runtime, now: int
) -> Outcome:
    """SetPodStatus and the status manager's syncPod: patch what differs, delete what is over."""
    pod: Pod = entry.value
    is_newer = worker.reported is None or entry.version >= worker.version
    shown = owned(pod.status) if is_newer else worker.reported
    assert shown is not None
    is_finished = worker.state == TERMINATED
    seen = Observed(
        pod.spec,
        pod.metadata.generation,
        runtime.host_ip,
        runtime.pod(pod.uid),
        is_finished,
        worker.rejection,
        unmet_gates(pod),
    )
    status, patch = report((seen, shown, now))
    requests: tuple[Request, ...] = ()
    if patch is not None:
        requests = (Patch("pods", worker.key, patch, "status", pod.uid),)
    if is_finished and pod.is_terminating:
        requests = (*requests, Delete("pods", worker.key, pod.uid, grace_period_seconds=0))
    if not requests:
        return Outcome(_done(memory, worker.key), node=runtime)
    return Outcome(memory, requests, (pod.uid, status), node=runtime)


def _acknowledge(
    memory: KubeletMemory, key: str, uid: str, status: PodStatus, response: Response
) -> KubeletMemory:
    """Remember what the API server shows now; where that is not what was sent, sync again."""
    worker: PodWorker | None = memory.workers.get(uid)
    if worker is None or response.entry is None:
        return memory
    shown = owned(response.entry.value.status)
    worker = worker._replace(reported=shown, version=response.entry.version)
    memory = memory._replace(workers=memory.workers.set(uid, worker))
    return memory if shown == status else enqueue(memory, key)
