"""The status of a StatefulSet: what is counted, when an update is complete, when it is written.

After updateStatus and updateStatefulSetStatus in
pkg/controller/statefulset/stateful_set_control.go, completeRollingUpdate and inconsistentStatus in
stateful_set_utils.go, and stateful_set_status_updater.go at Kubernetes 1.36.
"""

from __future__ import annotations

from collections.abc import Iterable

from kspec_models.controllers.pods import is_available
from kspec_models.controllers.statefulset_identity import (
    is_created,
    is_rolling,
    is_running_and_ready,
    replicas_of,
    revision_of,
)
from kspec_models.controllers.statefulset_revisions import Revisions
from kspec_models.controllers.statefulset_steps import Inputs
from kspec_models.controllers.steps import Steps, WriteFailed
from kspec_models.objects import Pod, StatefulSet, StatefulSetStatus
from kspec_models.requests import CONFLICT, Update

_RETRIES = 5
_COMPARED = (
    *("replicas", "current_replicas", "ready_replicas", "updated_replicas"),
    *("current_revision", "available_replicas", "update_revision"),
)


def counted(inputs: Inputs, revisions: Revisions, pods: Iterable[Pod]) -> StatefulSetStatus:
    """The status that these pods make; a pod still to be made does not count."""
    owner = inputs.value
    found = [pod for pod in pods if is_created(pod)]
    ready = [pod for pod in found if is_running_and_ready(pod)]
    seconds = owner.spec.min_ready_seconds
    staying = [revision_of(pod) for pod in found if not pod.is_terminating]
    return StatefulSetStatus(
        observed_generation=owner.metadata.generation,
        current_revision=revisions.current.name,
        update_revision=revisions.update.name,
        collision_count=revisions.collision_count,
        replicas=len(found),
        ready_replicas=len(ready),
        available_replicas=sum(is_available(pod, seconds, inputs.now) for pod in ready),
        current_replicas=staying.count(revisions.current.name),
        updated_replicas=staying.count(revisions.update.name),
    )


def completed(owner: StatefulSet, status: StatefulSetStatus) -> StatefulSetStatus:
    """completeRollingUpdate: once all pods are updated and ready, the update is the current."""
    counts = (status.updated_replicas, status.ready_replicas, status.replicas)
    if not is_rolling(owner) or any(count != replicas_of(owner) for count in counts):
        return status
    return status.replace(
        current_replicas=status.updated_replicas, current_revision=status.update_revision
    )


def is_inconsistent(owner: StatefulSet, status: StatefulSetStatus) -> bool:
    """inconsistentStatus: whether the stored status is to be replaced."""
    old = owner.status
    return status.observed_generation > old.observed_generation or any(
        getattr(old, field) != getattr(status, field) for field in _COMPARED
    )


def write_status(inputs: Inputs, status: StatefulSetStatus) -> Steps[StatefulSetStatus]:
    """Write the status where it differs; on a conflict again over what the cache shows by then.

    The controller hands that on as the object of the refused answer.
    """
    entry, status = inputs.stateful_set, completed(inputs.value, status)
    if not is_inconsistent(inputs.value, status):
        return status
    for _ in range(_RETRIES):
        owner: StatefulSet = entry.value
        response = yield Update(owner.replace(status=status), entry.resource_version, "status")
        if response.ok:
            return status
        cached = response.entry
        if response.reason != CONFLICT or cached is None or cached == entry:
            break
        entry = cached
    raise WriteFailed(response)
