"""Events expire an hour after they were written."""

from cluster_runs import fifo, get, settled

from kspec_models.building import build
from kspec_models.worlds_jobs import event, jobs_world

EVENT = event("noted")


def test_an_event_is_gone_after_an_hour():
    cluster = build(jobs_world(EVENT, granularity="reconcile"))
    gone = next(s.clock for _, s in fifo(cluster) if get(s, "events/default/noted") is None)
    assert gone == 3600


def test_an_applied_event_lives_for_an_hour_of_its_own():
    cluster = build(jobs_world(operations=({"apply": EVENT},), granularity="reconcile"))
    assert settled(cluster).clock == 3600


def test_a_world_without_events_has_no_such_controller():
    names = [controller.name for controller in build(jobs_world()).components.controllers]
    assert "eventexpiry" not in names
