"""What a replay promises: the same violation, or the first difference."""

from __future__ import annotations

import attrs
import pytest
import toys

from kspec import trace as traces
from kspec.errors import Diverged, InputError
from kspec.explore import bfs, search
from kspec.logic import HOLDS, fails
from kspec.property import invariant
from kspec.replay import Replay, replay_leniently

PROP = toys.not_four_litres


@pytest.fixture
def trace() -> traces.Trace:
    (violation,) = bfs(toys.die_hard(), [PROP]).violations
    return traces.record(toys.die_hard(), violation)


def without(trace: traces.Trace, index: int) -> traces.Trace:
    def cut(items):
        return items[:index] + items[index + 1 :]

    return attrs.evolve(trace, actions=cut(trace.actions), fingerprints=cut(trace.fingerprints))


def difference(replay: Replay) -> str:
    outcome = replay.outcome
    assert isinstance(outcome.difference, Diverged) and not outcome.is_reproduced
    return str(outcome.difference)


def test_replay_reproduces_the_violation_step_by_step(trace):
    replay = Replay(toys.die_hard(), PROP, trace, strict=True)
    steps = list(replay)
    assert [step.text for step in steps] == list(trace.actions)
    assert steps[-1].after.big == 4
    assert replay.outcome.is_reproduced and not replay.outcome.warnings


def test_replay_can_be_asked_for_its_outcome_alone_and_again(trace):
    replay = Replay(toys.die_hard(), PROP, trace)
    assert replay.outcome.is_reproduced
    assert len(list(replay)) == 6 and replay.outcome.is_reproduced


@pytest.mark.parametrize(
    ("system", "prop"),
    [
        (toys.livelock(), toys.gets_to_four),
        (toys.livelock(), toys.settles),
        (toys.dropping_worker(), toys.asked_leads_to_done),
        (toys.service(heals=False), toys.submitted_leads_to_served),
    ],
    ids=lambda item: getattr(item, "name", ""),
)
def test_replay_of_liveness_takes_the_fair_suffix(system, prop):
    (violation,) = search(system, [prop], seed=3, steps=2_000).violations
    trace = traces.from_text(traces.to_text(traces.record(system, violation)))
    replay = Replay(system, prop, trace, strict=True)
    steps = list(replay)
    assert replay.outcome.is_reproduced
    assert sum(step.is_suffix for step in steps) == violation.suffix.actions
    assert replay.outcome.violation.suffix == violation.suffix


def test_replay_stops_at_an_action_that_is_not_enabled():
    prop = toys.within_capacity()
    (violation,) = search(toys.binding(4), [prop], seed=1, steps=5_000).violations
    trace = traces.record(toys.binding(4), violation)
    first_bind = next(i for i, text in enumerate(trace.actions) if text.startswith("Bind"))
    actions = list(trace.actions)
    actions.insert(first_bind + 1, actions[first_bind])
    marks = (*trace.fingerprints, trace.fingerprints[-1])
    broken = attrs.evolve(trace, actions=tuple(actions), fingerprints=marks)
    assert f"step {first_bind + 2}: {actions[first_bind]} is not enabled" in difference(
        Replay(toys.binding(4), prop, broken)
    )


def test_replay_stops_at_an_action_that_no_one_knows(trace):
    broken = attrs.evolve(trace, actions=("Drink(big)", *trace.actions[1:]))
    assert "step 1: Drink(big) is no action" in difference(Replay(toys.die_hard(), PROP, broken))


def test_drifted_fingerprint_is_a_warning_and_an_error_only_when_strict(trace):
    marks = (trace.fingerprints[0], "0" * 16, *trace.fingerprints[2:])
    drifted = attrs.evolve(trace, fingerprints=marks)
    outcome = Replay(toys.die_hard(), PROP, drifted).outcome
    assert outcome.is_reproduced and "step 2" in outcome.warnings[0]
    assert "step 2" in difference(Replay(toys.die_hard(), PROP, drifted, strict=True))


def test_violation_that_does_not_come_back_is_a_difference(trace):
    assert "not violated" in difference(Replay(toys.die_hard(), PROP, without(trace, 5)))


def test_violation_that_comes_early_is_a_warning(trace):
    late = attrs.evolve(
        trace,
        actions=(*trace.actions, "Empty(big)"),
        fingerprints=(*trace.fingerprints, "0" * 16),
    )
    outcome = Replay(toys.die_hard(), PROP, late).outcome
    assert outcome.is_reproduced and "already after 6 actions" in outcome.warnings[0]


def test_violation_of_another_kind_is_a_difference(trace):
    other = attrs.evolve(trace, kind="spilt")
    assert "in another way" in difference(Replay(toys.die_hard(), PROP, other))


def test_replay_of_another_property_is_refused(trace):
    with pytest.raises(InputError, match="violates not-four-litres"):
        Replay(toys.die_hard(), toys.mutual_exclusion, trace)


def test_lenient_replay_skips_what_is_not_enabled():
    prop = toys.within_capacity()
    (violation,) = search(toys.binding(4), [prop], seed=1, steps=5_000).violations
    doubled = [action for action in violation.actions for _ in (0, 1)]
    found = replay_leniently(toys.binding(4), prop, doubled, violation)
    assert found is not None and len(found.actions) <= len(doubled)
    state, system = toys.binding(4).init(), toys.binding(4)
    for action in found.actions:
        state = system.step(state, action)
    assert not prop.predicate(state)


def test_lenient_replay_ends_at_the_first_violation(trace):
    (violation,) = bfs(toys.die_hard(), [PROP]).violations
    found = replay_leniently(toys.die_hard(), PROP, violation.actions * 2, violation)
    assert found == violation


def test_lenient_replay_keeps_to_one_kind_of_witness():
    @invariant(source="a toy")
    def jug_is_neither_full_nor_at_four(s):
        """False in two ways."""
        if s.big == 5:
            return fails("full", kind="full")
        return fails("four", kind="four") if s.big == 4 else HOLDS

    prop = jug_is_neither_full_nor_at_four
    (four,) = bfs(toys.die_hard(), [PROP]).violations
    like = attrs.evolve(four, property=prop.name, kind="four")
    found = replay_leniently(toys.die_hard(), prop, four.actions, like)
    assert found is not None and (found.kind, len(found.actions)) == ("four", 6)
