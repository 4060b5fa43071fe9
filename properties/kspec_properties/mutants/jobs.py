"""Mutants of the Job, CronJob and TTL-after-finished controllers, and of the expiry of Events."""

from __future__ import annotations

from typing import Any

from kspec.values import EMPTY_MAP
from kspec_models.controllers.cronjob import CronJobController
from kspec_models.controllers.cronjob_pass import Moved
from kspec_models.controllers.eventexpiry import EventExpiryController
from kspec_models.controllers.job import JobController
from kspec_models.controllers.job_memory import JobMemory
from kspec_models.controllers.job_pods import Claiming
from kspec_models.controllers.ttlafterfinished import TTLAfterFinishedController
from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, View
from kspec_models.objects import CronJob, Job
from kspec_models.requests import Create, Request, Response
from kspec_models.world import World
from kspec_models.worlds import delete
from kspec_models.worlds_jobs import cronjob, event, job, job_spec, jobs_world
from kspec_properties.mutants.mutant import (
    Change,
    ModelMutant,
    misreading,
    replacing_controller,
)

_PAIR = jobs_world(job("pi", parallelism=2, completions=2), name="two-pods-of-a-job")
_FAILING = jobs_world(job("pi", exit_code="1", backoffLimit=1), name="a-failing-job")
_SLOW = jobs_world(
    job("pi", exits_after=50), operations=(delete("Job", "pi"),), name="a-job-is-deleted"
)
_EXPIRING = jobs_world(
    job("pi", exits_after=30, ttlSecondsAfterFinished=60), name="a-job-with-a-time-to-live"
)
_FORBIDDING = jobs_world(
    cronjob("tick", concurrencyPolicy="Forbid", template=job_spec(exits_after=90)),
    name="a-forbidding-cronjob",
)
_TICKING = jobs_world(cronjob("tick", template=job_spec(completions=0)), name="a-cronjob")
_NOTED = jobs_world(event("noted"), name="an-event")
_WATCHED = jobs_world(cronjob("tick"), job("slow", exits_after=300), name="a-cronjob-and-a-job")


class ForgetsRemovedFinalizers(JobController):
    def reconcile(self, memory: JobMemory, key: str, view: View) -> Worked:
        expectations = memory.expectations._replace(removals=EMPTY_MAP)
        return super().reconcile(memory._replace(expectations=expectations), key, view)


class ForgetsPods(JobController):
    def reconcile(self, memory: JobMemory, key: str, view: View) -> Worked:
        expectations = memory.expectations._replace(pods=EMPTY_MAP)
        return super().reconcile(memory._replace(expectations=expectations), key, view)


class CompletesEarly(JobController):
    def reconcile(self, memory: JobMemory, key: str, view: View) -> Worked:
        return super().reconcile(memory, key, misreading(view, "jobs", _with_fewer_completions))


def _with_fewer_completions(obj: Job) -> Job:
    return obj.replace(spec=obj.spec.replace(completions=(obj.spec.completions or 1) - 1))


class StartsAnew(JobController):
    def reconcile(self, memory: JobMemory, key: str, view: View) -> Worked:
        return super().reconcile(memory, key, misreading(view, "jobs", _without_end))


def _without_end(obj: Job) -> Job:
    status = obj.status.replace(conditions=(), start_time=None, completion_time=None)
    return obj.replace(status=status)


class ForgetsItsTimer(JobController):
    def _manage(self, memory: JobMemory, phase: Claiming, now: int) -> Worked:
        return super()._manage(memory, phase, now)._replace(requeue_after=None)


class LeavesOrphans(JobController):
    def _clean_up(self, memory: JobMemory, key: str, view: View) -> Worked:
        return Worked(memory)


class CountsFromTheStart(TTLAfterFinishedController):
    def expiry(self, job: Job) -> int | None:
        time, start = super().expiry(job), job.status.start_time
        seconds = job.spec.ttl_seconds_after_finished
        return None if time is None or start is None or seconds is None else start + seconds


class GivesUp(TTLAfterFinishedController):
    def answer(
        self, memory: tuple[()], call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        return super().answer(memory, call, request, response, view)._replace(failed=False)


class NamesAnew(CronJobController):
    def _moved(self, memory: tuple[()], moved: Moved) -> Worked:
        if isinstance(moved.request, Create):
            prefix = f"{moved.at.cronjob.name}-"
            unnamed = moved.request.object.with_metadata(name="", generate_name=prefix)
            moved = moved._replace(request=Create(unnamed))
        return super()._moved(memory, moved)


class AllowsAll(CronJobController):
    def reconcile(self, memory: tuple[()], key: str, view: View) -> Worked:
        return super().reconcile(memory, key, misreading(view, "cronjobs", _allowing))


def _allowing(obj: CronJob) -> CronJob:
    return obj.replace(spec=obj.spec.replace(concurrency_policy="Allow"))


class LooksOnlyOnce(CronJobController):
    def _moved(self, memory: tuple[()], moved: Moved) -> Worked:
        return super()._moved(memory, moved)._replace(requeue_after=None)


class NeverRetries(EventExpiryController):
    def answer(
        self, memory: tuple[()], call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        return Worked(memory)


class ExpiresAtOnce(EventExpiryController):
    def reconcile(self, memory: tuple[()], key: str, view: View) -> Worked:
        return super().reconcile(memory, key, view._replace(now=view.now + self.seconds))


def _replacing(name: str, kind: Any) -> Change:
    return replacing_controller(name, lambda _: kind())


def _mutant(
    name: str, description: str, prop: str, world: World, change: Change, faults: str = "none"
) -> ModelMutant:
    return ModelMutant(
        name=name,
        description=description,
        property=prop,
        world=world,
        change=change,
        faults=faults,
    )


MUTANTS = (
    _mutant(
        "job-forgets-removed-finalizers",
        "the Job controller does not wait for the finalizers that it removed to be seen gone",
        "a-job-counts-each-pod-once",
        _PAIR,
        _replacing("job", ForgetsRemovedFinalizers),
    ),
    _mutant(
        "job-forgets-expectations",
        "the Job controller does not wait for the pods that it made to be seen",
        "a-job-keeps-within-its-parallelism",
        _PAIR,
        _replacing("job", ForgetsPods),
    ),
    _mutant(
        "job-completes-one-too-early",
        "the Job controller reads completions one too small",
        "a-job-completes-with-its-completions",
        _PAIR,
        _replacing("job", CompletesEarly),
    ),
    _mutant(
        "job-goes-on-after-its-end",
        "the Job controller takes a finished Job for one that is not",
        "a-finished-job-is-final",
        _EXPIRING,
        _replacing("job", StartsAnew),
    ),
    _mutant(
        "job-forgets-its-timer",
        "the Job controller does not come back when a backoff is over",
        "jobs-finish",
        _FAILING,
        _replacing("job", ForgetsItsTimer),
    ),
    _mutant(
        "job-leaves-orphans-their-finalizer",
        "the Job controller does not clean up after a Job that is gone",
        "jobs-release-their-pods",
        _SLOW,
        _replacing("job", LeavesOrphans),
    ),
    _mutant(
        "ttl-counts-from-the-start",
        "the TTL-after-finished controller counts from the start of a Job",
        "a-finished-job-lives-for-its-ttl",
        _EXPIRING,
        _replacing("ttl-after-finished", CountsFromTheStart),
    ),
    _mutant(
        "ttl-gives-up-after-an-error",
        "the TTL-after-finished controller does not try again after an error",
        "finished-jobs-are-cleaned-up",
        _EXPIRING,
        _replacing("ttl-after-finished", GivesUp),
        "throttle",
    ),
    _mutant(
        "cronjob-names-its-jobs-anew",
        "the CronJob controller gives each Job a name of its own, not that of its time",
        "a-scheduled-time-has-one-job",
        _TICKING,
        _replacing("cronjob", NamesAnew),
        "lost-request",
    ),
    _mutant(
        "cronjob-allows-what-it-forbids",
        "the CronJob controller reads concurrencyPolicy Forbid as Allow",
        "a-forbidding-cronjob-runs-one-job",
        _FORBIDDING,
        _replacing("cronjob", AllowsAll),
    ),
    _mutant(
        "cronjob-looks-only-once",
        "the CronJob controller does not come back when a schedule is due",
        "a-due-cronjob-starts-a-job",
        _WATCHED,
        _replacing("cronjob", LooksOnlyOnce),
    ),
    _mutant(
        "events-outlive-an-error",
        "the removal of an Event whose time has come is not tried again after an error",
        "events-expire",
        _NOTED,
        _replacing("eventexpiry", NeverRetries),
        "throttle",
    ),
    _mutant(
        "events-expire-at-once",
        "Events have no time to live",
        "an-event-lives-for-an-hour",
        _NOTED,
        _replacing("eventexpiry", ExpiresAtOnce),
    ),
)
