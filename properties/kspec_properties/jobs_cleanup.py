"""What becomes of finished Jobs and of their pods: finalizers go, and Jobs with a time to live."""

from __future__ import annotations

from kspec.logic import HOLDS, Verdict, fails, forall
from kspec.property import eventually_stable, sometimes, transition
from kspec_models.controllers.job_facts import has_finalizer
from kspec_models.controllers.ttlafterfinished import expiry
from kspec_models.objects import Job, Pod, controller_of
from kspec_models.requests import Delete
from kspec_models.state import State
from kspec_properties.faults import all_but
from kspec_properties.jobs import TRACKING
from kspec_properties.reading import fresh, newest, pods, values, written

_TTL = "https://kubernetes.io/docs/concepts/workloads/controllers/ttlafterfinished/"


def _is_released(state: State, pod: Pod) -> bool:
    """Whether the tracking finalizer holds back no pod that leaves, or that no Job will count."""
    owner = controller_of(pod)
    if not has_finalizer(pod) or (owner is not None and owner.kind != Job.KIND):
        return True
    name = owner.name if owner is not None else ""
    found = newest(state, "jobs").get(f"jobs/{pod.namespace}/{name}")
    has_job = found is not None and owner is not None and found.value.uid == owner.uid
    return has_job and not pod.is_terminating


jobs_release_their_pods = eventually_stable(
    "jobs-release-their-pods",
    promise="In the end the tracking finalizer holds back no pod that is deleted or has no Job.",
    conditions=(
        "A pod that was made for a Job when it had finished already, by a controller whose Job was "
        "old, keeps it until one of them is deleted, or the informer resyncs after half a day. "
        "Once edits and faults have ended."
    ),
    source=TRACKING,
    when=lambda state: any(has_finalizer(pod) for pod in fresh(state, "pods")),
    then=lambda state: forall(
        pods(state),
        lambda pod: _is_released(state, pod),
        lambda pod: f"{pod.key} is held back by the finalizer of a Job",
    ),
    reads=("objects", "pods"),
    faults=all_but(),
    companion="a-job-counts-a-pod",
    mutants=("job-leaves-orphans-their-finalizer",),
)


@transition(
    reads=("requests",),
    source=_TTL,
    faults=all_but(),
    companion="a-job-expires",
    mutants=("ttl-counts-from-the-start",),
)
def a_finished_job_lives_for_its_ttl(before: State, after: State) -> Verdict:
    """A Job is deleted for its ttlSecondsAfterFinished only when so long has passed since its end.

    Judged when the controller decides on it, by the Job as it is stored then.
    """
    for sent in after.sent:
        request = sent.request
        if sent.host != "ttl-after-finished" or not isinstance(request, Delete):
            continue
        found = newest(before, "jobs").get(f"jobs/{request.key}")
        time = expiry(found.value) if found is not None else None
        if found is not None and found.value.uid == request.uid and (time or 0) > after.clock:
            return fails(f"{request.key} is deleted {(time or 0) - after.clock} s early", "ttl")
    return HOLDS


def _is_due(state: State, job: Job) -> bool:
    time = expiry(job)
    return time is not None and time <= state.clock


finished_jobs_are_cleaned_up = eventually_stable(
    "finished-jobs-are-cleaned-up",
    promise="In the end every finished Job with a ttlSecondsAfterFinished is deleted.",
    conditions="Once edits and faults have ended.",
    source=_TTL,
    when=lambda state: any(expiry(job) is not None for job in fresh(state, "jobs")),
    then=lambda state: forall(
        values(state, "jobs"),
        lambda job: expiry(job) is None,
        lambda job: f"{job.key} has finished and is still there",
    ),
    reads=("objects", "environment"),
    faults=all_but(),
    companion="a-job-expires",
    mutants=("ttl-gives-up-after-an-error",),
)


@sometimes(reads=("objects",), source="companion")
def a_job_expires(state: State) -> bool:
    """A finished Job is deleted when its time to live is over."""
    return any(
        change.previous is not None and _is_due(state, change.previous.value)
        for change in written(state, "jobs")
    )


PROPERTIES = (
    jobs_release_their_pods,
    a_finished_job_lives_for_its_ttl,
    finished_jobs_are_cleaned_up,
    a_job_expires,
)
