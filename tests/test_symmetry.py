"""Symmetry: states that differ in names only are explored once, and a false claim is noticed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from random import Random

import attrs
import pytest
from toys.kit import Act, brute_force, toy

from kspec.errors import InputError
from kspec.explore.determinism import Twice
from kspec.explore.exhaustive.bfs import bfs
from kspec.explore.reduction.exhaust import exhaust
from kspec.explore.reduction.symmetry import BrokenSymmetry, Plain, check_symmetry
from kspec.property import invariant, sometimes, transition
from kspec_models.building import build
from kspec_models.scheduler.scheduler import Scheduler
from kspec_models.world import World
from kspec_models.worlds import deployment, exhaustible, pod

Binding = tuple[int, ...]
PODS, NODES = 3, 2


def binding_toy(prefers_lowest: bool):
    """Each pod is bound once, to any node, or (names can be told apart) to the lowest free one."""

    def moves(state: Binding) -> Iterator[tuple[Act, Binding]]:
        for index, node in enumerate(state):
            if node:
                continue
            choices = range(1, NODES + 1)
            if prefers_lowest:
                choices = [n for n in choices if state.count(n) < 2][:1]
            for choice in choices:
                after = (*state[:index], choice, *state[index + 1 :])
                yield Act(f"p{index}", "bind", f"n{choice}"), after

    return toy((0,) * PODS, moves)


def renamings(state: Binding) -> Iterator[Binding]:
    for order in itertools.permutations(range(1, NODES + 1)):
        named = [order[node - 1] if node else 0 for node in state]
        for places in itertools.permutations(range(PODS)):
            yield tuple(named[place] for place in places)


@invariant(source="a toy")
def the_first_pod_is_not_on_n1(state: Binding) -> bool:
    """The first pod is not on the first node: a property that names objects."""
    return state[0] != 1


def test_a_symmetric_toy_has_one_state_per_orbit():
    system = binding_toy(prefers_lowest=False)
    symmetry = Plain(system, renamings)
    assert brute_force(system) == (27, 54)
    checked = check_symmetry(system, symmetry, seed=3)
    assert checked.states == 16
    found = bfs(system, mark=symmetry.canonical)
    # unbound, and for 1, 2, 3 bound pods the ways to split them over two equal nodes: 1 + 1 + 2 + 2
    assert (found.states, found.exhausted) == (6, True)


def test_a_broken_symmetry_is_noticed():
    system = binding_toy(prefers_lowest=True)
    with pytest.raises(BrokenSymmetry, match="names can be told apart"):
        check_symmetry(system, Plain(system, renamings), seed=3)


def test_a_property_that_names_objects_is_noticed():
    system = binding_toy(prefers_lowest=False)
    with pytest.raises(BrokenSymmetry, match="the-first-pod-is-not-on-n1"):
        check_symmetry(system, Plain(system, renamings), (the_first_pod_is_not_on_n1,), seed=3)


@invariant(source="a toy")
def the_second_pod_is_never_bound_alone(state: Binding) -> bool:
    """Broken, but not in the states that are kept for their orbits."""
    return not state[1] or bool(state[0])


@transition(source="a toy")
def the_second_pod_is_not_bound_after_the_third(before: Binding, after: Binding) -> bool:
    """Broken, but not by the steps out of these states."""
    return before[1] == after[1] or not before[2]


@sometimes(source="a toy")
def the_first_pod_comes_after_the_second(state: Binding) -> bool:
    """Reached, but not by these states."""
    return bool(state[1]) and not state[0]


@invariant(source="a toy")
def at_most_one_pod_is_on_each_node(state: Binding) -> bool:
    """Broken, whatever the names are."""
    return all(state.count(node) < 2 for node in range(1, NODES + 1))


NAMING = [
    the_second_pod_is_never_bound_alone,
    the_second_pod_is_not_bound_after_the_third,
    the_first_pod_comes_after_the_second,
]


class Symmetric(Twice):
    """A toy that says that it is symmetric."""

    @property
    def symmetry(self) -> Plain:
        return Plain(self._system, renamings)


def symmetric_toy():
    return Symmetric(binding_toy(prefers_lowest=False))


@pytest.mark.parametrize("prop", NAMING, ids=lambda prop: prop.name)
@pytest.mark.parametrize("explore", [bfs, lambda *given, **options: bfs(*given, **options)])
def test_a_property_that_names_objects_is_not_passed(prop, explore):
    system = symmetric_toy()
    passed = bfs(system, [prop], mark=system.symmetry.canonical)
    assert passed.exhausted and not passed.violations and not passed.witnessed
    seen = bfs(system, [prop])
    assert len(seen.violations) + len(seen.witnessed) == 1
    with pytest.raises(BrokenSymmetry, match=f"property {prop.name} tells a st.* a renamed one"):
        exhaust(system, [prop], checks=0, explore=explore)


def test_a_property_that_names_nothing_is_judged_up_to_symmetry():
    found = exhaust(symmetric_toy(), [at_most_one_pod_is_on_each_node])
    assert [violation.property for violation in found.violations] == [
        "at-most-one-pod-is-on-each-node"
    ]


def test_a_property_that_the_caller_refuses_is_named_with_the_reason():
    refuse = {
        "the-first-pod-comes-after-the-second": "it may name objects",
        "another": "not asked for",
    }
    properties = [the_first_pod_comes_after_the_second, at_most_one_pod_is_on_each_node]
    found = exhaust(symmetric_toy(), properties, refuse=refuse)
    assert found.unfinished == {properties[0].name: "it may name objects"}
    assert len(found.violations) == 1 and not found.witnessed


def test_a_canonical_mark_is_that_of_every_renamed_state():
    system = binding_toy(prefers_lowest=False)
    symmetry, rng = Plain(system, renamings), Random(1)
    marks = {symmetry.canonical(symmetry.permuted((1, 2, 0), rng)) for _ in range(20)}
    assert marks == {symmetry.canonical((1, 2, 0))}
    assert symmetry.canonical((1, 1, 0)) not in marks


def test_the_symmetry_of_a_cluster_passes_its_self_check():
    cluster = build(exhaustible(nodes=2, pods=2, schedulers=2))
    checked = check_symmetry(cluster, cluster.symmetry, seed=1, walks=2, steps=8)
    assert checked.states >= 10
    assert checked.steps > checked.states


def test_a_cluster_that_prefers_a_name_fails_the_self_check():
    """Ties go to the lowest name after all, against what the world declares."""

    def with_lowest_names(components):
        hosts = tuple(Scheduler(each.name, each.policy) for each in components.schedulers)
        return attrs.evolve(components, schedulers=hosts)

    cluster = build(exhaustible(nodes=2, pods=3, schedulers=1), mutate=with_lowest_names)
    with pytest.raises(BrokenSymmetry):
        check_symmetry(cluster, cluster.symmetry, seed=1, walks=4, steps=6)


def test_symmetry_leaves_the_reachable_stores_up_to_renaming():
    """Two nodes that are alike: what is reached with them told apart are the same orbits."""
    cluster = build(exhaustible(nodes=2, pods=1, schedulers=1))
    symmetry = cluster.symmetry
    plain, reduced = bfs(cluster), bfs(cluster, mark=symmetry.canonical)
    assert (plain.exhausted, reduced.exhausted) == (True, True)
    assert (plain.states, reduced.states) == (7, 4)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"granularity": "reconcile"}, "it needs granularity fused"),
        ({"ties": "lowest"}, "lowest name"),
        ({"faults": {"crash": 1}}, "order of names"),
        ({"objects": (deployment("web", 1),)}, "generated names"),
        ({"objects": (pod("p1", nodeName="n1"),)}, "names its node"),
        ({"operations": ({"delete": {"kind": "Pod", "name": "p1"}},)}, "name objects"),
    ],
)
def test_a_world_whose_names_are_observed_has_no_symmetry(changes, problem):
    document = exhaustible(nodes=2, pods=1, schedulers=1)
    with pytest.raises(InputError, match=problem):
        build(attrs.evolve(document, **changes))


def test_symmetry_and_ties_survive_the_world_document():
    world = exhaustible(nodes=2, pods=3, schedulers=2)
    again = World.from_json(world.to_json())
    assert again == world
    assert again.symmetry == ("pods", "nodes", "schedulers")
