"""What exhaustive search promises of liveness: exact verdicts, and lassos that the system shows."""

from __future__ import annotations

import attrs
import pytest
import toys
from toys import fairness

from kspec.errors import InputError
from kspec.explore import Suffix, bfs, judge, search
from kspec.explore.liveness.graph import MOST_PROPERTIES, StateGraph
from kspec.explore.liveness.healing import healing
from kspec.explore.liveness.judging import judge_graph
from kspec.property import eventually_stable, leads_to
from kspec.replay import Replay
from kspec.result import Answer
from kspec.trace import record


def verdict(system, prop):
    return judge(prop, bfs(system, [prop])).verdict


def only(system, prop):
    """The one violation, after a strict replay of its trace."""
    (violation,) = bfs(system, [prop]).violations
    replay = Replay(system, prop, record(system, violation), strict=True)
    assert replay.outcome.is_reproduced, replay.outcome.difference
    return violation


def texts(actions):
    return [str(action) for action in actions]


def test_compare_and_swap_may_fail_for_ever_under_weak_fairness():
    violation = only(fairness.compare_and_swap(), fairness.is_swapped)
    assert texts(violation.actions) == ["Read(client)"]
    assert texts(violation.cycle) == ["Write(rival)", "Read(client)"]
    assert violation.suffix is None


def test_compare_and_swap_succeeds_in_the_end_under_strong_fairness():
    exploration = bfs(fairness.compare_and_swap(is_strong=True), [fairness.is_swapped])
    assert exploration.states == 4
    assert judge(fairness.is_swapped, exploration).verdict is Answer.HOLDS


def test_random_search_takes_no_cycle_for_fair_that_neglects_a_strongly_fair_class():
    """First come, first served never takes `Finish`, which is enabled in every second state."""

    def moves(s):
        if s < 2:
            yield toys.Act("busy", "Step"), 1 - s
        if s == 0:
            yield toys.Act("late", "Finish"), 2

    def answers(strong):
        system, prop = toys.toy(0, moves, strong=strong), fairness.reaches(2, 1)
        random = search(system, [prop], seed=1, strategies=(("fifo", 1),))
        return judge(prop, random).verdict, verdict(system, prop)

    assert answers(frozenset()) == (Answer.FAILS, Answer.FAILS)
    assert answers(frozenset({"late"})) == (Answer.UNKNOWN, Answer.HOLDS)


def test_path_that_joins_one_that_was_seen_is_no_success():
    """The documented hole of a search that takes a state it has seen for the end of the matter."""
    goal = fairness.reaches(5, 2)
    violation = only(fairness.rejoining(), goal)
    assert texts(violation.actions) == ["Go(walker, 2)", "Go(walker, 4)"]
    assert texts(violation.cycle) == ["Go(walker, 3)", "Go(walker, 4)"]
    assert verdict(fairness.rejoining(), fairness.reaches(3, 2)) is Answer.HOLDS


def test_cycle_back_to_the_start_is_no_success():
    violation = only(fairness.stateright_hole(), fairness.reaches(3, 0))
    assert (violation.actions, texts(violation.cycle)) == (
        (),
        ["Go(to-1)", "Go(to-2)", "Go(to-0)"],
    )


def test_quiescent_deadlock_is_a_violation():
    violation = only(toys.dropping_worker(), toys.asked_leads_to_done)
    assert (len(violation.actions), violation.suffix, violation.cycle) == (4, Suffix(0, 0), ())


def test_graph_finds_the_quiescent_deadlock_by_itself():
    system = toys.dropping_worker()
    graph = StateGraph(healing(system), [toys.asked_leads_to_done])
    bfs(healing(system), graph=graph)
    (violation,) = judge_graph(graph).violations
    assert (len(violation.actions), violation.suffix) == (4, Suffix(0, 0))


def test_fair_ring_serves_whoever_waits():
    exploration = bfs(fairness.token_ring(4), [fairness.waiting_is_served])
    assert exploration.states == 8
    assert judge(fairness.waiting_is_served, exploration).verdict is Answer.HOLDS


def test_ring_that_passes_the_server_over_does_not():
    violation = only(fairness.token_ring(4, is_fair=False), fairness.waiting_is_served)
    assert texts(violation.cycle) == ["Pass(token)"] * 4


def test_what_flips_for_ever_is_not_stable():
    violation = only(toys.livelock(), toys.settles)
    assert texts(violation.actions) == ["Start(starter)"] * 2
    assert texts(violation.cycle) == ["Set(on)", "Unset(off)"]
    assert verdict(toys.livelock(), toys.gets_on) is Answer.HOLDS
    assert verdict(toys.livelock(), toys.gets_to_four) is Answer.FAILS


def test_cycle_of_user_operations_is_a_lasso_and_one_of_faults_is_not():
    assert len(only(fairness.switched(by="user"), fairness.stays_on).cycle) == 2
    violation = only(fairness.switched(by="fault"), fairness.stays_on)
    assert (violation.cycle, violation.suffix) == ((), Suffix(0, 0))


def test_lasso_without_user_operations_is_preferred():
    def moves(s):
        yield toys.Act("user", "Poke"), s
        yield toys.Act("wheel", "Turn"), (s + 1) % 3

    actions = (toys.Act("user", "Poke"), toys.Act("wheel", "Turn"))
    violation = only(toys.toy(0, moves, actions=actions), fairness.reaches(5, 1))
    assert texts(violation.cycle) == ["Turn(wheel)"] * 3


def test_liveness_is_judged_after_the_faults_have_ended():
    goal = toys.submitted_leads_to_served
    exploration = bfs(toys.service(), [goal])
    assert exploration.exhausted and judge(goal, exploration).verdict is Answer.HOLDS
    broken = only(toys.service(heals=False), goal)
    assert "Crash(fault)" in texts(broken.actions)


def fault_then_spin(*, is_repaired: bool):
    """A fault makes a wheel slip; healing lets it grip again, or does not."""

    def moves(s):
        if s == "whole":
            yield toys.Act("fault", "Break"), "slipping 0"
            yield toys.Act("wheel", "Turn"), "arrived"
        elif s.startswith(("slipping", "healed")):
            name, place = s.split()
            yield toys.Act("wheel", "Slip"), f"{name} {1 - int(place)}"
            if name == "healed" and is_repaired:
                yield toys.Act("grip", "Turn"), "arrived"

    heal = toys.Act("fault", "Heal")
    return toys.toy(
        "whole",
        moves,
        next_state=lambda s, a: (
            s.replace("slipping", "healed")
            if a == heal
            else next(after for action, after in moves(s) if action == a)
        ),
        heal_of=lambda s: heal if s.startswith("slipping") else None,
        actions=(
            *(toys.Act("fault", "Break"), toys.Act("wheel", "Turn"), toys.Act("wheel", "Slip")),
            *(toys.Act("grip", "Turn"), heal),
        ),
    )


ARRIVES = leads_to(
    "arrives", promise="-", when=lambda s: True, then=lambda s: s == "arrived", source="a toy"
)


def test_cycle_before_the_end_of_the_faults_is_no_violation():
    assert verdict(fault_then_spin(is_repaired=True), ARRIVES) is Answer.HOLDS


def test_cycle_after_the_end_of_the_faults_is_a_violation_whose_stem_heals():
    violation = only(fault_then_spin(is_repaired=False), ARRIVES)
    assert texts(violation.actions) == ["Break(fault)", "Heal(fault)"]
    assert texts(violation.cycle) == ["Slip(wheel)", "Slip(wheel)"]


def test_goal_is_owed_only_on_a_way_where_the_antecedent_held():
    """State 3 is reached past 1, where the goal becomes due, and past 2, where it is paid."""
    following = {0: (1, 2), 1: (2,), 2: (3,), 3: (4,), 4: (3,)}

    def moves(s):
        for target in following[s]:
            yield toys.Act(f"to-{target}", "Go"), target

    system = toys.toy(0, moves)
    assert verdict(system, fairness.reaches(2, 1)) is Answer.HOLDS
    assert verdict(system, fairness.reaches(9, 1)) is Answer.FAILS
    never = judge(fairness.reaches(9, 7), bfs(system, [fairness.reaches(9, 7)]))
    assert never.verdict is Answer.VACUOUS and "antecedent" in never.reason


def test_antecedent_that_looks_at_the_step_counts_on_every_edge():
    """State 2 is reached by a loud step and, first of all, by a quiet one."""

    class Loud:
        def __init__(self) -> None:
            self._inner = toys.toy((0, False), self.moves)

        def __getattr__(self, name):
            return getattr(self._inner, name)

        def moves(self, s):
            targets = {0: ((2, False), (1, False)), 1: ((2, True),), 2: ((2, False),)}
            for target, is_loud in targets[s[0]]:
                yield toys.Act(f"to-{target}", "Go"), (target, is_loud)

        def fingerprint(self, s):
            return s[0]

    heard = eventually_stable(
        "heard", promise="-", when=lambda s: s[1], then=lambda s: False, source="a toy"
    )
    (violation,) = bfs(Loud(), [heard]).violations
    assert texts(violation.actions) == ["Go(to-1)", "Go(to-2)"]


def test_lasso_in_the_explored_part_counts_and_its_absence_does_not():
    def moves(s):
        yield toys.Act("up", "Count"), s + 1 if s != 3 else 2

    system = toys.toy(0, moves)
    assert verdict(system, fairness.reaches(9, 1)) is Answer.FAILS

    def endless(s):
        yield from moves(s)
        yield toys.Act("away", "Count"), s + 10

    broken = bfs(toys.toy(0, endless), [fairness.reaches(9, 1)], max_states=60)
    assert not broken.violations  # `away` would have to be taken, and then the state is new
    result = judge(fairness.reaches(9, 1), broken)
    assert result.verdict is Answer.UNKNOWN and "limit of 60 states" in result.reason
    neglected = attrs.evolve(
        toys.toy(0, endless), fairness_of=lambda a: a.actor if a.actor == "up" else None
    )
    found = bfs(neglected, [fairness.reaches(9, 1)], max_states=60)
    assert judge(fairness.reaches(9, 1), found).verdict is Answer.FAILS


def test_liveness_within_a_bound_of_depth_is_unknown():
    exploration = bfs(toys.service(), [toys.submitted_leads_to_served], max_depth=2)
    result = judge(toys.submitted_leads_to_served, exploration)
    assert result.verdict is Answer.UNKNOWN and "up to 2 actions" in result.reason


def test_interruption_leaves_liveness_open():
    def interrupt(transitions: int, states: int, depth: int) -> None:
        raise KeyboardInterrupt

    exploration = bfs(toys.livelock(), [toys.gets_on], on_progress=interrupt)
    assert judge(toys.gets_on, exploration).verdict is Answer.UNKNOWN


def test_lasso_that_the_system_does_not_show_is_unknown():
    """A fingerprint that merges what differs makes a cycle of the graph that is none."""

    class Blurred:
        def __init__(self) -> None:
            self._inner = toys.toy(0, self.moves)

        def __getattr__(self, name):
            return getattr(self._inner, name)

        def moves(self, s):
            if s < 6:
                yield toys.Act("counter", "Count"), s + 1

        def fingerprint(self, s):
            return s % 4

    result = judge(fairness.reaches(99, 1), bfs(Blurred(), [fairness.reaches(99, 1)]))
    assert result.verdict is Answer.UNKNOWN and "none of the system" in result.reason


def test_all_properties_are_judged_on_one_graph():
    props = [toys.gets_on, toys.settles, toys.gets_to_four, fairness.reaches(3, 0)]
    exploration = bfs(toys.livelock(), props)
    assert [judge(prop, exploration).verdict for prop in props] == [
        *(Answer.HOLDS, Answer.FAILS, Answer.FAILS, Answer.HOLDS),
    ]


def test_graph_counts_what_the_search_counts():
    system = toys.binding(2)
    graph = StateGraph(system, [toys.asked_leads_to_done][:0])
    exploration = bfs(system, graph=graph)
    assert (len(graph), len(graph.targets)) == (exploration.states, exploration.transitions)
    assert graph.is_whole and graph.memory_bytes <= 20 * len(graph.targets) + 30 * len(graph)


def test_more_properties_than_a_graph_holds_are_refused():
    props = [fairness.reaches(n, 0) for n in range(MOST_PROPERTIES + 1)]
    with pytest.raises(InputError, match="more than 64"):
        StateGraph(toys.livelock(), props)


def test_random_search_finds_nothing_that_exhaustive_search_denies():
    cases = [
        (toys.livelock(), toys.gets_to_four),
        (toys.livelock(), toys.gets_on),
        (toys.service(), toys.submitted_leads_to_served),
        (toys.service(heals=False), toys.submitted_leads_to_served),
        (fairness.token_ring(), fairness.waiting_is_served),
        (fairness.switched(by="user"), fairness.stays_on),
        (fairness.switched(by="fault"), fairness.stays_on),
        (fault_then_spin(is_repaired=True), ARRIVES),
        (fault_then_spin(is_repaired=False), ARRIVES),
    ]
    for system, prop in cases:
        has_failed = bool(search(system, [prop], seed=1, steps=2_000).violations)
        assert has_failed == (verdict(system, prop) is Answer.FAILS), prop.name
