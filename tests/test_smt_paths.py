"""Exploration: the paths partition the inputs, and nothing is dropped."""

import itertools
import subprocess
import sys

import pytest
import z3
from hypothesis import given, settings
from hypothesis import strategies as st

from kspec.smt import Overflow, explore, integers, term_of

NAMES = ("x", "y", "z")
SYMBOLS = integers(*NAMES)
X, Y, Z = SYMBOLS.values()


def contains(path, values):
    """Whether the plain values of x, y, z lie on a path."""
    fixed = [term_of(SYMBOLS[name]) == value for name, value in values.items()]
    solver = z3.Solver()
    solver.add(*path.conditions, *fixed)
    return solver.check() == z3.sat


expressions = st.recursive(
    st.one_of(
        st.sampled_from(NAMES).map(lambda name: ("name", name)),
        st.integers(-5, 5).map(lambda number: ("number", number)),
    ),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["+", "-", "min"]), inner, inner),
        st.tuples(st.just("*"), st.integers(-3, 3).map(lambda n: ("number", n)), inner),
        st.tuples(
            st.sampled_from(["//", "%"]), inner, st.integers(1, 3).map(lambda n: ("number", n))
        ),
        st.tuples(st.just("if"), inner, inner, inner),
    ),
    max_leaves=6,
)


def evaluate(expression, values):
    """Run a small program on plain or symbolic integers alike."""
    kind, *parts = expression
    if kind == "name":
        return values[parts[0]]
    if kind == "number":
        return parts[0]
    if kind == "if":
        chosen = parts[1] if evaluate(parts[0], values) > 0 else parts[2]
        return evaluate(chosen, values)
    a, b = (evaluate(part, values) for part in parts)
    if kind == "min":
        return min(a, b)
    return {
        "+": lambda: a + b,
        "-": lambda: a - b,
        "*": lambda: a * b,
        "//": lambda: a // b,
        "%": lambda: a % b,
    }[kind]()


@settings(max_examples=60, deadline=None)
@given(
    program=expressions,
    inputs=st.lists(st.tuples(*[st.integers(-9, 9)] * 3), min_size=1, max_size=4),
)
def test_every_input_takes_exactly_one_path_whose_result_is_the_plain_one(program, inputs):
    """The path partition: this is what makes a proof over paths a proof over inputs."""
    paths = list(explore(lambda: evaluate(program, SYMBOLS)))
    assert all(not path.unknown and path.exception is None for path in paths)
    for numbers in inputs:
        values = dict(zip(NAMES, numbers, strict=True))
        (path,) = (path for path in paths if contains(path, values))
        solver = z3.Solver()
        solver.add(*(term_of(SYMBOLS[name]) == value for name, value in values.items()))
        solver.add(term_of(path.result) != evaluate(program, values))
        assert solver.check() == z3.unsat


@settings(max_examples=25, deadline=None)
@given(limit=st.integers(1, 6), values=st.tuples(*[st.integers(-2, 2)] * 3))
def test_a_path_limit_leaves_its_regions_as_unknown_paths(limit, values):
    """With any limit the paths still partition the inputs; the rest says which limit it was."""
    paths = list(explore(lambda: [n > 0 for n in (X, Y, Z) if n != 0] + [], path_limit=limit))
    assert sum(not path.unknown for path in paths) == limit
    assert {p.unknown for p in paths if p.unknown} == {f"path limit of {limit} reached"}
    assert sum(contains(path, dict(zip(NAMES, values, strict=True))) for path in paths) == 1


def test_paths_come_depth_first_with_the_true_side_first():
    """The order is fixed by the function alone, and is the same when it is run again."""

    def signs():
        return tuple(bool(n > 0) for n in (X, Y))

    expected = list(itertools.product((True, False), repeat=2))
    for _ in range(2):
        assert [path.result for path in explore(signs)] == expected


def test_only_feasible_paths_are_run():
    """A side that the path so far excludes is not taken."""
    paths = list(explore(lambda: (bool(X > 5), bool(X > 3)), [term_of(X) < 9]))
    assert [path.result for path in paths] == [(True, True), (False, True), (False, False)]


def test_contradicting_assumptions_have_no_path():
    """No input, no path: the caller has to notice that the claim is vacuous."""
    assert list(explore(lambda: True, [term_of(X) < 0, term_of(X) > 0])) == []


def test_an_exception_is_the_outcome_of_its_path():
    """The other paths go on."""

    def picky():
        if X > 3:
            raise ValueError("too large")
        return "fine"

    raised, fine = explore(picky)
    assert isinstance(raised.exception, ValueError)
    assert fine.result == "fine"


def test_an_endless_loop_meets_the_decision_limit():
    """A path that never ends is unknown, and the others are still found."""

    def countdown():
        number = X
        while number > 0:
            number = number - 1
        return "done"

    first, *others = explore(countdown, decision_limit=5)
    assert first.unknown == "decision limit of 5 on one path reached"
    assert [path.result for path in others] == ["done"] * 5


def test_what_the_solver_cannot_decide_is_unknown():
    """A hard nonlinear equation with next to no time: unknown, neither side is pruned."""
    paths = list(explore(lambda: bool(X**3 + Y**3 + Z**3 == 33), timeout_milliseconds=1))
    assert [path.result for path in paths] == [None]
    assert "the solver gave up on" in paths[0].unknown


@pytest.mark.parametrize("answered", [0, 1])
def test_a_solver_that_raises_is_unknown(monkeypatch, answered):
    """An error inside z3 is no answer: on the assumptions, and at a fork."""
    check, questions = z3.Solver.check, itertools.count()

    def failing(solver, *facts):
        if next(questions) >= answered:
            raise z3.Z3Exception("canceled")
        return check(solver, *facts)

    monkeypatch.setattr(z3.Solver, "check", failing)
    (path,) = explore(lambda: bool(X > 0))
    assert "z3 raised" in path.unknown


def test_an_interrupted_solver_interrupts_the_run(monkeypatch):
    """z3 turns Ctrl-C into unknown; it has to stay an interruption."""
    monkeypatch.setattr(z3.Solver, "check", lambda *_: z3.unknown)
    monkeypatch.setattr(z3.Solver, "reason_unknown", lambda _: "interrupted from keyboard")
    with pytest.raises(KeyboardInterrupt):
        list(explore(lambda: bool(X > 0)))


def test_an_impure_function_is_unknown():
    """A function that decides otherwise when it is run again has no paths to speak of."""
    runs = itertools.count()
    paths = list(explore(lambda: bool(next(runs) + X > 0) and bool(Y > 0)))
    assert any("must be pure" in path.unknown for path in paths)


def test_explorations_do_not_meet():
    """Two explorations taken in turn, and one inside another, each see their own paths only."""
    one, two = explore(lambda: bool(X > 0)), explore(lambda: bool(Y > 0) and bool(Z > 0))
    taken = [path.result for pair in itertools.zip_longest(one, two) for path in pair if path]
    assert taken == [True, True, False, False, False]
    nested = list(explore(lambda: (bool(X > 0), len(list(explore(lambda: bool(Y > 0)))))))
    assert [path.result for path in nested] == [(True, 2), (False, 2)]
    with pytest.raises(RuntimeError):
        bool(X > 0)


def test_int64_makes_an_overflow_the_outcome_of_its_path():
    """Where an intermediate sum leaves the range the path ends; elsewhere it goes on."""
    limits = [term_of(X) >= 0, term_of(X) <= 2**63 - 1]
    inside, outside = explore(lambda: X + 1 - 1, limits, int64=True)
    assert inside.exception is None
    assert isinstance(outside.exception, Overflow)
    assert contains(outside, {"x": 2**63 - 1}) and not contains(outside, {"x": 2**63 - 2})
    assert len(list(explore(lambda: X + 1 - 1, limits))) == 1


def test_importing_the_engine_does_not_import_z3():
    """z3 is paid for only where it is used."""
    script = "import sys, kspec; assert 'z3' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)
