"""What a verdict promises: never a bare pass, and never success by not looking."""

from __future__ import annotations

import toys

from kspec.explore import judge, search
from kspec.property import invariant, leads_to
from kspec.result import Answer


def test_judge_calls_a_check_vacuous_whose_companion_was_never_witnessed():
    @invariant(source="a toy", companion="someone-dances")
    def guarded(s) -> bool:
        """Guarded."""
        return True

    system = toys.two_phase_commit(2)
    result = judge(guarded, search(system, [guarded, toys.someone_dances], seed=1, steps=500))
    assert result.verdict is Answer.VACUOUS and "never witnessed" in result.reason
    result = judge(guarded, search(system, [guarded], seed=1, steps=500))
    assert result.verdict is Answer.VACUOUS and "not among" in result.reason


def test_judge_calls_liveness_vacuous_whose_antecedent_never_held():
    goal = leads_to(
        "never-asked", promise="-", when=lambda s: s == 99, then=lambda s: True, source="a toy"
    )
    result = judge(goal, search(toys.livelock(), [goal], seed=1, steps=300))
    assert result.verdict is Answer.VACUOUS and "antecedent" in result.reason


def test_judge_calls_a_world_vacuous_in_which_nothing_happens():
    def moves(s):
        yield from ()

    prop = toys.not_four_litres
    nothing = search(toys.toy(toys.Jugs(), moves), [prop], seed=1)
    assert judge(prop, nothing).verdict is Answer.VACUOUS


def test_judge_does_not_fail_what_is_not_promised():
    prop = toys.within_capacity()
    exploration = search(toys.binding(3), [prop], seed=1, steps=3_000)
    assert judge(prop, exploration).verdict is Answer.FAILS
    result = judge(prop, exploration, "none,crash")
    assert result.verdict is Answer.NOT_PROMISED and result.known_limit
    assert judge(prop, exploration, "none,crash", always=True).verdict is Answer.FAILS
