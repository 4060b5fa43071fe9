"""The status of a Deployment, its progress, and when to look again for lack of it.

After calculateStatus and checkPausedConditions in pkg/controller/deployment/sync.go,
pkg/controller/deployment/progress.go, and DeploymentComplete, DeploymentProgressing and
DeploymentTimedOut in util/deployment_util.go at Kubernetes 1.36, with status.terminatingReplicas,
which is on by default at that release.

Times of conditions change only when progress is noted, so a pass that finds nothing new writes
nothing, whatever the clock says.
"""

from __future__ import annotations

from kspec_models.controllers.deployment_conditions import (
    AVAILABLE,
    MINIMUM_AVAILABLE,
    MINIMUM_UNAVAILABLE,
    NEW_REPLICA_SET_AVAILABLE,
    PAUSED,
    PROGRESSING,
    REPLICA_FAILURE,
    REPLICA_SET_UPDATED,
    RESUMED,
    TIMED_OUT,
    put_condition,
    remove_condition,
    set_condition,
)
from kspec_models.controllers.deployment_revisions import ReplicaSets
from kspec_models.controllers.deployment_scaling import max_unavailable
from kspec_models.controllers.deployment_steps import (
    Target,
    progress_deadline,
    replicas,
    total,
    write_status,
)
from kspec_models.controllers.steps import Steps
from kspec_models.objects import Condition, Deployment, DeploymentStatus, Time, condition


def calculate_status(
    deployment: Deployment, replica_sets: ReplicaSets, now: int
) -> DeploymentStatus:
    """Counts and the Available condition; the very object that is there if nothing changed."""
    old = deployment.status
    statuses = [entry.value.status for entry in replica_sets.everyone]
    available = sum(status.available_replicas for status in statuses)
    terminating = [status.terminating_replicas for status in statuses]
    known = [count for count in terminating if count is not None]
    updated = replica_sets.new.value.status.replicas if replica_sets.new is not None else 0
    counts = {
        "observed_generation": deployment.metadata.generation,
        "replicas": sum(status.replicas for status in statuses),
        "updated_replicas": updated,
        "ready_replicas": sum(status.ready_replicas for status in statuses),
        "available_replicas": available,
        "unavailable_replicas": max(total(replica_sets.everyone) - available, 0),
        "terminating_replicas": sum(known) if len(known) == len(terminating) else None,
    }
    is_same = all(getattr(old, name) == count for name, count in counts.items())
    status = old if is_same else old.replace(**counts)
    if available >= replicas(deployment) - max_unavailable(deployment):
        message = "Deployment has minimum availability."
        return set_condition(status, AVAILABLE, "True", MINIMUM_AVAILABLE, message, now)
    message = "Deployment does not have minimum availability."
    return set_condition(status, AVAILABLE, "False", MINIMUM_UNAVAILABLE, message, now)


def is_complete(deployment: Deployment, status: DeploymentStatus) -> bool:
    """Whether all replicas are updated and available, and no old one is left."""
    desired = replicas(deployment)
    return (
        status.updated_replicas == desired
        and status.replicas == desired
        and status.available_replicas == desired
        and status.observed_generation >= deployment.metadata.generation
    )


def is_progressing(old: DeploymentStatus, new: DeploymentStatus) -> bool:
    """Whether more pods are new, ready or available, or fewer are old, than before."""
    return (
        new.updated_replicas > old.updated_replicas
        or new.replicas - new.updated_replicas < old.replicas - old.updated_replicas
        or new.ready_replicas > old.ready_replicas
        or new.available_replicas > old.available_replicas
    )


def has_timed_out(deployment: Deployment, status: DeploymentStatus, now: int) -> bool:
    """Whether no progress was noted for longer than spec.progressDeadlineSeconds."""
    deadline = progress_deadline(deployment)
    found = condition(status.conditions, PROGRESSING)
    if deadline is None or found is None or found.reason == NEW_REPLICA_SET_AVAILABLE:
        return False
    return found.reason == TIMED_OUT or (found.last_update_time or 0) + deadline < now


def with_progress(
    deployment: Deployment, status: DeploymentStatus, replica_sets: ReplicaSets, now: int
) -> DeploymentStatus:
    """The status with its Progressing condition brought up to date.

    Progress is only estimated while a rollout is under way: not once it was seen complete.
    """
    if progress_deadline(deployment) is None:
        return remove_condition(status, PROGRESSING)
    current = condition(deployment.status.conditions, PROGRESSING)
    if (
        status.replicas == status.updated_replicas
        and current is not None
        and current.reason == NEW_REPLICA_SET_AVAILABLE
    ):
        return status
    subject = f'Deployment "{deployment.name}"'
    if replica_sets.new is not None:
        subject = f'ReplicaSet "{replica_sets.new.value.name}"'
    if is_complete(deployment, status):
        text = f"{subject} has successfully progressed."
        return set_condition(status, PROGRESSING, "True", NEW_REPLICA_SET_AVAILABLE, text, now)
    if is_progressing(deployment.status, status):
        return _note_progress(status, current, f"{subject} is progressing.", now)
    if has_timed_out(deployment, status, now):
        text = f"{subject} has timed out progressing."
        return set_condition(status, PROGRESSING, "False", TIMED_OUT, text, now)
    return status


def _note_progress(
    status: DeploymentStatus, current: Condition | None, text: str, now: int
) -> DeploymentStatus:
    """Renew the update time, which the deadline counts from, even for the same reason."""
    since = current.last_transition_time if current and current.status == "True" else Time(now)
    new = Condition(
        type=PROGRESSING,
        status="True",
        reason=REPLICA_SET_UPDATED,
        message=text,
        last_transition_time=since,
        last_update_time=Time(now),
    )
    return put_condition(remove_condition(status, PROGRESSING), new)


def with_failures(status: DeploymentStatus, replica_sets: ReplicaSets) -> DeploymentStatus:
    """The status with the ReplicaFailure condition of a ReplicaSet, the new one's first."""
    new = (replica_sets.new,) if replica_sets.new is not None else ()
    for entry in (*new, *replica_sets.old):
        found = condition(entry.value.status.conditions, REPLICA_FAILURE)
        if found is not None:
            moved = found.replace(last_update_time=found.last_transition_time)
            return put_condition(status, moved)
    return remove_condition(status, REPLICA_FAILURE)


def sync_rollout_status(target: Target, replica_sets: ReplicaSets) -> Steps[int | None]:
    """Write the status of a rollout if it changed; else when to look again for progress."""
    deployment = target.deployment
    status = calculate_status(deployment, replica_sets, target.now)
    status = with_progress(deployment, status, replica_sets, target.now)
    status = with_failures(status, replica_sets)
    if status is deployment.status or status == deployment.status:
        return _requeue_after(deployment, target.now)
    yield from write_status(target._replace(deployment=deployment.replace(status=status)))
    return None


def sync_status(target: Target, replica_sets: ReplicaSets) -> Steps[None]:
    """Write the status if it changed, without a judgement on progress."""
    deployment = target.deployment
    status = calculate_status(deployment, replica_sets, target.now)
    if status is not deployment.status and status != deployment.status:
        yield from write_status(target._replace(deployment=deployment.replace(status=status)))


def _requeue_after(deployment: Deployment, now: int) -> int | None:
    """Seconds until the progress deadline has passed; nothing else would wake the key then.

    A rollout that was seen complete cannot time out any more. Upstream goes on asking there, every
    few milliseconds once the deadline has passed: passes that change nothing are left out.
    """
    deadline = progress_deadline(deployment)
    found = condition(deployment.status.conditions, PROGRESSING)
    if deadline is None or found is None:
        return None
    if found.reason in (TIMED_OUT, NEW_REPLICA_SET_AVAILABLE):
        return None
    if is_complete(deployment, deployment.status):
        return None
    # Upstream retries with backoff below one second; whole seconds come to one more second.
    return max((found.last_update_time or 0) + deadline - now, 0) + 1


def check_paused(target: Target) -> Steps[Target]:
    """Note in the Progressing condition that the Deployment was paused or resumed."""
    deployment = target.deployment
    found = condition(deployment.status.conditions, PROGRESSING)
    if progress_deadline(deployment) is None or (found and found.reason == TIMED_OUT):
        return target
    is_noted = found is not None and found.reason == PAUSED
    if deployment.spec.paused == is_noted:
        return target
    reason = PAUSED if deployment.spec.paused else RESUMED
    text = f"Deployment is {'paused' if deployment.spec.paused else 'resumed'}"
    status = set_condition(deployment.status, PROGRESSING, "Unknown", reason, text, target.now)
    target = target._replace(deployment=deployment.replace(status=status))
    yield from write_status(target)
    return target
