"""PodDisruptionBudgets, for all who read or write one: whom they cover, and what they say.

After k8s.io/component-helpers/apps/poddisruptionbudget/helpers.go and
pkg/controller/disruption/disruption.go at 1.36.
"""

from __future__ import annotations

import datetime
from typing import Any, Final

from kspec.values import Memo
from kspec_models.objects import (
    Condition,
    FrozenMap,
    Pod,
    PodDisruptionBudget,
    Time,
    condition,
    freeze,
    with_condition,
)
from kspec_models.objects.record import EPOCH
from kspec_models.selectors import NOTHING, Selector, SelectorError, label_selector

BUDGETS: Final = "poddisruptionbudgets"
DELETION_TIMEOUT: Final = 120
"""Seconds after which a pod whose eviction was approved counts again if it is still there."""
DISRUPTION_TARGET: Final = "DisruptionTarget"
EVICTION_BY_API: Final = "EvictionByEvictionAPI"
DISRUPTION_ALLOWED: Final = "DisruptionAllowed"


def _parsed(selector: FrozenMap[Any] | None) -> Selector:
    try:
        return label_selector(selector)
    except SelectorError:
        return NOTHING


_selector: Memo[FrozenMap[Any] | None, Selector] = Memo("selector of a budget", _parsed)


def covers(budget: PodDisruptionBudget, pod: Pod) -> bool:
    """Whether the budget's selector, be it empty, selects the pod; one that is wrong does not."""
    same = budget.namespace == pod.namespace
    return same and _selector(budget.spec.selector).matches(pod.metadata.labels)


def guards(budget: PodDisruptionBudget, pod: Pod) -> bool:
    """Whether an eviction of the pod asks the budget: an empty selector guards nothing there."""
    return not _selector(budget.spec.selector).is_empty and covers(budget, pod)


def is_ready(pod: Pod) -> bool:
    """IsPodReady."""
    found = condition(pod.status.conditions, "Ready")
    return found is not None and found.status == "True"


def is_evicted(pod: Pod) -> bool:
    """Whether the pod carries the mark of an eviction that was approved."""
    found = condition(pod.status.conditions, DISRUPTION_TARGET)
    return found is not None and (found.status, found.reason) == ("True", EVICTION_BY_API)


def forgotten_at(noted: str) -> int:
    """The virtual second after which a note of `disruptedPods` no longer counts."""
    return int((datetime.datetime.fromisoformat(noted) - EPOCH).total_seconds()) + DELETION_TIMEOUT


def _says(budget: PodDisruptionBudget) -> tuple[str, str]:
    if budget.status.disruptions_allowed > 0:
        return "True", "SufficientPods"
    return "False", "InsufficientPods"


def is_condition_current(budget: PodDisruptionBudget) -> bool:
    """ConditionsAreUpToDate."""
    known = condition(budget.status.conditions, DISRUPTION_ALLOWED)
    if known is None:
        return False
    observed = known.extra.get("observedGeneration", 0)
    return known.status == _says(budget)[0] and observed == budget.status.observed_generation


def with_condition_said(
    budget: PodDisruptionBudget, status: str, reason: str, message: str, now: int
) -> PodDisruptionBudget:
    """The budget with its condition; the time changes with the status alone."""
    known = condition(budget.status.conditions, DISRUPTION_ALLOWED)
    since = Time(now)
    if known is not None and known.status == status and known.last_transition_time is not None:
        since = known.last_transition_time
    said = Condition(
        type=DISRUPTION_ALLOWED,
        status=status,
        reason=reason,
        message=message,
        last_transition_time=since,
        extra=freeze({"observedGeneration": budget.status.observed_generation}),
    )
    conditions = with_condition(budget.status.conditions, said)
    return budget.replace(status=budget.status.replace(conditions=conditions))


def with_condition_updated(budget: PodDisruptionBudget, now: int) -> PodDisruptionBudget:
    """UpdateDisruptionAllowedCondition."""
    return with_condition_said(budget, *_says(budget), "", now)
