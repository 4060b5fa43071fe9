"""What taint eviction promises: pods leave a node in time, and only where a taint wants it."""

import pytest

from kspec.values import fingerprint
from kspec_models.building import build
from kspec_models.controllers.tainteviction import Evicting, TaintEvictionController
from kspec_models.controllers.tainteviction_timers import FOR_EVER, Timer, tolerated_seconds
from kspec_models.host import Call, Notification, View
from kspec_models.objects import Pod, Taint, Toleration
from kspec_models.requests import TIMEOUT, Delete, Get, Patch, Response
from kspec_models.store import Entry, Snapshot
from kspec_models.world import World
from kspec_models.worlds import delete, node, pod
from kspec_models.worlds_nodes import set_taints, taint, tainted, tolerate
from tests.cluster_runs import fifo, get, objects, settled

USER, OTHER = "example.com/maintenance", "example.com/other"


def bare(name="p", *tolerations):
    return pod(name, tolerations=list(tolerations))


def end_of(*operations, objs=(), **options):
    world = World(objects=(*objs, node("n1")), operations=operations, **options)
    return settled(build(world))


@pytest.mark.parametrize("granularity", ["request", "reconcile"])
def test_tainteviction_deletes_at_once_what_does_not_tolerate(granularity):
    end = end_of(
        set_taints("n1", taint(USER)),
        objs=(bare("p"), bare("q", tolerate(USER))),
        granularity=granularity,
    )
    assert [p.name for p in objects(end, "pods")] == ["q"] and end.clock == 0


def test_tainteviction_reads_marks_and_deletes():
    world = World(objects=(bare(), node("n1")), operations=(set_taints("n1", taint(USER)),))
    sent = [
        s.request
        for _, state in fifo(build(world))
        for s in state.sent
        if s.host == "tainteviction"
    ]
    requests = list(dict.fromkeys(map(type, sent)))
    assert requests == [Get, Patch, Delete]
    mark = next(r for r in sent if isinstance(r, Patch))
    assert mark.patch["status"]["conditions"][0]["type"] == "DisruptionTarget"


def test_tainteviction_waits_for_the_shortest_toleration():
    seconds = (tolerate(USER, 60), tolerate(OTHER, 10))
    end = end_of(set_taints("n1", taint(USER), taint(OTHER)), objs=(bare("p", *seconds),))
    assert objects(end, "pods") == [] and end.clock == 10


def test_tainteviction_cancels_when_every_remaining_taint_is_tolerated_for_ever():
    tolerations = (tolerate(USER), tolerate(OTHER, 300))
    end = end_of(
        set_taints("n1", taint(USER), taint(OTHER)),
        set_taints("n1", taint(USER)),
        objs=(bare("p", *tolerations),),
    )
    assert [p.name for p in objects(end, "pods")] == ["p"]


def test_tainteviction_cancels_when_the_taints_go():
    end = end_of(
        set_taints("n1", taint(USER)), set_taints("n1"), objs=(bare("p", tolerate(USER, 60)),)
    )
    assert [p.name for p in objects(end, "pods")] == ["p"]


def test_tainteviction_keeps_a_timer_that_runs_as_upstream_does():
    controller = TaintEvictionController()
    subject = get(
        end_of(objs=(bare("p", tolerate(USER, 60), tolerate(OTHER, 5)),)), "pods/default/p"
    )
    memory = controller.initial()
    slow, quick = Taint(key=USER, effect="NoExecute"), Taint(key=OTHER, effect="NoExecute")
    memory = controller.process_pod(memory, subject, (slow,), 0)
    assert memory.timers == (Timer("default/p", "n1", 0, 60),)
    assert controller.process_pod(memory, subject, (slow, quick), 1) == memory
    assert controller.process_pod(memory, subject, (slow, quick), 0).timers[0].fire_at == 5


def test_tainteviction_evicts_a_pod_that_is_bound_to_a_tainted_node_later():
    objs = (pod("p", nodeName="n1"), tainted("n1", taint(USER)))
    end = settled(build(World(objects=objs)))
    assert objects(end, "pods") == []


def test_tainteviction_forgets_the_timer_of_a_pod_that_goes():
    world = World(
        objects=(bare("p", tolerate(USER, 60)), node("n1")),
        operations=(set_taints("n1", taint(USER)), delete("Pod", "p")),
    )
    end = settled(build(world))
    memory = end.slots[end.layout.by_host["tainteviction"]].memory.own
    assert memory.timers == () and end.clock == 60, "an idle wake-up, as client-go's queue has it"


def test_tainteviction_runs_only_where_taints_can_evict():
    def runs(*objs):
        return "tainteviction" in build(World(objects=objs)).layout.by_host

    assert not runs(bare("p", tolerate(USER)))
    assert not runs(tainted("n1", taint(USER, "NoSchedule")))
    assert runs(tainted("n1", taint(USER)))


def test_tolerated_seconds_takes_the_first_toleration_of_each_taint():
    a, b = Taint(key="a", effect="NoExecute"), Taint(key="b", effect="NoExecute")
    for_a = Toleration(key="a", operator="Exists", toleration_seconds=9)
    ever = Toleration(operator="Exists")
    assert tolerated_seconds((a, b), (for_a, ever)) == 9
    assert tolerated_seconds((a, b), (ever, for_a)) == FOR_EVER
    assert tolerated_seconds((a, b), (for_a,)) is None
    assert tolerated_seconds((a,), (for_a.replace(toleration_seconds=-1),)) == 0


def test_tainteviction_memory_is_told_apart_by_distances_only():
    memory = TaintEvictionController().initial().with_work(Timer("default/p", "n1", 7, 67))
    early = TaintEvictionController().initial().with_work(Timer("default/p", "n1", 0, 60))
    shifted = memory.relative(10), early.relative(3)
    assert shifted[0] == shifted[1] and fingerprint(shifted[0]) == fingerprint(shifted[1])


def test_the_timer_of_a_pod_goes_with_a_namesake_that_has_no_node():
    controller = TaintEvictionController()
    memory = controller.initial().with_work(Timer("default/p", "n1", 0, 60))
    gone = Entry("pods/default/p", Pod.from_json(bare("p")), 1, 1, 1)
    view = View({"pods": Snapshot(), "nodes": Snapshot()}, 5)
    memory, keys = controller.handle(memory, Notification("pods", gone, None), view)
    assert keys == ("no node",)
    assert controller.reconcile(memory, keys[0], view).memory == controller.initial()


@pytest.mark.parametrize(("failures", "requests"), [(3, 1), (4, 0)])
def test_tainteviction_gives_up_after_five_attempts(failures, requests):
    controller, view = TaintEvictionController(), View({}, 0)
    memory = controller.initial()._replace(firing=(("default/p", "n1"),))
    call = Call("n1", (), Evicting("default/p", failures))
    worked = controller.answer(memory, call, Get("pods", "default/p"), Response(TIMEOUT), view)
    assert len(worked.requests) == requests
    assert (worked.memory.firing == ()) is (requests == 0)
