"""Pods that wait at Permit: allowed by others, or rejected when the first wait is over."""

from test_scheduler_host import Informed, node, pod, terminating

from kspec_models.requests import Bind
from kspec_models.scheduler.binding import MAX_WAIT, WAIT, Permit
from kspec_models.scheduler.events import NODE
from kspec_models.scheduler.framework import UNSCHEDULABLE, Status
from kspec_models.scheduler.profile import Profile


class Gang:
    """Lets pods pass once `least` of them are on nodes."""

    events = {(NODE, "Add"): lambda pod, event: True}

    def __init__(self, name="Gang", least=2, seconds=30):
        self.name, self.least, self.seconds = name, least, seconds

    def permit(self, pod, node, context):
        if sum(len(info.pods) for info in context.nodes) >= self.least:
            return Permit()
        return Permit(Status(WAIT, plugin=self.name), self.seconds)


class Refusing:
    name = "Refusing"

    def permit(self, pod, node, context):
        return Permit(Status(UNSCHEDULABLE, ("not today",), self.name))


def waiting(*objects, plugins=None):
    """A scheduler whose first pod has reached Permit."""
    policy = Profile("gang", extra=plugins or (Gang(),))
    s = Informed(node(), *objects, policy=policy)
    assert s.run() is None and s.enabled() == ()
    return s


def test_a_pod_that_reaches_permit_may_let_others_pass():
    s = waiting(pod("a"))
    s.see(None, pod("b"))
    assert s.run() is None
    assert s.enabled() == ("d/a", "d/b")
    for key in s.enabled():
        outcome = s.host.run(s.memory, key, s.view)
        s.memory = outcome.memory
        assert outcome.requests == (Bind(key, f"uid-{key[2:]}", "n"),)
    assert s.memory.queue.in_flight == () and s.memory.waiting == ()


def test_the_shortest_wait_ends_in_a_rejection_by_its_plugin():
    long, short = Gang("Long", seconds=5_000), Gang("Short", seconds=20)
    s = waiting(pod(), plugins=(long, short))
    assert s.host.deadline(s.memory) == s.now + 20
    s.now = 20
    (patch,) = s.run().requests
    (condition,) = patch.patch["status"]["conditions"]
    assert condition["reason"] == "Unschedulable" and "plugin Short" in condition["message"]
    assert s.memory.queue.unschedulable.get("d/p").rejectors == ("Short",)
    assert s.requested() == 0 and s.memory.queue.in_flight == ()


def test_no_plugin_makes_a_pod_wait_for_longer_than_upstream_allows():
    s = waiting(pod(), plugins=(Gang(seconds=5_000),))
    assert s.host.deadline(s.memory) == MAX_WAIT


def test_an_event_that_a_waiting_pod_missed_retries_it_when_its_time_is_up():
    s = waiting(pod())
    s.see(None, node("other").with_metadata(name="other"))
    s.now = 30
    s.run()
    assert s.memory.queue.backoff.get("d/p") is not None


def test_the_room_of_a_rejected_pod_helps_others_and_not_itself():
    s = waiting(pod(cpu="4"))
    s.see(None, pod("b", cpu="4"))
    s.run()
    s.now = 30
    s.run()
    assert s.memory.queue.unschedulable.get("d/p") is not None
    assert s.memory.queue.active.get("d/b") is not None


def test_a_pod_that_is_deleted_while_it_waits_leaves_nothing():
    s = waiting(pod())
    s.see(pod(), terminating(pod()))
    assert s.memory.waiting == () and s.memory.queue.in_flight == () and s.requested() == 0


def test_a_pod_that_permit_refuses_is_put_back():
    s = Informed(node(), pod(), policy=Profile("refusing", extra=(Refusing(),)))
    (patch,) = s.run().requests
    assert "not today" in patch.patch["status"]["conditions"][0]["message"]
    assert s.memory.queue.unschedulable.get("d/p").rejectors == ("Refusing",)
    assert s.requested() == 0
