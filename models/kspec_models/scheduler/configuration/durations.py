"""Durations as Go writes them: 1h15m30.5s, 300ms.

After time.ParseDuration. Units are h, m, s, ms, us (or µs) and ns.
"""

from __future__ import annotations

import re
from fractions import Fraction

_UNITS = {
    "ns": Fraction(1, 10**9),
    "us": Fraction(1, 10**6),
    "µs": Fraction(1, 10**6),
    "μs": Fraction(1, 10**6),
    "ms": Fraction(1, 1000),
    "s": Fraction(1),
    "m": Fraction(60),
    "h": Fraction(3600),
}
_PART = r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)"
_WHOLE = re.compile(rf"[-+]?(?:{_PART})+", re.ASCII)
_NANOSECONDS = Fraction(1, 10**9)


def parse_duration(text: str) -> Fraction | None:
    """The seconds of a duration, whole nanoseconds; None where it is none, or beyond int64."""
    if text.lstrip("+-") == "0" and len(text) <= 2:
        return Fraction(0)
    if _WHOLE.fullmatch(text) is None:
        return None
    total = sum(
        (Fraction(number.rstrip(".")) * _UNITS[unit] for number, unit in re.findall(_PART, text)),
        Fraction(0),
    )
    nanoseconds = total // _NANOSECONDS
    if nanoseconds >= 2**63:
        return None
    return (-1 if text.startswith("-") else 1) * nanoseconds * _NANOSECONDS
