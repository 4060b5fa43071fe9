"""What Jobs promise; what becomes of them and their pods in the end is in `jobs_cleanup`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kspec.logic import HOLDS, Verdict, fails, forall
from kspec.property import eventually_stable, sometimes, transition
from kspec_models.controllers.job_facts import has_finalizer, is_elsewhere, is_indexed, is_suspended
from kspec_models.controllers.job_indexes import parse_indexes
from kspec_models.controllers.pods import is_active
from kspec_models.indexes import controlled_by
from kspec_models.job_conditions import COMPLETE, is_finished, true_condition
from kspec_models.objects import Job, Pod, controller_of
from kspec_models.state import State
from kspec_properties.faults import all_but
from kspec_properties.reading import fresh, newest, values, written
from kspec_properties.workloads import may_refuse

_DOCS = "https://kubernetes.io/docs/concepts/workloads/controllers/job/"
TRACKING = (
    "https://github.com/kubernetes/enhancements/tree/master/keps/sig-apps/"
    "2307-job-tracking-without-lingering-pods"
)


def _job_writes(state: State) -> Iterator[tuple[Job | None, Job]]:
    """The Jobs that the last step wrote, before (None for a new one) and after."""
    for change in written(state, "jobs"):
        if change.entry is not None:
            old = change.previous.value if change.previous is not None else None
            yield old, change.entry.value


def owned_pods(state: State, job: Job) -> tuple[Pod, ...]:
    """The pods in the store that a Job controls."""
    return tuple(e.value for e in controlled_by(newest(state, "pods"), job.uid))


def _ever_made(state: State, job: Job) -> int:
    """How many pods were ever made for Jobs of that name."""
    prefix = re.compile(re.escape(f"pods/{job.key}-") + r"(\d+-)?")
    names = state.api.names.sorted_items()
    return sum(count for scope, count in names if prefix.fullmatch(scope))


def _is_uncounted(job: Job, pod: Pod) -> bool:
    """Whether a pod cannot have been counted or listed: it carries the finalizer and has no end."""
    listed = job.status.uncounted_terminated_pods
    uids = (*listed.succeeded, *listed.failed) if listed is not None else ()
    return bool(has_finalizer(pod) and is_active(pod) and pod.uid not in uids)


def _counts_fit(after: State, *, is_edited_too: bool = True) -> Verdict:
    for old, job in _job_writes(after):
        if old is None or old.status == job.status:
            continue
        if job.metadata.generation > 1 and not is_edited_too:
            continue
        listed = job.status.uncounted_terminated_pods
        count = job.status.succeeded + job.status.failed
        if listed is not None:
            count += len(listed.succeeded) + len(listed.failed)
        running = sum(_is_uncounted(job, pod) for pod in owned_pods(after, job))
        made = _ever_made(after, job)
        if count > made - running:
            return fails(f"{job.key} counts {count} of {made} pods, {running} still run", "count")
    return HOLDS


@transition(
    reads=("objects",),
    source=TRACKING,
    faults=all_but("stale-list", "failover", "pause", "partition"),
    companion="a-job-counts-a-pod",
    mutants=("job-forgets-removed-finalizers",),
)
def a_job_counts_each_pod_once(before: State, after: State) -> Verdict:
    """A Job never counts more ends of pods than there are pods that can have ended.

    Those counted and those listed as uncounted are together at most the pods ever made for it, less
    those that still run. What keeps a pod from being counted again is in memory until its informer
    shows that the finalizer is gone: a restart from a stale list of pods breaks it, and so does a
    standby whose pods lag behind its Jobs. Adopted pods are not known here, nor those that a dump
    leaves out. A Job that is suspended or scaled down takes the finalizer off pods that it deletes,
    and a pass on an older cache counts these and meets their absence, again and again: the spec
    must not have been edited.
    """
    return _counts_fit(after, is_edited_too=False)


@transition(
    reads=("objects",),
    source=TRACKING,
    companion="a-job-counts-a-pod",
    known_false=True,
)
def a_job_never_counts_a_pod_twice(before: State, after: State) -> Verdict:
    """A Job never counts more ends of pods than there are pods that can have ended, ever.

    Not kept: after a restart from a stale list of pods, one that is counted already shows with its
    finalizer and its end beside a current Job, and is listed and counted once more.
    """
    return _counts_fit(after)


@transition(
    reads=("objects",),
    source=_DOCS + "#completion-mode",
    faults=all_but(),
    companion="a-job-completes",
    mutants=("job-completes-one-too-early",),
)
def a_job_completes_with_its_completions(before: State, after: State) -> Verdict:
    """When a Job becomes Complete, as many pods (or all indexes) have succeeded as it asks for.

    Unless its success policy was met before that.
    """
    for old, job in _job_writes(after):
        if true_condition(job, COMPLETE) is None or (old is not None and is_finished(old)):
            continue
        wanted, status = job.spec.completions, job.status
        found = status.succeeded
        if is_indexed(job):
            found = parse_indexes(status.completed_indexes, wanted or 0).total
        if job.spec.success_policy is None and found < (1 if wanted is None else wanted):
            return fails(f"{job.key} is Complete with {found} of {wanted}", "completions")
    return HOLDS


@transition(
    reads=("pods",),
    source=_DOCS + "#parallel-jobs",
    faults=all_but("crash", "stale-list", "lost-answer", "failover", "pause", "partition"),
    companion="a-job-makes-a-pod",
    mutants=("job-forgets-expectations",),
)
def a_job_keeps_within_its_parallelism(before: State, after: State) -> Verdict:
    """When a pod of a Job is created, at most spec.parallelism of its pods are active.

    Of a Job that was never edited. As for a ReplicaSet, a restart loses the expectations and a lost
    answer of a create lowers them, and adoption can exceed it: there the surplus is temporary.
    """
    for change in written(after, "pods"):
        if change.previous is not None or change.entry is None:
            continue
        owner = controller_of(change.entry.value)
        if owner is None or owner.kind != Job.KIND:
            continue
        found = newest(after, "jobs").get(f"jobs/{change.entry.value.namespace}/{owner.name}")
        job: Job | None = found.value if found is not None else None
        if job is None or job.uid != owner.uid or job.metadata.generation != 1:
            continue
        count = sum(is_active(pod) for pod in owned_pods(after, job))
        if count > (job.spec.parallelism or 0):
            limit = job.spec.parallelism
            return fails(f"{job.key} has {count} active pods of {limit}", "parallelism")
    return HOLDS


@transition(
    reads=("objects",),
    source=_DOCS + "#jobs-api",
    faults=all_but(),
    companion="a-job-completes",
    mutants=("job-goes-on-after-its-end",),
)
def a_finished_job_is_final(before: State, after: State) -> Verdict:
    """The status of a Job that is Complete or Failed never changes again."""
    for old, job in _job_writes(after):
        if old is not None and is_finished(old) and old.status != job.status:
            return fails(f"the status of {job.key} changes after its end", "final")
    return HOLDS


@transition(
    reads=("pods",),
    source=_DOCS + "#pod-backoff-failure-policy",
    companion="a-job-makes-a-pod",
    known_false=True,
)
def a_job_makes_no_pod_once_it_has_enough(before: State, after: State) -> Verdict:
    """When a pod of a Job is created, fewer of its pods have succeeded than it asks for.

    Not kept, even without faults, where the controller does not wait to see its own writes: the
    informer of Jobs lags behind that of pods, a pod has lost its finalizer, and the Job that the
    controller reads does not count it yet; to it the pod has never been. Since 1.36 such a sync is
    deferred (StaleControllerConsistencyJob, a switch of the world), which prevents it.
    """
    for change in written(after, "pods"):
        if change.previous is not None or change.entry is None:
            continue
        owner = controller_of(change.entry.value)
        if owner is None or owner.kind != Job.KIND:
            continue
        found = newest(after, "jobs").get(f"jobs/{change.entry.value.namespace}/{owner.name}")
        if found is None or found.value.uid != owner.uid or found.value.spec.completions is None:
            continue
        count, wanted = found.value.status.succeeded, found.value.spec.completions
        if count >= wanted:
            return fails(f"{found.value.key} has {count} of {wanted} and makes a pod", "enough")
    return HOLDS


def _runs(state: State, job: Job) -> bool:
    """Whether a Job has something to wait for: a pod that has not ended, admission, or a user."""
    if is_suspended(job) or job.is_terminating or not job.spec.parallelism or is_elsewhere(job):
        return True
    space = newest(state, "namespaces").get(f"namespaces/{job.namespace}")
    if space is None or space.value.is_terminating:
        return True
    if may_refuse(state, job.namespace, job.spec.template.spec):
        return True
    return any(is_active(p) or p.is_terminating for p in owned_pods(state, job))


jobs_finish = eventually_stable(
    "jobs-finish",
    promise="In the end every Job is finished, or waits for a pod of its own that has not ended.",
    conditions=(
        "So failures beyond backoffLimit or a deadline end it as well. Suspended Jobs wait for a "
        "user. Where admission lets its pods in; once edits and faults have ended, in namespaces "
        "that are not being deleted."
    ),
    source=_DOCS + "#job-termination-and-cleanup",
    when=lambda state: any(True for _ in fresh(state, "jobs")),
    then=lambda state: forall(
        values(state, "jobs"),
        lambda job: is_finished(job) or _runs(state, job),
        lambda job: f"{job.key} is not finished and no pod of it runs",
    ),
    reads=("objects", "pods", "namespaces"),
    faults=all_but(),
    companion="a-job-completes",
    mutants=("job-forgets-its-timer",),
)


@sometimes(reads=("objects",), source="companion")
def a_job_counts_a_pod(state: State) -> bool:
    """A counter of a Job goes up."""
    return any(
        old is not None
        and (old.status.succeeded, old.status.failed) != (job.status.succeeded, job.status.failed)
        for old, job in _job_writes(state)
    )


@sometimes(reads=("objects",), source="companion")
def a_job_completes(state: State) -> bool:
    """A Job becomes Complete."""
    return any(true_condition(job, COMPLETE) is not None for _, job in _job_writes(state))


@sometimes(reads=("pods",), source="companion")
def a_job_makes_a_pod(state: State) -> bool:
    """A pod of a Job is created."""
    return any(
        change.previous is None and change.entry is not None and has_finalizer(change.entry.value)
        for change in written(state, "pods")
    )


PROPERTIES = (
    a_job_counts_each_pod_once,
    a_job_completes_with_its_completions,
    a_job_keeps_within_its_parallelism,
    a_finished_job_is_final,
    jobs_finish,
    a_job_never_counts_a_pod_twice,
    a_job_makes_no_pod_once_it_has_enough,
    a_job_counts_a_pod,
    a_job_completes,
    a_job_makes_a_pod,
)
