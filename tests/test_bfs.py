"""What breadth-first search promises: exact counts and shortest counterexamples."""

from __future__ import annotations

import os

import pytest
import toys

from kspec.explore import bfs, judge
from kspec.property import sometimes
from kspec.result import Answer

slow = pytest.mark.skipif(
    not os.environ.get("KSPEC_SLOW"), reason="takes minutes; set KSPEC_SLOW=1 to run it"
)


@pytest.mark.parametrize(("managers", "states"), [(3, 288), (5, 8_832)])
def test_bfs_counts_two_phase_commit_as_stateright_does(managers, states):
    exploration = bfs(toys.two_phase_commit(managers), [toys.consistent, toys.all_commit])
    assert exploration.exhausted and exploration.states == states
    assert judge(toys.consistent, exploration).verdict is Answer.HOLDS
    assert judge(toys.all_commit, exploration).verdict is Answer.HOLDS


@pytest.mark.parametrize(
    "system",
    [toys.die_hard(), toys.peterson(), toys.binding(2), toys.service(), toys.stale_cache()],
    ids=["die-hard", "peterson", "binding", "service", "stale-cache"],
)
def test_bfs_counts_as_brute_force_does(system):
    exploration = bfs(system)
    assert (exploration.states, exploration.transitions) == toys.brute_force(system)


@pytest.mark.parametrize("pods", [1, 2, 3])
def test_bfs_counts_thirteen_states_per_pod(pods):
    assert bfs(toys.binding(pods)).states == 13**pods


@slow
def test_bfs_counts_the_binding_toy_of_five_pods():
    exploration = bfs(toys.binding(5))
    assert (exploration.states, exploration.transitions) == (371_293, 2_472_330)


def test_bfs_finds_the_shortest_counterexample():
    (violation,) = bfs(toys.die_hard(), [toys.not_four_litres]).violations
    assert len(violation.actions) == 6
    system = toys.die_hard()
    state = system.init()
    for action in violation.actions:
        state = system.step(state, action)
    assert state.big == 4


def test_bfs_keeps_mutual_exclusion_in_twenty_states():
    exploration = bfs(toys.peterson(), [toys.mutual_exclusion])
    result = judge(toys.mutual_exclusion, exploration)
    assert (result.verdict, result.states) == (Answer.HOLDS, 20)
    assert "fingerprint collisions expected" in result.reason


def test_bfs_calls_unknown_what_a_limit_of_states_stopped():
    exploration = bfs(toys.two_phase_commit(3), [toys.consistent], max_states=100)
    result = judge(toys.consistent, exploration)
    assert (result.verdict, result.states) == (Answer.UNKNOWN, 100)
    assert "limit of 100 states" in result.reason


def test_bfs_holds_within_the_bound_of_depth_that_was_asked_for():
    exploration = bfs(toys.two_phase_commit(3), [toys.consistent], max_depth=4)
    result = judge(toys.consistent, exploration)
    assert result.verdict is Answer.HOLDS_WITHIN_BOUND
    assert "all schedules of up to 4 actions" in result.reason


def test_bfs_with_a_bound_beyond_the_last_level_is_exhausted():
    exploration = bfs(toys.two_phase_commit(3), [toys.consistent], max_depth=50)
    assert judge(toys.consistent, exploration).verdict is Answer.HOLDS


def test_bfs_calls_vacuous_what_is_never_witnessed():
    exploration = bfs(toys.two_phase_commit(3), [toys.consistent, toys.someone_dances])
    assert judge(toys.someone_dances, exploration).verdict is Answer.VACUOUS
    limited = bfs(toys.two_phase_commit(3), [toys.someone_dances], max_states=9)
    assert judge(toys.someone_dances, limited).verdict is Answer.UNKNOWN


def test_bfs_stops_when_a_reachable_state_is_all_that_was_asked_for():
    @sometimes(source="a toy")
    def is_prepared(s) -> bool:
        """Someone is prepared."""
        return "prepared" in s.managers

    exploration = bfs(toys.two_phase_commit(3), [is_prepared])
    assert not exploration.exhausted and exploration.depth <= 1
    assert judge(is_prepared, exploration).verdict is Answer.HOLDS


def test_bfs_leaves_liveness_open_where_it_keeps_no_graph():
    system = toys.service()
    exploration = bfs(system, [toys.submitted_leads_to_served], mark=system.fingerprint)
    result = judge(toys.submitted_leads_to_served, exploration)
    assert result.verdict is Answer.UNKNOWN and "liveness search" in result.reason


def test_bfs_fails_liveness_at_a_quiescent_state():
    exploration = bfs(toys.dropping_worker(), [toys.asked_leads_to_done])
    result = judge(toys.asked_leads_to_done, exploration)
    assert (result.verdict, result.actions) == (Answer.FAILS, 4)


def test_bfs_judges_quiescent_states_after_the_faults_have_ended():
    goal = toys.submitted_leads_to_served
    (violation,) = bfs(toys.service(heals=False), [goal]).violations
    assert "Crash(fault)" in map(str, violation.actions)
    assert violation.suffix is not None and violation.suffix.actions == 1


def test_interruption_is_unknown_and_keeps_its_counts():
    def interrupt(transitions: int, states: int, depth: int) -> None:
        if depth == 3:
            raise KeyboardInterrupt

    exploration = bfs(toys.two_phase_commit(3), [toys.consistent], on_progress=interrupt)
    assert exploration.interrupted and exploration.states > 10
    assert judge(toys.consistent, exploration).verdict is Answer.UNKNOWN
