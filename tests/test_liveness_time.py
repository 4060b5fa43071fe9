"""What a bound on virtual time promises: the goal comes in time, or the trace shows how late."""

from __future__ import annotations

import pytest
import toys
from toys import fairness

from kspec.errors import InputError
from kspec.explore import bfs, judge, search
from kspec.property import eventually_stable, leads_to
from kspec.replay import Replay
from kspec.result import Answer
from kspec.shrink import shrink
from kspec.trace import record
from kspec_models.building import build
from kspec_models.world import World
from kspec_models.worlds import pod


def texts(actions):
    return [str(action) for action in actions]


@pytest.mark.parametrize(
    ("seconds", "answer"),
    [(0, Answer.FAILS), (10, Answer.FAILS), (19, Answer.FAILS), (20, Answer.HOLDS),
     (21, Answer.HOLDS), (None, Answer.HOLDS)],
)  # fmt: skip
def test_goal_within_some_time_is_judged_exactly(seconds, answer):
    prop = fairness.hot_within(seconds)
    exploration = bfs(fairness.kettle(), [prop])
    assert (exploration.exhausted, judge(prop, exploration).verdict) == (True, answer)
    found = search(fairness.kettle(), [prop], seed=1, steps=500)
    assert bool(found.violations) == (answer is Answer.FAILS)


def test_late_goal_is_shown_by_the_shortest_trace():
    prop, system = fairness.hot_within(10), fairness.kettle()
    (violation,) = bfs(system, [prop]).violations
    assert texts(violation.actions) == ["Ask(user)", "Advance(clock)", "Advance(clock)"]
    assert (violation.kind, violation.suffix, violation.cycle) == ("late", None, ())
    assert violation.witness == "still owed after more than 10 s"
    assert Replay(system, prop, record(system, violation), strict=True).outcome.is_reproduced


def test_late_goal_of_a_random_run_is_shrunk_and_replayed():
    prop, system = fairness.hot_within(10), fairness.kettle()
    (found,) = search(system, [prop], seed=4, steps=500, strategies=(("walk", 1),)).violations
    small = shrink(system, prop, found).violation
    assert texts(small.actions) == ["Ask(user)", "Advance(clock)", "Advance(clock)"]
    assert Replay(system, prop, record(system, small), strict=True).outcome.is_reproduced


def test_goal_that_comes_with_the_jump_that_is_too_long_is_late():
    prop = leads_to(
        "noon", promise="-", when=lambda s: s.asked_at >= 0, then=lambda s: s.time >= 20,
        within=15, source="a toy",
    )  # fmt: skip
    (violation,) = bfs(fairness.kettle(), [prop]).violations
    assert texts(violation.actions) == ["Ask(user)", "Advance(clock)", "Advance(clock)"]
    assert judge(prop, search(fairness.kettle(), [prop], seed=1, steps=500)).verdict is Answer.FAILS


def test_time_counts_from_where_the_goal_is_owed_and_anew_after_it_was_paid():
    """A lamp that goes out every 30 s and is lit again 10 s later."""

    def moves(s):
        yield toys.Act("clock", "Advance"), (s + 10) % 120

    class Lamp:
        inner = toys.toy(0, moves)

        def __getattr__(self, name):
            return getattr(self.inner, name)

        def now(self, state):
            return state

    def lit_within(seconds):
        return leads_to(
            "lit", promise="-", when=lambda s: s < 110, then=lambda s: s % 40 < 30,
            within=seconds, source="a toy",
        )  # fmt: skip

    assert judge(lit_within(10), bfs(Lamp(), [lit_within(10)])).verdict is Answer.HOLDS
    assert judge(lit_within(5), bfs(Lamp(), [lit_within(5)])).verdict is Answer.FAILS


def test_earliest_debt_decides_where_ways_with_different_debts_meet():
    """The short way owes since 20 s, the long one since 0 s; both meet at 20 s."""

    def moves(s):
        name, time = s
        if name == "start":
            yield toys.Act("user", "Early"), ("waiting", 0)
            yield toys.Act("user", "Late"), ("idle", 0)
        elif name == "idle":
            later = ("waiting", 20) if time == 20 else ("idle", time + 10)
            yield toys.Act("clock", "Advance"), later
        elif name == "waiting" and time < 40:
            yield toys.Act("clock", "Advance"), ("waiting", time + 10)
        elif name == "waiting":
            yield toys.Act("server", "Serve"), ("served", time)

    class Meeting:
        inner = toys.toy(("start", 0), moves)

        def __getattr__(self, name):
            return getattr(self.inner, name)

        def now(self, state):
            return state[1]

    def served_within(seconds):
        return leads_to(
            "served", promise="-", when=lambda s: s[0] == "waiting",
            then=lambda s: s[0] == "served", within=seconds, source="a toy",
        )  # fmt: skip

    assert judge(served_within(40), bfs(Meeting(), [served_within(40)])).verdict is Answer.HOLDS
    (violation,) = bfs(Meeting(), [served_within(30)]).violations
    assert texts(violation.actions) == ["Early(user)", *["Advance(clock)"] * 4]


def test_goal_that_never_comes_is_a_violation_although_time_stands_still():
    prop = fairness.hot_within(1_000)
    (violation,) = bfs(fairness.Timed(fairness.kettle_that_is_broken()), [prop]).violations
    assert violation.suffix is not None and texts(violation.actions) == ["Ask(user)"]


def test_bounded_goal_on_a_graph_that_was_cut_is_unknown_or_fails():
    cut = bfs(fairness.kettle(), [fairness.hot_within(20)], max_states=8)
    assert judge(fairness.hot_within(20), cut).verdict is Answer.UNKNOWN
    late = bfs(fairness.kettle(), [fairness.hot_within(0)], max_states=8)
    assert judge(fairness.hot_within(0), late).verdict is Answer.FAILS


def test_bound_on_time_needs_a_system_that_has_time():
    prop = fairness.hot_within(10)
    for explore in (bfs, lambda system, props: search(system, props, seed=1)):
        with pytest.raises(InputError, match=r"hot-in-time is due within 10 s.*`now"):
            explore(toys.livelock(), [prop])


@pytest.mark.parametrize("within", [-1, 1.5, True, "30"])
def test_bound_on_time_is_a_whole_number_of_seconds(within):
    with pytest.raises(TypeError, match="within="):
        fairness.hot_within(within)


def test_eventually_stable_takes_no_bound_on_time():
    with pytest.raises(TypeError, match="within=30"):
        eventually_stable("s", promise="-", then=bool, within=30, source="a toy")


def bound_within(seconds):
    """Every pod is bound within some seconds of its creation."""

    def pods(state):
        return [entry.value for entry in state.api.store.bucket("pods").entries()]

    return leads_to(
        "bound-in-time",
        promise="A pod is bound in time.",
        when=lambda state: any(not pod.spec.node_name for pod in pods(state)),
        then=lambda state: all(pod.spec.node_name for pod in pods(state)),
        within=seconds,
        reads=("pods",),
        source="a test",
    )


def test_pod_that_fits_is_bound_within_thirty_seconds():
    cluster = build(World(nodes=1, objects=(pod("a"),), granularity="reconcile"))
    prop = bound_within(30)
    exploration = bfs(cluster, [prop])
    assert exploration.exhausted and judge(prop, exploration).verdict is Answer.HOLDS
    found = search(cluster, [prop], seed=1, steps=1_000)
    assert judge(prop, found).verdict is Answer.NO_VIOLATION


def test_pod_that_does_not_fit_is_late_when_the_flush_of_five_minutes_has_come():
    cluster = build(World(nodes=1, objects=(pod("a", cpu="64"),), granularity="reconcile"))
    prop = bound_within(30)
    (violation,) = search(cluster, [prop], seed=1, steps=1_000).violations
    assert violation.kind == "late" and "30 s" in violation.witness
    small = shrink(cluster, prop, violation).violation
    assert any(text.startswith("Advance") for text in map(cluster.encode, small.actions))
    trace = record(cluster, small)
    assert Replay(cluster, prop, trace, strict=True).outcome.is_reproduced
