"""One pass over a CronJob, step by step between the answers of the API server.

After sync and syncCronJob in pkg/controller/cronjob/cronjob_controllerv2.go at Kubernetes 1.36: old
Jobs are deleted, status.active is brought up to date (with live reads where the cache and the
status differ), then a Job is created for the scheduled time that is due, if the concurrency policy
and the deadline allow it. The status is written at the end, whether that went well or not.

A live CronJob that names a Job which the cached one does not is what the rest of the pass works on,
but what is written is the cached one: upstream forgets to take over the copy, so the write meets a
conflict and the pass is repeated.
"""

from __future__ import annotations

from typing import NamedTuple

from kspec_models.controllers.cronjob_jobs import (
    is_active,
    job_for,
    started,
    with_status,
    without_active,
)
from kspec_models.controllers.cronjob_times import (
    InvalidSchedule,
    due_time,
    job_name,
    wait_for_next,
)
from kspec_models.cron_schedule import Schedule, parse
from kspec_models.job_conditions import COMPLETE, is_finished, true_condition
from kspec_models.objects import CronJob, Job, ObjectReference, controller_of
from kspec_models.requests import ALREADY_EXISTS, NOT_FOUND, Create, Delete, Get, Request, Response

CLEAN, CHECK, MISSING, REPLACE, DELETE, CREATE, EXISTING, WRITE = (
    *("clean", "check", "missing", "replace", "delete", "create", "existing", "write"),
)


class Step(NamedTuple):
    """Where a pass stands.

    cronjob: the copy that the pass changes, `read` if it is a live one and `kept` then the cached
    one. step: what the request that is awaited is for. surplus, jobs, references: still to be
    deleted, looked at, or asked about. children: uids of its Jobs. updated: the status has news.
    """

    cronjob: CronJob
    version: int
    step: str = CLEAN
    surplus: tuple[Job, ...] = ()
    jobs: tuple[Job, ...] = ()
    references: tuple[ObjectReference, ...] = ()
    children: frozenset[str] = frozenset()
    kept: CronJob | None = None
    updated: bool = False
    scheduled: int = 0
    requeue_after: int | None = None
    has_failed: bool = False

    @property
    def to_write(self) -> CronJob:
        """What the status is written from."""
        return self.cronjob if self.kept is None else self.kept


class Moved(NamedTuple):
    """The step that a pass has come to, and the request that it waits for; None at its end."""

    at: Step
    request: Request | None = None


def begin(cronjob: CronJob, version: int, jobs: tuple[Job, ...], surplus: tuple[Job, ...]) -> Step:
    """A pass over a CronJob as the cache shows it, with its Jobs."""
    children = frozenset(job.uid for job in jobs)
    return Step(cronjob, version, surplus=surplus, jobs=jobs, children=children)


def _delete(key: str) -> Delete:
    return Delete("jobs", key, propagation_policy="Background")


def _noted(at: Step, job: Job) -> Step:
    """A finished Job leaves status.active, and its end may be the newest success."""
    if is_active(at.cronjob, job.uid):
        if not is_finished(job):
            return at
        return at._replace(cronjob=without_active(at.cronjob, job.uid), updated=True)
    time, last = job.status.completion_time, at.cronjob.status.last_successful_time
    if true_condition(job, COMPLETE) is None or time is None or (last is not None and time <= last):
        return at
    return at._replace(cronjob=with_status(at.cronjob, last_successful_time=time), updated=True)


def _is_too_late(cronjob: CronJob, scheduled: int, now: int) -> bool:
    deadline = cronjob.spec.starting_deadline_seconds
    return deadline is not None and scheduled + deadline < now


def _create(at: Step) -> Moved:
    return Moved(at._replace(step=CREATE), Create(job_for(at.cronjob, at.scheduled)))


def finish(at: Step, *, has_failed: bool = False) -> Moved:
    """The status is written if it has news; after an error the key is tried again."""
    if has_failed:
        at = at._replace(has_failed=True, requeue_after=None)
    return Moved(at._replace(step=WRITE))


def _started(at: Step, job: Job) -> Moved:
    cronjob = started(at.cronjob, job, at.scheduled)
    return finish(at._replace(cronjob=cronjob, updated=True))


class CronJobPass:
    """The steps of a pass. `due_time` decides which scheduled time a Job is owed for."""

    def due_time(self, cronjob: CronJob, now: int, schedule: Schedule) -> int | None:
        """The most recent scheduled time that is due, None if none is; raises InvalidSchedule."""
        return due_time(cronjob, now, schedule)

    def advance(self, at: Step, now: int) -> Moved:
        """Go on to the next request."""
        if at.surplus:
            return Moved(at._replace(step=CLEAN), _delete(at.surplus[0].key))
        return self._check(at, now)

    def _check(self, at: Step, now: int) -> Moved:
        """What status.active says of each Job."""
        while at.jobs:
            job = at.jobs[0]
            if not is_active(at.cronjob, job.uid) and not is_finished(job):
                return Moved(at._replace(step=CHECK), Get("cronjobs", at.cronjob.key))
            at = _noted(at._replace(jobs=at.jobs[1:]), job)
        return self._missing(at._replace(references=at.cronjob.status.active), now)

    def _missing(self, at: Step, now: int) -> Moved:
        """A Job that status.active names and the cache does not have is read live."""
        while at.references:
            reference = at.references[0]
            if reference.uid not in at.children:
                key = f"{reference.namespace}/{reference.name}"
                return Moved(at._replace(step=MISSING), Get("jobs", key))
            at = at._replace(references=at.references[1:])
        return self._schedule(at, now)

    def _schedule(self, at: Step, now: int) -> Moved:
        """Whether a Job is to be started now."""
        cronjob, spec = at.cronjob, at.cronjob.spec
        if cronjob.is_terminating or spec.suspend:
            return finish(at)
        try:
            schedule = parse(spec.schedule)
            scheduled = self.due_time(cronjob, now, schedule)
        except (ValueError, InvalidSchedule):
            return finish(at)
        at = at._replace(requeue_after=wait_for_next(cronjob, now, schedule))
        if scheduled is None or _is_too_late(cronjob, scheduled, now):
            return finish(at)
        names = [(r.namespace, r.name) for r in cronjob.status.active]
        is_started = (cronjob.namespace, job_name(cronjob, scheduled)) in names
        if is_started or cronjob.status.last_schedule_time == scheduled:
            return finish(at)
        if spec.concurrency_policy == "Forbid" and cronjob.status.active:
            return finish(at)
        at = at._replace(scheduled=scheduled)
        if spec.concurrency_policy == "Replace":
            return self._replace(at._replace(references=cronjob.status.active))
        return _create(at)

    def _replace(self, at: Step) -> Moved:
        if not at.references:
            return _create(at)
        reference = at.references[0]
        key = f"{reference.namespace}/{reference.name}"
        return Moved(at._replace(step=REPLACE), Get("jobs", key))

    def answered(self, at: Step, response: Response, now: int) -> Moved:
        """The request of a step was answered."""
        return _ANSWERS[at.step](self, at, response, now)

    def _cleaned(self, at: Step, response: Response, now: int) -> Moved:
        job, *rest = at.surplus
        at = at._replace(surplus=tuple(rest))
        if response.ok:
            at = at._replace(cronjob=without_active(at.cronjob, job.uid), updated=True)
        return self.advance(at, now)

    def _checked(self, at: Step, response: Response, now: int) -> Moved:
        """A Job that runs and is not in status.active: does a newer CronJob name it?"""
        if not response.ok or response.entry is None:
            return finish(at, has_failed=True)
        job, fresh = at.jobs[0], response.entry.value
        at = at._replace(jobs=at.jobs[1:])
        if is_active(fresh, job.uid):
            kept = at.cronjob if at.kept is None else at.kept
            at = at._replace(cronjob=fresh, kept=kept)
        return self._check(at, now)

    def _looked_for(self, at: Step, response: Response, now: int) -> Moved:
        reference = at.references[0]
        if response.reason == NOT_FOUND:
            at = at._replace(cronjob=without_active(at.cronjob, reference.uid), updated=True)
        elif not response.ok:
            return finish(at, has_failed=True)
        return self._missing(at._replace(references=at.references[1:]), now)

    def _read(self, at: Step, response: Response, now: int) -> Moved:
        if not response.ok or response.entry is None:
            return finish(at, has_failed=True)
        return Moved(at._replace(step=DELETE), _delete(response.entry.value.key))

    def _replaced(self, at: Step, response: Response, now: int) -> Moved:
        if not response.ok:
            return finish(at, has_failed=True)
        uid = at.references[0].uid
        at = at._replace(cronjob=without_active(at.cronjob, uid), updated=True)
        return self._replace(at._replace(references=at.references[1:]))

    def _created(self, at: Step, response: Response, now: int) -> Moved:
        if response.reason == ALREADY_EXISTS:
            key = f"{at.cronjob.namespace}/{job_name(at.cronjob, at.scheduled)}"
            return Moved(at._replace(step=EXISTING), Get("jobs", key))
        if not response.ok or response.entry is None:
            return finish(at, has_failed=True)
        return _started(at, response.entry.value)

    def _existing(self, at: Step, response: Response, now: int) -> Moved:
        """The name is taken: by a Job of this CronJob that the status lacks, or by another's."""
        if not response.ok or response.entry is None:
            return finish(at, has_failed=True)
        job: Job = response.entry.value
        owner = controller_of(job)
        is_ours = owner is not None and owner.uid == at.cronjob.uid
        if not is_ours or is_active(at.cronjob, job.uid):
            return finish(at._replace(requeue_after=None))
        return _started(at, job)


_ANSWERS = {
    CLEAN: CronJobPass._cleaned,
    CHECK: CronJobPass._checked,
    MISSING: CronJobPass._looked_for,
    REPLACE: CronJobPass._read,
    DELETE: CronJobPass._replaced,
    CREATE: CronJobPass._created,
    EXISTING: CronJobPass._existing,
}
