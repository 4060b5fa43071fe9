"""The conditions of a Deployment: types, reasons, and how one is set.

After pkg/controller/deployment/util/deployment_util.go at Kubernetes 1.36.
"""

from __future__ import annotations

from typing import Final

from kspec_models.objects import Condition, DeploymentStatus, Time, condition

AVAILABLE: Final = "Available"
PROGRESSING: Final = "Progressing"
REPLICA_FAILURE: Final = "ReplicaFailure"

REPLICA_SET_UPDATED: Final = "ReplicaSetUpdated"
FAILED_CREATE: Final = "ReplicaSetCreateError"
NEW_REPLICA_SET: Final = "NewReplicaSetCreated"
FOUND_NEW_REPLICA_SET: Final = "FoundNewReplicaSet"
NEW_REPLICA_SET_AVAILABLE: Final = "NewReplicaSetAvailable"
TIMED_OUT: Final = "ProgressDeadlineExceeded"
PAUSED: Final = "DeploymentPaused"
RESUMED: Final = "DeploymentResumed"
MINIMUM_AVAILABLE: Final = "MinimumReplicasAvailable"
MINIMUM_UNAVAILABLE: Final = "MinimumReplicasUnavailable"


def set_condition(
    status: DeploymentStatus, kind: str, value: str, reason: str, message: str, now: int
) -> DeploymentStatus:
    """The status with this condition at the end; unchanged if status and reason are the same.

    The transition time moves only with the condition's status.
    """
    current = condition(status.conditions, kind)
    if current is not None and current.status == value and current.reason == reason:
        return status
    new = Condition(
        type=kind,
        status=value,
        reason=reason,
        message=message,
        last_transition_time=Time(now),
        last_update_time=Time(now),
    )
    return put_condition(status, new)


def put_condition(status: DeploymentStatus, new: Condition) -> DeploymentStatus:
    """As `set_condition`, with a condition made elsewhere."""
    current = condition(status.conditions, new.type)
    if current is not None and current.status == new.status:
        if current.reason == new.reason:
            return status
        new = new.replace(last_transition_time=current.last_transition_time)
    return status.replace(conditions=(*_others(status, new.type), new))


def remove_condition(status: DeploymentStatus, kind: str) -> DeploymentStatus:
    """The status without that condition."""
    if condition(status.conditions, kind) is None:
        return status
    return status.replace(conditions=_others(status, kind))


def _others(status: DeploymentStatus, kind: str) -> tuple[Condition, ...]:
    return tuple(c for c in status.conditions if c.type != kind)
