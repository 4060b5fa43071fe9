"""Whom a preemption may evict from a node, in which order they are spared, and budgets.

After pkg/scheduler/framework/plugins/defaultpreemption/default_preemption.go (isPreemptionAllowed,
podTerminatingByPreemption, filterPodsWithPDBViolation) and pkg/scheduler/util/utils.go
(MoreImportantPod, GetPodStartTime) at 1.36.

A NodeInfo keeps no status of its pods, so start times and conditions are read from the informer's
cache. A pod that has not started counts as started now, upstream; here as later than all others,
and equals are in the order of keys, where upstream leaves the order to its sort.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence

from kspec_models.objects import Pod, PodDisruptionBudget, condition
from kspec_models.scheduler.condition import DISRUPTION_TARGET, PREEMPTION_BY_SCHEDULER
from kspec_models.scheduler.filtering import priority_of
from kspec_models.scheduler.framework import Context
from kspec_models.selectors import EVERYTHING, NOTHING, Selector, SelectorError, label_selector

NOT_STARTED = sys.maxsize


def told(pod: Pod, context: Context) -> Pod:
    """The pod as the informer has it, with its status; the given one where it has no such pod."""
    pods = context.caches.get("pods")
    entry = pods.get(f"pods/{pod.key}") if pods is not None else None
    if entry is None or entry.value.uid != pod.uid:
        return pod
    newest: Pod = entry.value
    return newest


def start_of(pod: Pod) -> int:
    """When the pod started, in virtual seconds; NOT_STARTED where it has not."""
    start = pod.status.start_time
    return NOT_STARTED if start is None else start


def importance(context: Context) -> Callable[[Pod], tuple[int, int]]:
    """A sort key, the most important pod first: of high priority, then started early."""
    return lambda pod: (-priority_of(pod), start_of(told(pod, context)))


def may_be_preempted(victim: Pod, preemptor: Pod) -> bool:
    """Whether the pod may be evicted for the other."""
    return priority_of(victim) < priority_of(preemptor)


def is_terminating_by_preemption(pod: Pod) -> bool:
    """Whether the pod is being deleted because a scheduler preempted it."""
    if not pod.is_terminating:
        return False
    target = condition(pod.status.conditions, DISRUPTION_TARGET)
    return target is not None and (target.status, target.reason) == (
        "True",
        PREEMPTION_BY_SCHEDULER,
    )


def budgets_of(context: Context) -> tuple[PodDisruptionBudget, ...]:
    """The PodDisruptionBudgets that the informer knows of."""
    budgets = context.caches.get("poddisruptionbudgets")
    return tuple(entry.value for entry in budgets.entries()) if budgets is not None else ()


def filter_pods_with_pdb_violation(
    pods: Iterable[Pod], budgets: Sequence[PodDisruptionBudget]
) -> tuple[tuple[Pod, ...], tuple[Pod, ...]]:
    """The pods whose eviction would violate a budget, and the others, each in the order given.

    Each pod that a budget selects uses up one of its allowed disruptions, but for those whose
    eviction the API server has processed already.
    """
    allowed = [budget.status.disruptions_allowed for budget in budgets]
    selectors = [_selector(budget) for budget in budgets]
    violating: list[Pod] = []
    others: list[Pod] = []
    for pod in pods:
        is_violating = False
        for index, budget in enumerate(budgets):
            if not _counts(budget, selectors[index], pod):
                continue
            allowed[index] -= 1
            is_violating = is_violating or allowed[index] < 0
        (violating if is_violating else others).append(pod)
    return tuple(violating), tuple(others)


def _selector(budget: PodDisruptionBudget) -> Selector:
    """What the budget selects; neither an empty nor an invalid selector selects anything."""
    try:
        selector = label_selector(budget.spec.selector)
    except SelectorError:
        return NOTHING
    return NOTHING if selector == EVERYTHING else selector


def _counts(budget: PodDisruptionBudget, selector: Selector, pod: Pod) -> bool:
    return (
        bool(pod.metadata.labels)
        and budget.namespace == pod.namespace
        and selector.matches(pod.metadata.labels)
        and pod.name not in budget.status.disrupted_pods
    )
