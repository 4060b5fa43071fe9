"""The strategies for worlds: all that they draw is valid, small, shrinks, and can be explored."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings

from kspec import trace as traces
from kspec.check import Options
from kspec.explore import check_determinism
from kspec.property import invariant
from kspec.stateful import Run, Violated, check_example, check_world, runs
from kspec.suite import load_suite
from kspec_models import strategies
from kspec_models.building import build
from kspec_models.state import State
from kspec_models.world import World

QUIET = settings(
    database=None,
    derandomize=True,
    deadline=None,
    max_examples=60,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


@invariant(source="a test")
def nothing_is_written(s: State) -> bool:
    """Nothing is ever written. False of any world in which something is to be done."""
    return not s.written


def kinds(world: World) -> set[str]:
    return {obj["kind"] for obj in world.objects}


@settings(QUIET, max_examples=100)
@given(strategies.worlds(max_schedulers=2))
def test_a_drawn_world_reads_back_and_builds(world):
    again = World.from_json(world.to_json())
    assert again == world
    assert build(again).enabled(build(world).init()) == build(world).enabled(build(world).init())


@QUIET
@given(strategies.worlds(max_nodes=2, max_workloads=3, max_replicas=2, max_operations=1))
def test_a_drawn_world_stays_within_its_limits(world):
    workloads = [o for o in world.objects if o["kind"] in ("Deployment", "Pod")]
    assert 1 <= len(workloads) <= 3 and 1 <= world.nodes <= 2 and world.schedulers == 1
    assert all(o["spec"].get("replicas", 0) <= 2 for o in workloads)
    assert len(world.operations) <= 1 and len(world.faults) <= 2


def test_the_plainest_world_is_one_bare_pod_on_one_node():
    world = find(strategies.worlds(), lambda world: True, settings=QUIET)
    assert (world.nodes, world.schedulers, world.faults, world.operations) == (1, 1, {}, ())
    (pod,) = world.objects
    assert pod["kind"] == "Pod" and not pod["spec"]["containers"][0]["resources"]["requests"]


@pytest.mark.parametrize("kind", ["Deployment", "Pod", "Service"])
def test_every_kind_of_workload_is_drawn(kind):
    world = find(strategies.worlds(), lambda world: kind in kinds(world), settings=QUIET)
    assert len(world.objects) <= 2


@pytest.mark.parametrize("verb", ["scale", "patch", "delete"])
def test_every_user_operation_is_drawn(verb):
    web = find(strategies.deployments("web"), lambda drawn: True, settings=QUIET)
    operation = find(strategies.operations([web]), lambda drawn: verb in drawn, settings=QUIET)
    assert operation[verb]["name"] == "web"


def test_a_namespace_can_be_deleted():
    def deletes_a_namespace(world: World) -> bool:
        return any(o.get("delete", {}).get("kind") == "Namespace" for o in world.operations)

    world = find(strategies.worlds(), deletes_a_namespace, settings=QUIET)
    assert world.objects[0]["metadata"]["namespace"] == "shop"


@pytest.mark.parametrize("name", strategies.FAULTS)
def test_every_fault_class_is_drawn(name):
    many = settings(QUIET, max_examples=1_000)
    world = find(strategies.fault_budgets(), lambda faults: name in faults, settings=many)
    assert world[name] == 1


@QUIET
@given(strategies.worlds(faults=()))
def test_a_world_can_be_asked_to_be_free_of_faults(world):
    assert world.faults == {}


@QUIET
@given(strategies.worlds(objects=[strategies.service("web")]))
def test_objects_of_the_user_are_in_every_world(world):
    assert world.objects[0] == strategies.service("web")
    assert all(o["metadata"]["name"] != "web" for o in world.objects[1:])
    build(world)


@settings(QUIET, max_examples=20)
@given(strategies.worlds())
def test_a_drawn_world_is_deterministic(world):
    check_determinism(build(world), steps=300)


@settings(QUIET, max_examples=20)
@given(strategies.worlds(), runs(max_steps=500))
def test_a_drawn_world_is_explored_inside_one_example(world, run):
    seen = check_example(build(world), [], run)
    assert seen.steps > 0


def test_a_failure_shrinks_to_the_plainest_world_and_run():
    @settings(QUIET, max_examples=20)
    @given(strategies.worlds(), runs(max_steps=500))
    def writes_little(world, run):
        found.append((world, run))
        check_example(build(world), [nothing_is_written], run)

    found: list[tuple[World, Run]] = []
    with pytest.raises(Violated, match="nothing-is-written is violated"):
        writes_little()
    world, run = found[-1]
    assert world.nodes == 1 and not world.faults and not world.operations
    assert run == Run("fifo", 0, 100)


@settings(QUIET, max_examples=15)
@given(strategies.worlds(faults=(), max_operations=0), runs(max_steps=500))
def test_what_the_suite_promises_holds_in_drawn_worlds(tmp_path_factory, world, run):
    out = tmp_path_factory.mktemp("traces")
    seen = check_world(load_suite(), world.to_json(), run, Options(out=out))
    assert "eventual-binding" in seen.properties


def test_only_what_is_promised_under_the_faults_of_a_world_is_judged():
    def judged(**faults: int) -> frozenset[str]:
        world = World(nodes=1, faults=faults).to_json()
        return check_world(load_suite(), world, Run("fifo", 0, 100)).properties

    assert "no-over-committed-binding" in judged()
    assert "no-over-committed-binding" not in judged(crash=1, **{"stale-list": 1})


def test_a_failure_in_a_world_leaves_a_trace_that_replays(tmp_path):
    world = World(nodes=1, objects=(strategies.service("web"),)).to_json()
    options = Options(out=tmp_path, properties=(f"{__name__}:nothing_is_written",))
    with pytest.raises(Violated) as caught:
        check_world(load_suite(), world, Run("fifo", 0, 100), options)
    assert not list(tmp_path.iterdir())  # nobody has asked yet
    text = str(caught.value)
    (path,) = tmp_path.iterdir()
    assert text.endswith(f"replay:  kspec replay {path}") and "does NOT replay" not in text
    assert traces.read(path).options["property"] == f"{__name__}:nothing_is_written"
