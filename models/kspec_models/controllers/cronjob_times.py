"""Which scheduled time of a CronJob is due, and when to look again.

After mostRecentScheduleTime, nextScheduleTime and nextScheduleTimeDuration in
pkg/controller/cronjob/utils.go at Kubernetes 1.36. However many times were missed, the most recent
one is found in constant time; more than a hundred cause a warning there and nothing here.

Left out: the 100 ms that upstream adds to each wait against clocks that differ.
"""

from __future__ import annotations

from typing import NamedTuple

from kspec_models.cron_schedule import Schedule
from kspec_models.objects import CronJob
from kspec_models.objects.record import EPOCH

_EPOCH_MINUTES = int(EPOCH.timestamp()) // 60


class InvalidSchedule(Exception):
    """The schedule is well-formed and never due."""


class Recent(NamedTuple):
    """earliest: since when schedules count. latest: the most recent one due, None without one."""

    earliest: int
    latest: int | None
    has_missed: bool


def most_recent(cronjob: CronJob, now: int, schedule: Schedule, *, with_deadline: bool) -> Recent:
    """mostRecentScheduleTime; raises InvalidSchedule for one that is never due."""
    last = cronjob.status.last_schedule_time
    earliest = cronjob.metadata.creation_timestamp or 0 if last is None else last
    if with_deadline and cronjob.spec.starting_deadline_seconds is not None:
        earliest = max(earliest, now - cronjob.spec.starting_deadline_seconds)
    first = schedule.after(earliest)
    second = schedule.after(first) if first is not None else None
    if first is None:
        raise InvalidSchedule("time difference between two schedules is less than 1 second")
    if now < first:
        return Recent(earliest, None, False)
    if second is None or now < second:
        return Recent(earliest, first, False)
    between = second - first
    missed = (now - first) // between + 1
    start = first + (missed - 2) * between  # one step back, for schedules that are not regular
    latest, following = None, schedule.after(start)
    while following is not None and following <= now:
        latest, following = following, schedule.after(following)
    return Recent(earliest, latest, True)


def due_time(cronjob: CronJob, now: int, schedule: Schedule) -> int | None:
    """nextScheduleTime: the scheduled time that a Job is owed for now; raises InvalidSchedule."""
    return most_recent(cronjob, now, schedule, with_deadline=True).latest


def wait_for_next(cronjob: CronJob, now: int, schedule: Schedule) -> int | None:
    """nextScheduleTimeDuration: seconds until the schedule is due again; None for never."""
    try:
        recent = most_recent(cronjob, now, schedule, with_deadline=False)
    except InvalidSchedule:
        return None
    base = recent.latest
    if base is None:
        base = now if recent.has_missed else recent.earliest
    following = schedule.after(base)
    return None if following is None else max(following - now, 0)


def job_name(cronjob: CronJob, scheduled: int) -> str:
    """The name of the Job for a scheduled time: minutes since 1970, so that it is made once."""
    return f"{cronjob.name}-{_EPOCH_MINUTES + scheduled // 60}"
