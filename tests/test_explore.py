"""What random search promises, on toys."""

from __future__ import annotations

import attrs
import pytest
import toys

from kspec.errors import InputError
from kspec.explore import Exploration, Suffix, judge, search
from kspec.explore.executor import Serial
from kspec.explore.monitor import Monitor
from kspec.explore.performer import Performer
from kspec.explore.runner import Runner
from kspec.explore.search import AHEAD
from kspec.explore.strategies.strategy import Scale, rng_of
from kspec.explore.strategies.walk import Walk
from kspec.explore.task import RunTask
from kspec.property import Property, invariant, leads_to, sometimes, transition
from kspec.result import Answer

PCT, WALK, FIFO = (("pct", 1),), (("walk", 1),), (("fifo", 1),)


def only(exploration: Exploration):
    (violation,) = exploration.violations
    return violation


def counting(name: str, reads: tuple[str, ...], seen: list[str]) -> Property:
    def predicate(state) -> bool:
        """It holds."""
        seen.append(name)
        return True

    predicate.__name__ = name
    return invariant(source="a toy", reads=reads)(predicate)


class TwoTopics:
    """Counts to ten; the topic `even` changes in every second step, `odd` in the others."""

    topics = ("even", "odd")

    def __getattr__(self, name):
        return getattr(toys.toy(0, self.moves), name)

    def moves(self, s):
        if s < 10:
            yield toys.Act("counter", "Count"), s + 1

    def changes(self, state) -> int:
        return 1 << state % 2


def test_property_is_evaluated_only_where_what_it_reads_has_changed():
    seen: list[str] = []
    props = [counting("even", ("even",), seen), counting("all", (), seen)]
    search(TwoTopics(), props, seed=0, strategies=FIFO)
    assert seen.count("even") == 1 + 5
    assert seen.count("all") == 1 + 10


def test_property_that_reads_an_unknown_topic_is_refused():
    with pytest.raises(InputError, match=r"reads 'prime', .*expected even or odd"):
        search(TwoTopics(), [counting("p", ("prime",), [])], seed=0)


def test_search_under_steps_is_a_function_of_the_seed():
    def run(seed: int) -> Exploration:
        return search(toys.binding(3), [toys.within_capacity()], seed=seed, steps=3_000)

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_search_reads_the_clock_only_between_rounds():
    ticks = iter([0.0, 0.0, 1.0, 2.0, 99.0])
    by_time = search(toys.binding(3), [], seed=1, seconds=3.0, clock=lambda: next(ticks))
    assert by_time.rounds == 3
    by_steps = search(toys.binding(3), [], seed=1, steps=by_time.steps)
    assert by_steps.states == by_time.states


def test_search_without_a_clock_refuses_seconds():
    with pytest.raises(TypeError, match=r"needs a `clock`"):
        search(toys.livelock(), [], seed=1, seconds=1.0)


def test_search_names_the_strategies_it_knows():
    with pytest.raises(InputError, match="fifo or guided or late or pct or pos or"):
        search(toys.livelock(), [], seed=1, strategies=(("magic", 1),))


def test_search_goes_on_after_a_violation_to_judge_the_others():
    @invariant(source="a toy")
    def nothing_is_bound(s) -> bool:
        """No pod is ever bound."""
        return not any(s.bound)

    props = [nothing_is_bound, toys.within_capacity()]
    both = search(toys.binding(3), props, seed=1, steps=3_000)
    assert [v.property for v in both.violations] == ["nothing-is-bound", "no-overcommit"]
    first = search(toys.binding(3), props, seed=1, steps=3_000, stop_at_first=True)
    assert [v.property for v in first.violations] == ["nothing-is-bound"]


def test_transition_is_asked_of_each_step():
    @transition(source="a toy")
    def only_grows(before, after) -> bool:
        """The big jug never loses water."""
        return after.big >= before.big

    violation = only(search(toys.die_hard(), [only_grows], seed=1, steps=500))
    assert str(violation.actions[-1]) in {"Pour(big)", "Empty(big)"}


def test_quiescent_state_with_an_unpaid_goal_is_a_violation():
    violation = only(
        search(toys.dropping_worker(), [toys.asked_leads_to_done], seed=1, steps=3_000)
    )
    assert violation.suffix is not None and violation.suffix.cycle == 0


def test_fair_cycle_without_the_goal_is_a_violation():
    violation = only(search(toys.livelock(), [toys.gets_to_four], seed=1, steps=300))
    assert violation.suffix == Suffix(actions=4, cycle=2)


def test_stability_is_judged_over_the_whole_cycle():
    assert only(search(toys.livelock(), [toys.settles], seed=1, steps=300)).suffix.cycle == 2


def test_goal_that_recurs_in_the_cycle_is_no_violation():
    exploration = search(toys.livelock(), [toys.gets_on], seed=1, steps=300)
    assert judge(toys.gets_on, exploration).verdict is Answer.NO_VIOLATION


def test_bound_without_progress_is_unknown():
    def moves(s):
        yield toys.Act("counter", "Count"), s + 1

    goal = leads_to(
        "ends", promise="It ends.", when=lambda s: True, then=lambda s: s < 0, source="a toy"
    )
    result = judge(goal, search(toys.toy(0, moves), [goal], seed=1, steps=500, suffix_bound=50))
    assert result.verdict is Answer.UNKNOWN
    assert "bound" in result.reason


def test_faults_end_before_liveness_is_judged():
    goal = toys.submitted_leads_to_served
    healed = search(toys.service(), [goal], seed=1, steps=2_000)
    assert judge(goal, healed).verdict is Answer.NO_VIOLATION
    broken = only(search(toys.service(heals=False), [goal], seed=1, steps=2_000))
    assert "Crash(fault)" in map(str, broken.actions)


def test_user_operations_and_faults_are_part_of_random_runs():
    @sometimes(source="a toy")
    def crashed_while_pending(s) -> bool:
        """A crash while a submission waits."""
        return s.pending and not s.is_up

    for strategies in (PCT, WALK):
        found = search(
            toys.service(), [crashed_while_pending], seed=1, steps=2_000, strategies=strategies
        )
        assert "crashed-while-pending" in found.witnessed


def test_interruption_reports_what_was_covered():
    def interrupt(steps: int, states: int, runs: int) -> None:
        raise KeyboardInterrupt

    exploration = search(toys.binding(3), [], seed=1, steps=10**9, on_progress=interrupt)
    assert exploration.interrupted
    assert exploration.rounds == 1 and exploration.steps > 0


@invariant(source="a toy")
def stays_below_two(s) -> bool:
    """False: it counts."""
    return s < 2


@invariant(source="a toy")
def stays_below_three(s) -> bool:
    """False: it counts."""
    return s < 3


def counter(end: int):
    def moves(s):
        if s < end:
            yield toys.Act("counter", "Count"), s + 1

    return toys.toy(0, moves)


class InterruptedAfterwards:
    """Counts; Ctrl-C strikes when a run is over and its orders are asked for."""

    def __getattr__(self, name):
        return getattr(counter(5), name)

    def footprint(self, action):
        raise KeyboardInterrupt


def test_interruption_after_the_last_step_of_a_run_keeps_what_the_run_found():
    task = RunTask(0, 1, 0, "walk", 10, 1, 10, ("stays-below-two",), with_orders=True)
    outcome = Performer(InterruptedAfterwards(), [stays_below_two]).perform(task)
    assert outcome.interrupted and (outcome.steps, len(outcome.states)) == (2, 3)
    assert [violation.property for violation in outcome.violations] == ["stays-below-two"]


def test_interruption_while_a_violation_is_told_keeps_and_tells_the_others():
    told = []

    def interrupt(violation) -> None:
        told.append(violation)
        if len(told) == 1:
            raise KeyboardInterrupt

    found = search(
        counter(5), [stays_below_two, stays_below_three], seed=1, on_violation=interrupt, steps=99
    )
    assert found.interrupted and list(found.violations) == told
    assert [v.property for v in told] == ["stays-below-two", "stays-below-three"]


class Resting(Serial):
    """Performs the runs of the first rounds without a step."""

    rounds = 0

    def submit(self, task: RunTask) -> None:
        super().submit(task._replace(length=0) if task.round <= self.rounds else task)


@pytest.mark.parametrize(("idle", "steps"), [(3, 2), (AHEAD - 1, 2), (AHEAD, 0)])
def test_search_ends_after_many_rounds_without_a_step_and_not_after_one(idle, steps):
    system = counter(5)
    executor = Resting(Performer(system, [stays_below_two]))
    executor.rounds = idle
    found = search(system, [stays_below_two], seed=1, steps=99, strategies=WALK, executor=executor)
    assert (found.steps, len(found.violations)) == (steps, steps // 2)


def test_search_ends_at_once_where_no_action_is_ever_enabled():
    found = search(counter(0), [stays_below_two], seed=1, steps=100)
    assert (found.steps, found.rounds) == (0, 1)


def test_run_counts_each_distinct_state_once():
    system = toys.livelock()
    runner = Runner(system, Monitor(system, []))
    strategy = Walk(system)
    strategy.begin(rng_of(0), Scale(10, 1))
    runner.run(strategy, 10, 10, runner.label)
    assert (runner.steps, len(runner.states)) == (10, 4)


def test_cycle_that_starves_a_fairness_class_is_unknown():
    """Two actors offer the same class in turns: FIFO serves neither, so its cycle is not fair."""

    def moves(s):
        yield toys.Act("busy", "Spin"), 1 - s
        yield toys.Act(f"finisher{s}", "Finish"), 2

    system = attrs.evolve(
        toys.toy(0, lambda s: moves(s) if s < 2 else iter(())),
        fairness_of=lambda action: action.verb,
    )
    goal = leads_to(
        "finishes", promise="It ends.", when=lambda s: True, then=lambda s: s == 2, source="a toy"
    )
    result = judge(goal, search(system, [goal], seed=1, strategies=FIFO))
    assert result.verdict is Answer.UNKNOWN and "not fair" in result.reason


def test_search_keeps_what_a_run_found_before_the_system_raised():
    def moves(s):
        yield toys.Act("counter", "Count"), s + 1 if s < 5 else 1 // 0

    @invariant(source="a toy")
    def stays_below_two(s) -> bool:
        """False: it counts."""
        return s < 2

    told = []
    with pytest.raises(ZeroDivisionError):
        search(
            toys.toy(0, moves),
            [stays_below_two, counting("always", (), [])],
            seed=1,
            steps=50,
            strategies=WALK,
            on_violation=told.append,
        )
    assert [violation.property for violation in told] == ["stays-below-two"]


def test_search_looks_for_as_many_violations_of_a_property_as_are_asked_for():
    found = search(
        toys.binding(3), [toys.within_capacity(1)], seed=1, steps=5_000, violations=7
    ).violations
    assert len(found) == 7 and len({(v.round, v.run) for v in found}) == 7
