"""Preemption loops: evictions that go on and on without the room being used.

A pod that a ReplicaSet replaces gives a policy that preempts wrongly somebody to evict for ever:
its preemptor, or the replacement, comes back each time. Each world is run once, first in first out
and without faults, until nothing is left to do. The names of pods never come back, so no state
does, and what is judged is how often it comes to a preemption: a correct policy preempts at most
once for each pod of higher priority.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import attrs
import yaml

from kspec.explore.strategies.fifo import Fifo
from kspec.suite import Parts
from kspec.trial import Charge, Finding
from kspec.trial.card import FAILS, NO_VIOLATION
from kspec_models.cluster import Cluster
from kspec_models.world import World
from kspec_properties.policies import Preemption, preemptions

NAME = "no-preemption-loop"
STEPS, PATIENCE = 2_500, 500
"""How many actions a run may take, and how many of them without a preemption."""
TOO_MANY = 6
"""Preemptions in one run; no world has more than two pods that may preempt."""


def preemption_loops(suite: Any, policy: str, worlds: tuple[World, ...]) -> Iterator[Finding]:
    """One finding over all worlds: the first loop, or that there is none."""
    for world in worlds:
        given = attrs.evolve(world, policy=policy)
        found = list(_preemptions(suite.build(given.to_json(), Parts())))
        if len(found) >= TOO_MANY:
            yield Finding(NAME, FAILS, _said(found), _charge(world, found))
            return
    text = f"{len(worlds)} worlds with ReplicaSets, first in first out"
    yield Finding(NAME, NO_VIOLATION, text)


def _preemptions(cluster: Cluster) -> Iterator[Preemption]:
    fifo, state, last = Fifo(cluster), cluster.init(), 0
    for number in range(STEPS):
        enabled = cluster.enabled(state)
        chosen = fifo.choose(state, enabled)
        if chosen < 0 or number - last > PATIENCE:
            return
        after = cluster.step(state, enabled[chosen])
        found = tuple(preemptions(state, after))
        yield from found
        state, last = after, number if found else last


def _said(found: list[Preemption]) -> str:
    nodes = Counter(each.node for each in found)
    node, count = nodes.most_common(1)[0]
    who = Counter(each.preemptor.key for each in found if each.node == node).most_common(1)[0][0]
    return f"{count} preemptions on {node} within {STEPS:,} actions, the most for {who}"


def _charge(world: World, found: list[Preemption]) -> Charge:
    shown: str = yaml.safe_dump_all(_plain(world), sort_keys=False)
    return Charge("liveness", "preemption-loop", f"{_said(found)} (world {world.name})", shown)


def _plain(world: World) -> list[dict[str, Any]]:
    """The objects of a world, and what its users apply, as manifests."""
    applied = (each["apply"] for each in world.operations if "apply" in each)
    return [dict(each) for each in (*world.objects, *applied)]
