"""What the cluster autoscaler promises: room for pods that fit nowhere, and no idle machines."""

import pytest

from kspec.errors import InputError
from kspec_models.building import build
from kspec_models.cluster_autoscaler_groups import node_groups
from kspec_models.cluster_autoscaler_simulation import estimate, unhelped, utilisation_percent
from kspec_models.cluster_autoscaler_state import TO_BE_DELETED, AutoscalerMemory
from kspec_models.objects import Node, Pod
from kspec_models.scheduler_feasibility import feasible_nodes
from kspec_models.world import World
from kspec_models.worlds import deployment, node, pod, scale
from kspec_models.worlds_nodes import node_group, taint, tainted
from tests.cluster_runs import fifo, get, objects, settled, step_to

SMALL = {"cpu": "1", "memory": "1Gi"}


def world(*objs, groups=(), operations=(), nodes=0, **options):
    more = {key: options.pop(key) for key in tuple(options) if key in ("granularity", "faults")}
    components = {"cluster-autoscaler": {"nodeGroups": list(groups), **options}}
    return World(nodes=nodes, objects=objs, operations=operations, components=components, **more)


def pool(least=0, most=3, **template):
    return node_group("pool", least, most, capacity=SMALL, **template)


def names(state):
    return [n.name for n in objects(state, "nodes")]


def placed(state):
    return sorted(p.spec.node_name for p in objects(state, "pods"))


def after(world_of, seconds=1000):
    """The state of a FIFO run then; a pod that stays pending is looked at again for ever."""
    for _, state in fifo(build(world_of)):
        if state.clock > seconds:
            break
    return state


@pytest.mark.parametrize("granularity", ["request", "reconcile"])
def test_the_autoscaler_makes_as_many_machines_as_pending_pods_need(granularity):
    apps = deployment("web", 4, cpu="500m")
    end = settled(build(world(apps, groups=[pool()], granularity=granularity)))
    assert names(end) == ["pool-1", "pool-2"]
    assert placed(end) == ["pool-1", "pool-1", "pool-2", "pool-2"]


def test_the_autoscaler_stops_at_the_largest_size():
    end = after(world(deployment("web", 4, cpu="800m"), groups=[pool(most=2)]))
    assert names(end) == ["pool-1", "pool-2"] and placed(end) == ["", "", "pool-1", "pool-2"]


def test_the_autoscaler_makes_nothing_that_would_not_help():
    end = after(world(pod("big", cpu="2"), groups=[pool()]))
    assert names(end) == []
    guarded = pool(taints=[taint("gpu", "NoSchedule")])
    assert names(after(world(pod("p"), groups=[guarded]))) == []


def test_the_autoscaler_chooses_the_group_that_helps_most():
    chosen = pod("p", nodeSelector={"disk": "ssd"})
    groups = [node_group("plain", 0, 2), node_group("fast", 0, 2, labels={"disk": "ssd"})]
    assert names(settled(build(world(chosen, groups=groups)))) == ["fast-1"]


def test_the_autoscaler_leaves_pods_alone_that_fit_where_they_are():
    end = settled(build(world(deployment("web", 2), groups=[pool()], nodes=1)))
    assert names(end) == ["n1"]


def test_groups_start_with_their_smallest_size():
    cluster = build(world(groups=[pool(least=2)]))
    assert names(cluster.init()) == ["pool-1", "pool-2"]
    assert "kubelet/pool-3" in cluster.layout.by_host


def test_the_autoscaler_removes_a_machine_that_nobody_needs_for_ten_minutes():
    cluster = build(
        world(
            deployment("web", 2, cpu="800m"),
            groups=[pool(least=1)],
            operations=(scale("web", 1),),
        )
    )
    states = [state for _, state in fifo(cluster)]
    end = states[-1]
    assert len(names(end)) == 1 and placed(end) == names(end)
    grown = next(s.clock for s in states if len(names(s)) == 2)
    gone = next(s.clock for s in states[states.index(end) - 1 :] if len(names(s)) == 1)
    assert gone - grown >= 605


def test_the_autoscaler_taints_a_machine_and_looks_again_before_it_removes_it():
    cluster = build(world(groups=[pool(least=0)], operations=({"apply": tainted("pool-1")},)))
    seen = []
    for _, state in fifo(cluster):
        found = get(state, "nodes/pool-1")
        keys = [t.key for t in found.spec.taints] if found else None
        if (state.clock, keys) not in seen:
            seen.append((state.clock, keys))
    assert (600, [TO_BE_DELETED]) in seen and seen[-1] == (605, None)


def test_the_autoscaler_keeps_a_machine_that_is_used_and_the_smallest_size():
    used = settled(build(world(pod("p", nodeName="pool-2"), groups=[pool(least=2)])))
    assert names(used) == ["pool-1", "pool-2"]


def test_the_autoscaler_frees_what_an_earlier_run_condemned():
    marked = tainted("pool-1", taint(TO_BE_DELETED, "NoSchedule"))
    end = settled(build(world(marked, pod("p"), groups=[pool(least=1)])))
    assert [t.key for t in get(end, "nodes/pool-1").spec.taints] == []
    assert placed(end) == ["pool-1"]


def test_the_autoscaler_forgets_nothing_that_matters_in_a_crash():
    cluster = build(world(deployment("web", 2, cpu="800m"), groups=[pool()], faults={"crash": 1}))
    for _, state in fifo(cluster):
        if names(state):
            break
    end = settled(cluster, step_to(cluster, state, "Crash(cluster-autoscaler)"))
    assert placed(end) == ["pool-1", "pool-2"]


def test_an_estimate_packs_pods_into_new_machines():
    (group,) = node_groups({"nodeGroups": [pool()]})
    pods = tuple(Pod.from_json(pod(f"p{i}", cpu="600m")) for i in range(4))
    old = (Node.from_json(node("n1", cpu="700m")), ())
    left, filled = unhelped(pods, (old,), feasible_nodes)
    assert [p.name for p in left] == ["p1", "p2", "p3"]
    found = estimate(group, group.names, left, filled, feasible_nodes)
    assert (found.machines, found.helped) == (("pool-1", "pool-2", "pool-3"), 3)
    assert estimate(group, ("pool-3",), left, filled, feasible_nodes).helped == 1


def test_utilisation_is_that_of_the_scarcer_resource():
    machine = Node.from_json(node("n1", cpu="1", memory="1Gi"))
    pods = (Pod.from_json(pod("p", cpu="100m", memory="512Mi")),)
    assert utilisation_percent((machine, pods)) == 50


def test_the_memory_of_the_autoscaler_holds_distances_only():
    early = AutoscalerMemory((("a", 1),), (("b", 2),), (("c", 3),), 4, 5)
    late = AutoscalerMemory((("a", 101),), (("b", 102),), (("c", 103),), 104, 105)
    assert early.relative(10) == late.relative(110) != early.relative(11)


@pytest.mark.parametrize(
    "wrong",
    [
        {"nodeGroups": [{"name": "a", "minSize": 3, "maxSize": 2}]},
        {"nodeGroups": [{"name": "a", "maxSize": -1}]},
        {"nodeGroups": [{"minSize": 1}]},
        {"nodeGroups": [{"name": "a", "size": 1}]},
        {"nodeGroups": [{"name": "a"}, {"name": "a"}]},
        {"nodeGroups": [{"name": "a", "template": {"image": "x"}}]},
        {"scaleDownUnneededTime": "10m"},
        {"expander": "random"},
    ],
)
def test_options_that_describe_no_autoscaler_are_refused(wrong):
    with pytest.raises(InputError):
        build(World(nodes=1, components={"cluster-autoscaler": wrong}))


def test_the_autoscaler_runs_only_where_it_is_named():
    assert "cluster-autoscaler" not in build(World(nodes=1)).layout.by_host
