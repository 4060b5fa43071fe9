"""The Jobs of a CronJob: which are its own, what its status says of them, and a new one.

After getJobsToBeReconciled, cleanupFinishedJobs, removeOldestJobs and getJobFromTemplate2 in
pkg/controller/cronjob/{cronjob_controllerv2,utils}.go at Kubernetes 1.36.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from kspec_models.controllers.cronjob_times import job_name
from kspec_models.controllers.pods import in_namespace, owner_reference
from kspec_models.host import View
from kspec_models.job_conditions import COMPLETE, FAILED, true_condition
from kspec_models.objects import (
    CronJob,
    CronJobStatus,
    Job,
    ObjectMeta,
    ObjectReference,
    Time,
    controller_of,
)
from kspec_models.objects.record import encode_time

SCHEDULED_TIMESTAMP: Final = "batch.kubernetes.io/cronjob-scheduled-timestamp"


def jobs_of(cronjob: CronJob, view: View) -> tuple[Job, ...]:
    """The Jobs whose controller has the CronJob's name; upstream asks for neither kind nor uid."""
    found = []
    for job in in_namespace(view.caches["jobs"], "jobs", cronjob.namespace):
        owner = controller_of(job)
        if owner is not None and owner.name == cronjob.name:
            found.append(job)
    return tuple(found)


def surplus_jobs(cronjob: CronJob, jobs: Iterable[Job]) -> tuple[Job, ...]:
    """cleanupFinishedJobs: the oldest finished Jobs beyond the history limits."""
    every = tuple(jobs)
    limits = (
        (COMPLETE, cronjob.spec.successful_jobs_history_limit),
        (FAILED, cronjob.spec.failed_jobs_history_limit),
    )
    surplus: list[Job] = []
    for kind, limit in limits:
        finished = sorted((j for j in every if true_condition(j, kind)), key=_by_start)
        surplus += finished[: max(len(finished) - limit, 0)] if limit is not None else ()
    return tuple(surplus)


def _by_start(job: Job) -> tuple[bool, int, str]:
    start = job.status.start_time
    return start is None, start or 0, job.name


def is_active(cronjob: CronJob, uid: str) -> bool:
    """Whether status.active names a Job with that uid."""
    return any(reference.uid == uid for reference in cronjob.status.active)


def with_status(cronjob: CronJob, **changes: object) -> CronJob:
    status: CronJobStatus = cronjob.status.replace(**changes)
    return cronjob.replace(status=status)


def without_active(cronjob: CronJob, uid: str) -> CronJob:
    """The CronJob without that Job in status.active."""
    return with_status(cronjob, active=tuple(r for r in cronjob.status.active if r.uid != uid))


def started(cronjob: CronJob, job: Job, scheduled: int) -> CronJob:
    """The CronJob with a Job that has just been started."""
    reference = ObjectReference(
        api_version=Job.API_VERSION,
        kind=Job.KIND,
        namespace=job.namespace,
        name=job.name,
        uid=job.uid,
    )
    return with_status(
        cronjob,
        active=(*cronjob.status.active, reference),
        last_schedule_time=Time(scheduled),
    )


def job_for(cronjob: CronJob, scheduled: int) -> Job:
    """The Job to create for a scheduled time."""
    template = cronjob.spec.job_template
    meta = template.metadata
    return Job(
        metadata=ObjectMeta(
            name=job_name(cronjob, scheduled),
            namespace=cronjob.namespace,
            labels=meta.labels,
            annotations=meta.annotations.set(SCHEDULED_TIMESTAMP, encode_time(scheduled)),
            owner_references=(owner_reference(cronjob),),
        ),
        spec=template.spec,
    )
