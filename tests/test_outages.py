"""Pauses and partitions promise: a process stands still or works on alone, until they end."""

from __future__ import annotations

import pytest
from cluster_runs import fifo, get, objects, settled, step_to, walk

from kspec.errors import NotEnabled
from kspec_models import actions
from kspec_models.building import build
from kspec_models.reflector import DISCONNECTED, WATCHING
from kspec_models.world import World
from kspec_models.worlds import deployment, pod

EVICTS = ("-node-lifecycle-controller", "-taint-eviction-controller")
LEASE = "leases/kube-node-lease/n1"


def cluster_with(*faults, **fields):
    usual = {"nodes": 1, "objects": (pod("a"),), "granularity": "reconcile"}
    return build(World(**{**usual, **fields, "faults": dict.fromkeys(faults, 1)}))


def names(cluster, state):
    return [cluster.encode(action) for action in cluster.enabled(state)]


def test_a_paused_process_takes_no_step_and_its_requests_stay():
    cluster = cluster_with("pause", granularity="request", controllers=EVICTS)
    state = step_to(cluster, cluster.init(), "Schedule(scheduler", "Pause(scheduler)")
    calls = state.slots[cluster.layout.by_host["scheduler"]].calls
    assert len(calls) == 1
    for _, after in fifo(cluster, state):
        assert not [n for n in names(cluster, after) if "(scheduler" in n and "Resume" not in n]
        assert after.slots[cluster.layout.by_host["scheduler"]].calls is calls
        assert get(after, "pods/default/a").spec.node_name == ""
    with pytest.raises(NotEnabled):
        cluster.step(state, calls[0].action)
    resumed = settled(cluster, step_to(cluster, state, "Resume(scheduler)"))
    assert get(resumed, "pods/default/a").status.phase == "Running"


def test_time_goes_on_while_a_process_is_paused():
    cluster = cluster_with("pause", objects=(deployment("web", 1),))
    state = step_to(cluster, settled(cluster), "Pause(kubelet/n1)")
    later = settled(cluster, state)
    assert later.clock > state.clock
    conditions = {c.type: c.status for c in get(later, "nodes/n1").status.conditions}
    assert conditions["Ready"] == "Unknown"
    assert cluster.heal(later) is not None and not cluster.have_faults_ended(later)


def test_a_crash_ends_a_pause_but_not_a_partition():
    cluster = cluster_with("pause", "partition", "crash", controllers=EVICTS)
    state = step_to(cluster, cluster.init(), "Pause(kubelet/n1)", "Partition(kubelet/n1)")
    state = step_to(cluster, state, "Crash(kubelet/n1)")
    assert (state.environment.paused, state.environment.cut) == ((), ("kubelet/n1",))
    state = step_to(cluster, state, "Start(kubelet/n1)")
    assert not [n for n in names(cluster, state) if n.startswith("List(kubelet/n1")]
    state = step_to(cluster, state, "Rejoin(kubelet/n1)", "List(kubelet/n1")


def test_what_is_cut_off_gets_no_answer_but_its_containers_run_on():
    cluster = cluster_with("partition", controllers=EVICTS)
    state = step_to(cluster, cluster.init(), "Schedule(", "Sync(kubelet/n1, pods", "SyncPod(")
    state = step_to(cluster, state, "Partition(kubelet/n1)")
    informers = cluster.layout.process_named("kubelet/n1").informers.values()
    assert {state.slots[slot].status for slot in informers} == {DISCONNECTED}
    for action, after in fifo(cluster, state, 60):
        assert not isinstance(action, actions.Rewatch | actions.List)
        answers = [a for a in after.answered if a.host == "kubelet/n1"]
        assert not answers
        runtime = after.slots[cluster.layout.by_host["runtime/n1"]]
        if all(c.state == "running" for p in runtime.pods.values() for c in p.containers):
            break
    assert get(after, "pods/default/a").status.phase == "Pending"
    healed = settled(cluster, cluster.step(after, cluster.heal(after)))
    assert get(healed, "pods/default/a").status.phase == "Running"
    assert {healed.slots[slot].status for slot in informers} == {WATCHING}


def test_requests_of_what_is_cut_off_time_out_without_being_applied():
    cluster = cluster_with("partition", granularity="request", controllers=EVICTS)
    state = step_to(cluster, cluster.init(), "Partition(scheduler)", "Schedule(")
    state = step_to(cluster, state, "Deliver(scheduler")
    assert not state.answered and not state.written
    queue = state.slots[cluster.layout.by_host["scheduler"]].memory.queue
    assert queue.deadline is not None  # it was told of a timeout, and tries again later


@pytest.mark.parametrize("fault", ["Pause", "Partition", "LoseNode"])
def test_a_silent_kubelet_leaves_the_time_of_its_last_renewal(fault):
    faults = {"Pause": "pause", "Partition": "partition", "LoseNode": "node-loss"}
    cluster = cluster_with(faults[fault], controllers=("node-lifecycle-controller",))
    start = settled(cluster)
    assert get(start, LEASE).spec.renew_time is None
    target = "n1" if fault == "LoseNode" else "kubelet/n1"
    state = step_to(cluster, start, f"{fault}({target})")
    assert get(state, LEASE).spec.renew_time == start.clock
    state = cluster.step(state, cluster.heal(state))
    if fault == "LoseNode":
        state = step_to(cluster, state, "Start(kubelet/n1)")
    renewed = step_to(cluster, state, "Renew(node-lease/n1")
    assert get(renewed, LEASE).spec.renew_time is None


def test_worlds_in_which_nobody_judges_nodes_have_no_leases():
    cluster = cluster_with("crash")
    assert not objects(cluster.init(), "leases") and not cluster.layout.leases


def test_a_partition_that_lasts_comes_to_rest():
    cluster = cluster_with("partition", objects=(deployment("web", 1),), nodes=2)
    for name in ("kubelet/n1", "controller-manager", "scheduler"):
        last = settled(cluster, step_to(cluster, settled(cluster), f"Partition({name})"))
        assert last.environment.cut == (name,)


@pytest.mark.parametrize("fault", ["pause", "partition"])
def test_walks_with_outages_stay_within_the_guards(fault):
    cluster = cluster_with(fault, nodes=2, objects=(deployment("web", 2),), granularity="request")
    for seed in range(4):
        for before, action, after in walk(cluster, seed, 250):
            stands_still = before.environment.paused
            assert action[0] not in stands_still or isinstance(
                action, actions.Resume | actions.Crash
            )
            for each in after.enabled:
                cluster.step(after, each)
