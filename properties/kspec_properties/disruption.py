"""What PodDisruptionBudgets promise of evictions.

The promise is as it is kept: evictions never exceed what the status allowed as last computed. A
budget does not promise that so many pods are healthy: a pod that is deleted directly, fails or
becomes unready asks no budget. So it is told in its two halves: the API server takes each eviction
from the budget, and the disruption controller, which computes the number anew from a cache that
lags, keeps counting an approved eviction until that cache shows the pod going.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kspec.logic import HOLDS, Verdict, fails, forall
from kspec.property import eventually_stable, sometimes, transition
from kspec_models.budgets import BUDGETS, covers, forgotten_at, guards, is_evicted, is_ready
from kspec_models.layout import HostSlot
from kspec_models.objects import Pod, PodDisruptionBudget
from kspec_models.objects.record import EMPTY, Labels
from kspec_models.requests import Update
from kspec_models.state import State
from kspec_models.store import Change, Entry, Snapshot
from kspec_properties.faults import all_but
from kspec_properties.reading import newest, pods, values, written

_BUDGETS_PAGE = "https://kubernetes.io/docs/concepts/workloads/pods/disruptions/"


def _evicted(state: State) -> Iterator[Entry]:
    """The pods as they were when the last step approved their eviction."""
    for change in written(state, "pods"):
        old, new = change.previous, change.entry
        if old is None or new is None or is_evicted(old.value):
            continue
        if is_evicted(new.value):
            yield old


def _counts_ready(entry: Entry) -> bool:
    pod: Pod = entry.value
    return pod.status.phase == "Running" and not pod.is_terminating and is_ready(pod)


@transition(
    reads=("pods",),
    source=_BUDGETS_PAGE,
    faults=all_but(),
    companion="an-eviction-is-approved",
    mutants=("evictions-are-not-counted",),
)
def evictions_stay_within_the_budget(before: State, after: State) -> Verdict:
    """An eviction of a ready pod takes a disruption from its budget, which had one left.

    Direct deletion is not an eviction and asks no budget.
    """
    for entry in _evicted(after):
        if not _counts_ready(entry):
            continue
        for budget in values(before, BUDGETS):
            if guards(budget, entry.value) and not _is_taken(after, budget, entry.value):
                text = f"pod {entry.value.key} is evicted and {BUDGETS} {budget.key}"
                return fails(f"{text} had no disruption left, or is not counted down", "uncounted")
    return HOLDS


def _is_taken(state: State, budget: PodDisruptionBudget, pod: Pod) -> bool:
    """Whether the last step took a disruption from the budget, for that pod."""
    for change in written(state, BUDGETS):
        if change.previous is None or change.entry is None:
            continue
        if change.key != f"{BUDGETS}/{budget.key}":
            continue
        old, new = change.previous.value.status, change.entry.value.status
        if pod.name not in new.disrupted_pods:
            continue
        if old.disruptions_allowed > 0 and new.disruptions_allowed == old.disruptions_allowed - 1:
            return True
    return False


def _computed(state: State) -> Iterator[tuple[Change, Snapshot]]:
    """Each status of a budget that a controller wrote, and the pods that its cache showed."""
    for answered in state.answered:
        request = answered.request
        if not isinstance(request, Update) or request.object.resource != BUDGETS:
            continue
        place = state.layout.slots[state.layout.by_host.get(answered.host, -1)]
        if not isinstance(place, HostSlot) or "pods" not in place.caches:
            continue
        informer = state.slots[place.caches["pods"]]
        for change in written(state, BUDGETS):
            if change.key == f"{BUDGETS}/{request.object.key}" and informer is not None:
                yield change, informer.cache


@transition(
    reads=("objects", "requests"),
    source="https://github.com/kubernetes/kubernetes/issues/82149",
    faults=all_but(),
    companion="an-eviction-is-approved",
    mutants=("disruption-forgets-approved-evictions",),
)
def approved_evictions_stay_counted(before: State, after: State) -> Verdict:
    """A budget computed anew counts an approved eviction until the pod is seen to go.

    For two minutes: an eviction whose pod is still there then is taken to have failed.
    """
    for change, cache in _computed(after):
        if change.previous is None or change.entry is None:
            continue
        found = _forgotten(change.previous.value, change.entry.value, cache, after)
        if found is not None:
            return fails(
                f"{change.key} no longer counts the eviction of {found.key}, which the cache shows "
                "as it was",
                "eviction-forgotten",
            )
    return HOLDS


def _forgotten(
    old: PodDisruptionBudget, new: PodDisruptionBudget, cache: Snapshot, state: State
) -> Pod | None:
    """A pod whose note is gone while the cache shows it untouched, and it is on its way out."""
    for name, since in sorted(old.status.disrupted_pods.items()):
        if name in new.status.disrupted_pods or forgotten_at(since) < state.clock:
            continue
        key = f"pods/{new.namespace}/{name}"
        seen, now = cache.get(key), newest(state, "pods").get(key)
        if seen is None or seen.value.is_terminating or not covers(new, seen.value):
            continue
        if now is None or (now.value.uid == seen.value.uid and now.value.is_terminating):
            found: Pod = seen.value
            return found
    return None


def _budgets_are_true(state: State) -> Verdict:
    if "disruption" not in state.layout.by_host:
        return HOLDS
    budgets = tuple(values(state, BUDGETS))
    return forall(
        budgets,
        lambda budget: _is_true(state, budget) or _may_share(budget, budgets),
        lambda budget: f"{BUDGETS} {budget.key} does not say what its pods are",
    )


def _may_share(budget: PodDisruptionBudget, budgets: tuple[PodDisruptionBudget, ...]) -> bool:
    """Whether another budget of its namespace may cover the same pods."""
    return any(
        other.namespace == budget.namespace
        and other.key != budget.key
        and not _are_apart(_labels_of(budget), _labels_of(other))
        for other in budgets
    )


def _labels_of(budget: PodDisruptionBudget) -> Labels:
    found: Labels = (budget.spec.selector or EMPTY).get("matchLabels", EMPTY)
    return found


def _are_apart(one: Labels, other: Labels) -> bool:
    return any(key in other and other[key] != value for key, value in one.items())


def _is_true(state: State, budget: PodDisruptionBudget) -> bool:
    status = budget.status
    if any(c.reason == "SyncFailed" for c in status.conditions):
        return status.disruptions_allowed == 0
    covered = [pod for pod in pods(state) if covers(budget, pod)]
    healthy = sum(not pod.is_terminating and is_ready(pod) for pod in covered)
    least = budget.spec.min_available
    if isinstance(least, int) and (status.desired_healthy, status.expected_pods) != (
        least,
        len(covered),
    ):
        return False
    allowed = max(0, healthy - status.desired_healthy) if status.expected_pods else 0
    observed = status.observed_generation == budget.metadata.generation
    return observed and (status.current_healthy, status.disruptions_allowed) == (healthy, allowed)


budgets_report_the_truth = eventually_stable(
    "budgets-report-the-truth",
    promise="In the end the status of a disruption budget says how many of its pods are healthy.",
    conditions=(
        "Once the faults have ended, and nothing changes any more; of budgets that share no pod: "
        "the controller looks at one of those that cover a pod (getPdbForPod), any of them."
    ),
    source=_BUDGETS_PAGE,
    then=_budgets_are_true,
    reads=("pods", "objects"),
    faults=all_but(),
    companion="a-budget-is-computed",
    mutants=("disruption-ignores-pods",),
)


@sometimes(reads=("pods",), source="companion")
def an_eviction_is_approved(state: State) -> bool:
    """A ready pod is evicted."""
    return any(_counts_ready(entry) for entry in _evicted(state))


@sometimes(reads=("requests",), source="companion")
def a_budget_is_computed(state: State) -> bool:
    """A controller writes the status of a budget."""
    found: Any = next(_computed(state), None)
    return found is not None


PROPERTIES = (
    evictions_stay_within_the_budget,
    approved_evictions_stay_counted,
    budgets_report_the_truth,
    an_eviction_is_approved,
    a_budget_is_computed,
)
