"""What the scheduler and the kubelets promise about room on nodes and about binding."""

from __future__ import annotations

from kspec.logic import HOLDS, Verdict, fails
from kspec.property import eventually_stable, sometimes, transition
from kspec_models.kubelet_admission import Usage, allocatable_of
from kspec_models.objects import Pod
from kspec_models.resources import amounts_of
from kspec_models.runtime import Runtime
from kspec_models.state import State
from kspec_models.store import Entry
from kspec_properties.faults import all_but
from kspec_properties.fitting import forbidden, is_judged, over_commitment, uses_volumes
from kspec_properties.reading import fresh, hosts, newest, on_node, pods, touched_nodes, written
from kspec_properties.usage import excess

_FINISHED = ("Succeeded", "Failed")


def charged(entries: tuple[Entry, ...]) -> Usage:
    """What the pods that are not terminal request, added up afresh."""
    total = Usage()
    for entry in entries:
        if entry.value.status.phase not in _FINISHED:
            total = total.plus(amounts_of(entry.value).requests)
    return total


def _newly_bound(after: State) -> list[Pod]:
    return [
        change.entry.value
        for change in written(after, "pods")
        if change.entry is not None
        and change.entry.value.spec.node_name
        and change.previous is not None
        and not change.previous.value.spec.node_name
    ]


@transition(
    reads=("pods",),
    source="https://kubernetes.io/docs/concepts/scheduling-eviction/kube-scheduler/",
    faults=all_but("stale-list", "lost-answer", "pause", "failover"),
    companion="a-pod-is-bound",
    mutants=("filter-forgets-memory", "filter-forgets-pod-count", "assume-is-not-charged"),
)
def no_over_committed_binding(before: State, after: State) -> Verdict:
    """After each Bind, the pods bound to the node fit it, in every resource and in number.

    Judged at the Bind, over pods that are not terminal. Kept by one scheduler that is never
    replaced. Broken by two schedulers, by a lost answer of a Bind (the scheduler forgets a pod that
    is bound) with a lagging cache, by a restart from a stale list, by a failover to a standby whose
    caches lag, by a leader that was paused past its lease, by pods with a preset spec.nodeName, and
    by allocatable that shrinks.
    """
    return _binds_fit(after)


def _binds_fit(after: State) -> Verdict:
    for pod in _newly_bound(after):
        entry = newest(after, "nodes").get(f"nodes/{pod.spec.node_name}")
        if entry is not None:
            used = charged(on_node(after, pod.spec.node_name))
            over = excess(used, allocatable_of(entry.value))
            if over:
                witness = f"node {pod.spec.node_name} after the bind of {pod.key}: {over}"
                return fails(witness, "over-commit")
    return HOLDS


@transition(
    reads=("pods",),
    source="https://kubernetes.io/docs/tasks/extend-kubernetes/configure-multiple-schedulers/",
    companion="a-pod-is-bound",
    known_false=True,
)
def no_node_is_ever_over_committed(before: State, after: State) -> Verdict:
    """After each Bind the pods bound to the node fit it, whoever binds and whatever is lost.

    Not kept: two schedulers each assume only their own pods, a scheduler forgets a pod whose Bind
    was applied but not answered, and one that restarts from a stale list misses what is bound.
    """
    return _binds_fit(after)


@transition(
    reads=("sandboxes",),
    source="https://kubernetes.io/docs/concepts/architecture/nodes/ (pkg/kubelet/lifecycle)",
    faults=all_but(),
    companion="a-kubelet-runs-a-pod",
    mutants=("kubelet-admits-everything",),
)
def no_kubelet_runs_too_much(before: State, after: State) -> Verdict:
    """Whenever a pod starts on a node, what runs there fits the node, terminating pods included.

    Judged on the containers in the node's runtime, over pods that the API server still knows: force
    deletion breaks the stronger form. Broken by allocatable that shrinks. A restarted kubelet
    admits its pods again, oldest first, before it starts anything.
    """
    return _nodes_hold(before, after, only_known=True)


@transition(
    reads=("sandboxes",),
    source="https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination-forced",
    companion="a-kubelet-runs-a-pod",
    known_false=True,
)
def no_node_ever_runs_too_much(before: State, after: State) -> Verdict:
    """What runs on a node fits the node, force-deleted pods included.

    Not kept: a pod deleted with grace period 0 is no longer counted by scheduler and kubelet, while
    its containers are still being stopped.
    """
    return _nodes_hold(before, after, only_known=False)


def _nodes_hold(before: State, after: State, *, only_known: bool) -> Verdict:
    for slot, node, runtime in touched_nodes(after, "runtime/"):
        entry = newest(after, "nodes").get(f"nodes/{node}")
        if entry is None or before.slots[slot].pods is runtime.pods:
            continue
        known = {e.value.uid for e in on_node(after, node)} if only_known else None
        if _live(runtime, known) > _live(before.slots[slot], known):
            over = excess(running(runtime, known), allocatable_of(entry.value))
            if over:
                return fails(f"node {node} runs {over}", "overload")
    return HOLDS


def _live(runtime: Runtime, known: set[str] | None) -> int:
    """How many pods of a runtime (of these uids) are up."""
    up = [pod.uid for pod in runtime.pods.values() if pod.is_up]
    return len(up) if known is None else len(known.intersection(up))


def running(runtime: Runtime, known: set[str] | None = None) -> Usage:
    """What the live pods of a runtime (of these uids) request, added up afresh."""
    total = Usage()
    for pod in runtime.pods.values():
        if pod.is_up and (known is None or pod.uid in known):
            total = total.plus(pod.demand)
    return total


@transition(
    reads=("pods",),
    source="pkg/registry/core/pod/storage/storage.go, assignPod",
    faults=all_but(),
    companion="a-pod-is-bound",
    mutants=("bind-overwrites",),
)
def a_bound_pod_is_never_rebound(before: State, after: State) -> Verdict:
    """The spec.nodeName of a pod changes at most once, from empty."""
    for change in written(after, "pods"):
        old, new = change.previous, change.entry
        if old is None or new is None or old.value.uid != new.value.uid:
            continue
        was, now = old.value.spec.node_name, new.value.spec.node_name
        if was and was != now:
            return fails(f"{new.value.key} moved from {was} to {now or 'nowhere'}", "rebound")
    return HOLDS


def _no_pod_is_left(state: State) -> Verdict:
    every = newest(state, "nodes").entries()
    nodes = [(e.value, _counted(on_node(state, e.value.name))) for e in every]
    for pod in pods(state):
        if pod.spec.node_name or pod.is_terminating or pod.spec.scheduling_gates:
            continue
        if uses_volumes(pod) or not is_judged(pod, nodes) or not _is_served(state, pod):
            continue
        for node, there in nodes:
            if not over_commitment(pod, node, there) and not forbidden(pod, node, there, nodes):
                return fails(f"{pod.key} is pending although it fits {node.name}", "unbound")
    return HOLDS


def _counted(entries: tuple[Entry, ...]) -> tuple[Pod, ...]:
    """The pods that are not terminal."""
    return tuple(e.value for e in entries if e.value.status.phase not in _FINISHED)


def _is_served(state: State, pod: Pod) -> bool:
    """Whether the pod asks for a scheduler that there is."""
    every = [place.host for place, _ in hosts(state, "scheduler")]
    return not every or any(host.profiles.serves(pod) for host in every)  # type: ignore[attr-defined]


eventual_binding = eventually_stable(
    "eventual-binding",
    promise="A pod that continuously fits some node is bound or deleted in the end.",
    conditions=(
        "From some point on the pod fits, is not gated, a scheduler serves it, and no endless "
        "stream of higher priority arrives. Retries hang on events and on the flush of "
        "unschedulable pods every five minutes. Judged once the faults have ended."
    ),
    source="https://kubernetes.io/docs/concepts/scheduling-eviction/scheduling-framework/",
    when=lambda state: any(not pod.spec.node_name for pod in fresh(state, "pods")),
    then=_no_pod_is_left,
    reads=("pods", "nodes"),
    faults=all_but(),
    companion="a-pod-is-bound",
    mutants=("pending-pods-are-forgotten", "failed-binds-are-forgotten"),
)


def _caches_are_settled(state: State) -> Verdict:
    bound = {
        pod.uid: pod.spec.node_name
        for pod in pods(state)
        if pod.spec.node_name and pod.status.phase not in _FINISHED
    }
    for place, memory in hosts(state, "scheduler"):
        for uid, known in memory.cache.pods.sorted_items():
            if known.is_assumed:
                return fails(f"{place.host.name} still only assumes {known.pod.key}", "assumed")
            if bound.get(uid) != known.pod.spec.node_name:
                return fails(f"{place.host.name} charges {known.pod.key} wrongly", "charged")
        if len(memory.cache.pods) != len(bound):
            return fails(f"{place.host.name} does not charge every bound pod", "missing")
    return HOLDS


scheduler_caches_settle = eventually_stable(
    "scheduler-caches-settle",
    promise="In the end each scheduler charges exactly the bound pods, and assumes none.",
    conditions="Terminal pods are not counted. Once binds, changes and faults have ended.",
    source="pkg/scheduler/backend/cache/interface.go, the state machine of a pod",
    when=lambda state: bool(_newly_bound(state)),
    then=_caches_are_settled,
    reads=("pods",),
    faults=all_but(),
    companion="a-pod-is-bound",
    mutants=("deleted-pods-stay-charged",),
)


@sometimes(reads=("pods",), source="companion")
def a_pod_is_bound(state: State) -> bool:
    """A Bind succeeds."""
    return bool(_newly_bound(state))


@sometimes(reads=("sandboxes",), source="companion")
def a_kubelet_runs_a_pod(state: State) -> bool:
    """Containers run on some node."""
    return any(running(runtime).pods > 0 for _, _, runtime in touched_nodes(state, "runtime/"))


PROPERTIES = (
    no_over_committed_binding,
    no_kubelet_runs_too_much,
    eventual_binding,
    scheduler_caches_settle,
    a_bound_pod_is_never_rebound,
    no_node_is_ever_over_committed,
    no_node_ever_runs_too_much,
    a_pod_is_bound,
    a_kubelet_runs_a_pod,
)
