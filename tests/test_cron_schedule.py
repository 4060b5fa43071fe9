"""Schedules: when a text of cron is due, with the words of robfig/cron for what is none."""

import pytest

from kspec_models.cron_schedule import parse
from kspec_models.objects.record import encode_time


def times(text, start=0, count=3):
    """The next times of a schedule, as text."""
    found, second = [], start
    for _ in range(count):
        second = parse(text).after(second)
        found.append(encode_time(second)[:16])
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("* * * * *", ["2024-01-01T00:01", "2024-01-01T00:02", "2024-01-01T00:03"]),
        ("*/25 3 * * *", ["2024-01-01T03:00", "2024-01-01T03:25", "2024-01-01T03:50"]),
        ("7/20 0 ? * ?", ["2024-01-01T00:07", "2024-01-01T00:27", "2024-01-01T00:47"]),
        ("0 12 * JAN-mar sun", ["2024-01-07T12:00", "2024-01-14T12:00", "2024-01-21T12:00"]),
        ("0 0 13 * 5", ["2024-01-05T00:00", "2024-01-12T00:00", "2024-01-13T00:00"]),
        ("0 0 */16 * 5", ["2024-01-05T00:00", "2024-01-12T00:00", "2024-01-17T00:00"]),
        ("0 0 13 * *", ["2024-01-13T00:00", "2024-02-13T00:00", "2024-03-13T00:00"]),
        ("0 0 29 2 *", ["2024-02-29T00:00", "2028-02-29T00:00", "2032-02-29T00:00"]),
        ("59 23 31 12 *", ["2024-12-31T23:59", "2025-12-31T23:59", "2026-12-31T23:59"]),
        ("5,1,3 0 1 1 *", ["2024-01-01T00:01", "2024-01-01T00:03", "2024-01-01T00:05"]),
        ("@hourly", ["2024-01-01T01:00", "2024-01-01T02:00", "2024-01-01T03:00"]),
        ("@weekly", ["2024-01-07T00:00", "2024-01-14T00:00", "2024-01-21T00:00"]),
        ("@monthly", ["2024-02-01T00:00", "2024-03-01T00:00", "2024-04-01T00:00"]),
        ("@yearly", ["2025-01-01T00:00", "2026-01-01T00:00", "2027-01-01T00:00"]),
        ("@every 1h30m", ["2024-01-01T01:30", "2024-01-01T03:00", "2024-01-01T04:30"]),
    ],
)
def test_a_schedule_is_due(text, expected):
    assert times(text) == expected


def test_a_time_is_later_than_the_one_asked_about():
    assert parse("* * * * *").after(59) == 60
    assert parse("* * * * *").after(60) == 120
    assert parse("@every 10s").after(7) == 17


@pytest.mark.parametrize("text", ["0 0 31 2 *", "0 0 30 feb ?", ", * * * *"])
def test_a_schedule_may_never_be_due(text):
    assert parse(text).after(0) is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty spec string"),
        ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
        ("60 * * * *", "end of range (60) above maximum (59): 60"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("* * * * 7", "end of range (7) above maximum (6): 7"),
        ("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
        ("*/2/2 * * * *", "too many slashes: */2/2"),
        ("x * * * *", 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'),
        ("@often", "unrecognized descriptor: @often"),
        ("@every hour", 'failed to parse duration @every hour: time: invalid duration "hour"'),
    ],
)
def test_what_is_no_schedule_is_told_as_upstream_does(text, problem):
    with pytest.raises(ValueError) as caught:
        parse(text)
    assert str(caught.value) == problem
