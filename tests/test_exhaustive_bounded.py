"""What bounded schedules promise: every one of few delays or faults, and no more is claimed."""

from __future__ import annotations

import pytest
import toys
from toys import graphs

from kspec.errors import NotEnabled
from kspec.explore import bfs, judge
from kspec.explore.exhaustive.bounded import Bounded
from kspec.explore.strategies.fifo import Fifo
from kspec.result import Answer

SYSTEMS = {
    "peterson": toys.peterson(),
    "two-phase commit": toys.two_phase_commit(3),
    "binding": toys.binding(3),
    "service": toys.service(),
    "livelock": toys.livelock(),
    "overtaking": graphs.overtaking(),
}


def fifo_states(system):
    """The fingerprints along the one run of FIFO, until it ends or goes round."""
    fifo, state, marks, turns = Fifo(system), system.init(), [], set()
    while True:
        marks.append(system.fingerprint(state))
        index = fifo.choose(state, enabled := system.enabled(state))
        if index < 0 or (marks[-1], fifo.order) in turns:
            return marks
        turns.add((marks[-1], fifo.order))
        state = system.step(state, enabled[index])


class Visits:
    def __init__(self, system):
        self.system, self.marks, self.out = system, [], []

    def state(self, index, state, enabled):
        self.marks.append(self.system.fingerprint(state.inner))
        self.out.append(len(enabled))

    def edge(self, source, choice, target, action, after):
        assert target <= source + 1


@pytest.mark.parametrize("name", SYSTEMS)
def test_no_delays_are_the_one_run_of_fifo(name):
    system = SYSTEMS[name]
    visits = Visits(system)
    exploration = bfs(system, delays=0, graph=visits)
    assert max(visits.out) == 1 and exploration.transitions == sum(visits.out)
    run = fifo_states(system)
    assert run[: len(visits.marks)] == visits.marks
    assert len(run) - len(visits.marks) <= 1, "FIFO closes its loop, if any, with one more"


@pytest.mark.parametrize("laps", [1, 2, 3, 4])
def test_as_many_delays_as_a_bug_takes_find_it_and_one_fewer_does_not(laps):
    system, prop = graphs.overtaking(), graphs.fewer_laps_than(laps)
    for delays in range(laps - 1):
        result = judge(prop, bfs(system, [prop], delays=delays))
        assert result.verdict is Answer.HOLDS_WITHIN_BOUND
        assert f"all schedules with at most {delays} delays from FIFO" in result.reason
    (violation,) = bfs(system, [prop], delays=laps - 1).violations
    state = system.init()
    for action in violation.actions:
        state = system.step(state, action)
    assert state == graphs.Laps(hare=laps) and len(violation.actions) == laps


def test_delays_count_overtaking_as_worked_out_by_hand():
    # No delay: the start, one lap, the step after it. A delay lets the tortoise step at the start,
    # or the hare run a lap more, after which the tortoise steps. What is left counts, too.
    counts = [bfs(graphs.overtaking(), delays=delays).states for delays in (0, 1, 2, 3, 4)]
    assert counts == [3, 6, 8, 10, 10]


def test_enough_delays_exhaust_a_space_and_then_it_holds():
    exploration = bfs(toys.dropping_worker(), delays=2)
    assert exploration.exhausted and not exploration.bound
    assert not bfs(toys.dropping_worker(), delays=1).exhausted


def test_an_actor_may_take_another_of_its_actions_at_the_cost_of_a_delay():
    fan = graphs.Fan(5)
    assert [bfs(fan, delays=delays).states for delays in (0, 1, 2)] == [2, 6, 6]


def test_users_come_after_the_system_and_the_clock_after_them():
    bounded = Bounded(toys.service(), 2, None)
    state, names = bounded.init(), []
    while enabled := [a for a in bounded.enabled(state) if bounded._options(state)[a].cost == 0]:
        (action,) = enabled
        names.append(action.verb)
        state = bounded.step(state, action)
    assert names == ["Submit", "Serve", "Advance", "Advance"]
    first = bounded.init()
    assert {a.verb: o.cost for a, o in bounded._options(first).items()} == {
        "Submit": 0,
        "Advance": 1,
    }


@pytest.mark.parametrize(("faults", "states"), [(0, 1), (1, 3), (2, 6), (3, 10)])
def test_faults_are_drawn_up_to_their_bound(faults, states):
    exploration = bfs(graphs.breaking_doors(), faults=faults)
    assert exploration.states == states
    assert exploration.exhausted is (faults == 3)
    assert bool(exploration.bound) is (faults < 3)


def test_faults_beyond_the_bound_hide_a_bug_and_those_within_find_it():
    system, prop = graphs.breaking_doors(), graphs.fewer_broken_than(2)
    result = judge(prop, bfs(system, [prop], faults=1), "fault")
    assert result.verdict is Answer.HOLDS_WITHIN_BOUND
    assert "all schedules with at most 1 faults" in result.reason
    (violation,) = bfs(system, [prop], faults=2).violations
    assert [str(action) for action in violation.actions] == ["Break(fault)", "Break(fault)"]


def test_delays_and_faults_bound_schedules_together():
    system, prop = graphs.breaking_doors(), graphs.fewer_broken_than(2)
    assert not bfs(system, [prop], delays=5).violations, "without a bound of their own, no faults"
    exploration = bfs(system, [prop], delays=0, faults=2)
    assert len(exploration.violations) == 1
    both = bfs(system, delays=0, faults=2)
    assert both.bound == "all schedules with at most 0 delays from FIFO and at most 2 faults"


@pytest.mark.parametrize("bounds", [{"delays": 3}, {"faults": 1}])
def test_liveness_at_quiescent_states_is_judged_of_the_system_itself(bounds):
    goal = toys.submitted_leads_to_served
    system = toys.service(heals=False)
    whole, bounded = bfs(system, [goal]), bfs(system, [goal], **bounds)
    if "faults" in bounds:
        assert [v.suffix for v in bounded.violations] == [v.suffix for v in whole.violations]
        assert "Crash(fault)" in map(str, bounded.violations[0].actions)
    else:
        assert not bounded.violations and judge(goal, bounded).verdict is Answer.UNKNOWN


def test_bounded_system_refuses_what_its_bounds_forbid():
    bounded = Bounded(graphs.overtaking(), 0, None)
    with pytest.raises(NotEnabled, match=r"Step\(tortoise\) is not enabled, or beyond the bound"):
        bounded.step(bounded.init(), toys.Act("tortoise", "Step"))
