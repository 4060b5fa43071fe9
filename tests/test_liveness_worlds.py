"""Liveness of whole Kubernetes worlds: small enough to see all of them."""

from __future__ import annotations

import pytest

from kspec.explore import bfs, judge
from kspec.explore.liveness.graph import StateGraph
from kspec.explore.liveness.healing import healing
from kspec.explore.liveness.judging import judge_graph
from kspec.property import LIVENESS, Kind
from kspec.replay import Replay
from kspec.result import Answer
from kspec.shrink import shrink
from kspec.suite import Parts
from kspec.trace import record
from kspec_models.building import build
from kspec_models.world import World
from kspec_models.worlds import pod
from kspec_properties.suite import SUITE

PROPERTIES = {prop.name: prop for prop in SUITE.properties() if prop.kind in LIVENESS}
MOST_STATES = 3_000
COMPANIONS = [prop for prop in SUITE.properties() if prop.kind is Kind.SOMETIMES]
ONE_POD = World(nodes=1, objects=(pod("a"),), granularity="reconcile")


@pytest.mark.parametrize(
    "name", ["eventual-binding", "watchers-catch-up", "bound-pods-become-ready"]
)
def test_liveness_holds_in_the_whole_world_of_one_pod(name):
    exploration = bfs(build(ONE_POD), [PROPERTIES[name], *COMPANIONS])
    assert exploration.exhausted
    assert judge(PROPERTIES[name], exploration).verdict is Answer.HOLDS


def test_world_without_faults_need_not_be_seen_healed_as_well():
    """What the cluster says of the end of its faults spares the search half of the states."""
    cluster = build(ONE_POD)
    plain = StateGraph(healing(cluster), PROPERTIES.values())
    bfs(healing(cluster), graph=plain)

    class Silent:
        have_faults_ended = None

        def __getattr__(self, name):
            return getattr(cluster, name)

    whole = StateGraph(healing(Silent()), PROPERTIES.values())
    bfs(healing(Silent()), graph=whole)
    assert len(whole) == 2 * len(plain)
    assert judge_graph(whole) == judge_graph(plain)


def test_mutant_that_forgets_failed_binds_fails_in_the_part_of_the_world_that_was_seen():
    mutant = next(m for m in SUITE.mutants() if m.name == "failed-binds-are-forgotten")
    prop, world = PROPERTIES[mutant.property], SUITE.with_faults(mutant.world, {"lost-request": 1})
    cluster = SUITE.build(world, Parts(mutant=mutant.name))
    (violation,) = bfs(cluster, [prop], max_states=MOST_STATES).violations
    assert any(cluster.fault_class(action) for action in violation.actions)
    small = shrink(cluster, prop, violation).violation
    trace = record(cluster, small)
    assert Replay(cluster, prop, trace, strict=True).outcome.is_reproduced
    faithful = bfs(SUITE.build(world, Parts()), [prop], max_states=MOST_STATES)
    assert judge(prop, faithful, "lost-request").verdict is Answer.UNKNOWN
