"""What node lifecycle promises: silent nodes are known for it, tainted in turn, and forgiven."""

import pytest

from kspec_models.building import build
from kspec_models.controllers.nodelifecycle import NodeLifecycleController
from kspec_models.controllers.nodelifecycle_health import Graces, Health, observed
from kspec_models.controllers.nodelifecycle_taints import no_schedule_changes
from kspec_models.controllers.nodelifecycle_zones import (
    FULL,
    NORMAL,
    PARTIAL,
    Rates,
    Zone,
    period_of,
    zone_state,
)
from kspec_models.objects import Lease, Node, condition
from kspec_models.world import World
from kspec_models.worlds import delete, namespace, node, pod
from kspec_models.worlds_nodes import (
    NOT_READY,
    UNREACHABLE,
    hear,
    heartbeat,
    report,
    silence,
    taint,
    tainted,
    tolerate,
)
from tests.cluster_runs import fifo, get, objects, settled, step_to

CONTROLLERS = ("node-lifecycle-controller", "taint-eviction-controller")


def world(*operations, nodes=("n1", "n2"), objs=(), **more):
    """Nodes without processes of their own, so that nobody speaks up for them."""
    more.setdefault("controllers", CONTROLLERS)
    made = [node(name) for name in nodes] + [heartbeat(name) for name in nodes]
    return World(
        objects=(*objs, namespace("kube-node-lease"), *made),
        operations=operations,
        active_nodes=(),
        **more,
    )


def taints(state, name, effect="NoExecute"):
    return [t.key for t in get(state, f"nodes/{name}").spec.taints if t.effect == effect]


def ready(state, name):
    return condition(get(state, f"nodes/{name}").status.conditions, "Ready").status


def when(cluster, holds):
    """The first second at which something held in a FIFO run; None if it never did."""
    return next((state.clock for _, state in fifo(cluster) if holds(state)), None)


@pytest.mark.parametrize("granularity", ["request", "reconcile"])
def test_nodelifecycle_says_unknown_and_taints_what_it_does_not_hear_of(granularity):
    cluster = build(world(silence("n2"), granularity=granularity))
    end = settled(cluster)
    assert ready(end, "n2") == "Unknown" and ready(end, "n1") == "True"
    assert taints(end, "n2") == taints(end, "n2", "NoSchedule") == [UNREACHABLE]
    assert taints(end, "n1") == [] and end.clock == 51
    reason = condition(get(end, "nodes/n2").status.conditions, "Ready").reason
    assert reason == "NodeStatusUnknown"


def test_nodelifecycle_forgives_a_node_that_is_heard_of_again():
    operations = silence("n2"), hear("n2"), report("n2", "Ready", "True")
    end = settled(build(world(*operations)))
    assert taints(end, "n2") == taints(end, "n2", "NoSchedule") == []


def test_nodelifecycle_marks_the_pods_of_a_silent_node_not_ready_and_they_leave_in_time():
    ready_pod = {
        **pod("p", nodeName="n2"),
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    }
    cluster = build(world(silence("n2"), objs=(ready_pod,), keep_status=True))

    def is_unready(state):
        found = get(state, "pods/default/p")
        return found and condition(found.status.conditions, "Ready").status == "False"

    def is_leaving(state):
        found = get(state, "pods/default/p")
        return found is None or found.is_terminating

    assert when(cluster, is_unready) == 51
    assert when(cluster, is_leaving) == 51 + 300


def test_nodelifecycle_taints_one_node_of_a_zone_at_a_time():
    nodes = ("n1", "n2", "n3")
    cluster = build(world(silence("n1"), silence("n2"), nodes=nodes))
    assert when(cluster, lambda s: taints(s, "n1")) == 51
    assert when(cluster, lambda s: taints(s, "n2")) == 61


def test_nodelifecycle_stops_evicting_when_every_node_is_silent():
    cluster = build(world(silence("n1"), silence("n2")))
    end = settled(cluster)
    assert ready(end, "n1") == ready(end, "n2") == "Unknown"
    assert taints(end, "n1") == taints(end, "n2") == []
    assert taints(end, "n1", "NoSchedule") == [UNREACHABLE]


def test_nodelifecycle_goes_on_evicting_when_some_node_is_heard_of_again():
    operations = silence("n1"), silence("n2"), hear("n1"), report("n1", "Ready", "True")
    cluster = build(world(*operations))
    states = [state for _, state in fifo(cluster)]
    assert ready(states[-1], "n1") == "True" and taints(states[-1], "n2") == [UNREACHABLE]


def test_nodelifecycle_swaps_the_taint_of_a_node_that_reports_that_it_is_not_ready():
    end = settled(build(world(silence("n2"), hear("n2"), report("n2", "Ready", "False"))))
    assert taints(end, "n2") == [NOT_READY]


def test_nodelifecycle_follows_the_conditions_of_a_node_with_taints():
    end = settled(build(world(report("n2", "MemoryPressure", "True"))))
    assert taints(end, "n2", "NoSchedule") == ["node.kubernetes.io/memory-pressure"]
    cordoned = Node.from_json({**node("n1"), "spec": {"unschedulable": True}})
    assert no_schedule_changes(cordoned) == (("node.kubernetes.io/unschedulable",), ())
    old = Node.from_json(tainted("n1", taint(NOT_READY, "NoSchedule"), taint("own", "NoSchedule")))
    assert no_schedule_changes(old) == ((), (NOT_READY,))


def test_nodelifecycle_gives_a_node_that_never_reported_its_startup_grace():
    silent = {**node("n2"), "status": {}}
    stopped = heartbeat("n2")
    stopped["spec"]["renewTime"] = "2024-01-01T00:00:00Z"
    cluster = build(world(nodes=("n1",), objs=(silent, stopped)))
    assert when(cluster, lambda s: get(s, "nodes/n2").status.conditions) == 61
    assert ready(settled(cluster), "n2") == "Unknown"


def test_nodelifecycle_takes_a_restart_for_a_sign_of_life():
    cluster = build(world(silence("n2"), faults={"crash": 1}))
    state = settled(cluster)
    state = step_to(cluster, state, "Crash(controller-manager)")
    after = [s for _, s in fifo(cluster, state)]
    assert any(taints(s, "n2") == [] for s in after), "a controller that starts knows no node"
    assert taints(after[-1], "n2") == [UNREACHABLE]


def test_nodelifecycle_comes_to_rest():
    cluster = build(world(silence("n2"), delete("Node", "n1")))
    end = settled(cluster)
    assert not any(cluster.kind_of(a) in ("system", "clock") for a in cluster.enabled(end))


@pytest.mark.parametrize(
    ("ready_nodes", "unready", "state"),
    [(2, 0, NORMAL), (1, 1, NORMAL), (1, 2, NORMAL), (2, 3, PARTIAL), (3, 3, NORMAL), (0, 1, FULL)],
)
def test_zone_state_is_upstreams(ready_nodes, unready, state):
    assert zone_state(("True",) * ready_nodes + ("Unknown",) * unready, Rates()) == state


def test_period_is_none_in_a_small_zone_that_is_partly_disrupted():
    rates = Rates()
    assert [period_of(PARTIAL, size, rates) for size in (50, 51)] == [0, 100]
    assert period_of(NORMAL, 3, rates) == period_of(FULL, 3, rates) == 10


def test_a_new_limiter_is_drained_where_the_old_one_had_no_token():
    zone = Zone(NORMAL, 10, 0)
    assert zone.limited(100, 5).may_go(5)
    assert not zone.taking(5).limited(100, 6).may_go(6)
    assert zone.taking(5).limited(100, 6).next_token == 106
    assert not zone.limited(0, 5).may_go(500)


def test_observed_counts_a_lease_that_is_kept_renewed_as_heard_of_now():
    alive = Lease.from_json(heartbeat("n1"))
    stopped = alive.replace(spec=alive.spec.replace(renew_time=90))
    subject = Node.from_json(node("n1"))
    known = observed(None, subject, alive, 10)
    assert known.probe_at == 10 and observed(known, subject, alive, 80).probe_at == 80
    silent = observed(known, subject, stopped, 95)
    assert (
        silent == Health(95, known.ready, 90) and observed(silent, subject, stopped, 200) == silent
    )


def test_nodelifecycle_waits_for_the_grace_that_a_world_gives():
    options = {"kube-controller-manager": {"nodeMonitorGracePeriod": 20}}
    cluster = build(world(silence("n2"), components=options))
    assert when(cluster, lambda s: ready(s, "n2") == "Unknown") == 21
    assert NodeLifecycleController().graces == Graces(60, 50)


def test_nodelifecycle_runs_only_where_a_node_can_be_unwell():
    def runs(**options):
        return "nodelifecycle" in build(World(**options)).layout.by_host

    assert not runs(nodes=1)
    assert runs(objects=(tainted("n1", taint("own")),))
    assert runs(
        objects=({**node("n1"), "status": {"conditions": [{"type": "Ready", "status": "False"}]}},)
    )
    assert runs(nodes=1, controllers=("*",))
    assert not runs(objects=(pod("p", tolerations=[tolerate("own")]),))
    assert objects(settled(build(World(nodes=1, controllers=("*",)))), "nodes")
