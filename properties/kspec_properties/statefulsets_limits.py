"""What one would like StatefulSets to promise, and what Kubernetes does not keep of it."""

from __future__ import annotations

from collections.abc import Iterator

from kspec.logic import HOLDS, Verdict, fails
from kspec.property import transition
from kspec_models.controllers.statefulset_identity import (
    allows_burst,
    is_running_and_ready,
    ordinal_of,
    ordinals_of,
    partition_of,
    revision_of,
    start_ordinal,
)
from kspec_models.indexes import controlled_by
from kspec_models.objects import Pod, StatefulSet, controller_of
from kspec_models.state import State
from kspec_properties.reading import newest, written

_DOCS = "https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/"


def _new_pods(before: State, after: State) -> Iterator[tuple[Pod, StatefulSet]]:
    """The pods of StatefulSets that the last step created, with their StatefulSets before it."""
    for change in written(after, "pods"):
        if change.previous is not None or change.entry is None:
            continue
        pod: Pod = change.entry.value
        owner = controller_of(pod)
        if owner is not None and owner.kind == StatefulSet.KIND:
            key = f"statefulsets/{pod.namespace}/{owner.name}"
            entry = newest(before, "statefulsets").get(key)
            if entry is not None and entry.value.uid == owner.uid:
                yield pod, entry.value


@transition(
    reads=("pods",),
    source=_DOCS + "#deployment-and-scaling-guarantees",
    companion="a-statefulset-creates-a-successor",
    known_false=True,
)
def statefulset_pods_have_ready_predecessors(before: State, after: State) -> Verdict:
    """When an ordered pod is created, all pods of lower ordinals are running and ready.

    Not kept, even without faults: the controller decides by its cache, and a predecessor may have
    been deleted, or have become unready, since.
    """
    for pod, owner in _new_pods(before, after):
        if allows_burst(owner):
            continue
        found = controlled_by(newest(after, "pods"), owner.uid)
        lower = {ordinal_of(entry.value): entry.value for entry in found}
        for ordinal in range(start_ordinal(owner), ordinal_of(pod)):
            other = lower.get(ordinal)
            if other is None or other.is_terminating or not is_running_and_ready(other):
                return fails(f"{pod.key} is created while {owner.name}-{ordinal} is not ready")
    return HOLDS


@transition(
    reads=("pods",),
    source=_DOCS + "#partitions",
    companion="a-statefulset-pod-moves",
    known_false=True,
)
def statefulset_pods_below_the_partition_keep_their_revision(
    before: State, after: State
) -> Verdict:
    """A pod that is made again below the partition is of the current revision of the status.

    Not kept, even without faults: where the controller's cache shows an edit of the StatefulSet
    but not yet the revision from before, it takes the newest revision for the current one.
    """
    for pod, owner in _new_pods(before, after):
        current, wanted = owner.status.current_revision, ordinals_of(owner)
        is_below = ordinal_of(pod) in wanted[: partition_of(owner)]
        key = f"controllerrevisions/{owner.namespace}/{current}"
        is_there = newest(after, "controllerrevisions").get(key) is not None
        if is_below and is_there and revision_of(pod) != current:
            return fails(f"{pod.key} is of {revision_of(pod)}, not of {current}")
    return HOLDS


PROPERTIES = (
    statefulset_pods_have_ready_predecessors,
    statefulset_pods_below_the_partition_keep_their_revision,
)
