"""The eight cases of Kivi: each is found by the first run, and nothing where it should not be."""

import attrs
import pytest

from kspec.explore import search
from kspec_models.building import build
from kspec_models.named_worlds import named_world
from kspec_models.worlds_kivi import KIVI, duplicates, startup_spike
from kspec_properties.catalogue import PROPERTIES
from kspec_properties.mutants.autoscaling import MUTANTS

BY_NAME = {prop.name: prop for prop in PROPERTIES}
EXPECTED = {
    "kivi/c1": "no-swing",
    "kivi/c2": "at-least-the-minimum",
    "kivi/c3": "always-schedulable",
    "kivi/c4": "no-panic",
    "kivi/c5": "an-eviction-is-not-in-vain",
    "kivi/c6": "at-most-one-missing",
    "kivi/c7": "no-churn",
    "kivi/c8": "an-eviction-is-not-in-vain",
    "kivi/c2-upstream": "at-least-the-minimum",
    "kivi/c3-upstream": "always-schedulable",
}


def violation(world, name, steps=1_500, **more):
    return search(build(world, **more), [BY_NAME[name]], seed=0, steps=steps).violation_of(name)


@pytest.mark.parametrize(("world", "name"), EXPECTED.items(), ids=EXPECTED)
def test_a_case_is_found_by_the_first_run(world, name):
    assert violation(named_world(world), name).strategy == "fifo"


@pytest.mark.parametrize("case", ["kivi/c2", "kivi/c3", "kivi/c6"])
def test_a_case_is_found_at_a_hundred_nodes(case):
    assert violation(named_world(f"{case}@100"), EXPECTED[case])


def test_the_worlds_have_as_many_nodes_as_are_asked_for():
    for name, make in KIVI.items():
        kinds = [document["kind"] for document in make(5).objects]
        assert kinds.count("Node") == 5, name


def test_upstreams_own_semantics_dampen_the_swing():
    assert violation(startup_spike(3, {}), "no-swing", 3_000) is None


def test_a_descheduler_that_asks_for_room_evicts_nothing_in_vain():
    assert violation(duplicates(3, node_fit=True), "an-eviction-is-not-in-vain") is None
    assert violation(duplicates(3, node_fit=True), "no-fight") is None


@pytest.mark.parametrize(
    ("case", "fighters"),
    [
        ("kivi/c5", "descheduler (Evict pods) against replicaset (Create pods)"),
        ("kivi/c7", "replicaset (Create pods) against tainteviction (Delete pods)"),
        ("kivi/c8", "descheduler (Evict pods) against replicaset (Create pods)"),
    ],
)
def test_the_loops_are_fights_that_never_end(case, fighters):
    found = violation(named_world(case), "no-fight", 4_000)
    assert found.suffix.cycle and fighters in found.witness


def test_nothing_is_expected_of_a_world_that_does_not_ask():
    asking = named_world("kivi/c6")
    quiet = tuple(
        {**o, "metadata": {**o["metadata"], "annotations": {}}} if o["kind"] == "Deployment" else o
        for o in asking.objects
    )
    assert violation(attrs.evolve(asking, objects=quiet), "at-most-one-missing") is None


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_breaks_its_property_and_the_model_does_not(mutant):
    assert violation(mutant.world, mutant.property, 3_000, mutate=mutant.change)
    assert violation(mutant.world, mutant.property, 1_000) is None
