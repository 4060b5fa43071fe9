"""What DaemonSets promise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from kspec.logic import HOLDS, Verdict, fails
from kspec.property import sometimes, transition
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
from kspec_models.requests import Create, Delete, target
from kspec_models.state import State
from kspec_models.store import Snapshot
from kspec_properties.faults import all_but
from kspec_properties.reading import newest, values, written
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


_FORGETFUL = ("crash", "stale-list", "lost-answer", "pause", "partition", "failover")


@transition(
    reads=("pods",),
    source=DOCS + "#how-daemon-pods-are-scheduled",
    faults=all_but(*_FORGETFUL),
    companion="a-daemon-pod-is-created",
    mutants=("daemonset-forgets-expectations",),
)
def a_node_gets_no_second_daemon_pod(before: State, after: State) -> Verdict:
    """When a daemon pod is created for a node, it is the only one there; with surge one of two.

    Expectations stop the controller from acting on a cache older than its own writes. A restart or
    a failover loses them and a lost answer of a create lowers them: there the surplus is only
    temporary. Pods that are being deleted or are over do not count. An edit of maxSurge in
    mid-flight breaks it.
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


class _Read(NamedTuple):
    """What a pass over one DaemonSet has read, when it began and when it decides."""

    daemon_set: DaemonSet
    nodes: tuple[Node, ...]
    pods: Snapshot

    @property
    def eligible(self) -> list[str]:
        """The nodes that should run a pod."""
        return [node.name for node in self.nodes if fit(node, self.daemon_set).should_run]


def _reads(before: State, host: str) -> Iterator[_Read]:
    """For each DaemonSet what its pass goes by: one that waits for an answer began earlier."""
    slot = before.layout.by_host[host]
    place = before.layout.slots[slot]
    assert isinstance(place, HostSlot)
    cached = {resource: before.slots[index].cache for resource, index in place.caches.items()}
    nodes_now = tuple(entry.value for entry in cached["nodes"].entries())
    begun: dict[str, Pass] = {c.call.key: c.call.phase for c in before.slots[slot].calls}
    for entry in cached["daemonsets"].entries():
        given = begun.get(entry.value.key)
        if given is None:
            yield _Read(entry.value, nodes_now, cached["pods"])
        else:
            yield _Read(given.value, given.nodes, cached["pods"])


def _judged(before: State, host: str, gone: set[str]) -> Verdict:
    for read in _reads(before, host):
        if read.daemon_set.spec.update_strategy.type == ROLLING_UPDATE:
            verdict = _leaves_enough(read, gone, before.clock)
            if not verdict:
                return verdict
    return HOLDS


def _leaves_enough(read: _Read, gone: set[str], now: int) -> Verdict:
    owner, wanted = read.daemon_set, read.eligible
    lacking, taken = 0, []
    for node in wanted:
        here = living_on(read.pods, owner, node)
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


@transition(
    reads=("requests",),
    source=DOCS + "#how-daemon-pods-are-scheduled",
    faults=all_but(),
    companion="a-daemon-pod-is-created",
    mutants=("daemonset-overlooks-taints",),
)
def a_daemon_pod_is_made_for_an_eligible_node(before: State, after: State) -> Verdict:
    """A daemon pod is created only for a node that should run one.

    By node selector, required node affinity and taints, as the controller read them when its pass
    began. The node may have changed since, and be gone.
    """
    for sent in after.sent:
        made = sent.request.object if isinstance(sent.request, Create) else None
        if not _is_ours(sent.host) or not isinstance(made, Pod):
            continue
        owner, node = controller_of(made), target_node(made)
        for read in _reads(before, sent.host):
            if owner is not None and owner.uid == read.daemon_set.uid and node not in read.eligible:
                return fails(f"{read.daemon_set.key} makes a pod for {node}", "ineligible")
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


PROPERTIES = (
    a_node_gets_no_second_daemon_pod,
    a_daemonset_update_keeps_within_max_unavailable,
    a_daemon_pod_is_made_for_an_eligible_node,
    a_daemon_pod_is_created,
    a_daemon_pod_is_replaced,
)
