"""Runs of whole clusters for the tests: FIFO to the end, seeded walks, and where manifests are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from kspec.explore.strategies.fifo import Fifo
from kspec_models.cluster import Cluster
from kspec_models.state import State

MANIFESTS = Path(__file__).resolve().parents[1] / "../shared/manifests"
ROOM = {"cpu": "1", "memory": "1Gi", "pods": "4", "ephemeral-storage": "10Gi"}


def manifest(name: str) -> Path:
    """A real manifest; skips the test where the folder is absent."""
    path = MANIFESTS / name
    if not path.exists():
        pytest.skip(f"../shared/manifests/{name} is absent")
    return path


def fifo(cluster: Cluster, state: State | None = None, limit: int = 20_000) -> Iterator:
    """(action, state after it) of a FIFO run until nothing but faults is enabled."""
    chooser = Fifo(cluster)
    chooser.begin()
    state = cluster.init() if state is None else state
    for _ in range(limit):
        enabled = cluster.enabled(state)
        index = chooser.choose(state, enabled)
        if index < 0:
            return
        state = cluster.step(state, enabled[index])
        yield enabled[index], state
    raise AssertionError(f"still going after {limit} steps")


def settled(cluster: Cluster, state: State | None = None) -> State:
    """Where a FIFO run ends."""
    state = cluster.init() if state is None else state
    for _, after in fifo(cluster, state):
        state = after
    return state


def walk(cluster: Cluster, seed: int, steps: int) -> Iterator:
    """(state, action, state after it) of a random walk."""
    choose, state = Random(seed).choice, cluster.init()
    for _ in range(steps):
        enabled = cluster.enabled(state)
        if not enabled:
            return
        action = choose(enabled)
        after = cluster.step(state, action)
        yield state, action, after
        state = after


def objects(state: State, resource: str) -> list:
    """The newest objects of a resource."""
    return [entry.value for entry in state.api.store.bucket(resource).entries()]


def get(state: State, key: str):
    """The newest object at "<resource>/<namespace>/<name>", or None."""
    entry = state.api.store.get(key)
    return entry.value if entry else None


def step_to(cluster: Cluster, state: State, *names: str) -> State:
    """After the first enabled action whose text starts with each of the names, one by one."""
    for name in names:
        action = next(a for a in cluster.enabled(state) if cluster.encode(a).startswith(name))
        state = cluster.step(state, action)
    return state
