"""What every part of the Job controller asks of a Job and of its pods.

After pkg/controller/job/{utils,tracking_utils}.go, util/utils.go and helpers of job_controller.go
at Kubernetes 1.36. Left out: lastProbeTime of conditions, which upstream sets beside
lastTransitionTime and nobody reads; Jobs of other controllers are told by spec.managedBy alone.
"""

from __future__ import annotations

from typing import Final

from kspec_models.objects import Condition, Job, Pod, Time, condition, freeze, with_condition
from kspec_models.requests import Patch

TRACKING_FINALIZER: Final = "batch.kubernetes.io/job-tracking"
COMPLETION_INDEX: Final = "batch.kubernetes.io/job-completion-index"
INDEX_FAILURES: Final = "batch.kubernetes.io/job-index-failure-count"
IGNORED_INDEX_FAILURES: Final = "batch.kubernetes.io/job-index-ignored-failure-count"
CONTROLLER: Final = "kubernetes.io/job-controller"

SUSPENDED: Final = "Suspended"
FAILURE_TARGET, SUCCESS_CRITERIA_MET = "FailureTarget", "SuccessCriteriaMet"

UNKNOWN_INDEX: Final = -1
_MAX_INT32: Final = 2**31 - 1


def is_elsewhere(job: Job) -> bool:
    """Whether another controller manages the Job."""
    return job.spec.managed_by not in (None, CONTROLLER)


def is_suspended(job: Job) -> bool:
    return bool(job.spec.suspend)


def is_indexed(job: Job) -> bool:
    return job.spec.completion_mode == "Indexed"


def has_limit_per_index(job: Job) -> bool:
    return job.spec.backoff_limit_per_index is not None


def only_replaces_failed(job: Job) -> bool:
    """Whether a pod is replaced only once it has failed, not while it is terminating."""
    return job.spec.pod_replacement_policy == "Failed" or job.spec.pod_failure_policy is not None


def has_finalizer(pod: Pod) -> bool:
    return TRACKING_FINALIZER in pod.metadata.finalizers


def is_pod_failed(pod: Pod, job: Job) -> bool:
    """Whether the pod counts as a failure: a deleted one too, for it may never reach the phase."""
    if pod.status.phase == "Failed":
        return True
    if only_replaces_failed(job):
        return False
    return pod.is_terminating and pod.status.phase != "Succeeded"


def completion_index(pod: Pod) -> int:
    """The index of a pod of an Indexed Job, UNKNOWN_INDEX where it has none."""
    text = pod.metadata.annotations.get(COMPLETION_INDEX, "")
    return int(text) if text.isascii() and text.isdecimal() else UNKNOWN_INDEX


def index_failures(pod: Pod) -> int:
    """How many failures of its index came before this pod and count."""
    return _count(pod, INDEX_FAILURES)


def all_index_failures(pod: Pod) -> int:
    """How many failures of its index came before this pod, those that are ignored included."""
    return _count(pod, INDEX_FAILURES) + _count(pod, IGNORED_INDEX_FAILURES)


def _count(pod: Pod, annotation: str) -> int:
    text = pod.metadata.annotations.get(annotation, "")
    number = int(text) if text.isascii() and text.isdecimal() else 0
    return number if number <= _MAX_INT32 else 0


def new_condition(
    kind: str, reason: str, message: str, now: int, status: str = "True"
) -> Condition:
    return Condition(
        type=kind,
        status=status,
        reason=reason,
        message=message,
        last_transition_time=Time(now),
    )


def with_condition_of(
    conditions: tuple[Condition, ...], new: Condition
) -> tuple[tuple[Condition, ...], bool]:
    """ensureJobConditionStatus: the conditions, and whether they changed; no news is no change."""
    old = condition(conditions, new.type)
    if old is None:
        return (conditions, False) if new.status == "False" else ((*conditions, new), True)
    if (old.status, old.reason, old.message) == (new.status, new.reason, new.message):
        return conditions, False
    return with_condition(conditions, new), True


def without_finalizer(pod: Pod) -> Patch:
    """The patch that takes the tracking finalizer from a pod; it names no uid, as upstream's."""
    body = {"metadata": {"$deleteFromPrimitiveList/finalizers": [TRACKING_FINALIZER]}}
    return Patch("pods", pod.key, freeze(body))
