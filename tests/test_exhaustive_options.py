"""What breadth-first search promises with each option: exact counts, the same verdicts."""

from __future__ import annotations

import math

import attrs
import pytest
import toys
from toys import graphs

from kspec.errors import InputError
from kspec.explore import bfs, judge
from kspec.explore.determinism import Twice
from kspec.explore.exhaustive.memory_use import MemoryUse
from kspec.property import LIVENESS
from kspec.result import Answer

SYSTEMS = {
    "die hard": (toys.die_hard(), [toys.not_four_litres]),
    "two-phase commit": (toys.two_phase_commit(3), [toys.consistent, toys.all_commit]),
    "service": (toys.service(heals=False), [toys.submitted_leads_to_served]),
    "dropping worker": (toys.dropping_worker(), [toys.asked_leads_to_done]),
    "counters": (graphs.counters(3, 5), [graphs.never_all_at(3), graphs.never_wraps()]),
}

PLENTY = 10**9
"""So many bytes that none go to files. With a limit on memory no graph is kept for liveness."""


def without_memory(exploration):
    return attrs.evolve(exploration, memory=None)


@pytest.mark.parametrize(("count", "values"), [(2, 7), (4, 4), (5, 3)])
def test_bfs_counts_counters_as_their_formula_says(count, values):
    exploration = bfs(graphs.counters(count, values))
    states = values**count
    assert (exploration.states, exploration.transitions) == (states, count * states)
    assert exploration.depth == count * (values - 1) and exploration.exhausted


@pytest.mark.parametrize(("count", "values"), [(2, 7), (4, 4), (5, 3)])
def test_bfs_with_a_mark_explores_one_state_of_each_class(count, values):
    exploration = bfs(graphs.counters(count, values), mark=graphs.sorted_counters)
    assert exploration.states == math.comb(values + count - 1, count)
    assert exploration.transitions == count * exploration.states


def test_bfs_with_a_mark_finds_concrete_traces_of_the_same_length():
    system, prop = graphs.counters(3, 4), graphs.never_all_at(2)
    (plain,) = bfs(system, [prop]).violations
    (reduced,) = bfs(system, [prop], mark=graphs.sorted_counters).violations
    state = system.init()
    for action in reduced.actions:
        state = system.step(state, action)
    assert state == (2, 2, 2) and len(plain.actions) == len(reduced.actions) == 6


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("has_properties", [False, True])
def test_bfs_in_files_is_the_same_as_in_memory(name, has_properties, tmp_path):
    system, properties = SYSTEMS[name]
    asked = properties if has_properties else []
    held, stored = (bfs(system, asked, memory=m, spill=tmp_path) for m in (PLENTY, 100))
    assert without_memory(held) == without_memory(stored)
    assert stored.memory.file_bytes and not held.memory.file_bytes
    assert not list(tmp_path.iterdir())


def test_bfs_keeps_to_its_memory_and_to_sixteen_bytes_a_state(tmp_path):
    use = bfs(graphs.counters(4, 7), memory=7_000, spill=tmp_path).memory
    assert use.visited_bytes + use.log_bytes <= 7_000
    assert 6 * 2_401 < use.file_bytes < 14 * 2_401


def test_bfs_that_cannot_spill_is_unknown_and_says_why(tmp_path):
    (tmp_path / "file").write_text("in the way")
    prop = graphs.never_all_at(9)
    exploration = bfs(graphs.counters(3, 7), [prop], memory=500, spill=tmp_path / "file")
    result = judge(prop, exploration)
    assert result.verdict is Answer.UNKNOWN
    assert result.reason.startswith("stopped: cannot store")


def test_bfs_of_more_actions_than_the_log_holds_is_unknown_and_keeps_what_it_found():
    never = [
        attrs.evolve(graphs.never_wraps(), name="never-3", predicate=lambda s, t: t != 3),
        attrs.evolve(graphs.never_wraps(), name="never-0", predicate=lambda s, t: t != 0),
    ]
    exploration = bfs(graphs.Fan(65_537), never)
    assert not exploration.exhausted and "65,536 enabled actions" in exploration.limit
    assert judge(never[0], exploration).verdict is Answer.FAILS
    assert judge(never[1], exploration).verdict is Answer.UNKNOWN
    assert bfs(graphs.Fan(65_536)).states == 65_537


def test_bfs_tells_each_violation_at_once():
    told = []
    properties = [graphs.never_all_at(1), graphs.never_wraps()]
    exploration = bfs(graphs.counters(3, 3), properties, on_violation=told.append)
    assert tuple(told) == exploration.violations and len(told) == 2
    assert [len(violation.actions) for violation in told] == [3, 3]


def test_bfs_keeps_what_it_found_just_before_it_is_interrupted():
    class Interrupting(Twice):
        def step(self, state, action):
            if state == (0, 0, 1):
                raise KeyboardInterrupt
            return self._system.step(state, action)

    two = attrs.evolve(graphs.never_wraps(), predicate=lambda before, after: after != (1, 1, 0))
    exploration = bfs(Interrupting(graphs.counters(3, 4)), [two])
    assert exploration.interrupted
    (violation,) = exploration.violations
    assert len(violation.actions) == 2


def test_bfs_stopped_by_time_counts_what_it_did():
    asked = iter([False, True])
    exploration = bfs(graphs.counters(4, 6), is_out_of_time=lambda: next(asked))
    assert exploration.limit == "stopped by the limit of time"
    assert 512 <= exploration.transitions < 1_024 and exploration.states < 6**4


def test_bfs_reports_the_memory_it_took():
    use = bfs(toys.two_phase_commit(3)).memory
    assert (use.log_bytes, use.file_bytes) == (6 * 288, 0)
    assert use.visited_bytes == 100 * 288 and use.process_bytes > 2**20
    assert "search log 0.0 MiB" in use.in_words
    assert use == attrs.evolve(use, memo_entries=use.memo_entries + 1), "it is the process's"
    assert use != MemoryUse()


def test_bfs_options_take_a_system_that_compares_with_itself(tmp_path):
    twice = Twice(graphs.counters(2, 5))
    options = {"memory": 0, "spill": tmp_path / "s", "checkpoint": tmp_path / "c"}
    assert bfs(twice, **options).states == bfs(twice, faults=0).states == 25


class Recorded:
    """A graph, written down."""

    def __init__(self):
        self.states, self.edges = {}, []

    def state(self, index, state, enabled):
        assert index not in self.states
        self.states[index] = (state, enabled)

    def edge(self, source, choice, target, action, after):
        self.edges.append((source, choice, target, action, after))


@pytest.mark.parametrize("name", SYSTEMS)
def test_bfs_tells_a_graph_every_state_once_and_every_edge(name):
    system, properties = SYSTEMS[name]
    graph = Recorded()
    exploration = bfs(system, graph=graph)
    assert without_memory(exploration) == without_memory(bfs(system))
    assert list(graph.states) == list(range(exploration.states))
    assert len(graph.edges) == exploration.transitions
    for source, choice, target, action, after in graph.edges:
        state, enabled = graph.states[source]
        assert enabled[choice] == action
        assert system.step(state, action) == after == graph.states[target][0]
    safety = [prop for prop in properties if prop.kind not in LIVENESS]
    assert without_memory(bfs(system, safety, graph=Recorded())) == without_memory(
        bfs(system, safety)
    )


def test_graph_of_a_limited_search_holds_no_edge_to_a_state_without_a_number():
    graph = Recorded()
    exploration = bfs(graphs.counters(3, 4), graph=graph, max_states=20)
    assert exploration.states == 20 and "limit of 20 states" in exploration.limit
    assert max(target for _, _, target, _, _ in graph.edges) == 19
    assert len(graph.edges) == exploration.transitions


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"mark": graphs.sorted_counters, "graph": Recorded()}, "symmetry is refused where the"),
        ({"mark": graphs.sorted_counters, "delays": 1}, "FIFO tells actors apart"),
        ({"memory": 1_000, "graph": Recorded()}, "memory is refused where the graph is wanted"),
        ({"delays": -1}, "delays: -1 is negative"),
        ({"faults": -2}, "faults: -2 is negative"),
        ({"memory": -5}, "memory: -5 is negative"),
    ],
)
def test_bfs_refuses_options_that_do_not_go_together(options, problem):
    with pytest.raises(InputError, match=problem):
        bfs(graphs.counters(2, 3), **options)
