"""The Hypothesis bridge on toys: what it draws, what a failure says, and the state machine."""

from __future__ import annotations

import pytest
import toys
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test
from toys.safety import Jugs

from kspec.errors import InputError, NotEnabled
from kspec.property import transition
from kspec.stateful import Run, Violated, budgets, check_example, runs, state_machine

QUIET = settings(
    database=None,
    derandomize=True,
    deadline=None,
    max_examples=50,
    phases=(Phase.generate, Phase.shrink),  # explaining failures takes ten times as long
    suppress_health_check=list(HealthCheck),
)
OVERCOMMIT = toys.within_capacity(1)


@transition(source="a toy")
def never_emptied(before: Jugs, after: Jugs) -> bool:
    """No jug is emptied at one stroke."""
    return before.big != 5 or after.big != 0


def run_machine(machine: type, examples: int = 50) -> None:
    run_state_machine_as_test(machine, settings=settings(QUIET, max_examples=examples))


@QUIET
@given(runs(max_steps=300))
def test_runs_of_a_kept_promise_pass_and_say_what_they_covered(run):
    seen = check_example(toys.peterson(), [toys.mutual_exclusion], run)
    assert seen.steps > 0 and seen.seed == run.seed
    assert set(seen.runs) <= {"fifo", run.strategy}


def test_runs_shrink_to_few_steps_of_the_first_strategy():
    assert find(runs(), lambda run: True, settings=QUIET) == Run("fifo", 0, 100)


@given(budgets(("crash", "disconnect", "throttle"), max_each=3))
def test_budgets_hold_few_classes_in_their_order(budget):
    assert len(budget) <= 2 and all(1 <= left <= 3 for left in budget.values())
    assert list(budget) == sorted(budget)


def test_budgets_shrink_to_none_and_need_no_class():
    assert find(budgets(("crash",)), lambda budget: True) == {}
    assert find(budgets(()), lambda budget: True) == {}


def test_a_failure_carries_witness_minimized_trace_and_replay_line():
    with pytest.raises(Violated) as caught:
        check_example(toys.die_hard(), [toys.not_four_litres], Run("walk", 7, 5_000))
    text = str(caught.value)
    assert text.startswith("not-four-litres is violated: The big jug never holds four litres.")
    assert "Jugs(small=3, big=4)" in text and "  6. Pour(big)" in text
    again = "replay:  check_example(system, [not_four_litres], Run(strategy='walk', seed=7, "
    assert again in text


def test_a_failure_of_liveness_says_how_its_run_goes_on():
    with pytest.raises(Violated, match="then 4 more, first come first served, the last 2 of them"):
        check_example(toys.livelock(), [toys.gets_to_four], Run("fifo"))
    with pytest.raises(Violated, match="more, first come first served, and no more"):
        check_example(toys.dropping_worker(), [toys.asked_leads_to_done], Run("walk", 1))


def test_the_same_run_fails_in_the_same_words():
    def text() -> str:
        with pytest.raises(Violated) as caught:
            check_example(toys.binding(3), [OVERCOMMIT], Run("pct", 3, 500))
        return str(caught.value)

    assert text() == text()


def test_hypothesis_shrinks_the_run_that_finds_a_race():
    @settings(QUIET, max_examples=100)
    @given(runs(("pct",), max_steps=3_000))
    def races(run):
        check_example(toys.stale_cache(), [toys.acts_on_fresh()], run)

    with pytest.raises(Violated) as caught:
        races()
    assert " 12. Act(actor)" in str(caught.value)


def test_two_violated_properties_are_two_failures():
    """Hypothesis keeps them apart, so that shrinking does not slip from one to the other."""

    @QUIET
    @given(st.sampled_from((toys.gets_to_four, toys.settles)))
    def either(prop):
        check_example(toys.livelock(), [prop], Run("fifo"))

    with pytest.raises(ExceptionGroup, match="2 distinct failures") as caught:
        either()
    assert {type(e).property for e in caught.value.exceptions} == {"gets-to-four", "settles"}


def test_machine_finds_a_violation_and_shrinks_it_to_the_shortest():
    with pytest.raises(Violated, match="no-overcommit is violated") as caught:
        run_machine(state_machine(toys.binding(3), [OVERCOMMIT]))
    text = str(caught.value)
    assert "  2. Bind(s0, p1=1)" in text and "  3. " not in text


def test_machine_is_deterministic():
    def text() -> str:
        with pytest.raises(Violated) as caught:
            run_machine(state_machine(toys.binding(3), [OVERCOMMIT]))
        return "\n".join((str(caught.value), *caught.value.__notes__))

    assert text() == text()


def test_machine_judges_transitions():
    with pytest.raises(Violated, match="never-emptied is violated") as caught:
        run_machine(state_machine(toys.die_hard(), [never_emptied]))
    assert "  1. Fill(big)" in str(caught.value) and "  2. Empty(big)" in str(caught.value)


def test_machine_of_a_kept_promise_passes_and_stutters_where_nothing_is_enabled():
    machine = state_machine(toys.stale_cache(2), [toys.acts_on_fresh()])
    run_machine(machine)
    quiet = machine()
    while quiet.enabled:
        quiet.take(quiet.enabled[0])
    assert quiet.state.acted == 2


def test_machine_refuses_an_action_that_is_not_enabled():
    machine = state_machine(toys.stale_cache(2), [toys.acts_on_fresh()])()
    with pytest.raises(NotEnabled):
        machine.take(toys.Act("actor", "Act"))


def test_machine_without_safety_properties_is_refused():
    with pytest.raises(InputError, match="no safety property"):
        state_machine(toys.livelock(), [toys.settles])


def test_machine_takes_user_operations_as_further_rules():
    """Two litres are poured in from outside, which makes four of a jug that held two."""
    from hypothesis.stateful import precondition, rule

    class WithAGuest(state_machine(toys.die_hard(), [toys.not_four_litres])):
        @precondition(lambda self: self.state.big <= 3)
        @rule()
        def pour_two(self):
            self.become(self.state._replace(big=self.state.big + 2), "two litres from a guest")

    with pytest.raises(Violated) as caught:
        run_machine(WithAGuest)
    assert str(caught.value).count("two litres from a guest") == 2


def test_machine_judges_each_step_of_a_rule_that_takes_several():
    from hypothesis.stateful import rule

    class InOneGo(state_machine(toys.die_hard(), [never_emptied])):
        @rule()
        def fill_and_empty_and_fill(self):
            for verb in ("Fill", "Empty", "Fill"):
                self.take(toys.Act("big", verb))

    machine = InOneGo()
    machine.fill_and_empty_and_fill()
    with pytest.raises(Violated):
        machine.judge(never_emptied)
