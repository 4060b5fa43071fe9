"""Which pods a kubelet knows and admits: those that fit beside what it has admitted already.

After the pod handlers of pkg/kubelet/kubelet.go, GetActivePods (kubelet_pods.go),
lifecycle/predicate.go and Fits of the scheduler's noderesources/fit.go at 1.36: the pod count
first, then CPU, memory, ephemeral storage, then the scalar resources that the node has; the first
that is short becomes the reason, e.g. OutOfcpu. What counts as used are the pods that the API
still has and that are neither terminated nor over: a force-deleted pod leaves while it still runs.

A pod that names its node itself passes no scheduler, so its node selector and required node
affinity are checked here too, after resources, against the Node as the cache shows it.

Left out: node name, host ports and NoExecute taints (the scheduler and the taint eviction judge
them; a kubelet that checks less rejects fewer pods and runs no pod that does not fit); operating
system and policy checks; preemption by critical pods. All of them need pods or nodes that no world
has.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from kspec.values import EMPTY_MAP, FingerprintedMap, Memo, recurring
from kspec_models.kubelet_status import TERMINAL_PHASES, Rejection, owned, unmet_gates
from kspec_models.node_affinity import accepts
from kspec_models.objects import Node, Pod, PodStatus
from kspec_models.objects.record import Resources
from kspec_models.quantity import whole
from kspec_models.resources import (
    CPU,
    EPHEMERAL_STORAGE,
    MEMORY,
    NOTHING_REQUESTED,
    PODS,
    Requests,
    amounts_of_spec,
    is_extended,
    parsed,
    requests_of_list,
)
from kspec_models.runtime import Runtime
from kspec_models.store import Entry
from kspec_models.workqueue import WorkQueue


@recurring
class Usage(NamedTuple):
    """A number of pods and the sum of their requests."""

    pods: int = 0
    requests: Requests = NOTHING_REQUESTED

    def plus(self, requests: Requests) -> Usage:
        """This usage with one pod more."""
        return Usage(self.pods + 1, _sum(self.requests, requests, 1))

    def minus(self, requests: Requests) -> Usage:
        """This usage with one pod less."""
        return Usage(self.pods - 1, _sum(self.requests, requests, -1))


def _sum(a: Requests, b: Requests, sign: int) -> Requests:
    scalar = a.scalar
    if b.scalar:
        total = dict(a.scalar)
        for name, amount in b.scalar:
            total[name] = total.get(name, 0) + sign * amount
        scalar = tuple(sorted((name, amount) for name, amount in total.items() if amount))
    return Requests(
        a.milli_cpu + sign * b.milli_cpu,
        a.memory + sign * b.memory,
        a.ephemeral_storage + sign * b.ephemeral_storage,
        scalar,
    )


def _parse_allocatable(resources: Resources) -> Usage:
    pods = resources.get(PODS)
    return Usage(whole(pods) if pods is not None else 0, requests_of_list(parsed(resources)))


_allocatable: Memo[Resources, Usage] = Memo("allocatable of a kubelet", _parse_allocatable)


def allocatable_of(node: Node) -> Usage:
    """What the node has for pods. Upstream's kubelet reads it from its own Node object."""
    return _allocatable(node.status.allocatable)


def admit(allocatable: Usage, used: Usage, pod: Requests) -> Rejection | None:
    """None if the pod fits beside `used`, else why it is rejected."""
    if used.pods + 1 > allocatable.pods:
        return _insufficient(PODS, 1, used.pods, allocatable.pods)
    have, taken = allocatable.requests, used.requests
    if pod.milli_cpu > have.milli_cpu - taken.milli_cpu and pod.milli_cpu:
        return _insufficient(CPU, pod.milli_cpu, taken.milli_cpu, have.milli_cpu)
    if pod.memory > have.memory - taken.memory and pod.memory:
        return _insufficient(MEMORY, pod.memory, taken.memory, have.memory)
    storage, free = pod.ephemeral_storage, have.ephemeral_storage - taken.ephemeral_storage
    if storage > free and storage:
        return _insufficient(
            EPHEMERAL_STORAGE, storage, taken.ephemeral_storage, have.ephemeral_storage
        )
    for name, amount in pod.scalar:
        capacity, in_use = have.amount(name), taken.amount(name)
        is_elsewhere = is_extended(name) and not any(name == known for known, _ in have.scalar)
        if not is_elsewhere and amount and amount > capacity - in_use:
            return _insufficient(name, amount, in_use, capacity)
    return None


def _insufficient(resource: str, requested: int, used: int, capacity: int) -> Rejection:
    return Rejection(
        f"OutOf{resource}",
        f"Pod was rejected: Node didn't have enough resource: {resource}, "
        f"requested: {requested}, used: {used}, capacity: {capacity}",
    )


ARRIVED: Final = "arrived"
SYNCING: Final = "syncing"
TERMINATING: Final = "terminating"
TERMINATED: Final = "terminated"

ORPHAN: Final = "orphan:"
"""Prefix of the keys of pods that run and that the API does not know: `orphan:<uid>`."""


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

    arrivals: (key, uid) of pods that wait for admission, in order. leaving: (key, uid) of pods
    that may run and that the API does not know, as far as this kubelet has been told.
    allocatable: None before the Node is seen.
    """

    queue: WorkQueue = WorkQueue()
    workers: FingerprintedMap[str, PodWorker] = EMPTY_MAP
    charged: Usage = Usage()
    arrivals: tuple[tuple[str, str], ...] = ()
    leaving: tuple[tuple[str, str], ...] = ()
    allocatable: Usage | None = None
    has_listed: bool = False


def with_queue(memory: KubeletMemory, queue: WorkQueue) -> KubeletMemory:
    """The memory with that work queue; cheaper than `_replace`, for every step does it."""
    return KubeletMemory(queue, *memory[1:])


def enqueue(memory: KubeletMemory, key: str) -> KubeletMemory:
    """The memory with that key in the work queue."""
    queue = memory.queue.add(key)
    return memory if queue is memory.queue else with_queue(memory, queue)


def put_worker(memory: KubeletMemory, uid: str, worker: PodWorker) -> KubeletMemory:
    """The memory with that worker, and charged with what it requests now."""
    old: PodWorker | None = memory.workers.get(uid)
    charged = memory.charged
    before = old.requests if old is not None else None
    if worker.requests is not before:
        charged = charged.minus(before) if before is not None else charged
        charged = charged.plus(worker.requests) if worker.requests is not None else charged
    workers = memory.workers.set(uid, worker)
    return KubeletMemory(memory.queue, workers, charged, *memory[3:])


def _without(
    pairs: tuple[tuple[str, str], ...], pair: tuple[str, str]
) -> tuple[tuple[str, str], ...]:
    return tuple(other for other in pairs if other != pair) if pair in pairs else pairs


def add_pod(memory: KubeletMemory, pod: Pod) -> KubeletMemory:
    """HandlePodAdditions: a pod that is new to this kubelet waits for admission."""
    uid, pair = pod.uid, (pod.key, pod.uid)
    worker: PodWorker | None = memory.workers.get(uid)
    if pair in memory.arrivals or (worker is not None and worker.state != ARRIVED):
        return memory
    queue = memory.queue
    if pair in memory.leaving:
        queue = queue._replace(ready=tuple(k for k in queue.ready if k != ORPHAN + uid))
    return memory._replace(
        queue=queue,
        leaving=_without(memory.leaving, pair),
        workers=memory.workers.set(uid, PodWorker(pod.key)),
        arrivals=(*memory.arrivals, pair),
    )


def update_pod(memory: KubeletMemory, old: Pod, new: Entry) -> KubeletMemory:
    """HandlePodUpdates, HandlePodReconcile: the spec changed, or the status is not as reported."""
    pod: Pod = new.value
    worker: PodWorker | None = memory.workers.get(pod.uid)
    if worker is None:
        return memory
    if worker.state == ARRIVED:
        return add_pod(memory, pod)
    if old.metadata != pod.metadata or old.spec != pod.spec:
        return enqueue(memory, worker.key)
    shown = worker.reported if worker.reported is not None else owned(old.status)
    is_foreign = new.version > worker.version and owned(pod.status) != shown
    if is_foreign or unmet_gates(pod) != unmet_gates(old):
        return enqueue(memory, worker.key)
    return memory


def remove_pod(memory: KubeletMemory, pod: Pod) -> KubeletMemory:
    """HandlePodRemoves: no longer charged, and an orphan until its containers are gone."""
    uid, pair = pod.uid, (pod.key, pod.uid)
    if pair in memory.leaving:
        return enqueue(memory, ORPHAN + uid)
    worker: PodWorker | None = memory.workers.get(uid)
    if worker is None:
        return memory
    memory = put_worker(memory, uid, worker._replace(state=TERMINATING, requests=None))
    arrivals = _without(memory.arrivals, pair)
    memory = memory._replace(arrivals=arrivals, leaving=(*memory.leaving, pair))
    return enqueue(memory, ORPHAN + uid)


_NODE_AFFINITY: Final = Rejection(
    "NodeAffinity",
    "Pod was rejected: Predicate NodeAffinity failed: "
    "node(s) didn't match Pod's node affinity/selector",
)


def admit_pod(memory: KubeletMemory, worker: PodWorker, pod: Pod, node: Entry | None) -> PodWorker:
    """The worker of the first pod that waits for admission, after it; a pod that is over passes.

    node: the kubelet's Node; None where the cache has none.
    """
    assert memory.allocatable is not None
    requests = amounts_of_spec(pod.spec).requests
    if pod.status.phase in TERMINAL_PHASES:
        return worker._replace(state=TERMINATING, requests=requests)
    rejection = admit(memory.allocatable, memory.charged, requests)
    if rejection is None and node is not None and not accepts(pod.spec, node.value):
        rejection = _NODE_AFFINITY
    if rejection is not None:
        return worker._replace(state=TERMINATING, rejection=rejection)
    return worker._replace(state=SYNCING, requests=requests)


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
