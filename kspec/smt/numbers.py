"""Symbolic integers and booleans that plain code runs on as if they were int and bool.

A truth value forks the path (see paths). Arithmetic is Python's: `//` and `%` round down, a zero
divisor raises ZeroDivisionError on the paths that have one; `truncated_div` and `truncated_mod`
are Go's. z3 itself states each division by quotient and remainder, so no fresh variables are
needed and a division may stand under a quantifier.

A use for which only a concrete number will do (int, hash, index, float, str, bit operations) ends
the path as Unknown. Inside an exploration that holds for repr too, as it may become a key.
"""

from collections.abc import Callable
from typing import Any, NoReturn

import z3

from kspec.smt.paths import cannot_be_concrete, check_range, decide, is_exploring

LARGEST_EXPONENT = 64


def _arithmetic(operator: Callable[[Any, Any], Any]) -> Callable[[Any, object], Any]:
    def method(self: "Int", other: object) -> Any:
        term = _operand(other)
        return NotImplemented if term is None else _checked(operator(self.term, term))

    return method


def _comparison(operator: Callable[[Any, Any], Any]) -> Callable[[Any, object], Any]:
    def method(self: "Int", other: object) -> Any:
        term = _operand(other)
        return NotImplemented if term is None else Bool(operator(self.term, term))

    return method


def _connective(operator: Callable[[Any, Any], Any]) -> Callable[[Any, object], Any]:
    def method(self: "Bool", other: object) -> Any:
        return Bool(operator(self.condition, _condition(other)))

    return method


def _refused(use: str) -> Callable[..., Any]:
    def method(self: "Int", *others: object) -> Any:
        raise cannot_be_concrete(use)

    return method


def _refuse_zero(divisor: Any) -> None:
    if (z3.is_int_value(divisor) and divisor.as_long() != 0) or not decide(divisor == 0):
        return
    raise ZeroDivisionError("integer division or modulo by zero")


def _floor_quotient(dividend: Any, divisor: Any) -> Any:
    _refuse_zero(divisor)
    # z3 rounds so that the remainder is at least 0: down, for a positive divisor only.
    return z3.If(divisor > 0, dividend / divisor, (-dividend) / (-divisor))


def _floor_remainder(dividend: Any, divisor: Any) -> Any:
    _refuse_zero(divisor)
    return z3.If(divisor > 0, dividend % divisor, -((-dividend) % (-divisor)))


def _truncated_quotient(dividend: Any, divisor: Any) -> Any:
    _refuse_zero(divisor)
    return z3.If(dividend >= 0, dividend / divisor, -((-dividend) / divisor))


class Int:
    """A symbolic int: a z3 integer term behind int's operators."""

    __slots__ = ("term",)

    def __init__(self, term: Any) -> None:
        self.term = term

    @property  # type: ignore[misc]  # isinstance(number, int) must answer as it does on int
    def __class__(self) -> type:
        return int

    def __bool__(self) -> bool:
        return decide(self.term != 0)

    __add__ = _arithmetic(lambda a, b: a + b)
    __radd__ = _arithmetic(lambda a, b: b + a)
    __sub__ = _arithmetic(lambda a, b: a - b)
    __rsub__ = _arithmetic(lambda a, b: b - a)
    __mul__ = _arithmetic(lambda a, b: a * b)
    __rmul__ = _arithmetic(lambda a, b: b * a)
    __floordiv__ = _arithmetic(_floor_quotient)
    __rfloordiv__ = _arithmetic(lambda a, b: _floor_quotient(b, a))
    __mod__ = _arithmetic(_floor_remainder)
    __rmod__ = _arithmetic(lambda a, b: _floor_remainder(b, a))
    __lt__ = _comparison(lambda a, b: a < b)
    __le__ = _comparison(lambda a, b: a <= b)
    __gt__ = _comparison(lambda a, b: a > b)
    __ge__ = _comparison(lambda a, b: a >= b)
    __eq__ = _comparison(lambda a, b: a == b)
    __ne__ = _comparison(lambda a, b: a != b)
    __hash__ = _refused("hash(), a set or the key of a mapping")
    __int__ = _refused("int()")
    __index__ = _refused("an index, a range or a repetition")
    __float__ = _refused("float()")
    __complex__ = _refused("complex()")
    __truediv__ = __rtruediv__ = _refused("true division, whose result is a float,")
    __and__ = __or__ = __xor__ = __rand__ = __ror__ = __rxor__ = _refused("a bit operation")
    __rpow__ = __rlshift__ = __rrshift__ = _refused("a power or shift by a symbolic number")

    def __divmod__(self, other: object) -> tuple[Any, Any]:
        return self // other, self % other

    def __rdivmod__(self, other: object) -> tuple[Any, Any]:
        return other // self, other % self

    def __pow__(self, exponent: object, modulus: object = None) -> Any:
        if modulus is not None:
            _refuse("a power with a modulus")
        power: Any = 1
        for _ in range(_plain_exponent(exponent)):
            power = power * self
        return power

    def __lshift__(self, places: object) -> Any:
        return self * 2 ** _plain_exponent(places)

    def __rshift__(self, places: object) -> Any:
        return self // 2 ** _plain_exponent(places)

    def __neg__(self) -> "Int":
        return _checked(-self.term)

    def __abs__(self) -> "Int":
        return _checked(z3.If(self.term >= 0, self.term, -self.term))

    def __invert__(self) -> "Int":
        return _checked(-self.term - 1)

    def __pos__(self) -> "Int":
        return Int(self.term)

    __trunc__ = __floor__ = __ceil__ = __pos__

    def __round__(self, digits: object = None) -> "Int":
        return Int(self.term) if digits is None else _refuse("round() to a number of digits")

    def __repr__(self) -> str:
        if is_exploring():
            _refuse("str(), repr() or a format, which might become a key,")
        return " ".join(str(self.term).split())

    def __format__(self, specification: str) -> str:
        return repr(self)

    def __deepcopy__(self, memo: object = None) -> "Int":
        return self

    __copy__ = __deepcopy__

    def __getattr__(self, name: str) -> Any:
        if hasattr(int, name):
            _refuse(f"int.{name}")
        raise AttributeError(f"'int' object has no attribute {name!r}")


class Bool(Int):
    """A symbolic bool; as in Python it counts as 0 or 1 in arithmetic."""

    __slots__ = ("condition",)

    def __init__(self, condition: Any) -> None:
        self.condition = condition
        self.term = z3.If(condition, z3.IntVal(1), z3.IntVal(0))

    @property  # type: ignore[misc]  # isinstance(flag, bool) must answer as it does on bool
    def __class__(self) -> type:
        return bool

    def __bool__(self) -> bool:
        return decide(self.condition)

    __and__ = _connective(z3.And)
    __or__ = _connective(z3.Or)
    __xor__ = _connective(z3.Xor)
    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__


def integers(*names: str) -> dict[str, Any]:
    """A symbolic integer for each name, in the order given; typed Any, as they pass for ints."""
    return {name: Int(z3.Int(name)) for name in names}


def term_of(number: object) -> Any:
    """The z3 integer term of a symbolic or plain integer. Raises TypeError for anything else."""
    term = _operand(number)
    if term is None:
        raise TypeError(f"expected an integer, got {number!r}; symbolic code computes on int only")
    return term


def truncated_div(dividend: int, divisor: int) -> int:
    """The quotient as Go computes it, rounded toward zero; on plain and on symbolic integers.

    Raises ZeroDivisionError for a zero divisor, where Go panics.
    """
    if isinstance(dividend, Int) or isinstance(divisor, Int):
        symbolic: Any = _checked(_truncated_quotient(term_of(dividend), term_of(divisor)))
        return symbolic
    quotient = abs(dividend) // abs(divisor)
    return quotient if (dividend < 0) == (divisor < 0) else -quotient


def truncated_mod(dividend: int, divisor: int) -> int:
    """The remainder of `truncated_div`: it has the sign of the dividend, as Go's % does."""
    return dividend - divisor * truncated_div(dividend, divisor)


def _operand(other: object) -> Any:
    if isinstance(other, Int):
        return other.term
    if isinstance(other, int):
        return z3.IntVal(int(other))
    if isinstance(other, float | complex):
        _refuse(f"meeting the float {other!r}")
    return None


def _condition(other: object) -> Any:
    if isinstance(other, Bool):
        return other.condition
    return z3.BoolVal(other) if type(other) is bool else _refuse("a bit operation")


def _checked(term: Any) -> Int:
    check_range(term)
    return Int(term)


def _plain_exponent(exponent: object) -> int:
    if type(exponent) is int and 0 <= exponent <= LARGEST_EXPONENT:
        return exponent
    return _refuse(f"a power or shift other than by a plain number up to {LARGEST_EXPONENT}")


def _refuse(use: str) -> NoReturn:
    raise cannot_be_concrete(use)
