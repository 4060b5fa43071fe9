"""What nobody promises and everybody expects, judged where a world asks for it.

An object asks by its annotation `kspec.dev/expect`, with the names of properties joined by commas:
the worlds of Kivi do (`kspec check --world kivi/c1`), and any other may. Elsewhere nothing is
judged, and a report says Vacuous.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from kspec.logic import HOLDS, Verdict, fails
from kspec.property import eventually_stable, sometimes, transition
from kspec_models.controllers.hpa_scale import replicas_of, target_of
from kspec_models.controllers.pods import is_active
from kspec_models.indexes import controlled_by
from kspec_models.kernel_panic import has_panicked
from kspec_models.node_affinity import accepts
from kspec_models.objects import (
    Deployment,
    HorizontalPodAutoscaler,
    Node,
    Pod,
    ReplicaSet,
    condition,
    controller_of,
)
from kspec_models.resources import amounts_of
from kspec_models.state import State
from kspec_properties.reading import deployments, fresh, newest, on_node, values, written

EXPECT: Final = "kspec.dev/expect"
_SOURCE = "https://www.usenix.org/conference/atc24/presentation/liu-bingzhe"
_HPAS = "horizontalpodautoscalers"
SWING, LOOP = 3, 3
"""How far from the top the replicas fall in a swing, and how often a loop must go round."""


def _asks(obj: Any, name: str) -> bool:
    asked = obj.metadata.annotations.get(EXPECT)
    return asked is not None and name in asked.split(",")


def _workload_of(state: State, pod: Pod) -> tuple[Deployment, ReplicaSet] | None:
    """The Deployment of a pod and the ReplicaSet between them."""
    owner = controller_of(pod)
    if owner is None or owner.kind != "ReplicaSet":
        return None
    entry = newest(state, "replicasets").get(f"replicasets/{pod.namespace}/{owner.name}")
    above = controller_of(entry.value) if entry is not None else None
    if entry is None or above is None:
        return None
    found = newest(state, "deployments").get(f"deployments/{pod.namespace}/{above.name}")
    return None if found is None else (found.value, entry.value)


def _asking(state: State, name: str) -> Iterator[tuple[Deployment, ReplicaSet, Pod]]:
    """The pods that the last step wrote or removed, of the Deployments that ask for a property."""
    for change in written(state, "pods"):
        entry = change.entry if change.entry is not None else change.previous
        found = _workload_of(state, entry.value) if entry is not None else None
        if found is not None and _asks(found[0], name):
            assert entry is not None
            yield (*found, entry.value)


def _active(state: State, deployment: Deployment) -> int:
    """How many active pods a Deployment has."""
    sets = controlled_by(newest(state, "replicasets"), deployment.uid)
    return sum(
        is_active(entry.value)
        for each in sets
        for entry in controlled_by(newest(state, "pods"), each.value.uid)
    )


@transition(
    reads=("deployments",),
    source=_SOURCE,
    companion="somebody-expects-something",
    mutants=("hpa-trusts-young-pods",),
)
def no_swing(before: State, after: State) -> Verdict:
    """What an autoscaler has scaled to its maximum does not fall to its minimum, or by three.

    For an autoscaler that asks for it, under constant conditions. A load that goes as it came
    swings too. (Kivi, case c1.)
    """
    for change in written(after, "deployments"):
        for hpa in values(after, _HPAS) if change.entry is not None else ():
            target = target_of(hpa)
            if not _asks(hpa, "no-swing") or target is None or "/".join(target) != change.key:
                continue
            assert change.entry is not None
            least, most = hpa.spec.min_replicas or 1, hpa.spec.max_replicas
            _, peak = after.peaks[change.key]
            now = replicas_of(change.entry.value)
            if least < most <= peak and (now <= most - SWING or now == least):
                return fails(f"{target[1]} fell from {peak} replicas to {now}", "swing")
    return HOLDS


@transition(
    reads=("pods",),
    source="https://github.com/kubernetes/kubernetes/issues/67135",
    companion="somebody-expects-something",
    mutants=("hpa-forgets-its-minimum",),
)
def at_least_the_minimum(before: State, after: State) -> Verdict:
    """What an autoscaler scales never has fewer pods than its minimum once it had them.

    For an autoscaler that asks for it, while nobody deletes pods. A manifest without replicas that
    is applied resets them to one. (Kivi, case c2.)
    """
    if not any(True for _ in written(after, "pods")):
        return HOLDS
    for hpa in values(after, _HPAS):
        if not _asks(hpa, "at-least-the-minimum"):
            continue
        had, has = _pods_of(before, hpa), _pods_of(after, hpa)
        least = hpa.spec.min_replicas or 1
        if has < least <= had:
            return fails(f"{hpa.key} has {has} pods, at least {least}", "minimum")
    return HOLDS


def _pods_of(state: State, hpa: HorizontalPodAutoscaler) -> int:
    target = target_of(hpa)
    if target is None or target[0] != "deployments":
        return 0
    entry = newest(state, "deployments").get("/".join(target))
    return _active(state, entry.value) if entry is not None else 0


@transition(
    reads=("pods",),
    source="https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/"
    "#example-conflicting-topologyspreadconstraints",
    companion="somebody-expects-something",
    mutants=("scheduler-finds-no-node",),
)
def always_schedulable(before: State, after: State) -> Verdict:
    """The scheduler finds a node for each pod of a Deployment that asks for it (Kivi, case c3)."""
    for deployment, _, pod in _asking(after, "always-schedulable"):
        found = condition(pod.status.conditions, "PodScheduled")
        if found is not None and found.reason == "Unschedulable" and not pod.spec.node_name:
            return fails(f"{pod.key} of {deployment.name} finds no node", "unschedulable")
    return HOLDS


@transition(
    reads=("nodes",),
    source="https://updates.moonlightwork.com/outage-post-mortem-87370",
    companion="somebody-expects-something",
    mutants=("kernels-panic-early",),
)
def no_panic(before: State, after: State) -> Verdict:
    """The kernel of a node that asks for it does not stop for lack of CPU (Kivi, case c4)."""
    for change in written(after, "nodes"):
        if change.entry is not None and _asks(change.entry.value, "no-panic"):
            node: Node = change.entry.value
            if has_panicked(node):
                return fails(f"the kernel of {node.name} has stopped", "panic")
    return HOLDS


@transition(
    reads=("pods",),
    source=_SOURCE,
    companion="somebody-expects-something",
    mutants=("maintenance-does-not-wait",),
)
def at_most_one_missing(before: State, after: State) -> Verdict:
    """A Deployment that asks for it never has fewer than replicas - 1 pods once it had them.

    While nodes are drained one after the other, each once the others have taken over. Only a
    PodDisruptionBudget promises it. (Kivi, case c6.)
    """
    for deployment, _, _ in _asking(after, "at-most-one-missing"):
        least = replicas_of(deployment) - 1
        had, has = _active(before, deployment), _active(after, deployment)
        if has < least <= had:
            return fails(f"{deployment.key} has {has} pods, at least {least}", "missing")
    return HOLDS


@transition(
    reads=("pods",),
    source="https://github.com/kubernetes/kubernetes/issues/75913",
    companion="somebody-expects-something",
    mutants=("taint-eviction-ignores-tolerations",),
)
def no_churn(before: State, after: State) -> Verdict:
    """A Deployment that asks for it makes no more than two pods beyond its replicas.

    While nobody edits it. Pods that are evicted where their replacements go are made for ever.
    (Kivi, case c7.)
    """
    for deployment, replica_set, _ in _asking(after, "no-churn"):
        low, high = after.peaks[f"deployments/{deployment.key}"]
        made = after.api.names.get(f"pods/{replica_set.key}-", 0)
        if low == high and made >= high + LOOP:
            return fails(f"{deployment.key} has made {made} pods for {high} replicas", "churn")
    return HOLDS


def _could_finish(state: State) -> Verdict:
    for deployment in deployments(state):
        for each in controlled_by(newest(state, "replicasets"), deployment.uid):
            for entry in controlled_by(newest(state, "pods"), each.value.uid):
                verdict = _is_not_blocked(state, deployment, entry.value)
                if not verdict:
                    return verdict
    return HOLDS


def _is_not_blocked(state: State, deployment: Deployment, pod: Pod) -> Verdict:
    """An unschedulable pod is not kept out by a pod of its own Deployment that is to go anyway."""
    found = condition(pod.status.conditions, "PodScheduled")
    if found is None or found.reason != "Unschedulable" or not is_active(pod):
        return HOLDS
    mine = controller_of(pod)
    for node in values(state, "nodes"):
        for entry in on_node(state, node.name) if accepts(pod.spec, node) else ():
            other = _workload_of(state, entry.value)
            is_old = other is not None and other[0].uid == deployment.uid
            if other is None or not is_old or mine is None or other[1].uid == mine.uid:
                continue
            if amounts_of(entry.value).requests == amounts_of(pod).requests:
                text = f"{pod.key} waits for the room of {entry.value.key}, which waits for it"
                return fails(text, "deadlock")
    return HOLDS


a_rollout_that_could_finish_finishes = eventually_stable(
    "a-rollout-that-could-finish-finishes",
    promise="In the end no new pod waits for the room of an old pod of the same Deployment.",
    conditions=(
        "Not kept: of three replicas, maxUnavailable 25 % is none and maxSurge 25 % is one. Where "
        "anti-affinity, quota or a full cluster leave no place for the one pod more, the new pod "
        "waits for an old one to go and the old one for the new to be available "
        "(kubernetes#116891, open pull request #135993)."
    ),
    source="https://github.com/kubernetes/kubernetes/issues/116891",
    when=lambda state: any(True for _ in fresh(state, "deployments")),
    then=_could_finish,
    reads=("deployments", "replicasets", "pods", "nodes"),
    companion="a-deployment-scales-up",
    known_false=True,
)


@sometimes(reads=(), source="companion")
def somebody_expects_something(state: State) -> bool:
    """An object carries the annotation kspec.dev/expect."""
    if state.changed != -1 and not state.written:
        return False
    resources = (_HPAS, "deployments", "nodes")
    return any(EXPECT in obj.metadata.annotations for r in resources for obj in fresh(state, r))


PROPERTIES = (
    no_swing,
    at_least_the_minimum,
    always_schedulable,
    no_panic,
    at_most_one_missing,
    no_churn,
    a_rollout_that_could_finish_finishes,
    somebody_expects_something,
)
