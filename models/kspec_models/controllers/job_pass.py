"""One pass over a Job: what it has found, and whether the Job is to end.

After the first half of syncJob in pkg/controller/job/job_controller.go at Kubernetes 1.36: pods
that are finished and not yet counted, the condition that ends the Job if there is one (pod failure
policy, backoffLimit, activeDeadlineSeconds, failed indexes, success policy, in this order).

Left out: feature gates that are locked at that release; events and metrics.
"""

from __future__ import annotations

from typing import NamedTuple

from kspec_models.controllers.job_backoff import Backoff
from kspec_models.controllers.job_expectations import JobExpectations
from kspec_models.controllers.job_facts import (
    FAILURE_TARGET,
    SUCCESS_CRITERIA_MET,
    UNKNOWN_INDEX,
    has_finalizer,
    has_limit_per_index,
    is_indexed,
    is_pod_failed,
    is_suspended,
    new_condition,
)
from kspec_models.controllers.job_indexes import (
    Indexes,
    delayed_pods,
    failed_indexes,
    index_in,
    parse_indexes,
    succeeded_indexes,
)
from kspec_models.controllers.job_policies import match_failure_policy, success_rules
from kspec_models.controllers.pods import active_pods, is_ready, is_terminating
from kspec_models.job_conditions import FAILED, true_condition
from kspec_models.objects import Condition, Job, Pod, Time, UncountedTerminatedPods
from kspec_models.store import Entry

POD_FAILURE_POLICY = "PodFailurePolicy"
BACKOFF_LIMIT_EXCEEDED = "BackoffLimitExceeded"
DEADLINE_EXCEEDED = "DeadlineExceeded"
MAX_FAILED_INDEXES_EXCEEDED = "MaxFailedIndexesExceeded"
FAILED_INDEXES = "FailedIndexes"
SUCCESS_POLICY = "SuccessPolicy"


class Pass(NamedTuple):
    """What one syncJob knows: syncJobCtx upstream.

    job: its status is the one to write, at `version`. pods: all of the Job, active: how many of
    them are, or will be, active; ready and terminating alike. removals: uids of pods whose
    finalizer is expected to go. finished: the condition that ends the Job. delayed: by index the
    failed pod that keeps its finalizer. is_satisfied: no own write is still unseen. has_failed: a
    pod could not be created or deleted.
    """

    job: Job
    version: int
    pods: tuple[Pod, ...]
    active_pods: tuple[Pod, ...]
    active: int
    ready: int
    terminating: int
    removals: frozenset[str]
    is_satisfied: bool
    backoff: Backoff = Backoff()
    succeeded: int = 0
    failed: int = 0
    succeeded_indexes: Indexes = Indexes()
    failed_indexes: Indexes | None = None
    delayed: tuple[tuple[int, Pod], ...] = ()
    finished: Condition | None = None
    has_failed: bool = False
    requeue_after: int | None = None

    def is_counted(self, pod: Pod) -> bool:
        """Whether an earlier pass has dealt with the end of the pod."""
        return not has_finalizer(pod) or pod.uid in self.removals

    def uncounted(self) -> UncountedTerminatedPods:
        found = self.job.status.uncounted_terminated_pods
        return found if found is not None else UncountedTerminatedPods()

    def with_status(self, **changes: object) -> Pass:
        """This pass with some fields of the status to write changed."""
        status = self.job.status.replace(**changes)
        return self._replace(job=self.job.replace(status=status))


def observed(
    entry: Entry,
    pods: tuple[Pod, ...],
    expectations: JobExpectations,
    backoff: Backoff,
    *,
    is_satisfied: bool,
    now: int,
) -> Pass:
    """The pass over these pods, up to the condition that ends the Job."""
    job: Job = entry.value
    active = active_pods(pods)
    found = Pass(
        job=job,
        version=entry.resource_version,
        pods=pods,
        active_pods=active,
        active=len(active),
        ready=sum(is_ready(pod) for pod in active),
        terminating=sum(is_terminating(pod) for pod in pods),
        removals=expectations.removed_from(job.key),
        is_satisfied=is_satisfied,
    )
    if job.status.uncounted_terminated_pods is None:
        found = found.with_status(uncounted_terminated_pods=UncountedTerminatedPods())
    found = _counted(found, backoff)
    if job.status.start_time is None and not is_suspended(job):
        found = found.with_status(start_time=Time(now))
    return _with_indexes(_ending(found, now), now)


def _valid(found: Pass, uncounted: tuple[str, ...]) -> tuple[Pod, ...]:
    """getValidPodsWithFilter: pods still to be counted, with an index where the Job has indexes."""
    return tuple(
        pod
        for pod in found.pods
        if not found.is_counted(pod)
        and pod.uid not in uncounted
        and not (is_indexed(found.job) and index_in(found.job, pod) == UNKNOWN_INDEX)
    )


def _counted(found: Pass, backoff: Backoff) -> Pass:
    job, waiting = found.job, found.uncounted()
    new_succeeded = [p for p in _valid(found, waiting.succeeded) if p.status.phase == "Succeeded"]
    new_failed = [p for p in _valid(found, waiting.failed) if is_pod_failed(p, job)]
    counting = sum(match_failure_policy(job, pod).is_counted for pod in new_failed)
    return found._replace(
        succeeded=job.status.succeeded + len(new_succeeded) + len(waiting.succeeded),
        failed=job.status.failed + counting + len(waiting.failed),
        backoff=backoff.after(new_succeeded, new_failed),
    )


def _ending(found: Pass, now: int) -> Pass:
    """The condition that ends the Job, save for what depends on indexes."""
    job = found.job
    target = true_condition(job, FAILURE_TARGET)
    finished = true_condition(job, SUCCESS_CRITERIA_MET)
    if finished is None and target is not None:
        finished = new_condition(FAILED, target.reason, target.message, now)
    if finished is None:
        finished = _failed_by_policy(found, now)
    if finished is not None:
        return found._replace(finished=finished)
    if found.failed > (job.spec.backoff_limit or 0) or _past_backoff_on_failure(found):
        text = "Job has reached the specified backoff limit"
        return found._replace(finished=_failure(BACKOFF_LIMIT_EXCEEDED, text, now))
    deadline = job.spec.active_deadline_seconds
    if deadline is None or is_suspended(job) or job.status.start_time is None:
        return found
    left = job.status.start_time + deadline - now
    if left <= 0:
        text = "Job was active longer than specified deadline"
        return found._replace(finished=_failure(DEADLINE_EXCEEDED, text, now))
    return found._replace(requeue_after=left)


def _failure(reason: str, message: str, now: int) -> Condition:
    return new_condition(FAILURE_TARGET, reason, message, now)


def _failed_by_policy(found: Pass, now: int) -> Condition | None:
    for pod in found.pods:
        if is_pod_failed(pod, found.job):
            message = match_failure_policy(found.job, pod).message
            if message:
                return _failure(POD_FAILURE_POLICY, message, now)
    return None


def _past_backoff_on_failure(found: Pass) -> bool:
    """pastBackoffLimitOnFailure: containers that are restarted in place count as failures."""
    if found.job.spec.template.spec.restart_policy != "OnFailure":
        return False
    restarts = sum(
        status.restart_count
        for pod in found.pods
        if pod.status.phase in ("Running", "Pending")
        for status in (*pod.status.init_container_statuses, *pod.status.container_statuses)
    )
    return restarts > 0 and restarts >= (found.job.spec.backoff_limit or 0)


def _with_indexes(found: Pass, now: int) -> Pass:
    job = found.job
    if not is_indexed(job):
        return found
    succeeded = succeeded_indexes(job, found.pods)
    found = found._replace(succeeded_indexes=succeeded, succeeded=succeeded.total)
    if has_limit_per_index(job):
        failed = failed_indexes(job, found.pods)
        found = found._replace(failed_indexes=failed)
        if found.finished is None:
            found = found._replace(finished=_failed_by_indexes(found, failed, now))
        done = succeeded.merged(failed)
        valid = _valid(found, ())
        found = found._replace(delayed=delayed_pods(job, valid, found.active_pods, done))
    if found.finished is None:
        found = found._replace(finished=_met_success_policy(found, now))
    return found


def _failed_by_indexes(found: Pass, failed: Indexes, now: int) -> Condition | None:
    spec = found.job.spec
    if spec.max_failed_indexes is not None and failed.total > spec.max_failed_indexes:
        text = "Job has exceeded the specified maximal number of failed indexes"
        return _failure(MAX_FAILED_INDEXES_EXCEEDED, text, now)
    if failed.total and failed.total + found.succeeded_indexes.total >= (spec.completions or 0):
        return _failure(FAILED_INDEXES, "Job has failed indexes", now)
    return None


def _met_success_policy(found: Pass, now: int) -> Condition | None:
    """matchSuccessPolicy."""
    known = found.succeeded_indexes
    if not known.total:
        return None
    for i, rule in enumerate(success_rules(found.job)):
        wanted = parse_indexes(rule.indexes or "", found.job.spec.completions or 0)
        if rule.indexes is None:
            is_met = rule.enough is not None and known.total >= rule.enough
        else:
            contained = wanted.total + known.total - wanted.merged(known).total
            enough = rule.enough if rule.enough is not None else wanted.total
            is_met = bool(wanted.total) and contained >= min(enough, wanted.total)
        if is_met:
            message = f"Matched rules at index {i}"
            return new_condition(SUCCESS_CRITERIA_MET, SUCCESS_POLICY, message, now)
    return None
