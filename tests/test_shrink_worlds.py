"""What world shrinking promises: every cut stands, is smaller or rounder, and is named once."""

from __future__ import annotations

import attrs
import pytest

from kspec_models.building import build
from kspec_models.rounding import rounder, with_quantity
from kspec_models.smaller import smaller_worlds
from kspec_models.world import World
from kspec_models.worlds import delete, deployment, node, pod, service

TWO = {"name": "side", "image": "side:1"}
FULL = World(
    objects=(deployment("web", 3), service("web"), pod("a", cpu="370m", memory="600Mi")),
    operations=(
        delete("Pod", "a"),
        {"scale": {"kind": "Deployment", "name": "web", "replicas": 5}},
    ),
    nodes=3,
    schedulers=2,
    faults={"crash": 2, "lost-answer": 1},
)


def size(world: World) -> tuple[int, ...]:
    replicas = sum(o["spec"].get("replicas", 0) for o in world.objects)
    budget = sum(world.faults.values())
    parts = (len(world.objects), len(world.operations), replicas)
    return (*parts, world.nodes, world.schedulers, budget)


def test_every_cut_is_smaller_or_rounder_and_can_be_built():
    for cut in smaller_worlds(FULL):
        pairs = list(zip(size(cut.world), size(FULL), strict=True))
        is_smaller = any(a < b for a, b in pairs)
        assert all(a <= b for a, b in pairs)
        assert is_smaller != cut.what.startswith(("cpu ", "memory "))
        build(cut.world).init()


def test_cuts_have_names_of_their_own_and_the_workload_comes_first():
    cuts = list(smaller_worlds(FULL))
    names = [(cut.stage, cut.what) for cut in cuts]
    assert len(set(names)) == len(names) > 10
    stages = [cut.stage for cut in cuts]
    assert stages == sorted(stages, key=["workload", "world"].index)
    assert set(stages) == {"workload", "world"}


def test_cuts_say_what_they_cut():
    names = [cut.what for cut in smaller_worlds(FULL)]
    for expected in (
        "no scale of Deployment web (operation 2)",
        "no Service web",
        "Deployment web with 3 -> 1 replicas",
        "nodes 3 -> 1",
        "schedulers 2 -> 1",
        "no lost-answer",
        "crash 2 -> 1",
        "cpu 370m -> 500m",
        "memory 600Mi -> 512Mi",
    ):
        assert expected in names


def test_containers_go_but_the_last_one_stays():
    base = pod("a")
    containers = base["spec"]["containers"]
    two = {**base, "spec": {**base["spec"], "containers": [*containers, TWO]}}
    cuts = [c for c in smaller_worlds(World(objects=(two,), nodes=1)) if "container" in c.what]
    assert [cut.what for cut in cuts] == [
        "Pod a without container side",
        "Pod a without container app",
    ]
    lonely = World(objects=(base,), nodes=1)
    assert not [c for c in smaller_worlds(lonely) if "container" in c.what]


def test_a_world_that_is_as_small_as_it_gets_has_no_cuts():
    assert not list(smaller_worlds(World(nodes=1)))


def test_cutting_leaves_the_world_that_it_is_given_alone():
    before = FULL.to_json()
    for cut in smaller_worlds(FULL):
        assert cut.world != FULL
    assert FULL.to_json() == before == World.from_json(before).to_json()


@pytest.mark.parametrize(
    ("resource", "text", "rounded"),
    [
        ("cpu", "370m", ["500m", "200m"]),
        ("cpu", "0.6", ["500m", "1"]),
        ("cpu", "1370m", ["1500m", "1"]),
        ("cpu", "7m", ["5m", "10m"]),
        ("cpu", "1500m", []),
        ("cpu", "200m", []),
        ("cpu", "3", []),
        ("memory", "600Mi", ["512Mi", "1Gi"]),
        ("memory", "1G", ["1Gi", "512Mi"]),
        ("memory", "64Mi", []),
        ("memory", "0", []),
        ("cpu", "nonsense", []),
    ],
)
def test_quantities_get_rounder_the_nearest_first(resource, text, rounded):
    document = {"spec": {"containers": [{"resources": {"requests": {resource: text}}}]}}
    assert [to for _, _, to in rounder([document])] == rounded


def test_a_quantity_is_rounded_wherever_it_stands():
    world = attrs.evolve(
        FULL,
        objects=(node("n1", cpu="370m"), pod("a", cpu="370m"), pod("b", cpu="300m")),
        operations=(),
    )
    (cut,) = [c for c in smaller_worlds(world) if c.what == "cpu 370m -> 500m"]
    n1, a, b = cut.world.objects
    assert n1["status"]["allocatable"]["cpu"] == "500m"
    assert a["spec"]["containers"][0]["resources"]["requests"]["cpu"] == "500m"
    assert b["spec"]["containers"][0]["resources"]["requests"]["cpu"] == "300m"
    assert with_quantity(b, "cpu", "370m", "500m") == b
