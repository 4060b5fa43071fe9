"""What the scheduler writes to a pod's status: why it was not scheduled, and where it may go.

After pkg/scheduler/schedule_one.go (updatePod) and framework/preemption/executor.go at 1.36.
"""

from __future__ import annotations

from typing import Any

from kspec_models.objects import FrozenMap, Pod, condition
from kspec_models.objects.record import encode_time
from kspec_models.requests import Patch
from kspec_models.scheduler.cycle import Decision

POD_SCHEDULED = "PodScheduled"
DISRUPTION_TARGET = "DisruptionTarget"
PREEMPTION_BY_SCHEDULER = "PreemptionByScheduler"


def condition_patch(
    pod: Pod, decision: Decision, now: int, nominated: str | None = ""
) -> Patch | None:
    """The status patch that says why the pod was not scheduled; None where it says so already.

    nominated: the node that is nominated now, "" for none, None to leave it as it is.
    """
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
    if nominated is not None and pod.status.nominated_node_name != nominated:
        status["nominatedNodeName"] = nominated or None
    return _patch(pod, status) if status else None


def victim_patch(victim: Pod, preemptor: Pod, scheduler: str, now: int) -> Patch | None:
    """The condition that tells a victim why it is deleted; None where it has it already."""
    old = condition(victim.status.conditions, DISRUPTION_TARGET)
    message = f"{scheduler}: preempting to accommodate a higher priority pod"
    if old is not None and (old.status, old.reason) == ("True", PREEMPTION_BY_SCHEDULER):
        return None
    new = {
        "type": DISRUPTION_TARGET,
        "status": "True",
        "reason": PREEMPTION_BY_SCHEDULER,
        "message": message,
        "lastTransitionTime": encode_time(now),
    }
    return _patch(victim, {"conditions": (FrozenMap(new),)})


def unnominate_patch(pod: Pod) -> Patch | None:
    """Takes back a nomination (ClearNominatedNodeName); None where its status tells of none."""
    if not pod.status.nominated_node_name:
        return None
    return _patch(pod, {"nominatedNodeName": None})


def _patch(pod: Pod, status: dict[str, Any]) -> Patch:
    body = FrozenMap({"status": FrozenMap(status)})
    return Patch("pods", pod.key, body, subresource="status")
