"""Symbolic numbers: the same answers as int and bool, or an explicit refusal."""

import copy
import operator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kspec.smt import Int, explore, integers, term_of, truncated_div, truncated_mod

X = integers("x")["x"]
SMALL = st.integers(-20, 20)
OPERATORS = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.floordiv,
    operator.mod,
    operator.lt,
    operator.le,
    operator.gt,
    operator.ge,
    operator.eq,
    operator.ne,
    truncated_div,
    truncated_mod,
    divmod,
    max,
    min,
]


@pytest.mark.parametrize("operate", OPERATORS, ids=lambda operate: operate.__name__)
@settings(max_examples=25, deadline=None)
@given(a=st.integers(-7, 7), b=st.integers(-4, 4))
def test_operators_agree_with_int(operate, a, b):
    """Each operator, with the symbolic number on either side, gives what int gives."""
    try:
        expected = operate(a, b)
    except ZeroDivisionError:
        expected = ZeroDivisionError
    symbols = integers("a", "b")
    x, y = symbols["a"], symbols["b"]
    fixed = [term_of(x) == a, term_of(y) == b]
    for left, right in ((x, y), (x, b), (a, y)):
        (path,) = explore(
            lambda left=left, right=right: bool(operate(left, right) == expected), fixed
        )
        if expected is ZeroDivisionError:
            assert isinstance(path.exception, ZeroDivisionError)
        else:
            assert path.result is True


@settings(max_examples=25, deadline=None)
@given(a=SMALL)
def test_unary_operators_agree_with_int(a):
    """Negation, absolute value, inversion, small powers and shifts are those of int."""

    def computed(x):
        return (-x, +x, abs(x), ~x, x**3, x << 2, x >> 1, round(x), sum([x, x]))

    x = integers("x")["x"]
    (path,) = explore(lambda: computed(x) == computed(a), [term_of(x) == a])
    assert path.result is True


@settings(max_examples=25, deadline=None)
@given(a=SMALL, b=SMALL)
def test_booleans_agree_with_bool(a, b):
    """A comparison counts as 0 or 1, and &, |, ^ and ~ mean on it what they mean on bool."""

    def computed(x, y):
        p, q = x < y, x > 0
        return (p & q, p | q, p ^ q, -1 - p, p + q, True & p, False | q, p == q, not p, sum([p, q]))

    x, y = integers("x", "y").values()
    fixed = [term_of(x) == a, term_of(y) == b]
    (path,) = explore(lambda: computed(x, y) == computed(a, b), fixed)
    assert path.result is True


@given(a=SMALL, b=SMALL.filter(bool))
def test_truncated_division_of_plain_integers_is_that_of_go(a, b):
    """The quotient rounds toward zero and the remainder has the sign of the dividend."""
    quotient, remainder = truncated_div(a, b), truncated_mod(a, b)
    assert quotient == int(a / b)
    assert a == b * quotient + remainder
    assert abs(remainder) < abs(b)


def test_a_zero_divisor_is_a_path_with_an_error():
    """Division forks on a zero divisor, as the plain code would raise there."""
    for divide in (operator.floordiv, operator.mod, truncated_div):
        first, second = explore(lambda divide=divide: divide(7, X))
        assert isinstance(first.exception, ZeroDivisionError)
        assert second.exception is None and not second.unknown


@pytest.mark.parametrize(
    "use",
    [
        hash,
        int,
        float,
        complex,
        str,
        repr,
        range,
        lambda x: {x},
        lambda x: {x: 1},
        lambda x: [1, 2][x],
        lambda x: "a" * x,
        lambda x: f"{x}",
        lambda x: f"{x:d}",
        lambda x: "%d" % x,  # noqa: UP031
        lambda x: str((x,)),
        lambda x: x / 2,
        lambda x: 2 / x,
        lambda x: x + 0.5,
        lambda x: x < 1.5,
        lambda x: x & 1,
        lambda x: 2**x,
        lambda x: 1 << x,
        lambda x: x.bit_length(),
    ],
)
def test_a_use_that_needs_a_concrete_number_is_unknown(use):
    """Such a path is never pruned, also when the code swallows every exception."""

    def swallows():
        try:
            use(X)
        except BaseException:
            return True
        return False

    for function in (lambda: use(X), swallows):
        (path,) = explore(function)
        assert "needs a concrete number" in path.unknown
        assert path.result is None


def test_symbolic_numbers_pass_for_int_and_bool():
    """isinstance answers as on the plain number; a copy is the number itself."""
    assert isinstance(X, int) and not isinstance(X, bool | float | str)
    assert isinstance(X < 1, bool)
    assert copy.deepcopy({"x": X})["x"] is X
    (path,) = explore(lambda: X == "a" or X is None)
    assert path.result is False


def test_outside_an_exploration_a_symbolic_number_has_no_truth_value():
    """The error says where the comparison belongs; repr is free there."""
    with pytest.raises(RuntimeError, match="inside the function given to explore"):
        bool(X > 0)
    with pytest.raises(TypeError, match="concrete number"):
        hash(X)
    assert repr(X + 1) == "x + 1"


def test_term_of_refuses_what_is_no_integer():
    """Only integers have a term."""
    with pytest.raises(TypeError, match="expected an integer"):
        term_of("3")
    assert type(X) is Int
