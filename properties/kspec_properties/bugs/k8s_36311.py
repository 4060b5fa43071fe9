"""A CronJob that had missed more than a hundred scheduled times never ran again.

The controller listed all times since the last one and gave up beyond a hundred with an error; the
last time did not advance, so the list only grew. The controller that replaced it in 1.21 computes
the most recent time alone.
"""

from __future__ import annotations

from kspec_models.controllers.cronjob import CronJobController
from kspec_models.controllers.cronjob_times import InvalidSchedule
from kspec_models.cron_schedule import Schedule
from kspec_models.objects import CronJob
from kspec_models.objects.record import encode_time
from kspec_models.worlds import node
from kspec_models.worlds_jobs import cronjob, job_spec, jobs_world
from kspec_properties.bugs.bug import Bug
from kspec_properties.mutants.mutant import replacing_controller

_MOST_MISSED = 100
_HOURS_LATER = 2 * 60 * 60


class ListsMissedTimes(CronJobController):
    """As it was until 1.21: getRecentUnmetScheduleTimes."""

    def due_time(self, cronjob: CronJob, now: int, schedule: Schedule) -> int | None:
        last = cronjob.status.last_schedule_time
        earliest = cronjob.metadata.creation_timestamp or 0 if last is None else last
        if cronjob.spec.starting_deadline_seconds is not None:
            earliest = max(earliest, now - cronjob.spec.starting_deadline_seconds)
        missed: list[int] = []
        time = schedule.after(earliest)
        while time is not None and time <= now:
            missed.append(time)
            if len(missed) > _MOST_MISSED:
                raise InvalidSchedule("Too many missed start time (> 100)")
            time = schedule.after(time)
        return missed[-1] if missed else None


def _stopped_for_hours() -> tuple[dict[str, object], ...]:
    """A CronJob that last ran at the start of time, in a cluster that begins two hours later."""
    every_minute = cronjob("tick", template=job_spec(completions=0))
    every_minute["metadata"]["creationTimestamp"] = encode_time(0)
    every_minute["status"] = {"lastScheduleTime": encode_time(0)}
    new_node = node("n1")
    new_node["metadata"]["creationTimestamp"] = encode_time(_HOURS_LATER)
    return every_minute, new_node


BUG = Bug(
    id="k8s-36311",
    title="Controller manager cannot determine if scheduledjob needs to be started",
    url="https://github.com/kubernetes/kubernetes/issues/36311",
    property="a-due-cronjob-starts-a-job",
    world=jobs_world(
        *_stopped_for_hours(),
        name="a-cronjob-missed-for-two-hours",
        granularity="reconcile",
        keep_status=True,
    ),
    estimate=3,
    change=replacing_controller("cronjob", lambda _: ListsMissedTimes()),
)
