"""Text of a quantity: scan what a user may write, print the canonical form.

A number here is `unscaled * 10**scale`, two ints. After staging/src/k8s.io/apimachinery/pkg/api/
resource (quantity.go, suffix.go, amount.go, math.go), Kubernetes 1.37 development.

Left out: upstream keeps some literals ("1.500", "+1") as their own text; here equal values of one
format always print alike. Upstream drops the suffix of values it has none for ("1000E" prints as
"1"); here they print as multiples of E or Ei, and below nano with an exponent. An exponent that
does not fit 32 bits wraps upstream and is refused here. None of these is reachable from sane input.
"""

import re

DECIMAL_SI = "DecimalSI"
BINARY_SI = "BinarySI"
DECIMAL_EXPONENT = "DecimalExponent"

NANO, MICRO, MILLI = -9, -6, -3
MAX_INT64 = 2**63 - 1
MIN_INT64 = -(2**63)

_DECIMAL_SUFFIXES = {
    "n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18,
}  # fmt: skip
_BINARY_SUFFIXES = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL_SUFFIX_OF = {exponent: suffix for suffix, exponent in _DECIMAL_SUFFIXES.items()}

_TEXT = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[+-]?[0-9]*)")
_EXPONENT = re.compile(r"[eE]([+-]?[0-9]+)")
_MAX_DIGITS = 4000  # below the length at which CPython refuses to convert an int
_INT64_DIGITS = 19


class QuantityError(ValueError):
    """A text or number is no quantity; the one-line message says what was expected."""


def normalise(unscaled: int, scale: int) -> tuple[int, int]:
    """The same value with no trailing zero in `unscaled`; zero is (0, 0)."""
    if unscaled == 0:
        return 0, 0
    while unscaled % 10 == 0:
        unscaled //= 10
        scale += 1
    return unscaled, scale


def round_away_from_zero(unscaled: int, scale: int, to_scale: int) -> tuple[int, int]:
    """The value as a multiple of 10**to_scale, away from zero; finer scales are left alone."""
    down = to_scale - scale
    if down <= 0 or unscaled == 0:
        return unscaled, scale
    magnitude = abs(unscaled)
    # Where 10**down is surely larger, only the rounding unit is left: do not write it out.
    rounded = 1 if down > magnitude.bit_length() else -(-magnitude // 10**down)
    return (rounded if unscaled > 0 else -rounded), to_scale


def scan(text: str) -> tuple[int, int, str]:
    """Read `text` as ParseQuantity does: (unscaled, scale, format), or raise QuantityError.

    Non-zero values are rounded away from zero to nano. BinarySI values are capped at 2**63-1 in
    magnitude, and are DecimalSI when below one.
    """
    found = _TEXT.fullmatch(text)
    if found is None or not text:
        raise QuantityError(
            f"quantity {_shown(text)}: expected a number and an optional suffix, "
            "such as 500m, 1.5Gi or 1e3"
        )
    sign, whole, fraction, suffix = found.groups(default="")
    exponent, format = _interpret(suffix, text)
    unscaled, scale = _magnitude(whole.lstrip("0") or "0", fraction, exponent, format, text)
    unscaled, scale = round_away_from_zero(unscaled, scale, NANO)
    if format == BINARY_SI:
        unscaled, scale, format = _bounded_binary(unscaled, scale)
    return (-unscaled if sign == "-" else unscaled), scale, format


def _interpret(suffix: str, text: str) -> tuple[int, str]:
    """Exponent and format of a suffix; the exponent is of 2 for BinarySI, else of 10."""
    if suffix in _DECIMAL_SUFFIXES:
        return _DECIMAL_SUFFIXES[suffix], DECIMAL_SI
    if suffix in _BINARY_SUFFIXES:
        return _BINARY_SUFFIXES[suffix], BINARY_SI
    found = _EXPONENT.fullmatch(suffix)
    if found is None or len(suffix) > 20 or not -(2**31) < int(found[1]) < 2**31:
        raise QuantityError(
            f"quantity {_shown(text)}: unknown suffix {_shown(suffix)}, expected one of "
            "n u m k M G T P E, Ki Mi Gi Ti Pi Ei, or an exponent such as e3"
        )
    return int(found[1]), DECIMAL_EXPONENT


def _magnitude(whole: str, fraction: str, exponent: int, format: str, text: str) -> tuple[int, int]:
    digits = len(whole) + len(fraction)
    if digits > _MAX_DIGITS:
        raise QuantityError(
            f"quantity {_shown(text)}: expected at most {_MAX_DIGITS} digits, got {digits}"
        )
    unscaled, scale = int(whole + fraction), -len(fraction)
    if format == BINARY_SI:
        return unscaled << exponent, scale
    scale += exponent
    # Upstream reads up to 19 digits as one int64 and does not fall back when that overflows.
    if digits <= _INT64_DIGITS and scale >= NANO and unscaled > MAX_INT64:
        raise QuantityError(
            f"quantity {_shown(text)}: expected 19 digits to be at most {MAX_INT64} (as upstream)"
        )
    return unscaled, scale


def _bounded_binary(unscaled: int, scale: int) -> tuple[int, int, str]:
    """Cap a non-negative BinarySI value; scale is at most zero here."""
    one = 10**-scale
    if unscaled > MAX_INT64 * one:
        return MAX_INT64, 0, BINARY_SI
    return unscaled, scale, DECIMAL_SI if 0 < unscaled < one else BINARY_SI


def canonical(unscaled: int, scale: int, format: str) -> str:
    """Canonical text of a normalised value: whole mantissa, suffix as large as possible.

    BinarySI falls back to DecimalSI for fractions and below 1024; an unknown format prints as
    DecimalExponent.
    """
    if unscaled == 0:
        return "0"
    if format == BINARY_SI:
        if scale >= 0 and (scale > 3 or abs(unscaled * 10**scale) >= 1024):
            return _canonical_binary(unscaled * 10**scale)
        format = DECIMAL_SI
    shift = scale % 3
    mantissa, exponent = unscaled * 10**shift, scale - shift
    if format == DECIMAL_SI and exponent > 18:
        mantissa, exponent = mantissa * 10 ** (exponent - 18), 18
    if format == DECIMAL_SI and exponent in _DECIMAL_SUFFIX_OF:
        return f"{mantissa}{_DECIMAL_SUFFIX_OF[exponent]}"
    return f"{mantissa}e{exponent}" if exponent else str(mantissa)


def _canonical_binary(value: int) -> str:
    suffix = ""
    for candidate in _BINARY_SUFFIXES:
        if value % 1024:
            break
        value, suffix = value // 1024, candidate
    return f"{value}{suffix}"


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")
