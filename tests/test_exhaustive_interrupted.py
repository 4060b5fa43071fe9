"""What a search promises that is interrupted while it reports: nothing found is ever lost.

And a checkpoint is of its properties as they were: where one is changed, it is refused.
"""

from __future__ import annotations

import attrs
import pytest
import toys
from toys import graphs

from kspec.errors import InputError
from kspec.explore import bfs, judge
from kspec.explore.determinism import Twice
from kspec.explore.exhaustive.sources import identity_of_property
from kspec.result import Answer


class Interrupted(Twice):
    """Where it is armed, walking the way to a violation is interrupted, as by the user."""

    is_armed, can_be_armed = False, True

    def init(self):
        if self.is_armed:
            raise KeyboardInterrupt
        return self._system.init()


@pytest.mark.parametrize("prop", [graphs.never_all_at(2), graphs.never_wraps()])
def test_violation_whose_report_is_interrupted_is_found_again(prop, tmp_path):
    system = Interrupted(graphs.counters(3, 4))

    def armed(*states):
        answer = prop.predicate(*states)
        system.is_armed = system.can_be_armed and not answer
        return answer

    watched = attrs.evolve(prop, predicate=armed)
    first = bfs(system, [watched], checkpoint=tmp_path)
    assert first.interrupted and not first.violations
    system.is_armed = system.can_be_armed = False
    resumed = bfs(system, [watched], checkpoint=tmp_path)
    assert resumed.violations == bfs(graphs.counters(3, 4), [prop]).violations != ()


def test_violations_are_kept_where_telling_of_them_fails_again_and_again(tmp_path):
    system = graphs.counters(3, 4)
    properties = [attrs.evolve(graphs.never_all_at(n), name=f"never-{n}") for n in (1, 2, 3)]

    def fail(violation):
        raise RuntimeError("the listener is broken")

    bfs(system, properties, checkpoint=tmp_path, max_depth=7)
    for _ in range(2):
        with pytest.raises(RuntimeError):
            bfs(system, properties, checkpoint=tmp_path, on_violation=fail)
    resumed = bfs(system, properties, checkpoint=tmp_path)
    assert resumed.violations == bfs(system, properties).violations
    assert len(resumed.violations) == 3 and resumed.states == 64


@pytest.mark.parametrize(
    "changes",
    [
        {"predicate": lambda state: True},
        {"predicate": graphs.never_all_at(3).predicate},
        {"reads": ("state",)},
    ],
)
def test_checkpoint_of_a_property_that_was_changed_is_refused(changes, tmp_path):
    system, prop = graphs.counters(3, 4), graphs.never_all_at(2)
    bfs(system, [prop], checkpoint=tmp_path, max_depth=3)
    with pytest.raises(InputError, match="the list of properties differs"):
        bfs(system, [attrs.evolve(prop, **changes)], checkpoint=tmp_path)


@pytest.mark.parametrize("numbers", [(1, 2), (2, 3)])
def test_property_made_by_a_program_is_told_by_its_code(numbers):
    def made(number):
        names: dict[str, object] = {}
        exec(f"def predicate(state):\n    return [n for n in state if n > {number}]", names)
        return identity_of_property(attrs.evolve(toys.consistent, predicate=names["predicate"]))

    one, other = numbers
    assert made(one) == made(one) != made(other)


class Confirming(Twice):
    """Where all states are explored, the first step that confirms a lasso is interrupted."""

    is_explored = False

    def step(self, state, action):
        if self.is_explored:
            raise KeyboardInterrupt
        return self._system.step(state, action)


@pytest.mark.parametrize("is_told", [False, True])
def test_violations_stay_where_the_judging_of_liveness_is_interrupted(is_told):
    system, told = Confirming(toys.dropping_worker()), []
    never = attrs.evolve(graphs.never_all_at(1), predicate=lambda state: False, name="never")
    states = bfs(toys.dropping_worker(), [toys.asked_leads_to_done, never]).states

    def progress(transitions, found, depth):
        system.is_explored = not is_told and found == states

    def tell(violation):
        told.append(violation)
        if violation.property == toys.asked_leads_to_done.name:
            raise KeyboardInterrupt

    properties = [toys.asked_leads_to_done, never]
    seen = bfs(system, properties, on_progress=progress, on_violation=tell)
    assert (seen.interrupted, seen.exhausted, seen.limit) == (True, False, "interrupted")
    assert seen.violations == tuple(told) and len(told) == 1 + is_told
    assert judge(never, seen).verdict is Answer.FAILS
    wanted = Answer.FAILS if is_told else Answer.UNKNOWN
    assert judge(toys.asked_leads_to_done, seen).verdict is wanted
