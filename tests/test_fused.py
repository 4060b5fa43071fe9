"""Granularity `fused`: fewer states, the same reachable stores, the same verdicts."""

from __future__ import annotations

from typing import Any, NamedTuple

import attrs
import pytest

from kspec.errors import KspecError
from kspec.explore.exhaustive.bfs import bfs
from kspec.explore.reduction.exhaust import exhaust, refusals
from kspec.property import invariant, transition
from kspec_models.actions import Advance, Sync
from kspec_models.building import build
from kspec_models.reduction.fused import FusedCluster
from kspec_models.reduction.plans import Fused
from kspec_models.reduction.sleeping import sleeping
from kspec_models.world import World
from kspec_models.worlds import container, delete, exhaustible, pod, set_image
from kspec_properties.catalogue import PROPERTIES
from kspec_properties.reading import on_node

ROOM = {"cpu": "1", "memory": "1Gi", "pods": "8", "ephemeral-storage": "10Gi"}
ONE, TWO = (pod("p1", cpu="600m"),), (pod("p1", cpu="600m"), pod("p2", cpu="600m"))


def replica_set(replicas: int) -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container()]}}
    selector = {"matchLabels": {"app": "web"}}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"replicas": replicas, "selector": selector, "template": template},
    }


def world(**fields: Any) -> World:
    """One node without processes, unless said otherwise."""
    usual: dict[str, Any] = {"nodes": 1, "node_capacity": ROOM, "active_nodes": ()}
    return World(**{**usual, **fields, "granularity": "reconcile"})


class Case(NamedTuple):
    """states: of the full interleaving, and of fused steps. stores: reachable in either."""

    world: World
    states: int
    fused: int
    stores: int


CASES = {
    "two schedulers": Case(world(nodes=2, schedulers=2, objects=TWO), 2608, 25, 9),
    "kubelet": Case(world(objects=(pod("p1"),), active_nodes=None), 516, 4, 4),
    "expectations": Case(world(objects=(replica_set(2),)), 2594, 40, 13),
    "user": Case(world(schedulers=2, objects=ONE, operations=(delete("Pod", "p1"),)), 600, 13, 6),
    "crash": Case(world(objects=ONE, faults={"crash": 1}), 626, 35, 2),
    "compaction": Case(world(objects=ONE, faults={"compaction": 1, "disconnect": 1}), 260, 28, 2),
    "stale list": Case(world(objects=ONE, faults={"crash": 1, "stale-list": 1}), 964, 44, 3),
}


def fused(given: World) -> FusedCluster:
    cluster = build(attrs.evolve(given, granularity="fused"))
    assert isinstance(cluster, FusedCluster)
    return cluster


def explored(cluster: Any, judged: tuple) -> tuple[int, set[int], set[str]]:
    """States, distinct contents of the store, and the names of violated properties."""
    stores: set[int] = set()

    def mark(state: Any) -> int:
        stores.add(state.api.fingerprint)
        return cluster.fingerprint(state)

    found = bfs(cluster, (*judged, *ALWAYS), mark=mark)
    assert found.exhausted
    broken = {violation.property for violation in found.violations}
    return found.states, stores, broken | set(found.witnessed)


@invariant(reads=("pods",), source="a toy")
def no_pod_is_bound(state: Any) -> bool:
    """No pod is bound: broken wherever a scheduler works."""
    return not on_node(state, "n1")


@transition(reads=("pods", "nodes"), source="a toy")
def nothing_is_written_twice(before: Any, after: Any) -> bool:
    """No pod has more than two versions."""
    return all(entry.version <= 2 for entry in after.api.store.bucket("pods").entries())


@invariant(reads=("pods",), source="a toy")
def nothing_is_for_ever(state: Any) -> bool:
    """Never broken; keeps the search from ending early."""
    return True


ALWAYS = (nothing_is_for_ever,)


@pytest.mark.parametrize("name", CASES)
def test_stores_and_verdicts_equal_those_of_the_full_interleaving(name):
    case = CASES[name]
    small = fused(case.world)
    judged = tuple(p for p in PROPERTIES if p.name not in refusals(small, PROPERTIES))
    judged = (*judged, no_pod_is_bound, nothing_is_written_twice)
    states, stores, broken = explored(build(case.world), judged)
    fewer, same_stores, same_broken = explored(small, judged)
    assert same_stores == stores
    assert same_broken == broken
    assert (states, fewer, len(stores)) == case[1:]


def test_two_schedulers_over_commit_at_granularity_fused():
    found = exhaust(fused(CASES["two schedulers"].world), PROPERTIES)
    assert found.exhausted
    assert "no-node-is-ever-over-committed" in {v.property for v in found.violations}


def test_a_violation_is_a_trace_of_single_actions_that_replays_at_granularity_reconcile():
    given = CASES["two schedulers"].world
    found = exhaust(fused(given), PROPERTIES)
    violation = next(v for v in found.violations if v.property == "no-node-is-ever-over-committed")
    assert not any(isinstance(action, Fused) for action in violation.actions)
    cluster = build(given)
    state = before = cluster.init()
    for action in violation.actions:
        before, state = state, cluster.step(state, cluster.decode(cluster.encode(action)))
    prop = next(p for p in PROPERTIES if p.name == violation.property)
    assert not prop.holds(before, state)


def test_what_fused_steps_pass_over_is_refused_with_a_reason():
    refused = exhaust(fused(CASES["kubelet"].world), PROPERTIES).unfinished
    assert "topic deliveries" in refused["watch-order"]
    assert "topic requests" in refused["no-lost-update"]
    assert "fairness" in refused["eventual-binding"]
    assert "no-kubelet-runs-too-much" not in refused


def test_a_fused_action_is_read_back_from_its_text():
    cluster = fused(CASES["two schedulers"].world)
    state = cluster.init()
    for _ in range(3):
        action = cluster.enabled(state)[-1]
        again = cluster.resolve(state, cluster.decode(cluster.encode(action)))
        after = cluster.step(state, again)
        assert cluster.fingerprint(after) == cluster.fingerprint(cluster.step(state, action))
        state = after


def test_enabled_is_the_same_whenever_it_is_asked():
    cluster, other = (fused(CASES["two schedulers"].world) for _ in range(2))
    state, same = cluster.init(), other.init()
    while enabled := cluster.enabled(state):
        texts = [cluster.encode(a) for a in enabled]
        assert texts == [cluster.encode(a) for a in cluster.enabled(state)]
        assert texts == [other.encode(a) for a in other.enabled(same)]
        state, same = cluster.step(state, enabled[-1]), other.step(same, other.enabled(same)[-1])


def test_no_fused_action_is_a_bare_delivery():
    cluster = fused(CASES["expectations"].world)
    state = cluster.init()
    for _ in range(6):
        enabled = cluster.enabled(state)
        for action in enabled:
            assert any(type(each) is not Sync for each in action.actions)
        state = cluster.step(state, enabled[0])


def test_time_advances_only_after_everything_was_taken():
    """A pod that fits nowhere is tried again after five minutes, when nothing else is left."""
    cluster = fused(world(objects=(pod("big", cpu="4"),)))
    state = cluster.init()
    (tried,) = cluster.enabled(state)
    state = cluster.step(state, tried)
    (later,) = cluster.enabled(state)
    assert type(later.actions[-1]) is Advance
    assert state.clock < cluster.step(state, later).clock


@pytest.mark.parametrize(
    ("objects", "operations", "awake"),
    [
        (ONE, (), ()),
        ((replica_set(1),), (), ("replicaset",)),
        (ONE, (delete("Namespace", "default"),), ("namespace", "serviceaccount")),
        (ONE, (set_image("web", "app:2"),), ("deployment", "replicaset")),
    ],
)
def test_hosts_sleep_only_where_nothing_can_wake_them(objects, operations, awake):
    cluster = fused(world(objects=objects, operations=operations))
    layout = cluster.layout
    asleep = sleeping(layout, cluster.init().api, cluster.environment.operations)
    hosts = {name for name, slot in layout.by_host.items() if slot not in asleep}
    assert hosts == {"scheduler", *awake}


def test_the_world_of_the_benchmark_is_exhausted_with_symmetry():
    """A smaller one of the same family, to the end."""
    cluster = build(exhaustible(nodes=2, pods=2, schedulers=1))
    found = exhaust(cluster, PROPERTIES)
    assert (found.exhausted, found.states) == (True, 13)


def test_time_that_never_may_advance_is_an_error_and_not_left_out(monkeypatch):
    monkeypatch.setattr("kspec_models.reduction.fused._FLUSH_BOUND", 0)
    with pytest.raises(KspecError, match=r"no rest after 0 actions.*use granularity reconcile"):
        bfs(fused(CASES["kubelet"].world))
