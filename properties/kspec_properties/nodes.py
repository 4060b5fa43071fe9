"""What nodes promise: taints evict in time, and pods do not outlive their node."""

from __future__ import annotations

from collections.abc import Iterator

from kspec.logic import HOLDS, Verdict, fails
from kspec.property import eventually_stable, sometimes, transition
from kspec_models.controllers.tainteviction_timers import (
    FOR_EVER,
    TaintMemory,
    Timer,
    no_execute_taints,
    tolerated_seconds,
)
from kspec_models.objects import Node, Pod, condition, controller_of
from kspec_models.state import State
from kspec_properties.faults import all_but
from kspec_properties.reading import fresh, hosts, newest, pods, written

_TAINTS = "https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/"
_GC = "https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-garbage-collection"
_LAGGING = ("pause", "partition", "failover")
"""Under these a controller may know less than what was true before time last advanced."""


def _node(state: State, name: str) -> Node | None:
    entry = newest(state, "nodes").get(f"nodes/{name}")
    return entry.value if entry is not None else None


def _timers(state: State) -> Iterator[tuple[Timer, Pod, Node]]:
    """The timers of taint eviction whose pod and node are still those they were started for."""
    for _, memory in hosts(state, "tainteviction"):
        own: TaintMemory = memory.own
        for timer in own.timers:
            entry = newest(state, "pods").get(f"pods/{timer.pod}")
            node = _node(state, timer.node)
            if entry is None or node is None or entry.value.spec.node_name != timer.node:
                continue
            if not _is_namesake(entry.value, timer):
                yield timer, entry.value, node


def _is_namesake(pod: Pod, timer: Timer) -> bool:
    """Whether the pod may have taken the name of the one that the timer was started for."""
    is_first = pod.uid.partition("#")[2] in ("", "0")
    return not is_first and (pod.metadata.creation_timestamp or 0) >= timer.created_at


@transition(
    reads=("environment", "controllers"),
    source="https://github.com/kubernetes/kubernetes/issues/90794",
    faults=all_but(*_LAGGING),
    companion="a-taint-waits",
    mutants=("taint-timers-outlive-their-taint",),
)
def a_pod_is_waited_for_only_while_a_taint_limits_it(before: State, after: State) -> Verdict:
    """While time passes, an eviction is due only for a pod that some taint gives limited time.

    Judged whenever the clock moves, when the controller knows all there is: so from the start of a
    timer to its end the node had, at all times, a NoExecute taint that the pod does not tolerate
    for ever. Left out: a pod that took the name of another one, whose timer it inherits, and a node
    that was deleted, whose timers go on.
    """
    if after.clock == before.clock:
        return HOLDS
    for _, pod, node in _timers(before):
        taints = no_execute_taints(node)
        if not taints or tolerated_seconds(taints, pod.spec.tolerations) == FOR_EVER:
            return fails(f"{pod.key} tolerates all taints of {node.name} and will go", "timer")
    return HOLDS


@transition(
    reads=("environment", "controllers"),
    source="https://github.com/kubernetes/kubernetes/issues/102993",
    companion="a-taint-waits",
    known_false=True,
)
def a_pod_is_never_evicted_too_soon(before: State, after: State) -> Verdict:
    """While time passes, an eviction is due no sooner than the taints that are there allow.

    Not kept: a timer that runs is kept as it is when another taint, which the pod tolerates for
    longer, takes the place of the one that it was started for.
    """
    if after.clock == before.clock:
        return HOLDS
    for timer, pod, node in _timers(before):
        seconds = tolerated_seconds(no_execute_taints(node), pod.spec.tolerations)
        if seconds not in (None, FOR_EVER) and timer.fire_at < timer.created_at + (seconds or 0):
            return fails(f"{pod.key} goes before the {seconds} seconds that it tolerates", "soon")
    return HOLDS


_OWNERS = {
    "ReplicaSet": "replicasets",
    "ReplicationController": "replicationcontrollers",
    "StatefulSet": "statefulsets",
    "Job": "jobs",
}


def _is_placed_by_owner(state: State, pod: Pod) -> bool:
    """Whether the owner of a pod names its node, so that no taint keeps the next one away."""
    owner = controller_of(pod)
    if owner is None:
        return False
    resource = _OWNERS.get(owner.kind)
    if resource is None:
        return True
    found = newest(state, resource).get(f"{resource}/{pod.namespace}/{owner.name}")
    template = found.value.spec.template if found is not None else None
    return template is None or bool(template.spec.node_name)


def _nobody_stays(state: State) -> Verdict:
    for pod in pods(state):
        node = _node(state, pod.spec.node_name) if pod.spec.node_name else None
        if node is None or pod.is_terminating or pod.status.phase in ("Succeeded", "Failed"):
            continue
        taints = no_execute_taints(node)
        if not taints or tolerated_seconds(taints, pod.spec.tolerations) == FOR_EVER:
            continue
        if not _is_placed_by_owner(state, pod):
            return fails(f"{pod.key} stays on {node.name} in spite of its taints", "stays")
    return HOLDS


pods_leave_tainted_nodes = eventually_stable(
    "pods-leave-tainted-nodes",
    promise="In the end no pod stays on a node with a NoExecute taint that it does not tolerate.",
    conditions=(
        "Nor with one that it tolerates for some time only, once that is over. Where a controller "
        "names the node in its pods, it makes a new one each time: that is a known fight."
    ),
    source=_TAINTS,
    when=lambda state: any(no_execute_taints(node) for node in fresh(state, "nodes")),
    then=_nobody_stays,
    reads=("pods", "nodes"),
    faults=all_but(),
    companion="a-taint-evicts",
    mutants=("taint-eviction-ignores-new-pods",),
)


def _marked(state: State, reason: str) -> Iterator[tuple[Pod, Pod]]:
    """The pods that got the condition DisruptionTarget with that reason, before and after."""
    for change in written(state, "pods"):
        if change.entry is None or change.previous is None:
            continue
        new = condition(change.entry.value.status.conditions, "DisruptionTarget")
        old = condition(change.previous.value.status.conditions, "DisruptionTarget")
        if new is not None and new.reason == reason and (old is None or old.reason != reason):
            yield change.previous.value, change.entry.value


@transition(
    reads=("pods",),
    source=_GC,
    faults=all_but(*_LAGGING),
    companion="a-pod-loses-its-node",
    mutants=("podgc-does-not-look-at-nodes",),
)
def a_pod_is_given_up_only_with_its_node(before: State, after: State) -> Verdict:
    """PodGC gives up a pod as orphaned only if its node did not exist when it was last read.

    The node is read live just before, so that one which has existed since an earlier second was
    there. One that is created between the read and the deletion loses the pod.
    """
    for pod, _ in _marked(after, "DeletionByPodGC"):
        node = _node(after, pod.spec.node_name)
        if node is not None and (node.metadata.creation_timestamp or 0) < after.clock:
            return fails(f"{pod.key} is given up, and {node.name} exists", "given up")
    return HOLDS


def _no_orphans(state: State) -> Verdict:
    for pod in pods(state):
        name = pod.spec.node_name
        if name and _node(state, name) is None and not pod.metadata.finalizers:
            return fails(f"{pod.key} is on {name}, which does not exist", "orphan")
    return HOLDS


pods_do_not_outlive_their_node = eventually_stable(
    "pods-do-not-outlive-their-node",
    promise="In the end no pod is bound to a node that does not exist.",
    conditions="Save pods that a finalizer holds.",
    source=_GC,
    when=lambda state: any(c.entry is None for c in written(state, "nodes")),
    then=_no_orphans,
    reads=("pods", "nodes"),
    faults=all_but(),
    companion="a-pod-loses-its-node",
    mutants=("podgc-ignores-deleted-nodes",),
)


@sometimes(reads=("environment", "controllers"), source="companion")
def a_taint_waits(state: State) -> bool:
    """A timer of taint eviction runs."""
    return any(True for _ in _timers(state))


@sometimes(reads=("pods",), source="companion")
def a_taint_evicts(state: State) -> bool:
    """Taint eviction marks a pod that it is going to delete."""
    return any(True for _ in _marked(state, "DeletionByTaintManager"))


@sometimes(reads=("pods",), source="companion")
def a_pod_loses_its_node(state: State) -> bool:
    """PodGC marks a pod of a node that is gone."""
    return any(True for _ in _marked(state, "DeletionByPodGC"))


PROPERTIES = (
    a_pod_is_waited_for_only_while_a_taint_limits_it,
    pods_leave_tainted_nodes,
    a_pod_is_given_up_only_with_its_node,
    pods_do_not_outlive_their_node,
    a_pod_is_never_evicted_too_soon,
    a_taint_waits,
    a_taint_evicts,
    a_pod_loses_its_node,
)
