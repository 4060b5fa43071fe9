"""What iterative deepening promises: the counts, verdicts and lengths of breadth-first search."""

from __future__ import annotations

import attrs
import pytest
import toys
from toys import graphs

from kspec.explore import bfs, judge
from kspec.explore.exhaustive.deepening import deepen
from kspec.property import LIVENESS
from kspec.result import Answer

CASES = {
    "die hard": (toys.die_hard(), [toys.not_four_litres]),
    "peterson": (toys.peterson(), [toys.mutual_exclusion]),
    "two-phase commit": (toys.two_phase_commit(3), [toys.consistent, toys.all_commit]),
    "someone dances": (toys.two_phase_commit(3), [toys.consistent, toys.someone_dances]),
    "binding": (toys.binding(3), [toys.within_capacity(1)]),
    "stale cache": (toys.stale_cache(), [toys.acts_on_fresh()]),
    "service": (toys.service(heals=False), [toys.submitted_leads_to_served]),
    "dropping worker": (toys.dropping_worker(), [toys.asked_leads_to_done]),
    "livelock": (toys.livelock(), [toys.gets_to_four]),
    "counters": (graphs.counters(3, 4), [graphs.never_all_at(2), graphs.never_wraps()]),
    "wrapping counters": (graphs.counters(2, 4), [graphs.never_wraps()]),
}


def by_breadth(system, properties, **options):
    """Without a graph for liveness, which deepening does not keep either."""
    return bfs(system, properties, memory=10**9, **options)


@pytest.mark.parametrize("name", CASES)
def test_deepening_counts_as_bfs_does(name):
    system, _ = CASES[name]
    deep, broad = deepen(system), bfs(system)
    for field in ("states", "transitions", "depth", "exhausted", "limit", "bound"):
        assert getattr(deep, field) == getattr(broad, field)
    assert deep.steps >= deep.transitions


@pytest.mark.parametrize("name", CASES)
def test_deepening_judges_as_bfs_does_and_as_shortly(name):
    system, properties = CASES[name]
    deep, broad = deepen(system, properties), by_breadth(system, properties)
    for prop in properties:
        one, two = judge(prop, deep), judge(prop, broad)
        assert (one.verdict, one.actions, one.witness) == (two.verdict, two.actions, two.witness)
    assert deep.antecedents == broad.antecedents and deep.unfinished == broad.unfinished
    assert [v.suffix for v in deep.violations] == [v.suffix for v in broad.violations]
    for violation in deep.violations:
        state = system.init()
        for action in violation.actions:
            state = system.step(state, action)
        prop = next(p for p in properties if p.name == violation.property)
        assert prop.kind in LIVENESS or prop.name == "never-goes-back" or not prop.predicate(state)


@pytest.mark.parametrize("depth", [0, 1, 4, 50])
def test_deepening_to_a_depth_covers_what_bfs_to_that_depth_covers(depth):
    system = toys.two_phase_commit(3)
    deep, broad = deepen(system, max_depth=depth), bfs(system, max_depth=depth)
    assert (deep.states, deep.depth, deep.bound) == (broad.states, broad.depth, broad.bound)
    assert deep.transitions == broad.transitions


def test_deepening_calls_unknown_what_a_limit_stopped():
    asked = iter([False, False, True])
    system = graphs.counters(3, 5)
    by_time = deepen(system, is_out_of_time=lambda: next(asked))
    assert by_time.limit == "stopped by the limit of time" and by_time.states < 125
    by_states = deepen(system, [graphs.never_all_at(4)], max_states=60)
    assert by_states.states == 60
    result = judge(graphs.never_all_at(4), by_states)
    assert result.verdict is Answer.UNKNOWN and "limit of 60 states" in result.reason


def test_deepening_stops_at_the_first_violation_and_tells_it_at_once():
    told = []
    properties = [graphs.never_all_at(1), graphs.never_all_at(2)]
    properties[1] = attrs.evolve(properties[1], name="never-two")
    options = {"stop_at_first": True, "on_violation": told.append}
    exploration = deepen(graphs.counters(3, 4), properties, **options)
    assert tuple(told) == exploration.violations and len(told) == 1
    assert exploration.depth < 6 and not exploration.exhausted


def test_deepening_that_is_interrupted_keeps_its_counts():
    def interrupt(transitions, states, depth):
        if depth == 3:
            raise KeyboardInterrupt

    exploration = deepen(toys.two_phase_commit(3), [toys.consistent], on_progress=interrupt)
    assert exploration.interrupted and exploration.states > 10
    assert judge(toys.consistent, exploration).verdict is Answer.UNKNOWN
