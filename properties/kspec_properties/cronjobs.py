"""What CronJobs promise."""

from __future__ import annotations

from collections.abc import Iterator

from kspec.logic import HOLDS, Verdict, fails
from kspec.property import leads_to, sometimes, transition
from kspec_models.controllers.cronjob_jobs import SCHEDULED_TIMESTAMP
from kspec_models.controllers.cronjob_times import InvalidSchedule, due_time, job_name
from kspec_models.cron_schedule import parse
from kspec_models.indexes import controlled_by
from kspec_models.job_conditions import is_finished
from kspec_models.objects import CronJob, Job, controller_of
from kspec_models.state import State
from kspec_properties.faults import all_but
from kspec_properties.reading import newest, values, written

_DOCS = "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/"


def _created_jobs(state: State) -> Iterator[tuple[CronJob, Job, list[Job]]]:
    """The Jobs that the last step created for a CronJob: the CronJob, the Job, its other Jobs."""
    for change in written(state, "jobs"):
        if change.previous is not None or change.entry is None:
            continue
        job: Job = change.entry.value
        owner = controller_of(job)
        if owner is None or owner.kind != CronJob.KIND:
            continue
        found = newest(state, "cronjobs").get(f"cronjobs/{job.namespace}/{owner.name}")
        if found is not None and found.value.uid == owner.uid:
            siblings = controlled_by(newest(state, "jobs"), owner.uid)
            yield found.value, job, [e.value for e in siblings if e.value.uid != job.uid]


@transition(
    reads=("objects",),
    source=_DOCS + "#cron-job-limitations",
    faults=all_but(),
    companion="a-cronjob-starts-a-job",
    mutants=("cronjob-names-its-jobs-anew",),
)
def a_scheduled_time_has_one_job(before: State, after: State) -> Verdict:
    """No two Jobs of a CronJob are for the same scheduled time.

    The time is in the name, which is what stops a second one whatever is lost. A Job that is
    deleted before the status speaks of it may be made again.
    """
    for cronjob, job, others in _created_jobs(after):
        time = job.metadata.annotations.get(SCHEDULED_TIMESTAMP)
        for other in others:
            if other.metadata.annotations.get(SCHEDULED_TIMESTAMP) == time:
                return fails(f"{cronjob.key} has {other.name} and {job.name} for {time}", "twice")
    return HOLDS


def _forbidden_is_kept(after: State) -> Verdict:
    for cronjob, job, others in _created_jobs(after):
        if cronjob.spec.concurrency_policy != "Forbid" or cronjob.metadata.generation != 1:
            continue
        for other in others:
            if not is_finished(other) and not other.is_terminating:
                return fails(f"{cronjob.key} starts {job.name} beside {other.name}", "two")
    return HOLDS


@transition(
    reads=("objects",),
    source=_DOCS + "#concurrency-policy",
    faults=all_but("crash", "stale-list", "lost-answer", "failover", "pause", "partition"),
    companion="a-forbidding-cronjob-starts-a-second-job",
    mutants=("cronjob-allows-what-it-forbids",),
)
def a_forbidding_cronjob_runs_one_job(before: State, after: State) -> Verdict:
    """A CronJob with concurrencyPolicy Forbid starts no Job while another one of it runs.

    Without a crash or a lost answer, and while caches lag by less than a period: it counts the Jobs
    that its status names, which is written after the Job is created. Of CronJobs never edited.
    """
    return _forbidden_is_kept(after)


@transition(
    reads=("objects",),
    source=_DOCS + "#concurrency-policy",
    companion="a-forbidding-cronjob-starts-a-second-job",
    known_false=True,
)
def a_forbidding_cronjob_never_runs_two_jobs(before: State, after: State) -> Verdict:
    """A CronJob with concurrencyPolicy Forbid starts no Job while another one of it runs, ever.

    Not kept: the controller creates a Job and crashes before the status names it; at the next
    scheduled time nothing tells that the Job is one that counts.
    """
    return _forbidden_is_kept(after)


def unserved(state: State, cronjob: CronJob) -> int | None:
    """The scheduled time that is due and has neither a Job nor a mark; None where all is served.

    Nothing is owed by a CronJob that is suspended or leaves, that has a deadline for late starts,
    or that forbids what would run beside a Job that is not finished.
    """
    spec = cronjob.spec
    if spec.suspend or cronjob.is_terminating or spec.starting_deadline_seconds is not None:
        return None
    jobs = controlled_by(newest(state, "jobs"), cronjob.uid)
    if spec.concurrency_policy == "Forbid" and any(not is_finished(e.value) for e in jobs):
        return None
    space = newest(state, "namespaces").get(f"namespaces/{cronjob.namespace}")
    if space is None or space.value.is_terminating:
        return None
    try:
        time = due_time(cronjob, state.clock, parse(spec.schedule))
    except InvalidSchedule:
        return None
    if time is None or time == cronjob.status.last_schedule_time:
        return None
    key = f"jobs/{cronjob.namespace}/{job_name(cronjob, time)}"
    return time if newest(state, "jobs").get(key) is None else None


def _is_behind(state: State) -> bool:
    return any(unserved(state, cronjob) is not None for cronjob in values(state, "cronjobs"))


a_due_cronjob_starts_a_job = leads_to(
    "a-due-cronjob-starts-a-job",
    promise="A CronJob that is due starts a Job, however many scheduled times it has missed.",
    conditions=(
        "The most recent of them. If it is not suspended, has no deadline for late starts, and "
        "forbids no Job beside one that runs. Once the faults have ended."
    ),
    source=_DOCS + "#starting-deadline",
    when=_is_behind,
    then=lambda state: not _is_behind(state),
    reads=("objects", "environment", "namespaces"),
    faults=all_but(),
    companion="a-cronjob-starts-a-job",
    mutants=("cronjob-looks-only-once",),
)


@sometimes(reads=("objects",), source="companion")
def a_cronjob_starts_a_job(state: State) -> bool:
    """A Job of a CronJob is created."""
    return any(True for _ in _created_jobs(state))


@sometimes(reads=("objects",), source="companion")
def a_forbidding_cronjob_starts_a_second_job(state: State) -> bool:
    """A CronJob that forbids Jobs beside one another starts one when it has had another."""
    return any(
        cronjob.spec.concurrency_policy == "Forbid" and others
        for cronjob, _, others in _created_jobs(state)
    )


PROPERTIES = (
    a_scheduled_time_has_one_job,
    a_forbidding_cronjob_runs_one_job,
    a_due_cronjob_starts_a_job,
    a_forbidding_cronjob_never_runs_two_jobs,
    a_cronjob_starts_a_job,
    a_forbidding_cronjob_starts_a_second_job,
)
