"""Faults promise: each class can happen, is drawn from the budget, and is recovered from."""

from __future__ import annotations

from itertools import islice
from random import Random

import attrs
import pytest
from cluster_runs import ROOM, fifo, objects, settled, step_to, walk

from kspec.errors import NotEnabled
from kspec_models import actions
from kspec_models.building import build
from kspec_models.reflector import LISTING
from kspec_models.requests import Response
from kspec_models.runtime import RUNNING
from kspec_models.scheduler.scheduler import Scheduler
from kspec_models.world import World
from kspec_models.worlds import deployment, pod, scale, service, set_image

CLASSES = sorted(actions.FAULT_CLASSES.items(), key=lambda item: item[1])
NEEDS = {"stale-list": {"crash": 1}}
ELECTED = {"kube-controller-manager": {"replicas": 2}, "kube-scheduler": {"replicas": 2}}
APP = (deployment("web", 2), service("web"))


def world_with(name, **extra):
    faults = {name: 1, **NEEDS.get(name, {})}
    if name == "failover":
        extra["components"] = ELECTED
    return World(objects=APP, nodes=2, node_capacity=ROOM, faults=faults, **extra)


def until(cluster, kind, seed=0):
    """A state on some random walk in which actions of that type are enabled, and one of them."""
    for number in range(seed, seed + 500, 10):
        for state, _, _ in walk(cluster, number, 300):
            found = [a for a in cluster.enabled(state) if type(a) is kind]
            if found:
                return state, Random(seed).choice(found)
    raise AssertionError(f"{kind.__name__} never enabled")


@pytest.mark.parametrize(("kind", "name"), CLASSES, ids=[name for _, name in CLASSES])
def test_a_fault_of_each_class_happens_and_uses_up_its_budget(kind, name):
    cluster = build(world_with(name))
    state, action = until(cluster, kind)
    assert state.environment.budget[name] == 1 and cluster.kind_of(action) == "fault"
    after = cluster.step(state, action)
    assert after.environment.budget[name] == 0
    assert not [a for a in cluster.enabled(after) if type(a) is kind]
    for again in {a for a in cluster.enabled(state) if type(a) is kind}:
        with pytest.raises(NotEnabled):
            cluster.step(after, again)


@pytest.mark.parametrize(("kind", "name"), CLASSES, ids=[name for _, name in CLASSES])
def test_the_application_recovers_from_a_fault_of_each_class(kind, name):
    cluster = build(world_with(name))
    expected = summary(cluster, settled(cluster))
    for seed in range(3):
        state, action = until(cluster, kind, seed)
        after = cluster.step(state, action)
        if not cluster.have_faults_ended(after):  # it lasts until it is healed
            after = cluster.step(after, cluster.heal(after))
        assert summary(cluster, settled(cluster, after)) == expected


@pytest.mark.parametrize(("kind", "name"), CLASSES, ids=[name for _, name in CLASSES])
def test_without_a_budget_or_after_the_heal_no_fault_happens(kind, name):
    none = build(World(objects=APP, nodes=2, node_capacity=ROOM))
    assert all(none.kind_of(action) != "fault" for _, action, _ in walk(none, 1, 400))
    cluster = build(world_with(name))
    state, action = until(cluster, kind)
    healed = cluster.step(state, cluster.heal(state))
    assert cluster.heal(healed) is None
    assert all(cluster.kind_of(a) != "fault" for a in cluster.enabled(healed))
    with pytest.raises(NotEnabled):
        cluster.step(healed, action)


def summary(cluster, state):
    """What the application has at the end, whatever the names of its pods."""
    pods = objects(state, "pods")
    ready = {p.status.pod_ip for p in pods if p.status.phase == "Running"}
    routed = []
    for name in ("n1", "n2"):
        dataplane = state.slots[cluster.layout.by_host[f"dataplane/{name}"]]
        (rule,) = dataplane.all_rules()
        routed.append({b.ip for b in rule.backends} == ready)
    status = objects(state, "deployments")[0].status
    return len(pods), len(ready), status.available_replicas, status.updated_replicas, routed


def processes():
    cluster = build(world_with("crash"))
    return [process.name for process in cluster.layout.processes]


@pytest.mark.parametrize("name", processes())
@pytest.mark.parametrize("after", [0, 25, 70, 130])
def test_every_process_recovers_from_a_crash_at_any_time(name, after):
    operations = (set_image("web", "app:2"), scale("web", 3))
    cluster = build(world_with("crash", operations=operations))
    expected = summary(cluster, settled(cluster))
    *_, state = (cluster.init(), *(state for _, state in islice(fifo(cluster), after)))
    down = cluster.step(state, actions.Crash(name))
    index = next(p.index for p in cluster.layout.processes if p.name == name)
    assert actions.Start(name) in cluster.enabled(down) and index in down.idle
    assert summary(cluster, settled(cluster, down)) == expected


@pytest.mark.parametrize("name", processes())
def test_a_crash_loses_all_memory_and_a_start_lists_again(name):
    cluster = build(world_with("crash"))
    state = cluster.step(settled(cluster), actions.Crash(name))
    process = next(p for p in cluster.layout.processes if p.name == name)
    assert all(state.slots[slot] is None for slot in process.hosts.values())
    up = cluster.step(state, actions.Start(name))
    for slot in process.informers.values():
        informer = up.slots[slot]
        assert (informer.status, informer.synced, len(informer.cache)) == (LISTING, False, 0)
    acting = {type(a) for a in cluster.enabled(up) if a[0] in (name, *process.hosts)}
    assert acting == {actions.List}


def containers(cluster, state, node):
    runtime = state.slots[cluster.layout.by_host[f"runtime/{node}"]]
    return [c for p in runtime.pods.values() for c in p.containers]


def test_containers_and_rules_outlive_the_processes_and_not_the_node():
    faults = {"crash": 2, "node-loss": 1}
    world = World(objects=(pod("a"), *APP), nodes=1, faults=faults)
    cluster = build(world)
    state = settled(cluster)
    dataplane = cluster.layout.by_host["dataplane/n1"]
    crashed = step_to(cluster, state, "Crash(kubelet/n1", "Crash(kube-proxy/n1")
    assert {c.state for c in containers(cluster, crashed, "n1")} == {RUNNING}
    assert crashed.slots[dataplane] == state.slots[dataplane]
    assert len(state.slots[dataplane].all_rules()) == 1
    lost = step_to(cluster, state, "LoseNode(n1)")
    assert not containers(cluster, lost, "n1") and not lost.slots[dataplane].all_rules()
    assert [p.status.phase for p in objects(lost, "pods")] == ["Running"] * 3
    back = settled(cluster, lost)
    assert {c.state for c in containers(cluster, back, "n1")} == {RUNNING}
    assert len(objects(back, "pods")) == 3


@pytest.mark.parametrize(
    ("fault", "is_written", "reason"),
    [
        ("LoseRequest", False, "Timeout"),
        ("LoseAnswer", True, "Timeout"),
        ("Throttle", False, "TooManyRequests"),
    ],
)
def test_a_fault_on_a_request_tells_its_sender_what_it_can_know(fault, is_written, reason):
    told = []

    class Told(Scheduler):
        def answer(self, memory, call, request, response, view):
            told.append(response)
            return super().answer(memory, call, request, response, view)

    def telling(components):
        (scheduler,) = components.schedulers
        changed = Told(scheduler.name, scheduler.policy)
        return attrs.evolve(components, schedulers=(changed,))

    name = {"LoseRequest": "lost-request", "LoseAnswer": "lost-answer", "Throttle": "throttle"}
    world = World(objects=(pod("a"),), nodes=1, faults={name[fault]: 1})
    cluster = build(world, mutate=telling)
    state = step_to(cluster, cluster.init(), "Schedule(", f"{fault}(")
    bound = bool(objects(state, "pods")[0].spec.node_name)
    assert (bound, [r.reason for r in told]) == (is_written, [reason])
    assert isinstance(told[0], Response) and told[0].entry is None
    assert objects(settled(cluster, state), "pods")[0].status.phase == "Running"
