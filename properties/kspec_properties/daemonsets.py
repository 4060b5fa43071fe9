"""What DaemonSets promise."""

from __future__ import annotations

from collections.abc import Iterator

from kspec.logic import HOLDS, Verdict, fails
from kspec.property import invariant, sometimes, transition
from kspec_models.controllers.daemonset_nodes import fit, target_node
from kspec_models.controllers.daemonset_rollout import (
    ROLLING_UPDATE,
    allows_surge,
    max_unavailable,
)
from kspec_models.controllers.daemonset_steps import Pass
from kspec_models.controllers.pods import is_active, is_available
from kspec_models.indexes import controlled_by
from kspec_models.layout import HostSlot
from kspec_models.objects import DaemonSet, Node, Pod, controller_of
from kspec_models.reflector import WATCHING
from kspec_models.requests import Delete, target
from kspec_models.state import State
from kspec_models.store import Snapshot
from kspec_properties.faults import all_but
from kspec_properties.reading import hosts, newest, values, written
from kspec_properties.workloads import is_leaving

DOCS = "https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/"
_UPDATES = "https://kubernetes.io/docs/tasks/manage-daemon/update-daemon-set/"


def daemon_sets(state: State) -> Iterator[DaemonSet]:
    """The DaemonSets that are to be kept up: they and their namespaces stay."""
    for daemon_set in values(state, "daemonsets"):
        if not daemon_set.is_terminating and not is_leaving(state, daemon_set.namespace):
            yield daemon_set


def owned(snapshot: Snapshot, owner: DaemonSet) -> Iterator[Pod]:
    """The pods that a DaemonSet controls, of those in a snapshot of pods."""
    return (entry.value for entry in controlled_by(snapshot, owner.uid))


def living_on(snapshot: Snapshot, owner: DaemonSet, node: str) -> list[Pod]:
    """The pods of a DaemonSet, not over and not being deleted, that are meant for a node."""
    return [p for p in owned(snapshot, owner) if is_active(p) and target_node(p) == node]


def _owner_of(state: State, pod: Pod) -> DaemonSet | None:
    reference = controller_of(pod)
    if reference is None or reference.kind != DaemonSet.KIND:
        return None
    found = newest(state, "daemonsets").get(f"daemonsets/{pod.namespace}/{reference.name}")
    return found.value if found is not None and found.value.uid == reference.uid else None


@transition(
    reads=("pods",),
    source=DOCS + "#how-daemon-pods-are-scheduled",
    faults=all_but("crash", "stale-list", "lost-answer", "compaction"),
    companion="a-daemon-pod-is-created",
    mutants=("daemonset-forgets-expectations",),
)
def a_node_gets_no_second_daemon_pod(before: State, after: State) -> Verdict:
    """When a daemon pod is created for a node, it is the only one there; with surge one of two.

    Expectations stop the controller from acting on a cache older than its own writes. A restart
    loses them and a lost answer of a create lowers them: there the surplus is only temporary. Pods
    that are being deleted or are over do not count. An edit of maxSurge in mid-flight breaks it.
    """
    for change in written(after, "pods"):
        if change.previous is not None or change.entry is None:
            continue
        owner = _owner_of(after, change.entry.value)
        node = target_node(change.entry.value)
        if owner is None or not node:
            continue
        count = len(living_on(newest(after, "pods"), owner, node))
        limit = 2 if allows_surge(owner) else 1
        if count > limit:
            return fails(f"{owner.key} has {count} pods for {node}, limit {limit}", "second")
    return HOLDS


@transition(
    reads=("requests",),
    source=_UPDATES + "#performing-a-rolling-update",
    faults=all_but(),
    companion="a-daemon-pod-is-replaced",
    mutants=("daemonset-takes-one-node-more",),
)
def a_daemonset_update_keeps_within_max_unavailable(before: State, after: State) -> Verdict:
    """A rolling update takes an available pod only if no more than maxUnavailable nodes then lack
    one.

    Of the nodes that should run a pod, and by what the controller has read: a pod that has become
    unavailable since, for a reason of its own, may not be known. Old pods that are not available
    count as well, whatever they wait for (kubernetes#123232); they are replaced at once.
    """
    taken: dict[str, set[str]] = {}
    for sent in after.sent:
        request = sent.request
        if _is_ours(sent.host) and isinstance(request, Delete) and request.resource == "pods":
            taken.setdefault(sent.host, set()).add(request.key)
    for host, gone in taken.items():
        if _is_late(after, host):
            continue
        verdict = _judged(before, host, gone)
        if not verdict:
            return verdict
    return HOLDS


def _is_ours(host: str) -> bool:
    return host.startswith("daemonset")


def _is_late(after: State, host: str) -> bool:
    """Whether the controller goes on with what it decided in an earlier step, on older caches."""
    asked = [sent.request for sent in after.sent if sent.host == host]
    return any(
        answered.host == host
        and target(answered.request)[0] == "pods"
        and answered.request not in asked
        for answered in after.answered
    )


def _judged(before: State, host: str, gone: set[str]) -> Verdict:
    """By the pods that are cached now, and what was read when the pass began."""
    slot = before.layout.by_host[host]
    place = before.layout.slots[slot]
    assert isinstance(place, HostSlot)
    cached = {resource: before.slots[index].cache for resource, index in place.caches.items()}
    nodes_now = tuple(entry.value for entry in cached["nodes"].entries())
    begun: dict[str, Pass] = {c.call.key: c.call.phase for c in before.slots[slot].calls}
    for entry in cached["daemonsets"].entries():
        owner: DaemonSet = entry.value
        places: tuple[Node, ...] = nodes_now
        if owner.key in begun:
            owner, places = begun[owner.key].value, begun[owner.key].nodes
        if owner.spec.update_strategy.type == ROLLING_UPDATE:
            wanted = [node.name for node in places if fit(node, owner).should_run]
            verdict = _leaves_enough(owner, wanted, cached["pods"], gone, before.clock)
            if not verdict:
                return verdict
    return HOLDS


def _leaves_enough(
    owner: DaemonSet, wanted: list[str], pods: Snapshot, gone: set[str], now: int
) -> Verdict:
    lacking, taken = 0, []
    for node in wanted:
        here = living_on(pods, owner, node)
        fine = {p.key for p in here if is_available(p, owner.spec.min_ready_seconds, now)}
        lacking += not fine - gone
        # Of two pods without surge one goes, whichever is available: no part of an update.
        if fine and not fine - gone and (len(here) == 1 or allows_surge(owner)):
            taken.append(node)
    limit = max_unavailable(owner, len(wanted))
    if taken and lacking > limit:
        message = f"{owner.key} takes {', '.join(taken)}: {lacking} nodes without, limit {limit}"
        return fails(message, "unavailable")
    return HOLDS


def _is_under_way(state: State, place: HostSlot, key: str) -> bool:
    """Whether something is still to happen that can meet an expectation of a DaemonSet."""
    host = state.slots[state.layout.by_host[place.host.name]]
    if any(sending.call.key == key for sending in host.calls):
        return True
    slot, listener = place.sources["pods"]
    informer, stream = state.slots[slot], state.streams[state.layout.slots[slot].stream]
    if informer.status is not WATCHING or informer.pending(listener):
        return True
    if informer.position < len(stream.events):
        return True
    found = newest(state, "daemonsets").get(f"daemonsets/{key}")
    if found is None or is_leaving(state, found.value.namespace):
        return True
    return any(pod.is_terminating for pod in owned(newest(state, "pods"), found.value))


@invariant(
    reads=("pods", "deliveries", "controllers", "namespaces"),
    source="https://github.com/kubernetes/kubernetes/pull/91008",
    faults=all_but("compaction"),
    companion="a-daemonset-expects-something",
    mutants=("daemonset-expects-too-much",),
)
def a_daemonset_expects_only_what_can_come(state: State) -> Verdict:
    """While a DaemonSet expects pods to come or go, something is under way that can tell of it.

    Until its expectations are met it makes and deletes no pod, for up to five minutes. Under way is
    a request of its own, an event of a pod that it has not been told of, and a pod that is being
    deleted. In a namespace that is being deleted nothing is expected to come. A list after a
    compaction may join the creation and the deletion of a pod, and tell of neither.
    """
    for place, memory in hosts(state, "daemonset"):
        for key, counts in memory.own.expectations.of.sorted_items():
            if not _is_under_way(state, place, key):
                left = f"{counts.creations} pods to come and {counts.deletions} to go"
                return fails(f"{key} expects {left}, of which nothing can tell", "expectation")
    return HOLDS


@sometimes(reads=("pods",), source="companion")
def a_daemon_pod_is_created(state: State) -> bool:
    """A pod of a DaemonSet is created."""
    return any(
        change.previous is None
        and change.entry is not None
        and _owner_of(state, change.entry.value) is not None
        for change in written(state, "pods")
    )


@sometimes(reads=("requests",), source="companion")
def a_daemon_pod_is_replaced(state: State) -> bool:
    """The DaemonSet controller asks to delete a pod."""
    return any(
        _is_ours(sent.host) and isinstance(sent.request, Delete) and sent.request.resource == "pods"
        for sent in state.sent
    )


@sometimes(reads=("controllers",), source="companion")
def a_daemonset_expects_something(state: State) -> bool:
    """A DaemonSet waits for events of its own writes."""
    return any(memory.own.expectations.of for _, memory in hosts(state, "daemonset"))


PROPERTIES = (
    a_node_gets_no_second_daemon_pod,
    a_daemonset_update_keeps_within_max_unavailable,
    a_daemonset_expects_only_what_can_come,
    a_daemon_pod_is_created,
    a_daemon_pod_is_replaced,
    a_daemonset_expects_something,
)
