"""Which pods one pass of PodGC finds to delete.

After gcTerminated, gcTerminating, gcOrphaned and gcUnscheduledTerminating of
pkg/controller/podgc/gc_controller.go at 1.36.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from kspec_models.host import Notification
from kspec_models.objects import Node, Pod, condition
from kspec_models.store import Snapshot

OUT_OF_SERVICE: Final = "node.kubernetes.io/out-of-service"
_GOING_ON: Final = ("Pending", "Running", "Unknown")


class Victim(NamedTuple):
    """A pod to delete, as the pass found it.

    node: the missing node of an orphan, else "". is_over: it succeeded or failed. is_marked: it
    carries the condition of an orphan already.
    """

    key: str
    uid: str
    node: str = ""
    is_over: bool = False
    is_marked: bool = False


class Choice(NamedTuple):
    """What a pass would delete: at once, if a missing node is really gone, and last.

    missing: the nodes that the cache lacks and some pod is bound to.
    """

    first: tuple[Victim, ...]
    orphans: tuple[Victim, ...]
    unscheduled: tuple[Victim, ...]
    missing: tuple[str, ...]


def is_over(pod: Pod) -> bool:
    """isPodTerminated: any phase but those of a pod that goes on."""
    return (pod.status.phase or "Pending") not in _GOING_ON


def _is_ready(node: Node) -> bool:
    found = condition(node.status.conditions, "Ready")
    return found is not None and found.status == "True"


def is_out_of_service(node: Node) -> bool:
    """Whether a user said that the node is shut down, and it is not ready."""
    marked = any(taint.key == OUT_OF_SERVICE for taint in node.spec.taints)
    return marked and not _is_ready(node)


def is_interesting(event: Notification) -> bool:
    """Whether an event could give a pass something to do.

    A pod that is bound, terminating or over; a node that is gone or out of service.
    """
    new = event.new
    if event.resource == "nodes":
        return new is None or is_out_of_service(new.value)
    if new is None:
        return False
    pod: Pod = new.value
    if pod.is_terminating or is_over(pod):
        return True
    old = event.old
    was_bound = old is not None and old.value.spec.node_name == pod.spec.node_name
    return bool(pod.spec.node_name) and not was_bound


def _victim(pod: Pod, node: str = "") -> Victim:
    marked = condition(pod.status.conditions, "DisruptionTarget")
    is_marked = marked is not None and marked.reason == "DeletionByPodGC"
    return Victim(pod.key, pod.uid, node, pod.status.phase in ("Succeeded", "Failed"), is_marked)


def _rank(pod: Pod) -> tuple[bool, int, str]:
    """byEvictionAndCreationTimestamp: evicted pods first, then the oldest."""
    is_evicted = pod.status.phase == "Failed" and pod.status.reason == "Evicted"
    return not is_evicted, pod.metadata.creation_timestamp or 0, pod.name


def choose(caches: Mapping[str, Snapshot], threshold: int) -> Choice:
    """What a pass deletes, from the caches as they are; a threshold of 0 keeps finished pods."""
    pods: list[Pod] = [entry.value for entry in caches["pods"].entries()]
    nodes: dict[str, Node] = {e.value.name: e.value for e in caches["nodes"].entries()}
    finished = sorted((p for p in pods if is_over(p)), key=_rank) if threshold > 0 else []
    surplus = finished[: max(0, len(finished) - threshold)]
    shut_down = sorted((p for p in pods if _is_stuck(p, nodes)), key=_rank)
    orphans = [p for p in pods if p.spec.node_name and p.spec.node_name not in nodes]
    unscheduled = [p for p in pods if p.is_terminating and not p.spec.node_name]
    return Choice(
        tuple(_victim(pod) for pod in (*surplus, *shut_down)),
        tuple(_victim(pod, pod.spec.node_name) for pod in orphans),
        tuple(_victim(pod) for pod in unscheduled),
        tuple(sorted({pod.spec.node_name for pod in orphans})),
    )


def _is_stuck(pod: Pod, nodes: Mapping[str, Node]) -> bool:
    node = nodes.get(pod.spec.node_name)
    return pod.is_terminating and node is not None and is_out_of_service(node)
