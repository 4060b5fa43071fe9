"""What the life of nodes promises: silence is noticed, answered in measure, and forgiven."""

from __future__ import annotations

from collections.abc import Iterator

from kspec.logic import HOLDS, Verdict, fails
from kspec.property import eventually_stable, sometimes, transition
from kspec_models.controllers.nodelifecycle_taints import (
    NO_EXECUTE,
    NOT_READY,
    UNREACHABLE,
    has_taint,
)
from kspec_models.controllers.nodelifecycle_zones import EXCLUDED, zone_key
from kspec_models.objects import Lease, Node, condition
from kspec_models.state import State
from kspec_properties.faults import all_but
from kspec_properties.reading import fresh, newest, nodes, written

_NODES = "https://kubernetes.io/docs/concepts/architecture/nodes/"
_LIMITS = _NODES + "#rate-limits-on-eviction"
_LAGGING = ("pause", "partition", "failover")
"""Under these the controller may know less than what was true before time last advanced."""


def ready_status(node: Node) -> str:
    """The status of the Ready condition, "" for none."""
    found = condition(node.status.conditions, "Ready")
    return found.status if found is not None else ""


def _is_watched(state: State) -> bool:
    """Whether node lifecycle runs in this world."""
    return any(name.startswith("nodelifecycle") for name in state.layout.by_host)


def _is_silent(state: State, node: Node) -> bool:
    """Whether the Lease of the node is not renewed any more."""
    entry = newest(state, "leases").get(f"leases/kube-node-lease/{node.name}")
    lease: Lease | None = entry.value if entry is not None else None
    return lease is not None and lease.spec.renew_time is not None


def _may_be_tainted(state: State, node: Node) -> bool:
    """Whether some node is ready, and the zone of an unready node not small and largely unready."""
    counted = [n for n in nodes(state) if EXCLUDED not in n.metadata.labels]
    zone = [ready_status(n) for n in counted if zone_key(n) == zone_key(node)]
    unready = len(zone) - zone.count("True")
    is_partly = unready > 2 and unready * 100 >= 55 * len(zone) and unready < len(zone)
    is_all_over = all(ready_status(n) != "True" for n in counted)
    return not is_all_over and (not is_partly or len(zone) > 50)


def _silence_is_known(state: State) -> Verdict:
    for node in nodes(state):
        if not _is_silent(state, node):
            continue
        if ready_status(node) != "Unknown":
            return fails(f"{node.name} is silent and said to be {ready_status(node)}", "unknown")
        is_due = _may_be_tainted(state, node)
        if is_due and not has_taint(node, UNREACHABLE, NO_EXECUTE):
            return fails(f"{node.name} is silent and not tainted", "taint")
    return HOLDS


a_silent_node_is_tainted = eventually_stable(
    "a-silent-node-is-tainted",
    promise="In the end a node whose Lease is not renewed is Unknown and tainted NoExecute.",
    conditions=(
        "After the grace of node monitoring. Not tainted while no node at all is ready, nor in a "
        "zone of up to 50 nodes of which 55 % (and more than two) are not."
    ),
    source=_NODES + "#heartbeats",
    when=lambda state: _is_watched(state) and any(True for _ in fresh(state, "leases")),
    then=_silence_is_known,
    reads=("nodes", "objects"),
    faults=all_but(),
    companion="a-node-falls-silent",
    mutants=("node-lifecycle-ignores-leases",),
)


def _nobody_is_blamed(state: State) -> Verdict:
    if not _is_watched(state):
        return HOLDS
    active = {process.node for process in state.layout.processes if process.node}
    for node in nodes(state):
        if node.name in active and ready_status(node) == "Unknown" and not _is_silent(state, node):
            return fails(f"{node.name} is heard of and said to be Unknown", "unknown")
        for key in (UNREACHABLE, NOT_READY):
            if ready_status(node) == "True" and has_taint(node, key, NO_EXECUTE):
                return fails(f"{node.name} is ready and tainted {key}", "taint")
    return HOLDS


a_node_that_is_heard_of_is_forgiven = eventually_stable(
    "a-node-that-is-heard-of-is-forgiven",
    promise="In the end a node that is ready carries no NoExecute taint of node lifecycle.",
    conditions="And a node whose kubelet runs and renews its Lease is not Unknown.",
    source=_NODES + "#node-controller",
    when=lambda state: _is_watched(state) and any(True for _ in fresh(state, "nodes")),
    then=_nobody_is_blamed,
    reads=("nodes", "objects"),
    faults=all_but(),
    companion="a-node-is-forgiven",
    mutants=("nodes-stay-tainted",),
)


def _newly(state: State, key: str) -> Iterator[Node]:
    """The nodes that got a NoExecute taint with that key in the last step."""
    for change in written(state, "nodes"):
        new = change.entry.value if change.entry is not None else None
        old = change.previous.value if change.previous is not None else None
        had = old is not None and has_taint(old, key, NO_EXECUTE)
        if new is not None and has_taint(new, key, NO_EXECUTE) and not had:
            yield new


def _has_been_down(state: State, node: Node) -> bool:
    """Whether the node has not been ready since before this second."""
    found = condition(node.status.conditions, "Ready")
    if found is None:
        return (node.metadata.creation_timestamp or 0) < state.clock
    return found.status != "True" and (found.last_transition_time or 0) < state.clock


@transition(
    reads=("nodes", "requests"),
    source=_LIMITS,
    faults=all_but(*_LAGGING),
    companion="a-node-falls-silent",
    mutants=("node-lifecycle-ignores-disruption",),
)
def nothing_is_evicted_while_every_node_is_down(before: State, after: State) -> Verdict:
    """While no node at all is ready, node lifecycle taints none NoExecute.

    Then the fault is taken to be the control plane's own. Judged for nodes that have been down
    since before this second, which the controller has had time to see; users may taint as they
    like.
    """
    if not any(a.host.startswith("nodelifecycle") for a in after.answered):
        return HOLDS
    for node in _newly(after, UNREACHABLE):
        if all(_has_been_down(after, other) for other in nodes(after)):
            return fails(f"{node.name} is tainted while every node is down", "evicts")
    return HOLDS


@sometimes(reads=("nodes",), source="companion")
def a_node_falls_silent(state: State) -> bool:
    """A node comes to be Unknown."""
    return any(
        change.entry is not None
        and change.previous is not None
        and ready_status(change.entry.value) == "Unknown"
        and ready_status(change.previous.value) == "True"
        for change in written(state, "nodes")
    )


@sometimes(reads=("nodes",), source="companion")
def a_node_is_forgiven(state: State) -> bool:
    """A node loses a NoExecute taint of node lifecycle."""
    return any(
        change.entry is not None
        and change.previous is not None
        and has_taint(change.previous.value, key, NO_EXECUTE)
        and not has_taint(change.entry.value, key, NO_EXECUTE)
        for change in written(state, "nodes")
        for key in (UNREACHABLE, NOT_READY)
    )


PROPERTIES = (
    a_silent_node_is_tainted,
    a_node_that_is_heard_of_is_forgiven,
    nothing_is_evicted_while_every_node_is_down,
    a_node_falls_silent,
    a_node_is_forgiven,
)
