"""The scheduling queue: who is tried when, and that no event is missed."""

from hypothesis import given
from hypothesis import strategies as st

from kspec_models.objects import Node, Pod
from kspec_models.scheduler.events import (
    ADD,
    DELETE,
    NODE,
    POD,
    UPDATE_NODE_ALLOCATABLE,
    UPDATE_NODE_TAINT,
    ClusterEvent,
)
from kspec_models.scheduler.hints import IN_TREE
from kspec_models.scheduler.line import Line, QueuedPod
from kspec_models.scheduler.queue import EMPTY_QUEUE

FIT = ("NodeResourcesFit",)


def pod(name="p", priority=0, cpu="1", on="", **spec):
    resources = {"requests": {"cpu": cpu}}
    return Pod.from_json(
        {
            "metadata": {"name": name, "namespace": "d", "uid": f"uid-{name}"},
            "spec": {
                "priority": priority, "nodeName": on, "containers": [{"resources": resources}],
                **spec,
            },
        }
    )  # fmt: skip


def node(cpu="8", **spec):
    status = {"allocatable": {"cpu": cpu, "pods": "10"}}
    return Node.from_json({"metadata": {"name": "n"}, "spec": spec, "status": status})


NODE_ADDED = ClusterEvent(NODE, ADD, None, node())
POD_DELETED = ClusterEvent(POD, DELETE, pod("gone", on="n"))


def rejected(made=None, now=0, rejectors=FIT, queue=EMPTY_QUEUE):
    made = made or pod()
    queue, queued = queue.add(made, now).pop(made.key)
    return queue.add_unschedulable(queued, rejectors, made, now, IN_TREE)


def names(line):
    return [queued.pod.name for queued in line]


def test_the_head_has_the_highest_priority_then_came_first():
    queue = EMPTY_QUEUE
    for name, priority, now in (("b", 0, 1), ("a", 0, 2), ("c", 0, 1), ("urgent", 5, 9)):
        queue = queue.add(pod(name, priority), now)
    assert names(queue.active) == ["urgent", "b", "c", "a"]
    assert queue.head().pod.name == "urgent"


def test_a_rejected_pod_waits_for_an_event_that_its_rejector_asks_for():
    queue = rejected()
    assert names(queue.unschedulable) == ["p"] and queue.head() is None
    irrelevant = ClusterEvent(NODE, UPDATE_NODE_TAINT, node(), node())
    assert queue.move(irrelevant, 0, IN_TREE) == queue
    too_small = ClusterEvent(NODE, ADD, None, node("500m"))
    assert queue.move(too_small, 0, IN_TREE) == queue
    for event in (NODE_ADDED, POD_DELETED):
        assert names(queue.move(event, 0, IN_TREE).backoff) == ["p"]
        assert names(queue.move(event, 1, IN_TREE).active) == ["p"]


def test_more_allocatable_of_what_it_needs_moves_a_pod():
    queue = rejected()
    grown = ClusterEvent(NODE, UPDATE_NODE_ALLOCATABLE, node("4"), node("8"))
    shrunk = ClusterEvent(NODE, UPDATE_NODE_ALLOCATABLE, node("8"), node("4"))
    assert names(queue.move(grown, 5, IN_TREE).active) == ["p"]
    assert queue.move(shrunk, 5, IN_TREE) == queue


def test_a_policy_without_hints_is_retried_by_every_event():
    queue = rejected(rejectors=("mine",))
    any_event = ClusterEvent(NODE, UPDATE_NODE_TAINT, node(), node())
    assert names(queue.move(any_event, 1, None).active) == ["p"]


def test_backoff_doubles_from_one_second_to_ten():
    queue, made, now, waits = EMPTY_QUEUE, pod(), 0, []
    queue = queue.add(made, now)
    for _ in range(6):
        queue, queued = queue.pop(made.key)
        queue = queue.add_unschedulable(queued, FIT, made, now, IN_TREE)
        queue = queue.move(NODE_ADDED, now, IN_TREE)
        waits.append(queue.deadline - now)
        now = queue.deadline
        queue = queue.flushed(now)
    assert waits == [1, 2, 4, 8, 10, 10]


def test_an_error_backs_off_by_itself_and_its_count_ends_with_a_rejection():
    made = pod()
    queue = rejected(rejectors=())
    assert names(queue.error_backoff) == ["p"] and queue.head() is None
    queue, queued = queue.flushed(1).pop(made.key)
    assert queued.errors == 1
    queue = queue.add_unschedulable(queued, FIT, made, 1, IN_TREE)
    assert (queue.get("d/p").errors, queue.get("d/p").unschedulable) == (0, 1)


def test_an_idle_scheduler_takes_pods_from_backoff_but_not_after_errors():
    queue = rejected().move(NODE_ADDED, 0, IN_TREE)
    assert queue.head().pod.name == "p"
    assert queue.head(pops_from_backoff=False) is None
    assert queue.add(pod("fresh"), 0).head().pod.name == "fresh"


def test_events_of_the_meantime_count_for_a_pod_in_flight():
    """A move during the cycle must not be lost: the snapshot may be older than the event."""
    made = pod()
    queue, queued = EMPTY_QUEUE.add(made, 0).pop(made.key)
    moved = queue.move(POD_DELETED, 0, IN_TREE)
    assert names(moved.add_unschedulable(queued, FIT, made, 0, IN_TREE).backoff) == ["p"]
    assert names(queue.add_unschedulable(queued, FIT, made, 0, IN_TREE).unschedulable) == ["p"]


def test_events_are_kept_no_longer_than_a_pod_in_flight_needs_them():
    a, b = pod("a"), pod("b")
    queue, _ = EMPTY_QUEUE.add(a, 0).add(b, 0).pop(a.key)
    queue = queue.move(POD_DELETED, 0, IN_TREE)
    queue, _ = queue.pop(b.key)
    queue = queue.move(NODE_ADDED, 0, IN_TREE)
    assert len(queue.in_flight) == 4
    assert queue.done(b.uid).in_flight == (queue.in_flight[0], POD_DELETED, NODE_ADDED)
    assert queue.done(a.uid).in_flight == (queue.in_flight[2], NODE_ADDED)
    assert queue.done(a.uid).done(b.uid) == EMPTY_QUEUE


def test_five_minutes_flush_a_pod_that_no_event_helps():
    queue = rejected(now=7)
    assert queue.deadline == 308
    assert queue.flushed(307) is queue
    assert names(queue.flushed(308).active) == ["p"]


def test_gates_keep_a_pod_out_until_they_are_gone():
    gated, free = pod(schedulingGates=[{"name": "g"}]), pod()
    queue = EMPTY_QUEUE.add(gated, 0)
    assert queue.head() is None and queue.deadline is None
    assert queue.move(NODE_ADDED, 0, IN_TREE) == queue
    still = pod(schedulingGates=[{"name": "g"}], nodeSelector={"a": "b"})
    assert queue.update(gated, still, 0, IN_TREE).head() is None
    assert names(queue.update(gated, free, 0, IN_TREE).active) == ["p"]


def test_an_update_keeps_the_place_and_may_make_a_pod_schedulable():
    queue = EMPTY_QUEUE.add(pod("a"), 0).add(pod("b"), 0)
    newer = pod("a", nodeSelector={"x": "y"})
    assert names(queue.update(pod("a"), newer, 3, IN_TREE).active) == ["a", "b"]
    waiting = rejected(rejectors=("TaintToleration",))
    tolerant = pod(tolerations=[{"operator": "Exists"}])
    assert names(waiting.update(pod(), tolerant, 1, IN_TREE).active) == ["p"]
    assert names(waiting.update(pod(), pod(nodeSelector={"x": "y"}), 1, IN_TREE).unschedulable)


def test_an_update_of_a_pod_in_flight_is_noted_and_one_of_an_unknown_pod_adds_it():
    made = pod()
    queue, _ = EMPTY_QUEUE.add(made, 0).pop(made.key)
    assert len(queue.update(made, pod(priority=1), 0, IN_TREE).in_flight) == 2
    assert names(EMPTY_QUEUE.update(made, made, 0, IN_TREE).active) == ["p"]


def test_a_deleted_pod_is_nowhere():
    for queue in (EMPTY_QUEUE.add(pod(), 0), rejected(), rejected(rejectors=())):
        assert queue.delete("d/p") == EMPTY_QUEUE


def test_a_pod_that_is_queued_again_already_does_not_come_back_twice():
    made = pod()
    queue, queued = EMPTY_QUEUE.add(made, 0).pop(made.key)
    queue = queue.add(made, 0).add_unschedulable(queued, FIT, made, 0, IN_TREE)
    assert queue == EMPTY_QUEUE.add(made, 0)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 2), st.booleans()), max_size=20))
def test_the_fingerprint_of_a_line_is_that_of_its_pods_in_order(steps):
    def rank(queued):
        return (queued.timestamp,)

    line = Line(rank)
    for index, time, adds in steps:
        queued = QueuedPod(pod(f"p{index}"), time)
        if adds and line.get(queued.key) is not None:
            line = line.replaced(queued)
        else:
            line = line.with_pod(queued) if adds else line.without(queued.key)
    fresh = Line(rank)
    for queued in line:
        fresh = fresh.with_pod(queued)
    assert fresh == line and list(fresh) == list(line)
    assert [q.timestamp for q in line] == sorted(q.timestamp for q in line)


def test_the_order_of_a_line_is_part_of_its_fingerprint():
    a, b, c = (QueuedPod(pod(name), 0) for name in "abc")
    lines = {
        Line(lambda queued: (0,)).with_pod(x).with_pod(y).with_pod(z).fingerprint
        for x, y, z in ((a, b, c), (a, c, b), (b, a, c), (b, c, a), (c, a, b), (c, b, a))
    }
    assert len(lines) == 6
