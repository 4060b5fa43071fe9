"""Leader election promises: one leads, the others wait, and a lease that runs out is taken over."""

from __future__ import annotations

import pytest
from cluster_runs import fifo, get, objects, settled, step_to, walk

from kspec.errors import InputError
from kspec_models.building import build
from kspec_models.reflector import DOWN, WATCHING
from kspec_models.world import World
from kspec_models.worlds import deployment
from kspec_properties.processes import at_most_one_process_leads, only_the_holder_of_the_lease_acts

MANAGER, SCHEDULER = "kube-controller-manager", "kube-scheduler"
LEASE = f"leases/kube-system/{MANAGER}"
QUIET = ("-node-lifecycle-controller", "-taint-eviction-controller")


def elected(*faults, options=None, **fields):
    options = {"replicas": 2, **(options or {})}
    usual = {
        "nodes": 1,
        "objects": (deployment("web", 1),),
        "granularity": "reconcile",
        "controllers": QUIET,
        "components": {MANAGER: options},
    }
    return build(World(**{**usual, **fields, "faults": dict.fromkeys(faults, 1)}))


def leads(cluster, state, process):
    host = state.slots[cluster.layout.by_host[f"leader-election/{process}"]]
    return host is not None and host.memory.is_leading


def leaders(cluster, state):
    names = ("controller-manager", "controller-manager-2")
    return [name for name in names if leads(cluster, state, name)]


def actors(cluster, state):
    return [str(action[0]) for action in cluster.enabled(state)]


def test_the_first_leads_and_a_standby_has_not_even_started_its_informers():
    cluster = elected()
    for _, state in fifo(cluster):
        assert leaders(cluster, state) == ["controller-manager"]
        assert not [a for a in actors(cluster, state) if a.endswith("-2")]
    for name, expected in (("controller-manager", WATCHING), ("controller-manager-2", DOWN)):
        slots = cluster.layout.process_named(name).informers.values()
        assert {state.slots[slot].status for slot in slots} == {expected}
    assert get(state, LEASE).spec.holder_identity == "controller-manager_0"
    assert {p.status.phase for p in objects(state, "pods")} == {"Running"}


def test_a_standby_scheduler_follows_the_pods_but_schedules_none():
    components = {SCHEDULER: {"replicas": 2, "leaderElect": True}}
    cluster = elected("failover", components=components)
    for _, state in fifo(cluster):
        texts = map(cluster.encode, cluster.enabled(state))
        assert not [text for text in texts if text.startswith("Schedule(scheduler-2")]
    assert state.slots[cluster.layout.by_informer["scheduler-2", "pods"]].position
    assert state.slots[cluster.layout.by_host["scheduler-2"]].memory.cache.order.infos
    state = step_to(cluster, cluster.init(), "FailOver(scheduler-1)")
    state = step_to(cluster, state, "Renew(leader-election/scheduler-2")
    end = settled(cluster, state)
    assert {p.status.phase for p in objects(end, "pods")} == {"Running"}


def test_a_crashed_leader_is_succeeded_when_its_lease_has_run_out():
    cluster = elected("crash", options={"leaseDuration": 20})
    state = step_to(cluster, cluster.init(), "Crash(controller-manager)")
    crashed = state.clock
    assert get(state, LEASE).spec.renew_time == crashed
    end = settled(cluster, state)
    spec = get(end, LEASE).spec
    assert (spec.acquire_time, spec.lease_transitions, spec.renew_time) == (crashed + 20, 1, None)
    assert len(leaders(cluster, end)) == 1
    assert spec.holder_identity.rpartition("_")[0] == leaders(cluster, end)[0]
    assert {p.status.phase for p in objects(end, "pods")} == {"Running"}


def test_a_failover_takes_no_time():
    cluster = elected("failover")
    state = step_to(cluster, cluster.init(), "FailOver(controller-manager)")
    assert get(state, LEASE).spec.holder_identity == ""
    state = step_to(cluster, state, "Renew(leader-election/controller-manager-2")
    assert (state.clock, leaders(cluster, state)) == (0, ["controller-manager-2"])
    state = step_to(cluster, state, "Start(controller-manager)")
    assert leaders(cluster, settled(cluster, state)) == ["controller-manager-2"]


def test_of_two_that_read_a_free_lease_one_gets_it():
    cluster = elected("failover", options={"replicas": 3}, granularity="request")
    both = ("leader-election/controller-manager-2", "leader-election/controller-manager-3")
    state = step_to(cluster, cluster.init(), "FailOver(controller-manager)")
    state = step_to(cluster, state, *(f"Renew({name}" for name in both))
    state = step_to(cluster, state, *(f"Deliver({name}, kube-system" for name in both))
    state = step_to(cluster, state, *(f"Deliver({name}, kube-system" for name in both))
    won = [leads(cluster, state, f"controller-manager-{i}") for i in (2, 3)]
    assert won == [True, False]
    end = settled(cluster, state)
    assert [leads(cluster, end, f"controller-manager-{i}") for i in (2, 3)] == won


def awake_after_its_lease():
    """A leader that was paused past its lease, and the standby that has taken it over."""
    cluster = elected("pause")
    state = step_to(cluster, cluster.init(), "Pause(controller-manager)", "SyncProxyRules(")
    state = step_to(cluster, state, "Advance(to=15s", "Renew(leader-election/controller-manager-2")
    return cluster, step_to(cluster, state, "Resume(controller-manager)")


def test_a_leader_that_wakes_up_acts_until_its_renewal_is_answered():
    cluster, state = awake_after_its_lease()
    assert leaders(cluster, state) == ["controller-manager", "controller-manager-2"]
    assert not at_most_one_process_leads.predicate(state).holds
    acted = step_to(cluster, state, "Reconcile(deployment, default/web")
    assert acted.written
    assert not only_the_holder_of_the_lease_acts.predicate(state, acted).holds
    ended = step_to(cluster, acted, "Renew(leader-election/controller-manager,")
    assert leaders(cluster, ended) == ["controller-manager-2"]
    assert not ended.slots[cluster.layout.process_named("controller-manager").up]
    assert step_to(cluster, ended, "Start(controller-manager)")


def test_a_leader_that_wakes_up_in_time_goes_on():
    cluster = elected("pause")
    state = step_to(cluster, cluster.init(), "Pause(controller-manager)", "Resume(controller")
    state = step_to(cluster, state, "Renew(leader-election/controller-manager,")
    assert get(state, LEASE).spec.renew_time is None
    assert leaders(cluster, settled(cluster, state)) == ["controller-manager"]


def test_a_leader_that_cannot_renew_stops_before_another_starts():
    cluster = elected("partition", options={"leaseDuration": 30, "renewDeadline": 20})
    begun = step_to(cluster, settled(cluster), "Partition(controller-manager)")
    cut, stopped, started = begun.clock, None, None
    for _, state in fifo(cluster, begun):
        found = leaders(cluster, state)
        assert len(found) < 2
        stopped = state.clock if not found and stopped is None else stopped
        started = state.clock if found == ["controller-manager-2"] and started is None else started
    assert (stopped - cut, started - cut) == (20, 30)


@pytest.mark.parametrize("fault", ["crash", "partition", "failover", "lost-answer", "throttle"])
def test_never_do_two_lead_without_a_pause(fault):
    cluster = elected(fault, granularity="request")
    for seed in range(6):
        for _, _, state in walk(cluster, seed, 300):
            assert at_most_one_process_leads.predicate(state).holds


BAD = {
    "replicas": (0, True, "2", 9),
    "leaderElect": ("yes", 1),
    "leaseDuration": (0, 10, "15s"),
    "retryPeriod": (10, 9),
}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, values in BAD.items() for v in values])
def test_bad_options_are_refused_in_a_line(name, value):
    with pytest.raises(InputError) as caught:
        elected(options={name: value})
    assert MANAGER in str(caught.value) and "\n" not in str(caught.value)


def test_one_process_of_each_has_no_lease():
    cluster = build(World(nodes=1, components={MANAGER: {"replicas": 1}}))
    assert not cluster.layout.leases and not objects(cluster.init(), "leases")
    with pytest.raises(InputError, match="fused"):
        elected(granularity="fused")
