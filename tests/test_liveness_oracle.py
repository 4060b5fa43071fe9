"""The liveness search against an oracle that tries every set of states, on small random systems."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st
from toys.kit import TOY, Act, toy

from kspec.explore import bfs, search
from kspec.explore.liveness.graph import StateGraph
from kspec.explore.liveness.healing import healing
from kspec.explore.liveness.judging import judge_graph
from kspec.property import eventually_stable, leads_to
from kspec.replay import Replay
from kspec.shrink import shrink
from kspec.trace import record

ACTORS = ("a", "b", "c", "user", "clock", "fault")
MOST = 5


@st.composite
def systems(draw):
    """A table of (actor, target) for each of a few states, the strong classes, two predicates."""
    size = draw(st.integers(1, MOST))
    move = st.tuples(st.sampled_from(ACTORS), st.integers(0, size - 1))
    table = [draw(st.lists(move, max_size=3, unique=True)) for _ in range(size)]
    strong = draw(st.frozensets(st.sampled_from(ACTORS[:3])))
    when, goal = (frozenset(draw(st.sets(st.integers(0, size - 1)))) for _ in "wg")
    return table, strong, when, goal


def built(table, strong):
    def moves(s):
        for actor, target in table[s]:
            yield Act(actor, "Go", str(target)), target

    acts = tuple(Act(actor, "Go", str(n)) for actor in ACTORS for n in range(MOST))
    return toy(0, moves, strong=strong, actions=acts)


def owed_states(table, when, goal, *, is_stable):
    """Where the goal can be owed: by a search over pairs."""

    def owed(s, before):
        return (is_stable or s not in goal) and (before or s in when)

    seen, waiting = set(), [(0, owed(0, False))]
    while waiting:
        state, debt = waiting.pop()
        if (state, debt) not in seen:
            seen.add((state, debt))
            waiting += [(target, owed(target, debt)) for _, target in table[state]]
    return {state for state, debt in seen if debt}


def reach_each_other(states, edges):
    def reached(start):
        seen, waiting = set(), [start]
        while waiting:
            for source, _, target in edges:
                if source == waiting[0] and target not in seen:
                    seen.add(target)
                    waiting.append(target)
            waiting.pop(0)
        return seen

    return all(reached(state) >= set(states) for state in states)


def stays_fairly(table, strong, states):
    """Can a fair behaviour without faults visit exactly these states for ever?"""
    edges = [(s, a, t) for s in states for a, t in table[s] if t in states and a != "fault"]
    if not edges:
        return len(states) == 1 and all(a == "fault" for a, _ in table[states[0]])
    if not reach_each_other(states, edges):
        return False
    taken = {actor for _, actor, _ in edges}
    for actor in ACTORS[:3]:
        enabled = [any(a == actor for a, _ in table[s]) for s in states]
        is_due = any(enabled) if actor in strong else all(enabled)
        if is_due and actor not in taken:
            return False
    return True


def is_broken(table, strong, when, goal, *, is_stable):
    owed = owed_states(table, when, goal, is_stable=is_stable)
    sets = (c for size in range(1, len(owed) + 1) for c in combinations(sorted(owed), size))
    return any(
        not goal.issuperset(states) and stays_fairly(table, strong, states) for states in sets
    )


def judged(table, strong, prop):
    system = healing(built(table, strong))
    graph = StateGraph(system, [prop])
    bfs(system, graph=graph)
    outcome = judge_graph(graph)
    assert graph.is_whole and not outcome.unfinished
    return bool(outcome.violations)


@settings(max_examples=150, deadline=None)
@given(systems())
def test_leads_to_is_judged_as_by_trying_every_set_of_states(drawn):
    table, strong, when, goal = drawn
    prop = leads_to("p", promise="-", when=when.__contains__, then=goal.__contains__, source=TOY)
    assert judged(table, strong, prop) == is_broken(table, strong, when, goal, is_stable=False)


@settings(max_examples=150, deadline=None)
@given(systems())
def test_eventually_stable_is_judged_as_by_trying_every_set_of_states(drawn):
    table, strong, when, goal = drawn
    prop = eventually_stable(
        "p", promise="-", when=when.__contains__, then=goal.__contains__, source=TOY
    )
    assert judged(table, strong, prop) == is_broken(table, strong, when, goal, is_stable=True)


@settings(max_examples=60, deadline=None)
@given(systems(), st.booleans())
def test_random_search_finds_nothing_that_the_graph_denies(drawn, is_stable):
    table, strong, when, goal = drawn
    make = eventually_stable if is_stable else leads_to
    prop = make("p", promise="-", when=when.__contains__, then=goal.__contains__, source=TOY)
    found = search(built(table, strong), [prop], seed=0, steps=100, suffix_bound=50)
    assert not found.violations or judged(table, strong, prop)


@settings(max_examples=60, deadline=None)
@given(systems(), st.booleans())
def test_every_violation_of_the_graph_replays(drawn, is_stable):
    table, strong, when, goal = drawn
    make = eventually_stable if is_stable else leads_to
    prop = make("p", promise="-", when=when.__contains__, then=goal.__contains__, source=TOY)
    system = built(table, strong)
    for violation in bfs(system, [prop]).violations:
        trace = record(system, violation)
        assert Replay(system, prop, trace, strict=True).outcome.is_reproduced
        small = shrink(system, prop, violation).violation
        assert len(small.cycle) <= len(violation.cycle)
        assert Replay(system, prop, record(system, small), strict=True).outcome.is_reproduced
