"""Numbers that stand for a field of many states at once, and the rule for what may be done to them.

Guards, effects and predicates are written once and run on plain integers (one state) and on whole
levels. So they may use + - * & | ^, the comparisons, // and % by a constant above 0, and nothing
that asks one yes or no of a value: no `and`, `or`, `not`, `if`, `in`, `min`, `max`, no chained
comparison (write `(a < b) & (b < c)`, and `(a == 0)` for `not a`). What breaks the rule is refused.

Every number carries its lowest and highest possible value, so that overflow is refused beforehand
and each array is as narrow as can be.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import add, mul, sub
from typing import Any, ClassVar

from kspec.errors import InputError
from kspec.explore.packed.fields import LARGEST, Field

RULE = (
    "only + - * & | ^, comparisons, and // or % by a constant: it also runs on whole levels, where "
    "nothing may ask if a value is true (and, or, not, if, in, min, max, a < b < c)"
)
LOGICAL = ("bitwise_and", "bitwise_or", "bitwise_xor")
COMPARISONS = ("equal", "not_equal", "less", "less_equal")
Bounds = tuple[int, int]


class Refused(TypeError):
    """What was done to a number is not among what may be done."""


def bounds_of(value: Any) -> Bounds:
    """The lowest and highest value of a number or of a plain integer."""
    if isinstance(value, Number):
        return value.low, value.high
    if isinstance(value, int):
        return int(value), int(value)
    raise Refused(f"{value!r} is no integer")


def _corners(of: Callable[[int, int], int]) -> Callable[[Bounds, Bounds], Bounds]:
    def bounds(a: Bounds, b: Bounds) -> Bounds:
        ends = [of(x, y) for x in a for y in b]
        return min(ends), max(ends)

    return bounds


def _divisor(b: Bounds) -> int:
    if b[0] != b[1] or b[0] < 1:
        raise Refused("it divides by what is not a constant above 0")
    return b[0]


def _quotient(a: Bounds, b: Bounds) -> Bounds:
    return a[0] // _divisor(b), a[1] // _divisor(b)


def _remainder(a: Bounds, b: Bounds) -> Bounds:
    return 0, _divisor(b) - 1


def _bits(a: Bounds, b: Bounds) -> Bounds:
    width = max(end.bit_length() for end in (*a, *b))
    return (-(1 << width) if min(*a, *b) < 0 else 0), (1 << width) - 1


def _truth(a: Bounds, b: Bounds) -> Bounds:
    return 0, 1


OPERATIONS: dict[str, Callable[[Bounds, Bounds], Bounds]] = {
    "add": _corners(add),
    "subtract": _corners(sub),
    "multiply": _corners(mul),
    "floor_divide": _quotient,
    "remainder": _remainder,
    **dict.fromkeys(LOGICAL, _bits),
    **dict.fromkeys(COMPARISONS, _truth),
}
"""Each operation, by numpy's name for it, with the bounds of its result."""


def _forward(name: str) -> Callable[[Any, Any], Any]:
    return lambda self, other: self.apply(name, self, other)


def _backward(name: str) -> Callable[[Any, Any], Any]:
    return lambda self, other: self.apply(name, other, self)


class Number:
    """A value between `low` and `high`; a subclass says in `make` what an operation computes."""

    __slots__ = ("high", "low")
    __hash__: ClassVar[None]  # type: ignore[assignment]  # a value of many states has no one hash

    def __init__(self, low: int, high: int) -> None:
        self.low, self.high = low, high

    def make(self, name: str, left: Any, right: Any, low: int, high: int) -> Number:
        raise NotImplementedError

    def apply(self, name: str, left: Any, right: Any) -> Number:
        a, b = bounds_of(left), bounds_of(right)
        low, high = OPERATIONS[name](a, b)
        for end in (low, high, *a, *b):
            if not -LARGEST < end < LARGEST:
                raise Refused(f"a number in it may reach {end}")
        return self.make(name, left, right, low, high)

    __add__, __radd__ = _forward("add"), _backward("add")
    __sub__, __rsub__ = _forward("subtract"), _backward("subtract")
    __mul__, __rmul__ = _forward("multiply"), _backward("multiply")
    __floordiv__, __mod__ = _forward("floor_divide"), _forward("remainder")
    __and__, __rand__ = _forward("bitwise_and"), _backward("bitwise_and")
    __or__, __ror__ = _forward("bitwise_or"), _backward("bitwise_or")
    __xor__, __rxor__ = _forward("bitwise_xor"), _backward("bitwise_xor")
    __lt__, __gt__ = _forward("less"), _backward("less")
    __le__, __ge__ = _forward("less_equal"), _backward("less_equal")
    __eq__ = _forward("equal")
    __ne__ = _forward("not_equal")

    def __neg__(self) -> Any:
        return 0 - self

    def __bool__(self) -> bool:
        raise Refused("it asks whether a value is true")


class Symbol(Number):
    """A number that has bounds and no value: for trying out whether a function keeps the rule."""

    __slots__ = ()

    def make(self, name: str, left: Any, right: Any, low: int, high: int) -> Symbol:
        return Symbol(low, high)


class Reads(dict[Field, Symbol]):
    """Fields as symbols: what was asked for is what a function reads, in this order.

    A function that keeps the rule has no branches, so it always reads the same.
    """

    def __init__(self, fields: tuple[Field, ...]) -> None:
        super().__init__()
        self.fields = fields

    def __missing__(self, field: Field) -> Symbol:
        if field not in self.fields:
            raise Refused(f"{field} is no field of this system")
        self[field] = symbol = Symbol(0, field.top)
        return symbol


def tried(who: str, function: Callable[..., Any], *values: Reads) -> Any:
    """What a function makes of symbols. Raises InputError where it breaks the rule."""
    try:
        return function(*values)
    except (TypeError, AttributeError, KeyError, ValueError) as error:
        raise InputError(f"{who} does not run on whole levels: {error}", expected=RULE) from error
