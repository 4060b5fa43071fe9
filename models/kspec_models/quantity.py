"""Quantity: the exact fixed-point number of CPU, memory and every other resource.

After staging/src/k8s.io/apimachinery/pkg/api/resource (quantity.go, amount.go, scale_int.go),
Kubernetes 1.37 development. Values are exact ints of any size; only the int64 views (`value`,
`milli_value`, `scaled_value`) saturate at the int64 limits, as upstream's fast path does.

Left out: the two representations (int64Amount and inf.Dec) and the places where they disagree:
values beyond int64 and negative fractions round away from zero in both here. Operations return a
new Quantity instead of changing one.
"""

from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import TypeAlias

import attrs

from kspec_models.quantity_text import (
    BINARY_SI,
    DECIMAL_EXPONENT,
    DECIMAL_SI,
    MAX_INT64,
    MICRO,
    MILLI,
    MIN_INT64,
    NANO,
    QuantityError,
    canonical,
    normalise,
    round_away_from_zero,
    scan,
)

__all__ = [
    "BINARY_SI",
    "DECIMAL_EXPONENT",
    "DECIMAL_SI",
    "MICRO",
    "MILLI",
    "NANO",
    "Quantity",
    "QuantityError",
    "QuantityLike",
    "milli",
    "parse",
    "quantity",
    "unmarshal_json",
    "whole",
]

_INT64_EXPONENT = 19  # 10**19 is the first power of ten beyond int64
_MAX_ALIGNMENT = 4000  # decimal digits that adding two numbers may write out


@attrs.frozen(repr=False, cache_hash=True)
class Quantity:
    """The value `unscaled * 10**scale` and the format it prints in; always normalised.

    Equal means same value and same format, so equal quantities print alike; `equals` and `cmp`
    compare values only, as upstream's Equal and Cmp do.
    """

    unscaled: int = 0
    scale: int = 0
    format: str = DECIMAL_SI

    def __attrs_post_init__(self) -> None:
        if self.unscaled % 10 == 0:
            unscaled, scale = normalise(self.unscaled, self.scale)
            object.__setattr__(self, "unscaled", unscaled)
            object.__setattr__(self, "scale", scale)

    @classmethod
    def new(cls, value: int, format: str = DECIMAL_SI) -> "Quantity":
        """`value` whole units."""
        return cls(value, 0, format)

    @classmethod
    def new_milli(cls, value: int, format: str = DECIMAL_SI) -> "Quantity":
        """`value` thousandths."""
        return cls(value, MILLI, format)

    @classmethod
    def new_scaled(cls, value: int, scale: int, format: str = DECIMAL_SI) -> "Quantity":
        """`value` units of 10**scale."""
        return cls(value, scale, format)

    @classmethod
    def new_decimal(cls, value: Decimal | str, format: str = DECIMAL_SI) -> "Quantity":
        """Exactly `value` (a finite decimal), neither rounded nor capped."""
        sign, digits, exponent = Decimal(value).as_tuple()
        if not isinstance(exponent, int):
            raise QuantityError(f"quantity {value!s}: expected a finite decimal number")
        magnitude = int("".join(map(str, digits)))
        return cls(-magnitude if sign else magnitude, exponent, format)

    def __str__(self) -> str:
        return canonical(self.unscaled, self.scale, self.format)

    def __repr__(self) -> str:
        return f"Quantity({str(self)!r})"

    @property
    def is_zero(self) -> bool:
        return self.unscaled == 0

    @property
    def sign(self) -> int:
        """-1, 0 or 1."""
        return (self.unscaled > 0) - (self.unscaled < 0)

    def cmp(self, other: "Quantity") -> int:
        """-1, 0 or 1 as this value is below, equal to or above `other`."""
        if self.scale == other.scale or self.sign != other.sign or self.is_zero:
            return (self.unscaled > other.unscaled) - (self.unscaled < other.unscaled)
        # Settle by magnitude first: aligning two far scales would write their distance in digits.
        mine, theirs = _digits(self.unscaled) + self.scale, _digits(other.unscaled) + other.scale
        if mine != theirs:
            return self.sign if mine > theirs else -self.sign
        a, b, _ = _aligned(self, other)
        return (a > b) - (a < b)

    def equals(self, other: "Quantity") -> bool:
        """Same value, whatever the format."""
        return self.unscaled == other.unscaled and self.scale == other.scale

    def add(self, other: "Quantity") -> "Quantity":
        """The sum, in this format, or in `other`'s when this is zero."""
        a, b, scale = _aligned(self, other)
        return Quantity(a + b, scale, other.format if self.is_zero else self.format)

    def sub(self, other: "Quantity") -> "Quantity":
        """The difference, in this format, or in `other`'s when this is zero."""
        return self.add(other.neg())

    def mul(self, factor: int) -> "Quantity":
        """The product, exact at any size; `mul_fits_int64` tells what upstream's Mul returns."""
        return Quantity(self.unscaled * factor, self.scale, self.format)

    def mul_fits_int64(self, factor: int) -> bool:
        """Whether the product's unscaled number still fits an int64: the answer of Mul."""
        unscaled, _ = self._int64_form()
        return _fits_int64(unscaled * factor)

    def neg(self) -> "Quantity":
        return Quantity(-self.unscaled, self.scale, self.format)

    def round_up(self, scale: int) -> "Quantity":
        """Rounded away from zero to a multiple of 10**scale; equal to self when that is exact."""
        return Quantity(*round_away_from_zero(self.unscaled, self.scale, scale), self.format)

    def value(self) -> int:
        """Whole units, rounded away from zero, within int64."""
        return self.scaled_value(0)

    def milli_value(self) -> int:
        """Thousandths, rounded away from zero, within int64."""
        return self.scaled_value(MILLI)

    def scaled_value(self, scale: int) -> int:
        """Units of 10**scale, rounded away from zero; saturates at the int64 limits."""
        if self.is_zero:
            return 0
        unscaled, own_scale = round_away_from_zero(self.unscaled, self.scale, scale)
        up = own_scale - scale
        if up >= _INT64_EXPONENT:
            return MAX_INT64 if unscaled > 0 else MIN_INT64
        result: int = unscaled * 10**up
        return max(MIN_INT64, min(MAX_INT64, result))

    def as_fraction(self) -> Fraction:
        """The exact value."""
        return self.unscaled * Fraction(10) ** self.scale

    def as_float(self) -> float:
        """Upstream's AsApproximateFloat64, bit for bit: one float product, maybe infinite."""
        unscaled, scale = self._int64_form()
        try:
            base = float(unscaled)
        except OverflowError:
            base = float("inf") if unscaled > 0 else float("-inf")
        return base if scale == 0 else base * _pow10(scale)

    def as_float_exact(self) -> float:
        """Upstream's AsFloat64Slow: the float nearest to the value, maybe infinite."""
        magnitude = _digits(self.unscaled) + self.scale
        if magnitude > 400 or magnitude < -400:
            return self.sign * (float("inf") if magnitude > 0 else 0.0)
        try:
            return float(self.as_fraction())
        except OverflowError:
            return self.sign * float("inf")

    def _int64_form(self) -> tuple[int, int]:
        """At scale zero where a whole number fits an int64 there, else as it stands."""
        if 0 < self.scale < _INT64_EXPONENT:
            whole_units = self.unscaled * 10**self.scale
            if _fits_int64(whole_units):
                return whole_units, 0
        return self.unscaled, self.scale


QuantityLike: TypeAlias = Quantity | str | int | float


@lru_cache(maxsize=8192)
def parse(text: str) -> Quantity:
    """The quantity that `text` writes ("100m", "1.5Gi", "1e3"); raises QuantityError."""
    return Quantity(*scan(text))


def quantity(value: QuantityLike) -> Quantity:
    """A quantity from what YAML or JSON gives: text, a number, or a Quantity as it is."""
    if isinstance(value, Quantity):
        return value
    if isinstance(value, str):
        return parse(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise QuantityError(f"quantity {value!r}: expected text or a number, such as '500m' or 2")
    return parse(str(value))


def unmarshal_json(text: str) -> Quantity:
    """The quantity of a JSON value: null (zero), a number or a string, spaces around allowed."""
    text = text.strip()
    if text == "null":
        return Quantity(0, 0, "")
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1]
    return parse(text.strip())


def milli(value: QuantityLike) -> int:
    """Thousandths of `value`, as `milli_value`: the unit of CPU in the scheduler."""
    return _milli_of_text(value) if isinstance(value, str) else quantity(value).milli_value()


def whole(value: QuantityLike) -> int:
    """Whole units of `value`, as `Quantity.value`: the unit of all resources but CPU."""
    return _whole_of_text(value) if isinstance(value, str) else quantity(value).value()


@lru_cache(maxsize=8192)
def _milli_of_text(text: str) -> int:
    return parse(text).milli_value()


@lru_cache(maxsize=8192)
def _whole_of_text(text: str) -> int:
    return parse(text).value()


def _aligned(a: Quantity, b: Quantity) -> tuple[int, int, int]:
    """Both unscaled numbers at the finer of the two scales, and that scale."""
    if a.is_zero or b.is_zero:
        return a.unscaled, b.unscaled, b.scale if a.is_zero else a.scale
    scale = min(a.scale, b.scale)
    if max(a.scale, b.scale) - scale > _MAX_ALIGNMENT:
        raise QuantityError(f"{a} and {b}: expected scales within {_MAX_ALIGNMENT} digits")
    return a.unscaled * 10 ** (a.scale - scale), b.unscaled * 10 ** (b.scale - scale), scale


def _digits(number: int) -> int:
    return len(str(abs(number)))


def _fits_int64(number: int) -> bool:
    return MIN_INT64 <= number <= MAX_INT64


def _pow10(exponent: int) -> float:
    """10**exponent as Go's math.Pow10 computes it: from two tables, so 0 or inf out of range."""
    if not -323 <= exponent <= 308:
        return 0.0 if exponent < 0 else float("inf")
    coarse, fine = divmod(abs(exponent), 32)
    high, low = float(f"1e{32 * coarse}"), float(f"1e{fine}")
    return high * low if exponent >= 0 else float(f"1e-{32 * coarse}") / low
