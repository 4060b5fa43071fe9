"""What the CronJob controller does: one Job for each scheduled time, as its policy allows."""

import pytest
from cluster_runs import fifo, get, objects

from kspec.values import fingerprint
from kspec_models.building import build
from kspec_models.controllers.cronjob import CronJobController
from kspec_models.controllers.cronjob_times import InvalidSchedule, due_time, wait_for_next
from kspec_models.cron_schedule import parse
from kspec_models.host import Call, View
from kspec_models.objects import CronJob, Job
from kspec_models.objects.record import encode_time
from kspec_models.requests import (
    ALREADY_EXISTS,
    CONFLICT,
    NOT_FOUND,
    TIMEOUT,
    Create,
    Delete,
    Get,
    Response,
    Update,
    describe,
)
from kspec_models.store import Entry, Snapshot
from kspec_models.worlds_jobs import cronjob, job, job_spec, jobs_world

MINUTE, HOUR = 60, 3600


def until(second, *given, **options):
    """Every state of a FIFO run until that virtual second."""
    cluster = build(jobs_world(*given, granularity="reconcile", **options))
    for _, state in fifo(cluster):
        if state.clock > second:
            return
        yield state


def last(second, *given, **options):
    *_, state = until(second, *given, **options)
    return state


def started(states):
    """When each Job was seen first, by name."""
    seen = {}
    for state in states:
        for found in objects(state, "jobs"):
            seen.setdefault(found.name, found.metadata.creation_timestamp)
    return seen


def test_each_scheduled_time_starts_one_job_named_by_its_minute():
    seen = started(until(HOUR, cronjob("tick", "*/20 * * * *")))
    assert list(seen.values()) == [20 * MINUTE, 40 * MINUTE, 60 * MINUTE]
    assert list(seen) == ["tick-28401140", "tick-28401160", "tick-28401180"]


def test_an_hour_costs_its_events_and_not_its_seconds():
    given = cronjob("tick", "*/30 * * * *", template=job_spec(completions=0))
    assert sum(1 for _ in until(HOUR, given)) < 60


def test_history_limits_keep_the_newest_jobs():
    state = last(HOUR - 1, cronjob("tick", "*/5 * * * *", successfulJobsHistoryLimit=2))
    assert [found.name for found in objects(state, "jobs")] == ["tick-28401170", "tick-28401175"]
    status = get(state, "cronjobs/default/tick").status
    assert (status.last_schedule_time, status.last_successful_time) == (55 * MINUTE, 55 * MINUTE)
    assert status.active == ()


@pytest.mark.parametrize(
    ("policy", "minutes", "most"), [("Allow", 5, 2), ("Forbid", 3, 1), ("Replace", 5, 1)]
)
def test_a_concurrency_policy_decides_beside_a_job_that_runs(policy, minutes, most):
    given = cronjob("tick", concurrencyPolicy=policy, template=job_spec(exits_after=90))
    states = list(until(5 * MINUTE, given))
    ended = ("Complete", "Failed")
    running = [
        sum(
            not any(c.type in ended for c in found.status.conditions) and not found.is_terminating
            for found in objects(state, "jobs")
        )
        for state in states
    ]
    assert (len(started(states)), max(running)) == (minutes, most)


def test_a_suspended_cronjob_rests():
    cluster = build(jobs_world(cronjob("tick", suspend=True)))
    *_, (_, state) = fifo(cluster, limit=50)
    assert state.clock == 0 and not objects(state, "jobs")


def cron(schedule="* * * * *", created=0, **spec):
    """A CronJob as the controller reads it; last: its lastScheduleTime."""
    last_time, active = spec.pop("last", None), spec.pop("active", ())
    status = {} if last_time is None else {"lastScheduleTime": encode_time(last_time)}
    refs = [{"name": name, "namespace": "default", "uid": name, "kind": "Job"} for name in active]
    body = cronjob("tick", schedule, **spec)
    body["metadata"] |= {"uid": "cj", "creationTimestamp": encode_time(created)}
    return CronJob.from_json({**body, "status": {**status, "active": refs}})


@pytest.mark.parametrize(
    ("given", "now", "due", "wait"),
    [
        (cron(), 59, None, 1),
        (cron(), 60, 60, 60),
        (cron(last=60), 119, None, 1),
        (cron(last=0), 10 * HOUR + 30, 10 * HOUR, 30),  # 600 missed: the most recent one
        (cron(startingDeadlineSeconds=10, last=0), HOUR + 30, None, 30),
        (cron(startingDeadlineSeconds=30, last=0), HOUR + 20, HOUR, 40),
        (cron("30 6-16/4 * * 1-5", last=6 * HOUR + 1800), 15 * HOUR, 14 * HOUR + 1800, 55800),
        (cron("@every 1h30m", created=100), 4 * HOUR, 100 + 3 * HOUR, 100 + 30 * MINUTE),
    ],
)
def test_the_most_recent_missed_time_is_due(given, now, due, wait):
    schedule = parse(given.spec.schedule)
    assert due_time(given, now, schedule) == due
    assert wait_for_next(given, now, schedule) == wait


def test_a_schedule_that_never_comes_is_told_and_not_waited_for():
    never = cron("0 0 31 2 *")
    with pytest.raises(InvalidSchedule):
        due_time(never, HOUR, parse(never.spec.schedule))
    assert wait_for_next(never, HOUR, parse(never.spec.schedule)) is None


class Server:
    """Answers one pass over a CronJob; answers: reasons by the text of a request, each used once.

    live: the CronJob as the server has it, where the cache is older.
    """

    def __init__(self, obj, *jobs, live=None, answers=None, now=MINUTE):
        self.obj, self.jobs, self.live, self.now = obj, jobs, live or obj, now
        self.answers, self.log, self.written = dict(answers or {}), [], None

    def entry(self, obj):
        return Entry(f"{obj.resource}/{obj.key}", obj, 1, 7, 7)

    @property
    def view(self):
        cached = Snapshot()
        for found in self.jobs:
            cached = cached.patched(f"jobs/{found.key}", self.entry(found))
        own = Snapshot().patched("cronjobs/default/tick", self.entry(self.obj))
        return View({"cronjobs": own, "jobs": cached}, self.now)

    def serve(self, request):
        text = describe(request)
        self.log.append(text)
        if text in self.answers:
            return Response(self.answers.pop(text))
        if isinstance(request, Create):
            return Response(entry=self.entry(request.object.with_metadata(uid="new")))
        if isinstance(request, Update):
            self.written = request.object.status
        if isinstance(request, Get) and request.resource == "jobs":
            found = [j for j in self.jobs if j.key == request.key]
            return Response(entry=self.entry(found[0])) if found else Response(NOT_FOUND)
        return Response(entry=None if isinstance(request, Delete) else self.entry(self.live))

    def run(self):
        """One pass with its answers; what it ended with."""
        controller = CronJobController()
        worked = controller.reconcile((), "default/tick", self.view)
        while worked.requests:
            (request,) = worked.requests
            call = Call("default/tick", (), worked.phase)
            assert fingerprint(worked.phase)
            worked = controller.answer((), call, request, self.serve(request), self.view)
        return worked


def running(name="tick-28401120", uid="", **status):
    owner = {"kind": "CronJob", "name": "tick", "uid": "cj", "controller": True}
    meta = {"name": name, "namespace": "default", "uid": uid or name, "ownerReferences": [owner]}
    return Job.from_json({**job("x"), "metadata": meta, "status": status})


def test_a_job_is_created_before_the_status_names_it():
    server = Server(cron())
    worked = server.run()
    assert server.log == [
        "Create jobs default/tick-28401121",
        "Update cronjobs default/tick/status",
    ]
    assert [r.uid for r in server.written.active] == ["new"]
    assert (server.written.last_schedule_time, worked.requeue_after) == (MINUTE, MINUTE)


def test_a_job_that_exists_already_is_taken_over():
    """The controller crashed, or lost an answer, between its creation and the status."""
    made = running("tick-28401121")
    server = Server(cron(), made, answers={"Create jobs default/tick-28401121": ALREADY_EXISTS})
    server.run()
    assert server.log == [
        "Get cronjobs default/tick",
        "Create jobs default/tick-28401121",
        "Get jobs default/tick-28401121",
        "Update cronjobs default/tick/status",
    ]
    assert [r.name for r in server.written.active] == ["tick-28401121"]


def test_a_name_that_somebody_else_took_starts_nothing():
    other = running("tick-28401121").with_metadata(owner_references=())
    server = Server(cron(), other, answers={"Create jobs default/tick-28401121": ALREADY_EXISTS})
    worked = server.run()
    assert server.written is None and not worked.failed


def test_a_live_status_that_names_the_job_keeps_it_from_being_started_again():
    live = cron(last=MINUTE, active=("tick-28401121",))
    server = Server(cron(), running("tick-28401121"), live=live)
    server.run()
    assert server.log == ["Get cronjobs default/tick"]


def test_an_active_job_that_is_gone_is_asked_for_and_forgotten():
    server = Server(cron(last=MINUTE, active=("tick-28401121",)), now=MINUTE + 5)
    server.run()
    assert server.log == ["Get jobs default/tick-28401121", "Update cronjobs default/tick/status"]
    assert server.written.active == ()


def test_replacing_deletes_what_runs_before_it_creates():
    old = running()
    server = Server(cron(concurrencyPolicy="Replace", last=0, active=(old.name,)), old)
    server.run()
    assert server.log == [
        "Get jobs default/tick-28401120",
        "Delete jobs default/tick-28401120",
        "Create jobs default/tick-28401121",
        "Update cronjobs default/tick/status",
    ]
    assert [r.uid for r in server.written.active] == ["new"]


@pytest.mark.parametrize(
    "answers",
    [
        {"Create jobs default/tick-28401121": TIMEOUT},
        {"Update cronjobs default/tick/status": CONFLICT},
    ],
)
def test_an_error_is_tried_again(answers):
    worked = Server(cron(), answers=answers).run()
    assert worked.failed and worked.requeue_after is None
