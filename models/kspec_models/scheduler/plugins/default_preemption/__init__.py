"""DefaultPreemption: a node and the pods to evict there, for a pod that fits nowhere.

After pkg/scheduler/framework/plugins/defaultpreemption/default_preemption.go and
pkg/scheduler/framework/preemption/preemption.go (Preempt, findCandidates) at 1.36. The parts:
`victims` (who may be evicted), `dry_run` (what that needs on each node), `selection` (the best).

The evictions themselves are requests and belong to the scheduler's cycle. The offset at which the
search starts is drawn at random upstream and is a parameter here.

Left out: preemption by groups of pods, which is alpha.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from kspec.errors import InputError
from kspec_models.objects import Pod
from kspec_models.scheduler.events import DELETE, POD, ClusterEvent, Hint
from kspec_models.scheduler.framework import (
    ERROR,
    UNRESOLVABLE,
    UNSCHEDULABLE,
    Context,
    Nomination,
    Policy,
    Status,
)
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.plugins.default_preemption.dry_run import (
    Candidate,
    dry_run,
    select_victims_on_node,
)
from kspec_models.scheduler.plugins.default_preemption.selection import (
    best_candidates,
    pick_one_node,
)
from kspec_models.scheduler.plugins.default_preemption.victims import (
    budgets_of,
    filter_pods_with_pdb_violation,
    is_terminating_by_preemption,
    may_be_preempted,
    told,
)

__all__ = [
    "EVENTS",
    "NAME",
    "Candidate",
    "DefaultPreemption",
    "best_candidates",
    "dry_run",
    "eligible",
    "filter_pods_with_pdb_violation",
    "nodes_where_preemption_might_help",
    "pick_one_node",
    "select_victims_on_node",
]

NAME = "DefaultPreemption"
NOT_HELPFUL = "Preemption is not helpful for scheduling"
NEVER = "Never"
UNRESOLVABLE_STATUS = Status(UNRESOLVABLE)


def _never(pod: Pod, event: ClusterEvent) -> bool:
    """The plugin that rejected the pod as well says when the pod is to be retried."""
    return False


EVENTS: Mapping[tuple[str, str], Hint] = {(POD, DELETE): _never}


def eligible(pod: Pod, context: Context, nominated_status: Status | None) -> tuple[bool, str]:
    """Whether the pod may preempt others now, and why not (PodEligibleToPreemptOthers).

    nominated_status: what the filters said of the node that the pod is nominated to.
    """
    if pod.spec.preemption_policy == NEVER:
        return False, "not eligible due to preemptionPolicy=Never."
    nominated = pod.status.nominated_node_name
    if not nominated or (nominated_status and nominated_status.code == UNRESOLVABLE):
        return True, ""
    info = next((info for info in context.nodes if info.name == nominated), None)
    for other in info.pods if info is not None else ():
        if may_be_preempted(other, pod) and is_terminating_by_preemption(told(other, context)):
            return False, "not eligible due to a terminating pod on the nominated node."
    return True, ""


def nodes_where_preemption_might_help(
    nodes: Sequence[NodeInfo],
    statuses: Mapping[str, Status],
    absent: Status = UNRESOLVABLE_STATUS,
) -> tuple[NodeInfo, ...]:
    """The nodes that refused the pod for a reason that an eviction may remove.

    statuses: by node, why it refused; absent: the same for the nodes that have none.
    """
    return tuple(info for info in nodes if statuses.get(info.name, absent).code == UNSCHEDULABLE)


class DefaultPreemption:
    """The PostFilter plugin.

    min_candidate_nodes_percentage, min_candidate_nodes_absolute: how many nodes a search must
    find, in percent of those it may help on and in nodes; the greater of both counts.
    Raises InputError for a percentage outside of 0..100, a negative number, or none at all.

    A policy may have `process_preemption(pod, candidates, context)`, for its extenders: it returns
    the candidates that are left, or a Status that ends the preemption.
    """

    name = NAME
    resources = ("poddisruptionbudgets",)

    def __init__(
        self, min_candidate_nodes_percentage: int = 10, min_candidate_nodes_absolute: int = 100
    ) -> None:
        percentage, absolute = min_candidate_nodes_percentage, min_candidate_nodes_absolute
        where = f"arguments of {NAME}"
        if not 0 <= percentage <= 100:
            raise InputError(
                f"minCandidateNodesPercentage is {percentage}", where=where, expected="0 to 100"
            )
        if absolute < 0:
            raise InputError(
                f"minCandidateNodesAbsolute is {absolute}", where=where, expected="at least 0"
            )
        if not percentage and not absolute:
            problem = "minCandidateNodesPercentage and minCandidateNodesAbsolute are both 0"
            raise InputError(problem, where=where, expected="one of them above 0")
        self.percentage, self.absolute = percentage, absolute

    def number_of_candidates(self, count: int) -> int:
        """How many candidates end a search among `count` nodes (calculateNumCandidates)."""
        return min(max(count * self.percentage // 100, self.absolute), count)

    def post_filter(
        self,
        policy: Policy,
        pod: Pod,
        statuses: Mapping[str, Status],
        context: Context,
        *,
        absent: Status = UNRESOLVABLE_STATUS,
        offset: int = 0,
    ) -> Nomination:
        """The node to nominate and its victims, or why preemption does not help.

        statuses, absent: why the nodes refused the pod. offset: the node to start the search at,
        among those where preemption may help. The nomination says whether an earlier one is kept.
        """
        pod = told(pod, context)
        nominated_status = statuses.get(pod.status.nominated_node_name, absent)
        is_eligible, reason = eligible(pod, context, nominated_status)
        if not is_eligible:
            return _kept(UNSCHEDULABLE, reason)
        if not context.nodes:
            return _kept(ERROR, "no nodes available")
        status, context = _started(policy, pod, context)
        if not status.ok:
            return _kept(status.code, ", ".join(status.reasons))
        nodes = nodes_where_preemption_might_help(context.nodes, statuses, absent)
        candidates, failed = dry_run(
            policy,
            pod,
            nodes,
            context,
            budgets_of(context),
            offset=offset,
            enough=self.number_of_candidates(len(nodes)),
        )
        if not candidates:
            return _without_candidates(failed, len(context.nodes))
        return _best_of(policy, pod, candidates, context)


def _started(policy: Policy, pod: Pod, context: Context) -> tuple[Status, Context]:
    """The context of a cycle, in which PreFilter has run."""
    pre_filter: Any = getattr(policy, "pre_filter", None)
    if context.states is not None or pre_filter is None:
        return Status(), context
    started: tuple[Status, Context] = pre_filter(pod, context)
    return started


def _best_of(
    policy: Policy, pod: Pod, candidates: Sequence[Candidate], context: Context
) -> Nomination:
    process: Any = getattr(policy, "process_preemption", None)
    if process is not None:
        left = process(pod, candidates, context)
        if isinstance(left, Status):
            return _kept(left.code, ", ".join(left.reasons))
        candidates = left
    best = pick_one_node(candidates)
    if best is None:
        return _kept(UNSCHEDULABLE, "no candidate node for preemption")
    return Nomination(best.node, best.victims)


def _without_candidates(failed: Mapping[str, Status], count: int) -> Nomination:
    errors = dict.fromkeys(
        ", ".join(status.reasons) for status in failed.values() if status.code == ERROR
    )
    if errors:
        text = ", ".join(errors)
        return _kept(ERROR, text if len(errors) == 1 else f"[{text}]")
    reasons = Counter(reason for status in failed.values() for reason in status.reasons)
    if len(failed) < count:
        reasons[NOT_HELPFUL] += count - len(failed)
    counted = ", ".join(sorted(f"{number} {reason}" for reason, number in reasons.items()))
    said = f" {counted}." if counted else ""
    return Nomination(status=_status(UNSCHEDULABLE, f"0/{count} nodes are available:{said}"))


def _kept(code: str, reason: str) -> Nomination:
    return Nomination(status=_status(code, reason), keeps=True)


def _status(code: str, reason: str) -> Status:
    return Status(code, (f"preemption: {reason}",), NAME)
