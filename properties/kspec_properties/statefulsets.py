"""What StatefulSets promise of the identities of their pods, and what they come to in the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kspec.logic import HOLDS, Verdict, fails
from kspec.property import eventually_stable, leads_to, sometimes, transition
from kspec_models.controllers.history import template_data
from kspec_models.controllers.pods import is_available, is_finished
from kspec_models.controllers.statefulset_identity import (
    allows_burst,
    is_rolling,
    is_running_and_ready,
    ordinal_of,
    ordinals_of,
    partition_of,
    revision_of,
)
from kspec_models.indexes import controlled_by
from kspec_models.objects import Pod, StatefulSet, controller_of
from kspec_models.runtime import RUNNING, STOPPING, RuntimePod
from kspec_models.state import State
from kspec_properties.faults import all_but
from kspec_properties.reading import (
    fresh,
    newest,
    node_states,
    touched_nodes,
    values,
    written,
)
from kspec_properties.workloads import may_refuse

_DOCS = "https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/"


def _runs(pod: RuntimePod) -> bool:
    return any(c.state in (RUNNING, STOPPING) for c in pod.containers)


def is_of_a_stateful_set(state: State, key: str) -> bool:
    """Whether a pod of that namespace/name is, or would be, one of a StatefulSet."""
    parent, _, ordinal = key.rpartition("-")
    if not ordinal.isdecimal():
        return False
    if newest(state, "statefulsets").get(f"statefulsets/{parent}") is not None:
        return True
    entry = newest(state, "pods").get(f"pods/{key}")
    owner = controller_of(entry.value) if entry is not None else None
    return owner is not None and owner.kind == StatefulSet.KIND


def _changed_pods(before: State, after: State) -> Iterator[RuntimePod]:
    """The sandboxes that the last step changed, in which something of a StatefulSet runs."""
    for slot, _, runtime in touched_nodes(after, "runtime/"):
        old: Any = before.slots[slot].pods
        if old is not runtime.pods:
            changed = [pod for pod in runtime.pods.values() if pod is not old.get(pod.uid)]
            for pod in sorted(changed, key=lambda changed_pod: changed_pod.uid):
                if _runs(pod) and is_of_a_stateful_set(after, pod.key):
                    yield pod


@transition(
    reads=("runtimes",),
    source=_DOCS + "#deployment-and-scaling-guarantees",
    faults=all_but("stale-list"),
    companion="a-statefulset-pod-moves",
    mutants=("statefulset-forces-deletions",),
)
def one_pod_runs_per_statefulset_identity(before: State, after: State) -> Verdict:
    """At most one pod of each StatefulSet identity runs, on all nodes together.

    Of a namespace and name, whatever the uid; a container that is being stopped still runs. Names
    are unique in the API, and a pod's name is free only once its kubelet has confirmed that nothing
    of it runs. What takes the name away without the kubelet breaks it: force deletion, a Node that
    is deleted with its pods left to the pod garbage collector, the out-of-service taint. So does a
    kubelet that starts again from a list that a lagging server answered at resourceVersion 0.
    """
    for pod in _changed_pods(before, after):
        places = [
            f"{place.node} ({other.uid})"
            for place, runtime in node_states(after, "runtime/")
            for other in runtime.pods.values()
            if other.key == pod.key and _runs(other)
        ]
        if len(places) > 1:
            return fails(f"{pod.key} runs on {' and on '.join(sorted(places))}", "identity")
    return HOLDS


@sometimes(reads=("runtimes",), source="companion")
def a_statefulset_pod_moves(state: State) -> bool:
    """A pod of a StatefulSet runs whose identity another pod had before."""
    for _, _, runtime in touched_nodes(state, "runtime/"):
        for uid, pod in runtime.pods.sorted_items():
            is_later = not uid.endswith("#0")
            if is_later and _runs(pod) and is_of_a_stateful_set(state, pod.key):
                return True
    return False


def _living(state: State) -> Iterator[StatefulSet]:
    """The StatefulSets that stay, in namespaces that do."""
    for owner in values(state, "statefulsets"):
        space = newest(state, "namespaces").get(f"namespaces/{owner.namespace}")
        if not owner.is_terminating and space is not None and not space.value.is_terminating:
            yield owner


def _pods_of(state: State, owner: StatefulSet) -> dict[int, Pod]:
    """Its pods by ordinal."""
    found = controlled_by(newest(state, "pods"), owner.uid)
    return {ordinal_of(entry.value): entry.value for entry in found}


def _is_settled(pod: Pod, owner: StatefulSet, now: int) -> bool:
    is_running = is_running_and_ready(pod) and not pod.is_terminating
    return is_running and is_available(pod, owner.spec.min_ready_seconds, now)


def _none_is_missing(state: State) -> Verdict:
    for owner in _living(state):
        if may_refuse(state, owner.namespace, owner.spec.template.spec):
            continue
        pods = _pods_of(state, owner)
        for ordinal in ordinals_of(owner):
            pod = pods.get(ordinal)
            if pod is None:
                return fails(f"{owner.key}-{ordinal} is missing", "missing")
            if not allows_burst(owner) and not _is_settled(pod, owner, state.clock):
                break
    return HOLDS


def _loses_a_pod(state: State) -> bool:
    """Whether the last step removed a pod that a StatefulSet wants."""
    for change in written(state, "pods"):
        if change.entry is None and change.previous is not None:
            name, _, ordinal = change.previous.value.key.rpartition("-")
            owner = newest(state, "statefulsets").get(f"statefulsets/{name}")
            if owner is not None and ordinal.isdecimal():
                return int(ordinal) in ordinals_of(owner.value)
    return False


a_missing_statefulset_pod_is_created = leads_to(
    "a-missing-statefulset-pod-is-created",
    promise="After a pod is lost, none is missing whose predecessors are all running and ready.",
    conditions=(
        "Not for long, whatever becomes of its successors; predecessors do not count with the "
        "policy Parallel. Once edits and faults have ended, and where admission lets the pod and "
        "its claims in."
    ),
    source="https://github.com/kubernetes/kubernetes/issues/38418",
    when=_loses_a_pod,
    then=_none_is_missing,
    reads=("pods", "objects", "namespaces"),
    faults=all_but(),
    companion="a-statefulset-pod-moves",
    mutants=("statefulset-ignores-deletions",),
)


def _is_waiting_for_a_place(pod: Pod) -> bool:
    return not pod.spec.node_name and not pod.is_terminating and not is_finished(pod)


def _sets_match(state: State) -> Verdict:
    for owner in _living(state):
        pods = _pods_of(state, owner)
        if any(_is_waiting_for_a_place(pod) for pod in pods.values()):
            continue
        if may_refuse(state, owner.namespace, owner.spec.template.spec):
            continue
        verdict = _matches(state, owner, pods)
        if not verdict:
            return verdict
    return HOLDS


def _matches(state: State, owner: StatefulSet, pods: dict[int, Pod]) -> Verdict:
    if sorted(pods) != list(ordinals_of(owner)):
        return fails(f"{owner.key} has the pods {sorted(pods)}", "identities")
    unsettled = [p.key for p in pods.values() if not _is_settled(p, owner, state.clock)]
    if unsettled:
        return fails(f"{owner.key} waits for {unsettled[0]}", "unready")
    status, count = owner.status, len(pods)
    revision = newest(state, "controllerrevisions").get(
        f"controllerrevisions/{owner.namespace}/{status.update_revision}"
    )
    if revision is None or revision.value.data != template_data(owner.spec.template):
        return fails(f"{owner.key} updates to another template", "revision")
    counts = (status.replicas, status.ready_replicas, status.available_replicas)
    if counts != (count, count, count):
        return fails(f"{owner.key} reports {counts} of {count} pods", "status")
    if status.observed_generation != owner.metadata.generation:
        return fails(f"{owner.key} has not seen its newest spec", "status")
    to_update = sorted(pods)[partition_of(owner) :] if is_rolling(owner) else []
    for ordinal in to_update:
        if revision_of(pods[ordinal]) != status.update_revision:
            return fails(f"{pods[ordinal].key} is of an old revision", "old")
    return HOLDS


statefulsets_converge = eventually_stable(
    "statefulsets-converge",
    promise="In the end a StatefulSet has exactly its pods, ready, updated, and counted.",
    conditions=(
        "The ordinals that spec wants, from the partition on of the update revision, and a status "
        "that says so. Where every pod of it that is left has found a node; applications here "
        "become ready once started, and admission lets them in. Once edits and faults have ended, "
        "in namespaces that are not being deleted."
    ),
    source=_DOCS,
    when=lambda state: any(True for _ in fresh(state, "statefulsets")),
    then=_sets_match,
    reads=("pods", "objects", "namespaces"),
    faults=all_but(),
    companion="a-statefulset-creates-a-successor",
    mutants=("statefulset-writes-no-status",),
)

PROPERTIES = (
    one_pod_runs_per_statefulset_identity,
    a_missing_statefulset_pod_is_created,
    statefulsets_converge,
    a_statefulset_pod_moves,
)
