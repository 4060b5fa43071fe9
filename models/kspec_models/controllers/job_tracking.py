"""How a Job counts the pods that have ended: each once, whatever is lost in between.

After trackJobStatusAndRemoveFinalizers, flushUncountedAndRemoveFinalizers and enactJobFinished in
pkg/controller/job/job_controller.go at Kubernetes 1.36. First the uids of newly ended pods are
written to status.uncountedTerminatedPods, then their finalizers are removed, and only then the
counters go up, by the pods that have no finalizer any more. The Job is marked as finished when
nothing is left to count and no pod is terminating.
"""

from __future__ import annotations

from typing import NamedTuple

from kspec_models.controllers.job_facts import (
    FAILURE_TARGET,
    SUCCESS_CRITERIA_MET,
    SUSPENDED,
    UNKNOWN_INDEX,
    completion_index,
    is_indexed,
    is_pod_failed,
    is_suspended,
    new_condition,
    with_condition_of,
)
from kspec_models.controllers.job_indexes import index_in, previous_indexes
from kspec_models.controllers.job_manage import ENDING
from kspec_models.controllers.job_pass import Pass
from kspec_models.controllers.job_policies import match_failure_policy
from kspec_models.job_conditions import COMPLETE, FAILED, true_condition
from kspec_models.objects import Pod, Time

MAX_UNCOUNTED = 500


class Tracking(NamedTuple):
    """The status to write and the finalizers to remove.

    uids: pods that carry the finalizer. todo: those that lose it now. needs_flush: the status has
    news. is_full: more pods have ended than one status may list.
    """

    found: Pass
    uids: frozenset[str]
    todo: tuple[Pod, ...] = ()
    needs_flush: bool = False
    is_full: bool = False


def concluded(found: Pass, kind: str, was_managed: bool, now: int) -> tuple[Pass, bool]:
    """After the pods are managed: whether the Job is complete, suspended or resumed.

    Also whether that changes the status, as the numbers of pods may.
    """
    old = found.job.status
    changed = False
    if kind == ENDING:
        if found.active or not found.is_satisfied:
            found = found._replace(finished=None)  # pods may be left that the cache does not show
    elif _is_complete(found):
        found = found._replace(finished=new_condition(SUCCESS_CRITERIA_MET, "", "", now))
    elif was_managed:
        found, changed = _suspended(found, now)
    numbers = (found.active, found.ready, found.terminating)
    changed = changed or numbers != (old.active, old.ready, old.terminating)
    active, ready, terminating = numbers
    return found.with_status(active=active, ready=ready, terminating=terminating), changed


def _is_complete(found: Pass) -> bool:
    completions = found.job.spec.completions
    is_enough = found.succeeded > 0 if completions is None else found.succeeded >= completions
    return is_enough and found.active == 0


def _suspended(found: Pass, now: int) -> tuple[Pass, bool]:
    """The condition Suspended; a Job that is resumed starts its time anew."""
    is_now = is_suspended(found.job)
    status, text = ("True", "suspended") if is_now else ("False", "resumed")
    new = new_condition(SUSPENDED, f"Job{text.title()}", f"Job {text}", now, status)
    conditions, changed = with_condition_of(found.job.status.conditions, new)
    if not changed:
        return found, False
    found = found.with_status(conditions=conditions)
    return (found if is_now else found.with_status(start_time=Time(now))), True


def track(found: Pass, needs_flush: bool, now: int) -> Tracking:
    """What to write first: uids of newly ended pods, and the condition that the Job ends with."""
    if is_indexed(found.job):
        pods = tuple(sorted(found.pods, key=lambda pod: (completion_index(pod), pod.key)))
        found = found._replace(pods=pods)
    uids = frozenset(pod.uid for pod in found.pods if not found.is_counted(pod))
    before = found.job.status
    tracking = _listed(Tracking(_cleaned(found, uids), uids))
    if is_indexed(found.job):
        tracking = tracking._replace(found=_with_indexes(tracking.found, tracking.todo))
    tracking = tracking._replace(found=_announced(tracking.found, now))
    is_new = needs_flush or tracking.found.job.status != before
    return tracking._replace(needs_flush=is_new)


def _cleaned(found: Pass, uids: frozenset[str]) -> Pass:
    """cleanUncountedPodsWithoutFinalizers: who has no finalizer any more counts."""
    status, waiting = found.job.status, found.uncounted()
    succeeded = tuple(uid for uid in waiting.succeeded if uid in uids)
    failed = tuple(uid for uid in waiting.failed if uid in uids)
    if (succeeded, failed) == (waiting.succeeded, waiting.failed):
        return found
    return found.with_status(
        succeeded=status.succeeded + len(waiting.succeeded) - len(succeeded),
        failed=status.failed + len(waiting.failed) - len(failed),
        uncounted_terminated_pods=waiting.replace(succeeded=succeeded, failed=failed),
    )


def _listed(tracking: Tracking) -> Tracking:
    """The pods that lose their finalizer, with the uids of those that will count."""
    found = tracking.found
    start = found.uncounted()  # as the status shows it, without what is added here
    succeeded, failed = list(start.succeeded), list(start.failed)
    todo: list[Pod] = []
    for pod in found.pods:
        if found.is_counted(pod) or not _can_lose_finalizer(found, pod):
            continue
        todo.append(pod)
        if pod.status.phase == "Succeeded" and pod.uid not in start.failed:
            if not is_indexed(found.job) and pod.uid not in start.succeeded:
                succeeded.append(pod.uid)
        elif pod.uid not in start.failed and _counts_as_failed(found, pod):
            failed.append(pod.uid)
        if len(succeeded) + len(failed) >= MAX_UNCOUNTED:
            tracking = tracking._replace(is_full=True)
            break
    waiting = start.replace(succeeded=tuple(succeeded), failed=tuple(failed))
    found = found.with_status(uncounted_terminated_pods=waiting)
    return tracking._replace(found=found, todo=tuple(todo))


def _can_lose_finalizer(found: Pass, pod: Pod) -> bool:
    """canRemoveFinalizer: a failed pod keeps it where its replacement is still to be made."""
    if found.job.is_terminating or found.finished is not None or pod.status.phase == "Succeeded":
        return True
    if not is_pod_failed(pod, found.job):
        return False
    return all(pod.uid != delayed.uid for _, delayed in found.delayed)


def _counts_as_failed(found: Pass, pod: Pod) -> bool:
    """Whether the pod is a failure that counts; every pod is that a failing Job still has."""
    ends = found.finished is not None and found.finished.type != SUCCESS_CRITERIA_MET
    if not is_pod_failed(pod, found.job) and not ends:
        return False
    if is_indexed(found.job) and index_in(found.job, pod) == UNKNOWN_INDEX:
        return False
    return match_failure_policy(found.job, pod).is_counted


def _with_indexes(found: Pass, todo: tuple[Pod, ...]) -> Pass:
    previous = previous_indexes(found.job)
    indexes = (index_in(found.job, pod) for pod in todo if pod.status.phase == "Succeeded")
    new = (index for index in indexes if index != UNKNOWN_INDEX and not previous.has(index))
    known = found.succeeded_indexes.with_indexes(new)
    failed = found.failed_indexes
    return found._replace(succeeded_indexes=known).with_status(
        succeeded=known.total,
        completed_indexes=str(known),
        failed_indexes=str(failed) if failed is not None else None,
    )


def _announced(found: Pass, now: int) -> Pass:
    """The interim condition in the status, and the final one for later."""
    end = found.finished
    if end is None or end.type not in (FAILURE_TARGET, SUCCESS_CRITERIA_MET):
        return found
    if true_condition(found.job, end.type) is None:
        found = found.with_status(conditions=(*found.job.status.conditions, end))
    kind = FAILED if end.type == FAILURE_TARGET else COMPLETE
    return found._replace(finished=new_condition(kind, end.reason, end.message, now))


def without(tracking: Tracking, pod: Pod) -> Tracking:
    """A finalizer is gone."""
    return tracking._replace(uids=tracking.uids - {pod.uid})


def counted(tracking: Tracking) -> tuple[Pass, bool]:
    """The status with the counters of the pods whose finalizer is gone; whether it changed."""
    found = _cleaned(tracking.found, tracking.uids)
    return found, found is not tracking.found


def finished(tracking: Tracking, found: Pass, now: int) -> tuple[Pass, bool]:
    """enactJobFinished: the final condition, once nothing is left to wait for."""
    end, waiting = found.finished, found.uncounted()
    is_waiting = bool(waiting.succeeded or waiting.failed or found.terminating > 0)
    if end is None or tracking.is_full or is_waiting:
        return found, False
    end = end.replace(last_transition_time=Time(now))
    conditions, _ = with_condition_of(found.job.status.conditions, end)
    found = found.with_status(conditions=conditions)
    if end.type == COMPLETE:
        found = found.with_status(completion_time=end.last_transition_time)
    return found, True
