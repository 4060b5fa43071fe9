"""What placement policies promise: the array form decides as the plain form, by the formula."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kspec_models.placement.best_fit import BestFit
from kspec_models.placement.cluster import IndexedCluster, PlainCluster
from kspec_models.placement.dot_product import DotProduct
from kspec_models.placement.fgd import FragmentationGradientDescent
from kspec_models.placement.fragmentation import amount, amounts, tables
from kspec_models.placement.gpu_clustering import GpuClustering
from kspec_models.placement.gpu_packing import GpuPacking
from kspec_models.placement.policies import PLACINGS
from kspec_models.placement.policy import AT_RANDOM, HIGHEST, LOWEST, TIE_BREAKS, chosen
from kspec_models.placement.random_choice import RandomChoice
from kspec_models.placement.room import Demand, Room, after, fits, least_room
from kspec_models.placement.rooms import Arrays, Rooms, all_rooms
from kspec_models.placement.shapes import SHARED, counted, typical
from kspec_models.placement.simulate import simulate
from kspec_models.placement.workload import copied

MODELS = ("", "P100", "T4")
DEMANDS = st.builds(
    lambda cpu, memory, gpus, milli, models: Demand(
        cpu, memory, gpus, (milli if gpus == 1 else 1000) if gpus else 0, models if gpus else ()
    ),
    st.sampled_from((0, 500, 4_000, 16_000)),
    st.sampled_from((0, 1, 8)),
    st.sampled_from((0, 1, 1, 1, 2, 4)),
    st.sampled_from((50, 330, 470, 500, 1000, 1000)),
    st.sampled_from(((), (), ("P100",), ("P100", "T4"), ("A10",))),
)
ROOMS = st.builds(
    lambda cpu, memory, gpus, model: Room(cpu, memory, (1000,) * gpus, model if gpus else ""),
    st.sampled_from((8_000, 32_000, 96_000, 128_000)),
    st.sampled_from((0, 8, 64)),
    st.integers(0, 8),
    st.sampled_from(MODELS[1:]),
)
CLUSTERS = st.lists(ROOMS, min_size=1, max_size=5)
PODS = st.lists(DEMANDS, min_size=1, max_size=12)


def run(kind, name, rooms, pods, tie_break, seed):
    named = [(f"p{number}", demand) for number, demand in enumerate(pods)]
    nodes = [(f"n{number}", room) for number, room in enumerate(rooms)]
    usual = typical(counted(pods))
    policy = PLACINGS[name](usual)
    capacity = sum(room.total_milli for room in rooms)
    cluster = kind(rooms, policy)
    rule = AT_RANDOM if policy.draws else tie_break
    found = simulate(nodes, copied(named, capacity, seed), cluster, usual, rule, Random(seed))
    return found, cluster.rooms


@pytest.mark.parametrize("name", PLACINGS)
@settings(max_examples=25, deadline=None)
@given(rooms=CLUSTERS, pods=PODS, tie_break=st.sampled_from(TIE_BREAKS), seed=st.integers(0, 9))
def test_arrays_decide_as_the_plain_form(name, rooms, pods, tie_break, seed):
    plain, indexed = (
        run(kind, name, rooms, pods, tie_break, seed) for kind in (PlainCluster, IndexedCluster)
    )
    assert plain == indexed
    assert not plain[0].over_committed


@settings(max_examples=60, deadline=None)
@given(rooms=CLUSTERS, pods=PODS)
def test_arrays_score_every_fitting_node_as_the_plain_form(rooms, pods):
    arrays = Arrays(rooms)
    for make in PLACINGS.values():
        policy = make(typical(counted(pods)))
        for demand in pods:
            fitting = [i for i, room in enumerate(rooms) if fits(demand, room)]
            if fitting:
                found = policy.scores(demand, Rooms(arrays, np.array(fitting))).tolist()
                assert found == [policy.score(demand, rooms[i]) for i in fitting]
                assert all(0 <= score <= 100 for score in found)


@settings(max_examples=60, deadline=None)
@given(rooms=CLUSTERS, pods=PODS, taken=st.lists(st.integers(0, 1000), min_size=8, max_size=8))
def test_fragmentation_of_arrays_is_that_of_each_node(rooms, pods, taken):
    used = [
        room._replace(gpus=tuple(free - t for free, t in zip(room.gpus, taken, strict=False)))
        for room in rooms
    ]
    usual, arrays = typical(counted(pods)), all_rooms(used)
    found = amounts(tables(usual, arrays.model_names), arrays).tolist()
    assert found == [amount(usual, room) for room in used]


def test_best_fit_follows_its_formula():
    room, demand = Room(96_000, 0, (1000,) * 8, "G2"), Demand(12_000, 0, 1, 470)
    left = 0.5 * (96_000 - 12_000) / 128_000 + 0.5 * (8_000 - 470) / 8_000
    assert BestFit().score(demand, room) == int(100 * (1 - left))


def test_dot_product_follows_its_formula():
    room, demand = Room(96_000, 0, (1000,) * 8, "G2"), Demand(12_000, 0, 2, 1000)
    product = (96_000 / 128_000) * (12_000 / 128_000) + 1.0 * (2_000 / 8_000)
    assert DotProduct().score(demand, room) == int(100 * (1 - product / 2))


@pytest.mark.parametrize(
    ("gpus", "demand", "expected"),
    [
        ((1000, 500, 700), Demand(0, 0, 1, 300), 95),  # 100 - 50/10
        ((1000, 100), Demand(0, 0, 1, 300), 49),  # an idle GPU of a node in use
        ((1000, 1000, 1000, 0), Demand(0, 0, 2, 1000), 48),
        ((1000,) * 8, Demand(0, 0, 1, 300), 25),  # an idle node: 33 - 8
        ((1000,) * 8, Demand(0, 0, 0, 0), 0),
    ],
)
def test_gpu_packing_follows_its_cases(gpus, demand, expected):
    assert GpuPacking().score(demand, Room(1000, 0, gpus, "G2")) == expected


@pytest.mark.parametrize(
    ("shapes", "expected"), [((2,), 81), ((SHARED, 2), 56), ((), 31), ((SHARED, 4), 6)]
)
def test_gpu_clustering_follows_its_bands(shapes, expected):
    room = Room(1000, 0, (1000,) * 6 + (0, 0), "G2", shapes)
    assert GpuClustering().score(Demand(0, 0, 2, 1000), room) == expected


def test_fgd_follows_its_formula():
    """Two pods of ten share a GPU by half, three need one whole, five none."""
    usual = ((Demand(1000, 0, 1, 500), 2), (Demand(8000, 0, 1, 1000), 3), (Demand(1000), 5))
    room, demand = Room(9000, 0, (1000, 400), "T4"), Demand(2000, 0, 1, 400)
    # Before: half-sharers cannot use 400, the whole one neither, those without GPU nothing.
    before = 0.2 * 400 + 0.3 * 400 + 0.5 * 1400
    # On the second GPU: 1000 are left, which CPU (7000) denies to the whole one.
    on_second = 0.2 * 0 + 0.3 * 1000 + 0.5 * 1000
    policy = FragmentationGradientDescent(usual)
    assert policy.score(demand, room) == int(100 / (1 + math.exp((on_second - before) / 1000)))
    assert policy.devices(demand, room, Random(0)) == (1,)


def test_typical_pods_are_the_most_frequent_up_to_95_percent():
    common, rare, rarest = Demand(1000, 7), Demand(2000, 0, 1, 500), Demand(500)
    pods = [common] * 90 + [rare] * 6 + [rarest] * 4
    assert typical(counted(pods)) == ((Demand(1000), 90), (rare, 6))


def test_random_draws_every_node_and_gpu_that_fits():
    policy, random = RandomChoice(), Random(1)
    room = Room(1000, 0, (1000, 200, 500), "T4")
    drawn = {policy.devices(Demand(0, 0, 1, 300), room, random) for _ in range(50)}
    assert drawn == {(0,), (2,)}
    assert {chosen([3, 5], AT_RANDOM, random) for _ in range(50)} == {3, 5}


def test_a_tie_goes_to_the_name_that_the_rule_says():
    assert (chosen([3, 5, 8], LOWEST, Random(0)), chosen([3, 5, 8], HIGHEST, Random(0))) == (3, 8)


def test_least_room_takes_the_fullest_gpus_that_fit():
    room = Room(1000, 0, (700, 300, 500, 300), "T4")
    assert least_room(Demand(0, 0, 1, 300), room) == (1,)
    assert least_room(Demand(0, 0, 1, 400), room) == (2,)
    assert after(Demand(100, 0, 1, 400), room, (2,)).gpus == (700, 300, 100, 300)


@pytest.mark.parametrize(
    "demand",
    [
        Demand(2000),
        Demand(0, 9),
        Demand(0, 0, 1, 800),
        Demand(0, 0, 2, 1000),
        Demand(0, 0, 1, 100, ("P100",)),
    ],
)
def test_what_lacks_room_or_the_model_does_not_fit(demand):
    assert not fits(demand, Room(1000, 8, (1000, 700)[1:], "T4"))
