"""A preemption under way: what is asked for, what may fail, and when the preemptor is retried."""

from test_scheduler_host import Informed, node, pod, terminating

from kspec_models.objects import Pod
from kspec_models.requests import TIMEOUT, Delete, Patch
from kspec_models.scheduler.policies.several import SeveralProfiles
from kspec_models.scheduler.profile import Profile
from kspec_models.scheduler_setup import schedulers_of
from kspec_models.world import World

TAINT = [{"key": "k", "effect": "NoSchedule"}]


def nominated(made, to):
    return made.replace(status=made.status.replace(nominated_node_name=to))


def preempting(*others, victims, **spec):
    """A scheduler that has decided to preempt for p, and the call that does it."""
    s = Informed(node(cpu="2"), *others, *victims, pod(cpu="2", priority=5, **spec))
    return s, s.run()


def victim(name):
    return pod(name, on="n", priority=0)


def is_retried(s):
    s.now = 2  # the backoff of p is over
    return "d/p" in s.enabled()


def test_the_preemptor_is_retried_by_the_last_deletion_that_it_asks_for():
    victims = victim("v1"), terminating(victim("v2"))
    s, call = preempting(victims=victims)
    call = s.answer(call)
    assert [type(request) for request in call.requests] == [Patch, Delete]
    for gone in reversed(victims):
        s.see(gone, None)
    assert is_retried(s)


def test_nothing_keeps_a_preemptor_whose_victims_all_go_already():
    leaving = terminating(victim("v"))
    s, call = preempting(nominated(pod("q", cpu="9"), "n"), victims=[leaving])
    assert [request.key for request in call.requests] == ["d/p"]
    assert s.memory.preempting == ()
    s.see(leaving, None)
    assert is_retried(s)


def test_while_victims_are_to_be_deleted_the_preemptor_stays_in_the_pool():
    s, _ = preempting(
        node("other", taints=TAINT).with_metadata(name="other"),
        victims=[victim("v1"), victim("v2")],
    )
    assert s.memory.preempting == ("uid-p",)
    tolerant = pod(cpu="2", priority=5, tolerations=[{"key": "k", "operator": "Exists"}])
    s.see(pod(cpu="2", priority=5), tolerant)
    assert not is_retried(s)
    s.see(victim("v1"), None)
    assert not is_retried(s)


def test_only_what_fails_about_a_victim_ends_a_preemption():
    s, call = preempting(nominated(pod("q", cpu="9"), "n"), victims=[victim("v")])
    asked = [(type(request), request.key) for request in call.requests]
    assert asked == [(Patch, "d/p"), (Patch, "d/q"), (Patch, "d/v"), (Delete, "d/v")]
    for _ in range(2):
        call = s.answer(call, TIMEOUT)
    assert len(call.requests) == 2 and not is_retried(s)
    assert s.answer(call, TIMEOUT).requests == ()
    assert is_retried(s)


def test_without_post_filter_an_earlier_nomination_ends():
    for policy in (Profile("fit"), SeveralProfiles({"default-scheduler": Profile("fit")})):
        s = Informed(node(cpu="1"), nominated(pod(cpu="2"), "n"), policy=policy)
        (patch,) = s.run().requests
        assert patch.patch["status"]["nominatedNodeName"] is None
        assert not s.memory.nominator.by_uid
        assert isinstance(s.memory.queue.unschedulable.get("d/p").pod, Pod)


def test_a_default_class_makes_pods_differ_in_priority_as_well():
    """What merges states of granularity fused counts on pods that never preempt."""
    applied = {"kind": "PriorityClass", "value": 100, "globalDefault": True}
    for operations, may in (((), False), (({"apply": applied},), True)):
        (host,) = schedulers_of(World(operations=operations), Profile("fit"), ("pods", "nodes"))
        assert host.may_preempt is may
