"""What a lasso promises as a trace: it is read back, replayed turn by turn, and made small."""

from __future__ import annotations

import attrs
import pytest
import toys
import yaml
from toys import fairness

from kspec import trace as traces
from kspec.errors import InputError
from kspec.explore import Violation, bfs
from kspec.explore.liveness.confirming import Confirmer
from kspec.logic import HOLDS, fails
from kspec.property import leads_to
from kspec.replay import Replay, replay_leniently
from kspec.shrink import shrink

SYSTEM, PROP = toys.livelock(), toys.gets_to_four
LABEL = Violation(property="", kind="", witness="", actions=())


@pytest.fixture
def violation() -> Violation:
    (found,) = bfs(SYSTEM, [PROP]).violations
    return found


@pytest.fixture
def trace(violation) -> traces.Trace:
    return traces.record(SYSTEM, violation)


def difference(trace: traces.Trace, *, strict: bool = False) -> str:
    outcome = Replay(SYSTEM, PROP, trace, strict=strict).outcome
    assert outcome.difference is not None and not outcome.is_reproduced
    return str(outcome.difference)


def test_trace_with_a_cycle_is_read_as_it_was_written(trace):
    text = traces.to_text(trace)
    assert "actions:\n  - Start(starter)\n  - Start(starter)\ncycle:\n  - Set(on)\n" in text
    assert traces.from_text(text) == trace


def test_trace_without_a_cycle_does_not_mention_one():
    (found,) = bfs(toys.die_hard(), [toys.not_four_litres]).violations
    assert "cycle:" not in traces.to_text(traces.record(toys.die_hard(), found))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"cycle": []}, "cycle"),
        ({"cycle": [1]}, "cycle/0"),
        ({"cycle": "Set(on)"}, "cycle"),
        ({"suffix": {"strategy": "fifo", "actions": 1, "cycle": 0}}, "both a cycle and a suffix"),
    ],
)
def test_broken_cycle_is_refused_in_one_line(trace, change, problem):
    document = {**yaml.safe_load(traces.to_text(trace)), **change}
    with pytest.raises(InputError, match=problem) as caught:
        traces.from_text(yaml.safe_dump(document, sort_keys=False))
    assert "\n" not in str(caught.value)


def test_replay_shows_one_turn_of_the_cycle(trace):
    replay = Replay(SYSTEM, PROP, trace, strict=True)
    steps = list(replay)
    assert [(step.number, step.text, step.is_suffix) for step in steps[2:]] == [
        (3, "Set(on)", True),
        (4, "Unset(off)", True),
    ]
    assert replay.outcome.is_reproduced and not replay.outcome.warnings


@pytest.mark.parametrize(
    ("cycle", "problem"),
    [
        (("Set(on)",), "the states do not come back"),
        (("Unset(off)", "Set(on)"), "Unset(off) is not enabled in turn 1 of the cycle"),
        (("Dance(on)",), "Dance(on) is no action"),
        ((), "was not violated"),
    ],
)
def test_replay_of_a_cycle_that_does_not_close_diverges(trace, cycle, problem):
    assert problem in difference(attrs.evolve(trace, cycle=cycle))


def test_replay_diverges_where_the_goal_is_reached_in_the_cycle(trace):
    goal = attrs.evolve(PROP, predicate=lambda s: s == 3)
    outcome = Replay(SYSTEM, goal, trace).outcome
    assert "stays unpaid" in str(outcome.difference)


def test_replay_diverges_where_the_states_do_not_come_back():
    def moves(s):
        yield toys.Act("counter", "Count"), s + 1

    system = toys.toy(0, moves, actions=(toys.Act("counter", "Count"),))
    trace = traces.Trace(
        property="1-leads-to-0", kind="", witness="", actions=("Count(counter)",),
        fingerprints=(f"{system.fingerprint(1):016x}",), cycle=("Count(counter)",),
    )  # fmt: skip
    outcome = Replay(system, fairness.reaches(0, 1), trace).outcome
    assert "do not come back" in str(outcome.difference)


def test_replay_diverges_where_the_cycle_is_not_fair():
    (found,) = bfs(fairness.compare_and_swap(), [fairness.is_swapped]).violations
    trace = traces.record(fairness.compare_and_swap(), found)
    assert Replay(fairness.compare_and_swap(), fairness.is_swapped, trace).outcome.is_reproduced
    strong = fairness.compare_and_swap(is_strong=True)
    outcome = Replay(strong, fairness.is_swapped, trace).outcome
    assert "not fair: swapper could be taken" in str(outcome.difference)


def test_cycle_with_a_fault_is_no_violation():
    system, prop = fairness.switched(by="fault"), fairness.stays_on
    found = Confirmer(system, LABEL).lasso(prop, (), (0, 0))
    assert found.violation is None and "a fault strikes" in found.problem


def test_names_in_a_cycle_may_move_on():
    """Deliveries are named after versions that no state remembers: a second turn has new names."""

    class Versions:
        def __init__(self) -> None:
            self._inner = toys.toy((0, False), self.moves)

        def __getattr__(self, name):
            return getattr(self._inner, name)

        def moves(self, s):
            version, is_written = s
            if is_written:
                yield toys.Act("reader", "Read", str(version)), (version, False)
            else:
                yield toys.Act("writer", "Write", str(version + 1)), (version + 1, True)

        def fingerprint(self, s):
            return int(s[1])

        def decode(self, text):
            verb, _, rest = text.partition("(")
            actor, _, target = rest.rstrip(")").partition(", ")
            return toys.Act(actor, verb, target)

    prop = leads_to(
        "ends", promise="-", when=lambda s: s[1], then=lambda s: s[0] < 0, source="a toy"
    )
    (found,) = bfs(Versions(), [prop]).violations
    assert len(found.cycle) == 2
    assert Replay(Versions(), prop, traces.record(Versions(), found)).outcome.is_reproduced


def detour():
    """Two ways round: 1 -> 2 -> 1, and 1 -> 3 -> 4 -> 1; a spare step before."""
    following = {0: (1,), 1: (2, 3), 2: (1,), 3: (4,), 4: (1,)}

    def moves(s):
        place, is_warm = s
        if not is_warm:
            yield toys.Act("user", "Warm"), (place, True)
        for target in following[place]:
            yield toys.Act("walker", "Go", str(target)), (target, is_warm)

    acts = tuple(toys.Act("walker", "Go", str(n)) for n in range(1, 5))
    return toys.toy((0, False), moves, actions=(*acts, toys.Act("user", "Warm")))


ARRIVES = leads_to(
    "arrives", promise="-", when=lambda s: s[0] == 1, then=lambda s: s[0] == 9, source="a toy"
)


def acts(system, *texts):
    return tuple(system.decode(text) for text in texts)


def test_shrinking_makes_stem_and_cycle_shorter():
    system = detour()
    long = attrs.evolve(
        LABEL,
        property="arrives",
        actions=acts(system, "Warm(user)", "Go(walker, 1)", "Go(walker, 2)", "Go(walker, 1)"),
        cycle=acts(
            system,
            *("Go(walker, 2)", "Go(walker, 1)", "Go(walker, 3)", "Go(walker, 4)", "Go(walker, 1)"),
        ),
    )
    assert replay_leniently(system, ARRIVES, long.actions, long) == long
    small = shrink(system, ARRIVES, long)
    assert [str(a) for a in small.violation.actions] == ["Go(walker, 1)"]
    assert [str(a) for a in small.violation.cycle] == ["Go(walker, 2)", "Go(walker, 1)"]
    trace = traces.record(system, small.violation)
    assert Replay(system, ARRIVES, trace, strict=True).outcome.is_reproduced


def test_shrinking_keeps_a_cycle_that_cannot_be_shorter(violation):
    assert shrink(SYSTEM, PROP, violation).violation == violation


def test_lenient_replay_keeps_to_one_kind_of_witness(violation):
    def goal(s):
        return HOLDS if s == 4 else fails(f"at {s}", kind="low")

    prop = attrs.evolve(PROP, predicate=goal)
    like = attrs.evolve(violation, kind="low")
    found = replay_leniently(SYSTEM, prop, violation.actions, like)
    assert found is not None and found.kind == "low" and found.cycle == violation.cycle
    other = attrs.evolve(violation, kind="high")
    assert replay_leniently(SYSTEM, prop, violation.actions, other) is None
