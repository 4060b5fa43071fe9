"""What the HorizontalPodAutoscaler promises, and what is expected of the descheduler."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kspec.logic import HOLDS, Verdict, fails
from kspec.property import eventually_stable, sometimes, transition
from kspec_models.controllers.hpa_memory import Known
from kspec_models.controllers.hpa_scale import replicas_of, target_of
from kspec_models.controllers.pods import is_active
from kspec_models.indexes import controlled_by
from kspec_models.objects import HorizontalPodAutoscaler, Pod, controller_of
from kspec_models.requests import Update
from kspec_models.state import State
from kspec_properties.faults import all_but
from kspec_properties.reading import fresh, hosts, newest, values, written

_DOCS = "https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/"
_HPAS = "horizontalpodautoscalers"


def _autoscaler_of(state: State, scaled: Any) -> HorizontalPodAutoscaler | None:
    """The autoscaler of an object as the controller has read it, if it has but one."""
    slot = state.layout.by_informer["controller-manager", _HPAS]
    found: list[HorizontalPodAutoscaler] = [
        entry.value
        for entry in state.slots[slot].cache.entries()
        if target_of(entry.value) == (scaled.resource, scaled.key)
    ]
    return found[0] if len(found) == 1 else None


def _scalings(state: State) -> Iterator[Any]:
    """The objects as the autoscaler asked in this step for them to be scaled."""
    for sent in state.sent:
        request = sent.request
        if sent.host == "hpa" and isinstance(request, Update) and not request.subresource:
            yield request.object


@transition(
    reads=("requests",),
    source=_DOCS + "#how-does-a-horizontalpodautoscaler-work",
    faults=all_but(),
    companion="an-autoscaler-scales",
    mutants=("hpa-ignores-its-maximum",),
)
def an_autoscaler_stays_within_its_bounds(before: State, after: State) -> Verdict:
    """An autoscaler asks for no fewer than minReplicas and no more than maxReplicas.

    Of the spec that its controller has read, which may be old; of a target that has no other.
    """
    for scaled in _scalings(after):
        hpa = _autoscaler_of(after, scaled)
        if hpa is None:
            continue
        wanted, least, most = replicas_of(scaled), hpa.spec.min_replicas or 1, hpa.spec.max_replicas
        if not least <= wanted <= most:
            return fails(f"{hpa.key} asks for {wanted} replicas of {least} to {most}", "bounds")
    return HOLDS


def _known(state: State) -> dict[str, Known]:
    for _, memory in hosts(state, "hpa"):
        return dict(memory.own.known.sorted_items())
    return {}


def _tolerance(state: State) -> float:
    for place, _ in hosts(state, "hpa"):
        controller: Any = place.host
        return float(controller.controller.settings.tolerance)
    return 0.0


def _is_quiet(hpa: HorizontalPodAutoscaler, tolerance: float) -> bool:
    """Whether all metrics of the last pass are utilizations within the tolerance of their goals."""
    metrics, goals = hpa.status.current_metrics, hpa.spec.metrics
    rules = (hpa.spec.behavior or {}).values()
    if any("tolerance" in each for each in rules) or len(metrics) != len(goals) or not metrics:
        return False
    for metric, goal in zip(metrics, goals, strict=True):
        found, wanted = metric.get("resource"), goal.get("resource")
        if found is None or wanted is None:
            return False
        aim = wanted["target"].get("averageUtilization")
        seen = found["current"].get("averageUtilization")
        if aim is None or seen is None or not 1 - tolerance <= seen / aim <= 1 + tolerance:
            return False
    return True


@transition(
    reads=("objects",),
    source="https://github.com/kubernetes/kubernetes/issues/72775",
    faults=all_but(),
    companion="an-autoscaler-is-content",
    mutants=("hpa-counts-surge-pods",),
)
def within_tolerance_nothing_is_scaled(before: State, after: State) -> Verdict:
    """While usage is within tolerance, an autoscaler recommends the size that the spec asks for.

    About utilization of resources within the flag's tolerance, and the recommendation of the pass
    itself: that of an earlier one may still win by its stabilization window, and bounds come first.
    Pods that a rollout has more or fewer for a while do not count.
    """
    for change in written(after, _HPAS):
        if change.entry is None or not _is_quiet(change.entry.value, _tolerance(after)):
            continue
        hpa = change.entry.value
        own = _known(after).get(hpa.key)
        if own is None or not own.history.recommendations or own.last_pass != after.clock:
            continue
        recommended, current = own.history.recommendations[-1].value, hpa.status.current_replicas
        if recommended != current and hpa.status.current_metrics:
            text = f"{hpa.key} recommends {recommended} replicas in place of {current}"
            return fails(text, "content")
    return HOLDS


def _within_bounds(state: State) -> Verdict:
    targets = [target_of(hpa) for hpa in values(state, _HPAS)]
    for hpa in values(state, _HPAS):
        target = target_of(hpa)
        if targets.count(target) > 1:
            continue
        entry = newest(state, target[0]).get("/".join(target)) if target is not None else None
        if entry is None or hpa.is_terminating or entry.value.is_terminating:
            continue
        current, least, most = (
            replicas_of(entry.value),
            hpa.spec.min_replicas,
            hpa.spec.max_replicas,
        )
        if current and not (least or 1) <= current <= most:
            return fails(f"{entry.value.key} has {current} replicas of {least} to {most}", "bounds")
    return HOLDS


autoscaled_targets_end_within_bounds = eventually_stable(
    "autoscaled-targets-end-within-bounds",
    promise="In the end what an autoscaler scales has between minReplicas and maxReplicas.",
    conditions=(
        "Unless it is scaled to zero, which turns its autoscaler off. Metrics or none. Of a target "
        "with one autoscaler: two with different bounds fight."
    ),
    source=_DOCS,
    when=lambda state: any(True for _ in fresh(state, _HPAS)),
    then=_within_bounds,
    reads=("objects", "deployments", "replicasets"),
    faults=all_but(),
    companion="an-autoscaler-scales",
    mutants=("hpa-never-scales",),
)


@transition(
    reads=("pods",),
    source="https://github.com/kubernetes-sigs/descheduler/issues/1237",
    faults=("none",),
    companion="the-descheduler-evicts",
    mutants=("descheduler-ignores-node-fit",),
)
def an_eviction_is_not_in_vain(before: State, after: State) -> Verdict:
    """What replaces a pod that the descheduler evicted leaves its node with fewer pods than before.

    Of one owner, until the next round. The descheduler itself promises no more than that nodeFit
    finds another node with room: without it, and where the scheduler's scores prefer the old node,
    a pod that comes back to where it was is evicted for ever. Judged wherever a descheduler runs.
    """
    moved = [
        change.entry.value
        for change in written(after, "pods")
        if change.entry is not None
        and change.entry.value.spec.node_name
        and (change.previous is None or not change.previous.value.spec.node_name)
    ]
    for _, memory in hosts(after, "descheduler") if moved else ():
        for pod in moved:
            verdict = _improves(after, pod, dict(memory.own.evicted))
            if not verdict:
                return verdict
    return HOLDS


def _improves(state: State, pod: Pod, evicted: dict[tuple[str, str], int]) -> Verdict:
    owner, node = controller_of(pod), pod.spec.node_name
    had = evicted.get((owner.uid, node)) if owner is not None else None
    if owner is None or had is None:
        return HOLDS
    siblings = (entry.value for entry in controlled_by(newest(state, "pods"), owner.uid))
    now = sum(is_active(other) and other.spec.node_name == node for other in siblings)
    if now >= had:
        return fails(
            f"{owner.name} has {now} pods on {node} again, as before its evictions", "vain"
        )
    return HOLDS


@sometimes(reads=("requests",), source="companion")
def an_autoscaler_scales(state: State) -> bool:
    """An autoscaler changes the size of what it scales."""
    return any(True for _ in _scalings(state))


@sometimes(reads=("objects",), source="companion")
def an_autoscaler_is_content(state: State) -> bool:
    """An autoscaler finds usage within its tolerance."""
    changes = [c.entry.value for c in written(state, _HPAS) if c.entry is not None]
    return any(_is_quiet(hpa, _tolerance(state)) for hpa in changes)


@sometimes(reads=("requests",), source="companion")
def the_descheduler_evicts(state: State) -> bool:
    """The descheduler asks for an eviction."""
    return any(sent.host == "descheduler" for sent in state.sent)


PROPERTIES = (
    an_autoscaler_stays_within_its_bounds,
    within_tolerance_nothing_is_scaled,
    autoscaled_targets_end_within_bounds,
    an_eviction_is_not_in_vain,
    an_autoscaler_scales,
    an_autoscaler_is_content,
    the_descheduler_evicts,
)
