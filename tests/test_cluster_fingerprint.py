"""The fingerprint promises: equal exactly where everything that matters later is equal.

Held against a description of the state that is computed from nothing each time.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

import pytest
from cluster_runs import ROOM, step_to, walk

from kspec.values import FingerprintedMap, combined, fingerprint, fingerprint_of_map, recurring
from kspec_models.building import build
from kspec_models.host_state import HostState
from kspec_models.layout import HostSlot, InformerSlot, NodeSlot
from kspec_models.reflector import HAS_POSITION, age
from kspec_models.runtime import Runtime
from kspec_models.store import Entry
from kspec_models.world import World
from kspec_models.worlds import delete, deployment, pod, scale, service, set_image

PODS = (pod("a"), pod("b"))
WORLDS = {
    "pods": World(objects=PODS, operations=(delete("Pod", "a"),), nodes=1, node_capacity=ROOM),
    "two": World(objects=PODS, schedulers=2, nodes=1, node_capacity=ROOM),
    "rollout": World(
        objects=(deployment("web", 2), service("web")),
        operations=(set_image("web", "app:2"), scale("web", 1)),
        nodes=1,
    ),
    "coarse": World(objects=(deployment("web", 2),), nodes=1, granularity="reconcile"),
    "crash": World(objects=PODS, nodes=1, faults={"crash": 2}, operations=(delete("Pod", "a"),)),
    "stale": World(objects=PODS, nodes=1, faults={"crash": 1, "stale-list": 1}),
    "compaction": World(objects=PODS, nodes=1, faults={"compaction": 1, "disconnect": 1}),
    "answers": World(objects=PODS, nodes=1, faults={"lost-answer": 1, "throttle": 1}),
}


def entry(e):
    return None if e is None else (e.key, e.version, fingerprint(e.value))


def contents(snapshot):
    return tuple(entry(e) for e in snapshot.entries())


def told(notifications):
    return tuple((entry(n.old), entry(n.new)) for n in notifications)


def past(state):
    """What a stale list may answer with, and which watches may meet 410 Gone."""
    budget, store = state.environment.budget, state.api.store
    found = []
    if budget.get("stale-list", 0):
        for stream in state.streams:
            newest = len(stream.events)
            found += [contents(stream.snapshot(i)) for i in range(max(0, newest - 4), newest)]
    if budget.get("compaction", 0) or store.compacted >= 0:
        for slot, place in enumerate(state.layout.slots):
            if isinstance(place, InformerSlot):
                found.append(age(state.slots[slot].resume, store.revision, store.compacted))
    return tuple(found)


def described(state):
    """All that matters later, as one number that nothing was carried over for."""
    parts = [state.clock, state.environment, past(state)]
    parts += [dict(state.api.names.sorted_items()), dict(state.api.incarnations.sorted_items())]
    parts += [contents(state.api.store.bucket(name)) for name in sorted(state.api.store.buckets)]
    for slot, place in enumerate(state.layout.slots):
        value = state.slots[slot]
        if isinstance(place, InformerSlot):
            events = state.streams[place.stream].events
            unseen = events.since(value.position) if value.status in HAS_POSITION else ()
            pending = [(n, value.told.since(position)) for n, position in value.behind]
            target = contents(value.target) if value.remaining else ()
            parts += [value.status, value.remaining, value.synced, contents(value.cache), target]
            parts += [
                told(unseen),
                tuple((n, told(t.notification for t in each)) for n, each in pending),
            ]
        elif isinstance(place, HostSlot) and value is not None:
            parts += [value.memory, tuple(sending.call for sending in value.calls)]
        elif isinstance(place, NodeSlot):
            parts.append(value.fingerprint)
        else:
            parts.append(bool(value))
    return fingerprint(tuple(parts))


def some_states(cluster, seed, limit):
    """States of a search that prefers depth; each state again for every path to it that is met."""
    rng, seen = Random(seed), set()
    waiting = [cluster.init()]
    for _ in range(limit):
        if not waiting:
            return
        state = waiting.pop(-1 if rng.random() < 0.7 else 0)
        for action in cluster.enabled(state):
            after = cluster.step(state, action)
            if cluster.fingerprint(after) not in seen:
                seen.add(cluster.fingerprint(after))
                waiting.append(after)
            yield after


@pytest.mark.parametrize("name", WORLDS)
def test_fingerprints_are_equal_exactly_where_states_are(name):
    cluster = build(WORLDS[name])
    by_print, by_description, met = {}, {}, 0
    for state in some_states(cluster, 0, 140):
        mark, description = cluster.fingerprint(state), described(state)
        met += mark in by_print
        assert by_print.setdefault(mark, description) == description, "two states, one fingerprint"
        assert by_description.setdefault(description, mark) == mark, "one state, two fingerprints"
    assert met > 20


@pytest.mark.parametrize("name", ["pods", "crash", "stale", "compaction"])
def test_states_of_one_fingerprint_allow_the_same_and_lead_to_the_same(name):
    cluster = build(WORLDS[name])
    first, met = {}, 0
    for state in some_states(cluster, 1, 100):
        known = first.setdefault(cluster.fingerprint(state), state)
        if known is not state:
            met += 1
            assert cluster.enabled(known) == cluster.enabled(state)
            for action in cluster.enabled(state)[:3]:
                ends = {cluster.fingerprint(cluster.step(s, action)) for s in (known, state)}
                assert len(ends) == 1
    assert met > 15


@pytest.mark.parametrize("name", WORLDS)
def test_what_is_carried_along_is_what_a_computation_from_nothing_gives(name):
    cluster = build(WORLDS[name])
    start = cluster.init()
    for seed in range(2):
        for _, _, state in walk(cluster, seed, 200):
            assert_unseen(cluster, state)
        difference = 0
        for slot, weight in enumerate(cluster.layout.weights):
            before, after = start.slots[slot], state.slots[slot]
            difference += weight * (own_fingerprint(after) - own_fingerprint(before))
        for bucket in state.api.store.buckets:
            assert_snapshot(state.api.store.bucket(bucket))
        for stream in state.streams:
            for position in range(len(stream.events) + 1):
                assert_snapshot(stream.snapshot(position))
        rebuilt = start.draft()
        rebuilt.fingerprint += difference
        rebuilt.put_api(state.api)
        rebuilt.put_outside(state.clock, state.environment)
        assert (rebuilt.fingerprint - state.fingerprint) % 2**64 == 0


def own_fingerprint(value):
    """The fingerprint of a slot's value, of a copy without anything that was carried along."""
    if value is None or isinstance(value, bool):
        return int(value or 0)
    if isinstance(value, HostState):
        fresh = HostState(value.memory, value.calls)
    elif isinstance(value, Runtime):
        assert_map(value.pods)
        fresh = Runtime(value.number, value.images, value.pods)
    else:
        fresh = value.evolve() if hasattr(value, "evolve") else value
    assert fresh.fingerprint == value.fingerprint
    return value.fingerprint


def assert_unseen(cluster, state):
    """A stream accounts for what each watcher that has a position in it has not received."""
    expected = [0] * len(state.streams)
    for slot, place in enumerate(cluster.layout.slots):
        if isinstance(place, InformerSlot):
            informer, stream = state.slots[slot], state.streams[place.stream]
            if informer.status in ("watching", "replacing", "disconnected"):
                expected[place.stream] += place.weight * stream.hash_since(informer.position)
    assert [stream.fingerprint for stream in state.streams] == [e % 2**64 for e in expected]


def assert_map(given):
    assert FingerprintedMap(dict(given.sorted_items())).fingerprint == given.fingerprint


def assert_snapshot(snapshot):
    whole = 0
    for e in snapshot.entries():
        fresh = Entry(e.key, type(e.value)(**fields(e.value)), 0, 0, e.version)
        assert fresh.fingerprint == e.fingerprint
        whole ^= fresh.fingerprint
    assert whole == snapshot.fingerprint


def fields(record):
    return {name: getattr(record, name) for name in record.__slots__ if not name.startswith("_")}


def test_a_compaction_before_a_write_differs_from_one_after_it():
    """The next disconnect tells them apart: one watch resumes, the other must list again."""
    faults = {"compaction": 1, "disconnect": 1}
    world = World(objects=(*PODS, pod("c")), nodes=1, faults=faults)
    cluster = build(world)
    state = step_to(cluster, cluster.init(), "Schedule(", "Deliver(", "Schedule(")
    before = step_to(cluster, state, "Compact(", "Deliver(")
    after = step_to(cluster, state, "Deliver(", "Compact(")
    assert cluster.enabled(before) == cluster.enabled(after)
    ends = [
        step_to(cluster, s, "Disconnect(scheduler, nodes", "Rewatch(scheduler, nodes")
        for s in (before, after)
    ]
    assert cluster.enabled(ends[0]) != cluster.enabled(ends[1])
    assert cluster.fingerprint(before) != cluster.fingerprint(after)


def test_who_has_not_taken_a_notification_matters():
    cluster = build(World(objects=(deployment("web", 1),), nodes=1))
    deliver = "Deliver(deployment, default/web, Create replicasets"
    state = step_to(cluster, cluster.init(), "Reconcile(deployment", deliver)
    state = step_to(cluster, state, "Sync(controller-manager, replicasets")
    ends = [
        step_to(cluster, state, f"Handle({name}, replicasets")
        for name in ("deployment", "replicaset")
    ]
    assert cluster.fingerprint(ends[0]) != cluster.fingerprint(ends[1])
    both = step_to(cluster, ends[0], "Handle(replicaset, replicasets")
    again = step_to(cluster, ends[1], "Handle(deployment, replicasets")
    assert cluster.fingerprint(both) == cluster.fingerprint(again)


class Pair(NamedTuple):
    left: object
    right: object = ()


@recurring
class Known(NamedTuple):
    left: object
    right: object = ()


@pytest.mark.parametrize("content", [(1,), (True, ""), ("a", ("b", "c")), (None, ((1, 2), ()))])
def test_a_type_whose_values_recur_costs_less_and_answers_the_same(content):
    assert combined(Known(*content)) == combined(Pair(*content)) == combined(Known(*content))


@pytest.mark.parametrize("items", [{}, {"a": 1}, {"b": ("x", None), "a": "y"}])
def test_a_map_with_items_that_are_looked_up_has_the_same_fingerprint(items):
    assert fingerprint_of_map(items) == fingerprint(items)
