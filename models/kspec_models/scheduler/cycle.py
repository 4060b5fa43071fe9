"""The scheduling cycle: from a pod and a snapshot of the nodes to a node, or to why there is none.

After pkg/scheduler/schedule_one.go (schedulePod, findNodesThatFitPod, prioritizeNodes) and
framework/types.go (FitError) at 1.36.

Left out: preemption (a later component), so a message never ends with its part "preemption: ...";
nominated nodes; and sampling of nodes, see `framework`.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from kspec.errors import NotEnabled
from kspec_models.objects import FrozenMap, Pod, condition
from kspec_models.objects.record import encode_time
from kspec_models.requests import Patch
from kspec_models.scheduler.framework import ERROR, Context, Policy, Status, choose, highest
from kspec_models.scheduler.nodeinfo import NodeInfo

POD_SCHEDULED = "PodScheduled"
UNSCHEDULABLE_REASON = "Unschedulable"
ERROR_REASON = "SchedulerError"
NO_NODES = "no nodes available to schedule pods"


class Decision(NamedTuple):
    """node: where the pod goes, "" if nowhere. rejectors: the plugins in the way, sorted; none
    after an error. reason, message: what the pod's condition says."""

    node: str = ""
    rejectors: tuple[str, ...] = ()
    reason: str = ""
    message: str = ""


def decide(policy: Policy, pod: Pod, context: Context, to: str = "") -> Decision:
    """Filter and score the nodes of the context, and choose; `to` among equals, where it is given.

    Raises NotEnabled where `to` is none of several equals.
    """
    if not context.nodes:
        # Not a FitError: no plugin is to blame, so the pod backs off as after an error.
        return Decision(reason=UNSCHEDULABLE_REASON, message=NO_NODES)
    feasible: list[NodeInfo] = []
    failed: list[Status] = []
    judge = policy.filter
    for info in context.nodes:
        status = judge(pod, info, context)
        if status.ok:
            feasible.append(info)
        elif status.code == ERROR:
            return failure("; ".join(status.reasons) or f"policy {policy.name} failed")
        else:
            failed.append(status)
    if not feasible:
        return _unschedulable(policy, failed)
    if len(feasible) == 1:
        return Decision(feasible[0].name)
    scores = policy.score(pod, tuple(feasible), context)
    if not to:
        return Decision(choose(feasible, scores).name)
    if to not in [info.name for info in highest(feasible, scores)]:
        raise NotEnabled(f"{pod.key} goes to a node that is rated higher than {to}")
    return Decision(to)


def equals(policy: Policy, pod: Pod, context: Context) -> tuple[str, ...]:
    """The nodes that `decide` chooses among, where they are several; () elsewhere."""
    feasible = []
    for info in context.nodes:
        status = policy.filter(pod, info, context)
        if status.code == ERROR:
            return ()
        if status.ok:
            feasible.append(info)
    if len(feasible) < 2:
        return ()
    found = highest(feasible, policy.score(pod, tuple(feasible), context))
    return tuple(info.name for info in found) if len(found) > 1 else ()


def failure(message: str) -> Decision:
    """A cycle that ended in an error."""
    return Decision(reason=ERROR_REASON, message=message)


def _unschedulable(policy: Policy, failed: list[Status]) -> Decision:
    rejectors = tuple(sorted({status.plugin or policy.name for status in failed}))
    reasons = Counter(reason for status in failed for reason in status.reasons)
    counted = ", ".join(sorted(f"{count} {reason}" for reason, count in reasons.items()))
    message = f"0/{len(failed)} nodes are available: {counted}."
    return Decision(rejectors=rejectors, reason=UNSCHEDULABLE_REASON, message=message)


def condition_patch(pod: Pod, decision: Decision, now: int) -> Patch | None:
    """The status patch that says why the pod was not scheduled; None where it says so already."""
    old = condition(pod.status.conditions, POD_SCHEDULED)
    was_false = old is not None and old.status == "False"
    said = (old.reason, old.message) if old is not None else None
    status: dict[str, Any] = {}
    if not was_false or said != (decision.reason, decision.message):
        new = {
            "type": POD_SCHEDULED,
            "status": "False",
            "reason": decision.reason,
            "message": decision.message,
        }
        if not was_false:
            new["lastTransitionTime"] = encode_time(now)
        status["conditions"] = (FrozenMap(new),)
    if pod.status.nominated_node_name:
        status["nominatedNodeName"] = None
    if not status:
        return None
    return Patch("pods", pod.key, FrozenMap({"status": FrozenMap(status)}), subresource="status")
