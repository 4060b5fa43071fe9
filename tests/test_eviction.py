"""The eviction subresource asks the pod's disruption budget, and counts what it grants."""

import pytest
from api_calls import Server
from cluster_runs import get, settled

from kspec_models import requests as api
from kspec_models.budgets import is_evicted
from kspec_models.building import build
from kspec_models.world import World
from kspec_models.worlds import node, pod
from kspec_models.worlds_disruption import budget, cordon, drain, evict, running

A, WEB = "pods/default/a", "poddisruptionbudgets/default/web"


class Guarded(Server):
    """A server with pod `a` of app web, and a budget whose status the test says."""

    def __init__(self, phase="Running", ready="True", **status):
        super().__init__()
        self.create(budget("web", min_available=1))
        self.create({**pod("a"), "metadata": {**pod("a")["metadata"], "labels": {"app": "web"}}})
        self.run("a")
        conditions = [{"type": "Ready", "status": ready}]
        self.patch(A, {"status": {"phase": phase, "conditions": conditions}}, subresource="status")
        status = {"observedGeneration": 1, "disruptionsAllowed": 1, **status}
        self.patch(WEB, {"status": status}, subresource="status")

    def evict(self, **options):
        return self.ask(api.Evict("default/a", **options))

    @property
    def left(self):
        return self.get(WEB).status.disruptions_allowed


def test_an_eviction_takes_a_disruption_and_notes_the_pod():
    server = Guarded()
    server.now = 60
    assert server.evict(grace_period_seconds=5).ok
    status = server.get(WEB).status
    assert (status.disruptions_allowed, list(status.disrupted_pods)) == (0, ["a"])
    assert [(c.type, c.status) for c in status.conditions] == [("DisruptionAllowed", "False")]
    assert is_evicted(server.get(A)) and server.get(A).metadata.deletion_timestamp == 65
    assert [change.key for change in server.changes] == [WEB, A, A]


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ({"disruptionsAllowed": 0}, api.TOO_MANY_REQUESTS),
        ({"observedGeneration": 0}, api.TOO_MANY_REQUESTS),
        ({"disruptionsAllowed": -1}, api.FORBIDDEN),
        ({"disruptedPods": {f"p{i}": "2024-01-01T00:00:00Z" for i in range(2001)}}, api.FORBIDDEN),
    ],
)
def test_a_budget_without_a_disruption_left_refuses(status, reason):
    server = Guarded(**status)
    assert server.evict().reason == reason
    assert not server.changes and not server.get(A).is_terminating


def test_more_than_one_budget_is_an_error_of_the_server():
    server = Guarded()
    server.create(budget("other", "web", min_available=0))
    assert server.evict().reason == api.INTERNAL_ERROR
    assert not server.changes


@pytest.mark.parametrize("phase", ["Pending", "Succeeded", "Failed"])
def test_a_pod_that_does_not_run_asks_no_budget(phase):
    server = Guarded(phase, disruptionsAllowed=0)
    assert server.evict().ok
    assert server.get(A) is None or server.get(A).is_terminating


def test_a_pod_that_terminates_already_asks_no_budget():
    server = Guarded()
    assert server.delete(A).ok and server.evict().ok
    assert server.left == 1


@pytest.mark.parametrize(
    ("policy", "healthy", "desired", "is_allowed"),
    [
        ("", 1, 1, True),
        ("", 0, 1, False),
        ("IfHealthyBudget", 0, 0, False),
        ("AlwaysAllow", 0, 1, True),
    ],
)
def test_an_unready_pod_goes_where_its_budget_is_kept_anyway(policy, healthy, desired, is_allowed):
    counts = {"currentHealthy": healthy, "desiredHealthy": desired, "disruptionsAllowed": 0}
    server = Guarded(ready="False")
    server.patch(WEB, {"spec": {"unhealthyPodEvictionPolicy": policy}})
    generation = server.get(WEB).metadata.generation
    counts["observedGeneration"] = generation
    server.patch(WEB, {"status": counts}, subresource="status")
    assert server.evict().ok is is_allowed
    assert server.get(A).is_terminating is is_allowed and server.left == 0


def test_an_eviction_is_of_the_pod_that_was_meant():
    server = Guarded()
    assert server.evict(uid="another").reason == api.CONFLICT
    assert server.ask(api.Evict("default/b")).reason == api.NOT_FOUND
    assert not server.changes


def test_a_budget_for_everything_guards_nothing():
    server = Guarded()
    server.create({**budget("all", min_available=1), "spec": {"selector": {}, "minAvailable": 1}})
    assert server.evict().ok


def test_a_drain_cordons_and_evicts_all_but_the_pods_of_daemonsets():
    agent = running("agent", "n1")
    owner = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "agent", "uid": "agent"}
    agent["metadata"]["ownerReferences"] = [{**owner, "controller": True}]
    world = World(
        objects=(node("n1"), node("n2"), agent, running("a", "n1"), running("b", "n2")),
        operations=(drain("n1"),),
        keep_status=True,
    )
    state = settled(build(world))
    assert get(state, "nodes/n1").spec.unschedulable
    assert not get(state, "nodes/n2").spec.unschedulable
    left = [key for key in ("agent", "a", "b") if get(state, f"pods/default/{key}")]
    assert left == ["agent", "b"]


def test_operations_of_a_world_evict_and_cordon():
    operations = (cordon("n1"), evict("a"), {"uncordon": {"name": "n1"}}, cordon("n2"))
    world = World(objects=(pod("a"),), nodes=2, operations=operations)
    state = settled(build(World.from_json(world.to_json())))
    assert get(state, "pods/default/a") is None
    assert [get(state, f"nodes/n{i}").spec.unschedulable for i in (1, 2)] == [False, True]
