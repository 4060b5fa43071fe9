"""What a run over a trace promises: its recipe, its sums, and that over-commitment is seen."""

from __future__ import annotations

from random import Random

import pytest

from kspec_models.placement.best_fit import BestFit
from kspec_models.placement.cluster import IndexedCluster
from kspec_models.placement.ledger import Ledger
from kspec_models.placement.policies import PLACINGS
from kspec_models.placement.policy import LOWEST
from kspec_models.placement.room import Demand, Room
from kspec_models.placement.shapes import counted, typical
from kspec_models.placement.simulate import simulate
from kspec_models.placement.workload import copied, shuffled

SHARED, WHOLE, PAIR, CPU = (
    Demand(4_000, 0, 1, 300),
    Demand(8_000, 0, 1, 1000),
    Demand(8_000, 0, 2, 1000),
    Demand(1_000),
)
PODS = tuple((f"p{i:02}", d) for i, d in enumerate([SHARED, WHOLE, PAIR, CPU] * 4))
NODES = tuple((f"n{i}", Room(64_000, 2**30, (1000,) * 4, "T4")) for i in range(4))
CAPACITY = 16_000


def simulated(policy, cluster=None, workload=None):
    usual = typical(counted(demand for _, demand in PODS))
    cluster = cluster or IndexedCluster([room for _, room in NODES], policy)
    workload = workload or copied(PODS, CAPACITY, 3)
    return simulate(NODES, workload, cluster, usual, LOWEST, Random(0)), cluster


def test_copies_are_appended_up_to_thirteen_tenths_of_the_gpus():
    workload = copied(PODS, CAPACITY, 0)
    weights = [pod.weight for pod in workload.arrivals]
    assert sorted(pod.name for pod in workload.arrivals[: len(PODS)]) == [n for n, _ in PODS]
    assert sum(weights) >= 1.3 * CAPACITY > sum(weights[:-1])
    assert workload == copied(PODS, CAPACITY, 0) != copied(PODS, CAPACITY, 1)


def test_a_trace_that_asks_for_more_is_cut_at_thirteen_tenths():
    workload = copied(PODS, 8_000, 0)
    weights = [pod.weight for pod in workload.arrivals]
    assert len(weights) < len(PODS)
    assert sum(weights) >= 1.3 * 8_000 > sum(weights[:-1])


def test_without_gpus_the_load_is_the_share_of_the_pods():
    workload = copied([("a", CPU), ("b", CPU)], 0, 0)
    assert (workload.whole, workload.last_load) == (2, 100)
    assert len(copied([("a", CPU), ("b", CPU)], CAPACITY, 0).arrivals) == 2


@pytest.mark.parametrize("name", PLACINGS)
def test_what_is_used_and_what_is_free_is_what_there_was(name):
    usual = typical(counted(demand for _, demand in PODS))
    found, cluster = simulated(PLACINGS[name](usual))
    free = sum(room.total_milli for room in cluster.rooms)
    assert found.points[-1].allocation == pytest.approx(100 * (CAPACITY - free) / CAPACITY)
    assert len(found.points) == 130
    assert found.over_committed == 0
    assert [point.load for point in found.points] == list(range(1, 131))
    allocated = [point.allocation for point in found.points]
    assert allocated == sorted(allocated)
    assert all(p.allocation + p.fragmentation <= 100 + 1e-9 for p in found.points)


class Forgetful(IndexedCluster):
    """A stale cache: every other placement never reaches the rooms."""

    def place(self, pod, node, devices):
        if pod.number % 2:
            super().place(pod, node, devices)


def test_a_cluster_that_forgets_placements_is_convicted_of_over_commitment():
    found, _ = simulated(BestFit(), Forgetful([room for _, room in NODES], BestFit()))
    assert found.over_committed > len(found.over_commits) > 0
    assert "over-commits node" in str(found.over_commits[0])


class Greedy(BestFit):
    """Gives a pod the first GPU, whatever is free of it."""

    def quick_devices(self, demand, room, row, rng):
        return tuple(range(demand.gpus))


def test_a_policy_that_gives_out_a_full_gpu_is_convicted_of_over_commitment():
    found, _ = simulated(Greedy())
    assert any("thousandths promised" in problem.what for problem in found.over_commits)


@pytest.mark.parametrize(
    ("demand", "devices", "problem"),
    [
        (Demand(65_000), (), "CPU: 65000m of 64000m promised"),
        (Demand(0, 2**31), (), "memory: 2147483648 of 1073741824 bytes promised"),
        (PAIR, (0,), "GPUs [0] for a pod that asks for 2"),
        (PAIR, (1, 1), "GPUs [1, 1] for a pod that asks for 2"),
        (WHOLE, (4,), "GPUs [4] of 4"),
        (Demand(0, 0, 1, 100, ("P100",)), (0,), "a GPU of model T4 for a pod that asks for P100"),
        (SHARED, (0,), None),
    ],
)
def test_the_ledger_says_what_is_wrong_with_a_placement(demand, devices, problem):
    found = Ledger(NODES).charge("p", demand, 0, devices)
    assert (found and found.what) == problem


def test_a_world_places_every_pod_once():
    workload = shuffled(PODS, 5)
    assert sorted(pod.name for pod in workload.arrivals) == [name for name, _ in PODS]
