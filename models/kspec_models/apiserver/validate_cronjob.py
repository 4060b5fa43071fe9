"""Validation of a CronJob.

After ValidateCronJobCreate, ValidateCronJobUpdate and validateScheduleFormat in
pkg/apis/batch/validation/validation.go at 1.36.

Left out: time zones other than UTC, which are refused: schedules are read in UTC here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kspec_models.apiserver.validate_common import not_negative, shown
from kspec_models.apiserver.validate_job import job_spec_problems
from kspec_models.cron_schedule import parse
from kspec_models.objects import CronJob

MAX_NAME: Final = 52
POLICIES: Final = ("Allow", "Forbid", "Replace")
UTC_NAMES: Final = ("UTC", "Etc/UTC")


def cronjob_problems(obj: CronJob) -> Iterator[str]:
    """What a CronJob may not say, at its creation or by an update."""
    spec = obj.spec
    if len(obj.name) > MAX_NAME:
        yield f'metadata.name: Invalid value: "{obj.name}": must be no more than 52 characters'
    yield from _schedule(spec.schedule)
    yield from not_negative(spec.starting_deadline_seconds, "spec.startingDeadlineSeconds")
    if spec.time_zone is not None:
        yield from _time_zone(spec.time_zone)
    if spec.concurrency_policy not in ("", *POLICIES):
        texts = ", ".join(f'"{policy}"' for policy in POLICIES)
        yield (
            f'spec.concurrencyPolicy: Unsupported value: "{spec.concurrency_policy}": '
            f"supported values: {texts}"
        )
    yield from _job_template(obj)
    limits = (spec.successful_jobs_history_limit, spec.failed_jobs_history_limit)
    for limit, field in zip(limits, ("successful", "failed"), strict=True):
        yield from not_negative(limit, f"spec.{field}JobsHistoryLimit")


def _schedule(schedule: str) -> Iterator[str]:
    if not schedule:
        yield "spec.schedule: Required value"
        return
    where = f'spec.schedule: Invalid value: "{schedule}"'
    try:
        parse(schedule)
    except ValueError as error:
        yield f"{where}: {error}"
    if "TZ" in schedule:
        yield f"{where}: cannot use TZ or CRON_TZ in schedule, use timeZone field instead"


def _time_zone(zone: str) -> Iterator[str]:
    where = f'spec.timeZone: Invalid value: "{zone}"'
    if not zone:
        yield f"{where}: timeZone must be nil or non-empty string"
    elif zone.lower() == "local":
        yield (
            f"{where}: timeZone must be an explicit time zone as defined in "
            "https://www.iana.org/time-zones"
        )
    elif zone not in UTC_NAMES:
        yield f"{where}: no other time zone than UTC is modelled"


def _job_template(obj: CronJob) -> Iterator[str]:
    spec = obj.spec.job_template.spec
    yield from job_spec_problems(spec, "spec.jobTemplate.spec")
    if spec.selector is not None:
        yield (
            f"spec.jobTemplate.spec.selector: Invalid value: {shown(spec.selector)}: "
            "`selector` will be auto-generated"
        )
    if spec.manual_selector:
        yield (
            "spec.jobTemplate.spec.manualSelector: Unsupported value: true: "
            'supported values: "nil", "false"'
        )


def cronjob_changes(old: CronJob, new: CronJob) -> Iterator[str]:
    """ValidateCronJobUpdate forbids nothing that a new CronJob may say."""
    return iter(())
