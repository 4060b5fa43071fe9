"""The scheduling cycle: from a pod and a snapshot of the nodes to a node, or to why there is none.

After pkg/scheduler/schedule_one.go (schedulePod, findNodesThatFitPod, evaluateNominatedNode,
prioritizeNodes, selectHost) and framework/types.go (FitError) at 1.36.

Upstream breaks ties at random and filters nodes side by side; here the lowest name wins unless the
caller names a node, and nodes are filtered in the order of names from a start on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kspec.errors import NotEnabled
from kspec_models.objects import Pod
from kspec_models.scheduler.filtering import filter_with_nominated
from kspec_models.scheduler.framework import (
    ERROR,
    SUCCESS,
    Context,
    Nomination,
    Policy,
    Status,
    choose,
    highest,
)
from kspec_models.scheduler.nodeinfo import NodeInfo

UNSCHEDULABLE_REASON = "Unschedulable"
ERROR_REASON = "SchedulerError"
NO_NODES = "no nodes available to schedule pods"


class Decision(NamedTuple):
    """node: where the pod goes, "" if nowhere. rejectors: the plugins in the way, sorted; none
    after an error. reason, message: what the pod's condition says. statuses: why each node that
    was looked at does not fit; None unless that is why there is no node. looked: at how many nodes.
    """

    node: str = ""
    rejectors: tuple[str, ...] = ()
    reason: str = ""
    message: str = ""
    statuses: Mapping[str, Status] | None = None
    looked: int = 0


class Search(NamedTuple):
    """The nodes that were found feasible, in the order of names, and why others are not.

    refusal: PreFilter's rejection of all nodes, or an error. context: with PreFilter's states.
    """

    feasible: tuple[NodeInfo, ...]
    statuses: Mapping[str, Status]
    looked: int
    refusal: Status
    context: Context


class Sample(NamedTuple):
    """Node sampling: where the search starts, and how many feasible nodes end it (0: none do)."""

    start: int = 0
    enough: int = 0


WHOLE = Sample()


def find(policy: Policy, pod: Pod, context: Context, sample: Sample = WHOLE) -> Search:
    """The feasible nodes; only the nominated one where the pod is nominated and fits it."""
    status, context = _started(policy, pod, context)
    if not status.ok:
        return Search((), dict.fromkeys(_names(context.nodes), status), 0, status, context)
    nominated = pod.status.nominated_node_name
    if nominated:
        info = next((i for i in context.nodes if i.name == nominated), None)
        if info is not None and filter_with_nominated(policy, pod, info, context).ok:
            return Search((info,), {}, 1, SUCCESS, context)
    return _search(policy, pod, context, sample)


def _search(policy: Policy, pod: Pod, context: Context, sample: Sample) -> Search:
    start, enough = sample
    nodes = (*context.nodes[start:], *context.nodes[:start]) if start else context.nodes
    feasible: list[NodeInfo] = []
    statuses: dict[str, Status] = {}
    looked = 0
    judge = policy.filter if not context.nominated else None
    for info in nodes:
        looked += 1
        if judge is not None:
            status = judge(pod, info, context)
        else:
            status = filter_with_nominated(policy, pod, info, context)
        if status.code == ERROR:
            return Search((), {}, looked, status, context)
        if not status.ok:
            statuses[info.name] = status
            continue
        feasible.append(info)
        if len(feasible) == enough:
            break
    if start:
        feasible.sort(key=_name_of)
    return Search(tuple(feasible), statuses, looked, SUCCESS, context)


def _name_of(info: NodeInfo) -> str:
    return info.name


def _names(nodes: Sequence[NodeInfo]) -> list[str]:
    return [info.name for info in nodes]


def _started(policy: Policy, pod: Pod, context: Context) -> tuple[Status, Context]:
    pre_filter = getattr(policy, "pre_filter", None)
    if pre_filter is None:
        return SUCCESS, context
    started: tuple[Status, Context] = pre_filter(pod, context)
    return started


def decide(
    policy: Policy, pod: Pod, context: Context, to: str = "", sample: Sample = WHOLE
) -> Decision:
    """Filter and score the nodes of the context, and choose; `to` among equals, where it is given.

    Raises NotEnabled where `to` is none of several equals.
    """
    if not context.nodes:
        # Not a FitError: no plugin is to blame, so the pod backs off as after an error.
        return Decision(reason=UNSCHEDULABLE_REASON, message=NO_NODES)
    quick = _decided_at_once(policy, pod, context, sample) if not to else None
    if quick is not None:
        return quick
    found = find(policy, pod, context, sample)
    feasible, looked = found.feasible, found.looked
    if found.refusal.code == ERROR:
        return failure("; ".join(found.refusal.reasons) or f"policy {policy.name} failed")
    if not feasible:
        return _unschedulable(policy, found)
    if len(feasible) == 1:
        return Decision(feasible[0].name, looked=looked)
    scores = policy.score(pod, feasible, found.context)
    if not to:
        return Decision(choose(feasible, scores).name, looked=looked)
    if to not in _names(highest(feasible, scores)):
        raise NotEnabled(f"{pod.key} goes to a node that is rated higher than {to}")
    return Decision(to, looked=looked)


def _decided_at_once(policy: Any, pod: Pod, context: Context, sample: Sample) -> Decision | None:
    """The decision by the policy's vectorised form, where it has one that can tell."""
    form = getattr(policy, "vectorised", None)
    if form is None or context.table is None or context.nominated:
        return None
    if pod.status.nominated_node_name:
        return None
    status, started = _started(policy, pod, context)
    found = form.find(pod, context, started, sample) if status.ok else None
    if found is None or not len(found.positions):
        return None
    best = 0
    if len(found.positions) > 1:
        best = int(form.scores(pod, found, context, started).argmax())
    return Decision(context.nodes[int(found.positions[best])].name, looked=found.looked)


def equals(policy: Policy, pod: Pod, context: Context, sample: Sample = WHOLE) -> tuple[str, ...]:
    """The nodes that `decide` chooses among, where they are several; () elsewhere."""
    feasible = find(policy, pod, context, sample)
    if len(feasible.feasible) < 2:
        return ()
    scores = policy.score(pod, feasible.feasible, feasible.context)
    found = highest(feasible.feasible, scores)
    return tuple(_names(found)) if len(found) > 1 else ()


def post_filter(
    policy: Any, pod: Pod, decision: Decision, context: Context
) -> tuple[Decision, Nomination | None]:
    """PostFilter, for a pod that fits nowhere: the nomination, and the decision with its message.

    None where the policy has no PostFilter.
    """
    plugin = getattr(policy, "post_filter", None)
    if plugin is None or decision.statuses is None:
        return decision, None
    status, started = _started(policy, pod, context)
    context = started if status.ok else context
    if hasattr(plugin, "post_filter"):
        nomination: Nomination = plugin.post_filter(policy, pod, decision.statuses, context)
    else:
        nomination = plugin(pod, decision.statuses, context)
    said = " ".join(nomination.status.reasons)
    message = f"{decision.message} {said}" if said else decision.message
    return decision._replace(message=message), nomination


def rejected(node: str, status: Status) -> Decision:
    """A cycle whose node was turned down at Reserve or Permit: as a FitError of that one node."""
    said = ", ".join(status.reasons)
    message = f"0/1 nodes are available: 1 {said}."
    return Decision(rejectors=(status.plugin,), reason=UNSCHEDULABLE_REASON, message=message)


def failure(message: str) -> Decision:
    """A cycle that ended in an error."""
    return Decision(reason=ERROR_REASON, message=message)


def _unschedulable(policy: Policy, found: Search) -> Decision:
    refusal, statuses = found.refusal, found.statuses
    if not refusal.ok:
        said = ", ".join(refusal.reasons)
        message = f"0/{len(statuses)} nodes are available: {said}."
        rejectors: tuple[str, ...] = (refusal.plugin or policy.name,)
    else:
        rejectors = tuple(sorted({status.plugin or policy.name for status in statuses.values()}))
        reasons = Counter(reason for status in statuses.values() for reason in status.reasons)
        counted = ", ".join(sorted(f"{count} {reason}" for reason, count in reasons.items()))
        message = f"0/{len(statuses)} nodes are available: {counted}."
    return Decision("", rejectors, UNSCHEDULABLE_REASON, message, statuses, found.looked)
