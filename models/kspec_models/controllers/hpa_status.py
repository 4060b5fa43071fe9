"""The status of a HorizontalPodAutoscaler: its conditions, its counts and its last metrics.

After setCondition, setStatus and setCurrentReplicasAndMetricsInStatus in
pkg/controller/podautoscaler/horizontal.go at Kubernetes 1.36.
"""

from __future__ import annotations

from typing import Any

from kspec_models.objects import (
    Condition,
    HorizontalPodAutoscaler,
    HorizontalPodAutoscalerStatus,
    Time,
    condition,
    with_condition,
)
from kspec_models.requests import Update
from kspec_models.store import Entry

ABLE, ACTIVE, LIMITED = "AbleToScale", "ScalingActive", "ScalingLimited"
Status = HorizontalPodAutoscalerStatus


def with_told(status: Status, kind: str, is_true: bool, told: tuple[str, str], now: int) -> Status:
    """The status with one condition set; its time changes with its status only."""
    known = condition(status.conditions, kind)
    text = "True" if is_true else "False"
    if known is None or known.status != text:
        since: Time | None = Time(now)
    else:
        since = known.last_transition_time
    reason, message = told
    new = Condition(
        type=kind, status=text, reason=reason, message=message, last_transition_time=since
    )
    return status.replace(conditions=with_condition(status.conditions, new))


def unable_to_get_scale(status: Status, why: str, now: int) -> Status:
    told = f"the HPA controller was unable to get the target's current scale: {why}"
    return with_told(status, ABLE, False, ("FailedGetScale", told), now)


def counted(
    status: Status, current: int, desired: int, metrics: Any, rescaled_at: int | None = None
) -> Status:
    """setStatus: the counts and metrics of this pass, and when it scaled if it did."""
    status = status.replace(
        current_replicas=current, desired_replicas=desired, current_metrics=metrics
    )
    return status if rescaled_at is None else status.replace(last_scale_time=Time(rescaled_at))


def status_update(entry: Entry, status: Status) -> Update | None:
    """updateStatusIfNeeded: None where nothing changed."""
    hpa: HorizontalPodAutoscaler = entry.value
    if status == hpa.status:
        return None
    return Update(hpa.replace(status=status), entry.resource_version, "status")
