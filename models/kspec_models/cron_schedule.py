"""Schedules of CronJobs: when a text of cron is due, in virtual seconds, read in UTC.

After ParseStandard and SpecSchedule.Next of github.com/robfig/cron v3 (parser.go, spec.go,
constantdelay.go), which Kubernetes 1.36 uses: five fields (minute, hour, day of month, month, day
of week) of numbers, names, ranges, steps and lists; `?` is `*`; Sunday is 0 and never 7; the macros
@yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly, and "@every 1h30m". Where both
days are restricted, either one suffices; a `*` with a step restricts. A schedule that is not due
within five years (31 February) is never due.

Left out: time zones, and so the hours that a change of the clock skips or repeats.
"""

from __future__ import annotations

import datetime
import functools
import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Final, NamedTuple

from kspec_models.objects.record import EPOCH

SEARCHED_YEARS: Final = 5
_MONTHS: Final = (
    *("jan", "feb", "mar", "apr", "may", "jun"),
    *("jul", "aug", "sep", "oct", "nov", "dec"),
)
_DAYS: Final = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_UNITS: Final = {
    "ns": Fraction(1, 10**9),
    "us": Fraction(1, 10**6),
    "µs": Fraction(1, 10**6),
    "ms": Fraction(1, 1000),
    "s": Fraction(1),
    "m": Fraction(60),
    "h": Fraction(3600),
}
_DURATION: Final = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)")
_INTEGER: Final = re.compile(r"[+-]?[0-9]+")
_MACROS: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


class _Bounds(NamedTuple):
    low: int
    high: int
    names: Mapping[str, int]


_BOUNDS: Final = (
    _Bounds(0, 59, {}),
    _Bounds(0, 23, {}),
    _Bounds(1, 31, {}),
    _Bounds(1, 12, {name: i + 1 for i, name in enumerate(_MONTHS)}),
    _Bounds(0, 6, {name: i for i, name in enumerate(_DAYS)}),
)


class _Field(NamedTuple):
    values: tuple[int, ...]
    is_any: bool


class Schedule(NamedTuple):
    """When it is due: the values of each field, or `every` so many seconds."""

    minutes: tuple[int, ...] = ()
    hours: tuple[int, ...] = ()
    days: tuple[int, ...] = ()
    months: tuple[int, ...] = ()
    weekdays: tuple[int, ...] = ()
    is_any_day: bool = False
    is_any_weekday: bool = False
    every: int = 0

    def after(self, second: int) -> int | None:
        """The first virtual second later than `second` at which it is due; None if there is none.

        Found day by day, so that it costs no more than the days of five years.
        """
        if self.every:
            return second + self.every
        if not self.minutes or not self.hours:
            return None
        start = EPOCH + datetime.timedelta(seconds=second // 60 * 60 + 60)
        day, earliest = start.date(), (start.hour, start.minute)
        while day.year <= start.year + SEARCHED_YEARS:
            time = self._time(earliest) if self._falls_on(day) else None
            if time is not None:
                found = datetime.datetime(*day.timetuple()[:3], *time, tzinfo=datetime.UTC)
                return int((found - EPOCH).total_seconds())
            day, earliest = day + datetime.timedelta(days=1), (0, 0)
        return None

    def _time(self, earliest: tuple[int, int]) -> tuple[int, int] | None:
        times = ((h, m) for h in self.hours if h >= earliest[0] for m in self.minutes)
        return next((time for time in times if time >= earliest), None)

    def _falls_on(self, day: datetime.date) -> bool:
        if day.month not in self.months:
            return False
        by_day, by_weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        if self.is_any_day or self.is_any_weekday:
            return by_day and by_weekday
        return by_day or by_weekday


@functools.lru_cache(maxsize=1_024)
def parse(text: str) -> Schedule:
    """The schedule of a text; raises ValueError with the words of robfig/cron."""
    if not text:
        raise ValueError("empty spec string")
    if text.startswith(("TZ=", "CRON_TZ=")):
        zone, _, text = text.partition("=")[2].partition(" ")
        if zone not in ("", "UTC"):
            raise ValueError(f"provided bad location {zone}: unknown time zone {zone}")
        text = text.strip()
    if text.startswith("@every "):
        return Schedule(every=_duration(text))
    if text.startswith("@") and text not in _MACROS:
        raise ValueError(f"unrecognized descriptor: {text}")
    words = _MACROS.get(text, text).split()
    if len(words) != len(_BOUNDS):
        raise ValueError(f"expected exactly 5 fields, found {len(words)}: [{' '.join(words)}]")
    minute, hour, day, month, weekday = (
        _field(word, bounds) for word, bounds in zip(words, _BOUNDS, strict=True)
    )
    return Schedule(
        minute.values,
        hour.values,
        day.values,
        month.values,
        weekday.values,
        day.is_any,
        weekday.is_any,
    )


def _duration(text: str) -> int:
    """Whole seconds of `@every <duration>`, one at least."""
    word = text.removeprefix("@every ")
    body = word.lstrip("+-") if word[:1] in "+-" else word
    if body != "0" and (not body or _DURATION.sub("", body)):
        reason = f'time: invalid duration "{word}"'
        raise ValueError(f"failed to parse duration {text}: {reason}")
    total = sum(Fraction(number) * _UNITS[unit] for number, unit in _DURATION.findall(body))
    return 1 if word.startswith("-") else max(int(total), 1)


def _field(text: str, bounds: _Bounds) -> _Field:
    values: set[int] = set()
    is_any = False
    for part in text.split(","):
        if part:
            more, is_star = _range(part, bounds)
            values.update(more)
            is_any = is_any or is_star
    return _Field(tuple(sorted(values)), is_any)


def _range(text: str, bounds: _Bounds) -> tuple[range, bool]:
    """The values of one range with its step, and whether it is a bare star."""
    limits, *steps = text.split("/")
    low, *highs = limits.split("-")
    is_star = low in ("*", "?")
    start, end = bounds.low, bounds.high
    if not is_star:
        start = _number(low, bounds.names)
        if len(highs) > 1:
            raise ValueError(f"too many hyphens: {text}")
        end = _number(highs[0], bounds.names) if highs else start
    if len(steps) > 1:
        raise ValueError(f"too many slashes: {text}")
    step = _number(steps[0], {}) if steps else 1
    if steps and not highs:
        end = bounds.high
    _check(start, end, step, text, bounds)
    return range(start, end + 1, step), is_star and step == 1


def _check(start: int, end: int, step: int, text: str, bounds: _Bounds) -> None:
    if start < bounds.low:
        raise ValueError(f"beginning of range ({start}) below minimum ({bounds.low}): {text}")
    if end > bounds.high:
        raise ValueError(f"end of range ({end}) above maximum ({bounds.high}): {text}")
    if start > end:
        raise ValueError(f"beginning of range ({start}) beyond end of range ({end}): {text}")
    if step == 0:
        raise ValueError(f"step of range should be a positive number: {text}")


def _number(text: str, names: Mapping[str, int]) -> int:
    known = names.get(text.lower())
    if known is not None:
        return known
    if not _INTEGER.fullmatch(text):
        reason = f'strconv.Atoi: parsing "{text}": invalid syntax'
        raise ValueError(f"failed to parse int from {text}: {reason}")
    if int(text) < 0:
        raise ValueError(f"negative number ({int(text)}) not allowed: {text}")
    return int(text)
