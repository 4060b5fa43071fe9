"""The scheduler as a host: handlers, cycles, bindings and their failures."""

import pytest

from kspec.values import fingerprint
from kspec_models.host import Call, Notification, View
from kspec_models.objects import Node, Pod
from kspec_models.requests import CONFLICT, TIMEOUT, Bind, Patch, Response
from kspec_models.scheduler.cache import CorruptedCache
from kspec_models.scheduler.policies import POLICIES
from kspec_models.scheduler.scheduler import Scheduler
from kspec_models.store import Entry, Snapshot


def pod(name="p", on="", uid=None, phase="", cpu="1", **spec):
    containers = [{"resources": {"requests": {"cpu": cpu}}}]
    return Pod.from_json(
        {
            "metadata": {"name": name, "namespace": "d", "uid": uid or f"uid-{name}"},
            "spec": {"containers": containers, "nodeName": on, **spec},
            "status": {"phase": phase},
        }
    )


def node(name="n", cpu="4", **spec):
    status = {"allocatable": {"cpu": cpu, "memory": "4Gi", "pods": "10"}}
    return Node.from_json({"metadata": {"name": name}, "spec": spec, "status": status})


def terminating(made):
    return made.with_metadata(deletion_timestamp=5)


class Informed:
    """A scheduler, its memory, and the informer caches that its notifications come from."""

    def __init__(self, *objects, **options):
        policy = options.pop("policy", "first-fit")
        policy = POLICIES[policy]() if isinstance(policy, str) else policy
        self.host = Scheduler("scheduler", policy, **options)
        self.memory, self.now, self.revision = self.host.initial(None), 0, 1
        self.caches = {"pods": Snapshot(), "nodes": Snapshot()}
        for obj in objects:
            self.see(None, obj)

    @property
    def view(self):
        return View(self.caches, self.now)

    def see(self, old, new):
        """The informer's cache changes and the handlers run."""
        obj = new if new is not None else old
        key = f"{obj.resource}/{obj.key}"
        self.revision += 1
        entry = None if new is None else Entry(key, new, 1, self.revision, self.revision)
        before = self.caches[obj.resource].get(key)
        if before is None and old is not None:
            before = Entry(key, old, 1, self.revision - 1, self.revision - 1)
        self.caches[obj.resource] = self.caches[obj.resource].patched(key, entry)
        self.tell(Notification(obj.resource, before, entry))

    def tell(self, notification):
        self.memory = self.host.handle(self.memory, notification, self.view)

    def enabled(self):
        return self.host.enabled(self.memory, self.now)

    def run(self):
        """One step of the key that is offered; the call, if there is one."""
        (key,) = self.enabled()
        outcome = self.host.run(self.memory, key, self.view)
        self.memory = outcome.memory
        return Call(key, outcome.requests, outcome.phase) if outcome.requests else None

    def answer(self, call, reason=""):
        """The first request of a call is answered; the call that remains."""
        rest = call._replace(requests=call.requests[1:])
        response = Response(reason)
        outcome = self.host.answer(self.memory, rest, call.requests[0], response, self.view)
        self.memory = outcome.memory
        return Call(call.key, outcome.requests, outcome.phase)

    def requested(self, name="n"):
        info = self.memory.cache.node_infos.get(name)
        return info.requested.milli_cpu if info is not None else 0


def test_a_pod_is_assumed_and_bound_and_confirmed():
    s = Informed(node(), pod())
    call = s.run()
    assert call.requests == (Bind("d/p", "uid-p", "n"),)
    assert s.requested() == 1000 and s.enabled() == ()
    assert s.answer(call).requests == ()
    s.see(pod(), pod(on="n"))
    assert s.requested() == 1000 and not s.memory.cache.is_assumed("uid-p")
    assert s.memory.queue.in_flight == ()


def test_cycles_do_not_wait_for_bindings_and_count_assumed_pods():
    s = Informed(node(cpu="2"), pod("a"), pod("b"), pod("c"))
    assert [s.run().requests[0].key for _ in range(2)] == ["d/a", "d/b"]
    (patch,) = s.run().requests
    assert isinstance(patch, Patch) and patch.subresource == "status"
    (condition,) = patch.patch["status"]["conditions"]
    assert dict(condition) == {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are "
        "available: 1 No preemption victims found for incoming pod.",
        "lastTransitionTime": "2024-01-01T00:00:00Z",
    }


def test_a_rejected_pod_says_so_once_and_waits_for_room():
    s = Informed(node(cpu="1"), pod("a", on="n"), pod("b"))
    condition = s.run().requests[0].patch["status"]["conditions"][0]
    known = pod("b").to_json()
    known["status"] = {"conditions": [dict(condition)]}
    s.see(pod("b"), Pod.from_json(known))
    assert s.enabled() == ()
    s.see(pod("a", on="n"), terminating(pod("a", on="n")))
    assert s.enabled() == ()
    s.now = 4
    s.see(node(), node(cpu="1", unschedulable=True))
    s.see(terminating(pod("a", on="n")), None)
    assert s.enabled() == ("d/b",)
    (again,) = s.run().requests
    assert "unschedulable" in again.patch["status"]["conditions"][0]["message"]
    assert "lastTransitionTime" not in again.patch["status"]["conditions"][0]


def test_without_nodes_a_pod_backs_off_until_time_or_a_node_comes():
    s = Informed(pod())
    (patch,) = s.run().requests
    assert patch.patch["status"]["conditions"][0]["message"] == (
        "no nodes available to schedule pods"
    )
    assert s.enabled() == () and s.host.deadline(s.memory) == 1
    s.now = 1
    assert s.enabled() == ("d/p",)


def test_a_refused_binding_is_forgotten_and_tried_again_after_a_backoff():
    s = Informed(node(), pod())
    rest = s.answer(s.run(), CONFLICT)
    assert s.requested() == 0 and s.enabled() == ()
    (patch,) = rest.requests
    assert patch.patch["status"]["conditions"][0]["reason"] == "SchedulerError"
    assert s.answer(rest).requests == ()
    s.now = s.host.deadline(s.memory)
    assert s.now == 1 and s.enabled() == ("d/p",)


def test_a_lost_answer_makes_the_scheduler_forget_a_pod_that_is_bound():
    """The known hole: until the watch tells, the node looks empty and can be given away again."""
    s = Informed(node(cpu="1"), pod("a"), pod("b"))
    s.answer(s.run(), TIMEOUT)
    assert s.requested() == 0
    assert s.run().requests == (Bind("d/b", "uid-b", "n"),)
    s.see(pod("a"), pod("a", on="n"))
    assert s.requested() == 2000
    assert s.memory.queue.get("d/a") is None


def test_a_lost_answer_after_the_watch_showed_the_binding_changes_nothing():
    s = Informed(node(), pod())
    call = s.run()
    s.see(pod(), pod(on="n"))
    before = s.memory
    s.answer(call, TIMEOUT)
    assert s.memory == before


def test_a_failed_binding_frees_room_for_others():
    s = Informed(node(cpu="1"), pod("a"), pod("b"))
    call = s.run()
    s.run()
    assert s.enabled() == ()
    s.answer(call, CONFLICT)
    assert s.enabled() == ("d/b",)


def test_a_failed_binding_of_a_pod_that_is_gone_is_not_tried_again():
    s = Informed(node(), pod())
    call = s.run()
    s.see(pod(), None)
    assert s.requested() == 0
    s.answer(call, CONFLICT)
    assert s.enabled() == () and s.host.deadline(s.memory) is None


def test_the_deletion_of_an_assumed_pod_frees_its_room_at_once():
    s = Informed(node(cpu="1"), pod("a"), pod("b"))
    s.run()
    s.run()
    s.see(pod("a"), terminating(pod("a")))
    assert s.requested() == 0
    assert s.enabled() == ("d/b",)


def test_pods_being_deleted_are_skipped():
    s = Informed(node(), terminating(pod()))
    assert s.run() is None
    assert s.enabled() == () and s.memory.queue.in_flight == ()


def test_pods_of_other_schedulers_count_only_once_bound():
    mine, other = pod("a", schedulerName="default-scheduler"), pod("b", schedulerName="other")
    s = Informed(node(), mine, other)
    assert [q.key for q in s.memory.queue.active] == ["d/a"]
    s.see(other, pod("b", on="n", schedulerName="other"))
    assert s.requested() == 1000
    assert Informed(node(), other, scheduler_name="other").enabled() == ("d/b",)


def test_a_pod_of_another_scheduler_that_takes_the_place_of_a_failed_one_is_dropped():
    s = Informed(node(), pod())
    call = s.run()
    s.see(pod(), None)
    s.see(None, pod(uid="uid-2", schedulerName="other"))
    s.answer(call, CONFLICT)
    s.now = 1
    assert s.run() is None
    assert s.enabled() == () and s.memory.queue.in_flight == () and s.requested() == 0


def test_a_pod_bound_by_another_leaves_the_queue():
    s = Informed(node(), pod())
    s.see(pod(), pod(on="n"))
    assert s.enabled() == () and s.requested() == 1000


def test_a_pod_that_terminates_frees_its_room():
    s = Informed(node(), pod(on="n", phase="Running"))
    assert s.requested() == 1000
    s.see(pod(on="n", phase="Running"), pod(on="n", phase="Succeeded"))
    assert s.requested() == 0
    s.see(pod(on="n", phase="Succeeded"), None)
    assert s.memory.cache.pods == Informed(node()).memory.cache.pods


def test_a_pod_recreated_under_its_name_is_told_apart():
    s = Informed(node("a"), node("b"), pod(on="a", uid="1"))
    s.see(pod(on="a", uid="1"), pod(on="b", uid="2"))
    assert (s.requested("a"), s.requested("b")) == (0, 1000)
    s.see(pod(on="b", uid="2"), pod(uid="3"))
    assert s.requested("b") == 0 and s.enabled() == ("d/p",)


def test_release_1_36_exits_when_a_recreated_pod_is_told_as_an_update():
    """kubernetes/kubernetes#141255"""
    s = Informed(node("a"), node("b"), pod(on="a", uid="1"), splits_recreated_pods=False)
    with pytest.raises(CorruptedCache):
        s.see(pod(on="a", uid="1"), pod(on="b", uid="2"))


def test_a_resync_of_a_waiting_pod_changes_nothing():
    s = Informed(node(), pod())
    before = s.memory
    entry = s.caches["pods"].get("pods/d/p")
    s.tell(Notification("pods", entry, entry))
    assert s.memory == before


def test_events_between_the_halves_of_a_cycle_are_not_lost():
    s = Informed(node(cpu="1"), pod("a", on="n"), pod("b"), splits_cycle=True)
    assert s.run() is None
    assert s.enabled() == ("d/b",)
    s.see(pod("a", on="n"), None)
    (patch,) = s.run().requests  # decided on the snapshot of before
    assert "Insufficient cpu" in patch.patch["status"]["conditions"][0]["message"]
    assert s.enabled() == ("d/b",)
    assert s.run() is None
    assert s.run().requests == (Bind("d/b", "uid-b", "n"),)


def test_time_retries_a_pod_after_five_minutes():
    s = Informed(node(cpu="1"), pod(cpu="2"))
    s.run()
    s.now = s.host.deadline(s.memory)
    assert s.now == 301 and s.enabled() == ("d/p",)


def test_popping_from_backoff_can_be_turned_off():
    for pops, expected in ((True, ("d/b",)), (False, ())):
        s = Informed(node(cpu="1"), pod("a", on="n"), pod("b"), pops_from_backoff=pops)
        s.run()
        s.see(pod("a", on="n"), None)
        assert s.enabled() == expected


def test_a_nominated_node_is_cleared_with_the_condition():
    nominated = pod(cpu="9")
    nominated = nominated.replace(status=nominated.status.replace(nominated_node_name="n"))
    (patch,) = Informed(node(), nominated, policy="default").run().requests
    assert patch.patch["status"]["nominatedNodeName"] is None


def test_memory_is_a_value_with_a_fingerprint():
    a = Informed(node(), pod("a"), pod("b", on="n"))
    b = Informed(node(), pod("b", on="n"), pod("a"))
    assert a.memory == b.memory and hash(a.memory) == hash(b.memory)
    assert fingerprint(a.memory) == fingerprint(b.memory)
    a.run()
    assert fingerprint(a.memory) != fingerprint(b.memory)
