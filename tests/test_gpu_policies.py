"""GPUs in the scheduler: what GpuShare filters, and policies that place as on a trace."""

from __future__ import annotations

from random import Random

import pytest
from cluster_runs import settled
from hypothesis import given, settings
from hypothesis import strategies as st

from kspec_models.building import build
from kspec_models.placement.cluster import PlainCluster
from kspec_models.placement.objects import GPU_COUNT, GPU_INDEX, GPU_MILLI, node_of, pod_of
from kspec_models.placement.policies import PLACINGS
from kspec_models.placement.policy import AT_RANDOM, LOWEST
from kspec_models.placement.room import Demand, Room
from kspec_models.placement.shapes import counted, typical
from kspec_models.placement.simulate import simulate
from kspec_models.placement.workload import copied
from kspec_models.scheduler.cycle import decide
from kspec_models.scheduler.framework import Context
from kspec_models.scheduler.gpu import room_of
from kspec_models.scheduler.nodeinfo import node_info
from kspec_models.scheduler.policies import load_policy
from kspec_models.scheduler.policies.gpu_policy import Placer, gpu_policy
from kspec_models.world import World
from kspec_models.worlds import node as plain_node
from kspec_models.worlds import pod as plain_pod
from kspec_properties.trial.scheduled import ScheduledNodes
from kspec_properties.trial.sources import Source

T4 = Room(32_000, 2**36, (1000,) * 4, "T4")
SHARED, WHOLE, PAIR = Demand(1000, 0, 1, 400), Demand(1000, 0, 1, 1000), Demand(0, 0, 2, 1000)
GPU_POLICIES = ("dot-product", "gpu-clustering", "gpu-packing", "best-fit", "fgd")


def bound(name, demand, index=None, node="n0"):
    pod = pod_of(name, name, demand)
    if index is not None:
        annotations = dict(pod.metadata.annotations) | {GPU_INDEX: index}
        pod = pod.with_metadata(annotations=type(pod.metadata.annotations)(annotations))
    return pod.replace(spec=pod.spec.replace(node_name=node))


def info(*pods, room=T4, name="n0"):
    return node_info(node_of(name, room, 100), pods)


def decision(policy, demand, *infos):
    return decide(load_policy(policy), pod_of("new", "new", demand), Context(infos))


def test_gpus_are_free_as_the_annotations_say():
    room = room_of(info(bound("a", SHARED, "2"), bound("b", PAIR, "1-3"), bound("c", Demand(500))))
    assert room == Room(30_500, 2**36, (1000, 0, 600, 0), "T4", (-1, 2))


def test_a_pod_without_annotation_has_the_fullest_gpus_in_the_order_of_keys():
    pods = (bound("b", WHOLE), bound("a", SHARED), bound("z", SHARED, "3"))
    assert room_of(info(*pods)).gpus == (0, 1000, 1000, 200)


def test_an_over_committed_gpu_takes_no_more():
    pods = [bound(f"p{i}", Demand(0, 0, 1, 900), "0") for i in range(2)]
    assert room_of(info(*pods)).gpus[0] == -800
    crowded = [bound(f"p{i}", WHOLE) for i in range(5)]
    assert min(room_of(info(*crowded)).gpus) == -1000
    assert not decision("best-fit", SHARED, info(*crowded)).node


@pytest.mark.parametrize(
    ("demand", "reason"),
    [
        (Demand(0, 0, 1, 700), "Insufficient GPU"),
        (Demand(0, 0, 5, 1000), "Insufficient GPU"),
        (Demand(0, 0, 1, 100, ("A10",)), "node(s) had no GPU of the model asked for"),
    ],
)
def test_a_node_without_the_gpus_is_refused(demand, reason):
    full = info(*(bound(f"p{i}", SHARED, str(i)) for i in range(4)))
    found = decision("gpu-packing", demand, full)
    assert (found.node, found.rejectors) == ("", ("GpuShare",))
    assert reason in found.message


def test_annotations_that_cannot_be_read_refuse_the_pod():
    pod = pod_of("new", "new", SHARED)
    annotations = type(pod.metadata.annotations)({GPU_COUNT: "1", GPU_MILLI: "half"})
    found = decide(
        load_policy("fgd"), pod.with_metadata(annotations=annotations), Context((info(),))
    )
    assert not found.node and "not whole numbers" in found.message


@pytest.mark.parametrize("policy", GPU_POLICIES)
def test_pods_and_nodes_without_gpus_are_placed(policy):
    bare = info(room=Room(8_000, 2**33), name="bare")
    assert decision(policy, Demand(9_000), bare, info()).node == "n0"
    assert decision(policy, Demand(500, 2**20), bare).node == "bare"
    assert decision(policy, WHOLE, bare, info()).node == "n0"


def test_reserve_names_the_gpus_of_the_score():
    policy, pod = load_policy("fgd"), pod_of("new", "new", WHOLE)
    used = info(bound("a", SHARED, "0"))
    (plugin,) = [plugin for plugin, _ in policy.scorers]
    assert plugin.reserve(pod, used, Context((used,))) == {GPU_INDEX: "1"}
    assert plugin.reserve(pod_of("c", "c", Demand(5)), used, Context((used,))) == {}


DEMANDS = st.sampled_from((SHARED, WHOLE, PAIR, Demand(4000), Demand(500, 0, 1, 250, ("T4",))))
ROOMS = st.sampled_from((T4, Room(8_000, 2**33), Room(16_000, 2**33, (1000, 1000), "P100")))


@pytest.mark.parametrize("name", GPU_POLICIES)
@settings(max_examples=12, deadline=None)
@given(
    rooms=st.lists(ROOMS, min_size=1, max_size=4),
    demands=st.lists(DEMANDS, min_size=1, max_size=8),
    seed=st.integers(0, 3),
)
def test_the_scheduling_cycle_decides_as_on_a_trace(name, rooms, demands, seed):
    """The same formula over NodeInfos, with the GPUs that Reserve chose read back from the pods."""
    nodes = tuple((f"n{i}", room) for i, room in enumerate(rooms))
    pods = tuple((f"p{i}", demand) for i, demand in enumerate(demands))
    infos = tuple(node_info(node_of(*each, 1000)) for each in nodes)
    source = Source("", infos, nodes, pods, {}, {}, True)
    placing = PLACINGS[name](typical(counted(demands)))
    profile = gpu_policy(Placer(name, lambda _: placing))
    found = []
    for cluster in (PlainCluster(rooms, placing), ScheduledNodes(source, profile)):
        workload = copied(pods, source.capacity, seed)
        run = simulate(nodes, workload, cluster, source.typical, LOWEST, Random(0))
        found.append((run, list(cluster.rooms)))
    assert found[0] == found[1]
    assert not found[0][0].over_committed


@pytest.mark.parametrize("name", ["default", "most-allocated", "gpu-packing"])
def test_a_large_cluster_is_decided_at_once_as_node_by_node(name):
    rng = Random(7)
    kinds = (T4, Room(8_000, 2**33), Room(16_000, 2**33, (1000, 1000), "P100"))
    demands = (SHARED, WHOLE, PAIR, Demand(4000, 2**30), Demand(500, 0, 1, 250, ("T4",)))
    nodes = tuple((f"n{i:02}", rng.choice(kinds)) for i in range(70))
    pods = tuple((f"p{i:03}", rng.choice(demands)) for i in range(150))
    infos = tuple(node_info(node_of(*each, 1000)) for each in nodes)
    source = Source("", infos, nodes, pods, {}, {}, True)
    found = []
    for is_plain in (True, False):
        cluster = ScheduledNodes(source, load_policy(name), is_plain)
        workload = copied(pods, source.capacity, 0)
        run = simulate(nodes, workload, cluster, source.typical, AT_RANDOM, Random(0))
        found.append((run, list(cluster.rooms)))
    assert found[0] == found[1]
    assert not found[0][0].over_committed


def gpu_world(policy, *demands):
    node = plain_node("n1", cpu="32")
    node["metadata"]["labels"] = {"alibabacloud.com/gpu-card-model": "T4"}
    node["status"]["allocatable"][GPU_COUNT] = node["status"]["capacity"][GPU_COUNT] = "2"
    pods = []
    for number, demand in enumerate(demands):
        pod = plain_pod(f"p{number}")
        pod["metadata"]["annotations"] = {
            GPU_COUNT: str(demand.gpus),
            GPU_MILLI: str(demand.milli),
        }
        pods.append(pod)
    return build(World(objects=(node, *pods), policy=policy))


@pytest.mark.parametrize("policy", GPU_POLICIES)
def test_in_a_world_the_binding_brings_the_gpus(policy):
    state = settled(gpu_world(policy, WHOLE, SHARED, SHARED))
    pods = [entry.value for entry in state.api.store.bucket("pods").entries()]
    used = {"0": 0, "1": 0}
    for pod in pods:
        used[pod.metadata.annotations[GPU_INDEX]] += int(pod.metadata.annotations[GPU_MILLI])
    assert sorted(used.values()) == [800, 1000]
