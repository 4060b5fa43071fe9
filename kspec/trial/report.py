"""A report card for people: pure, values in and text out, the same for the same width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from kspec.report import plain_table, to_text
from kspec.report_failures import count
from kspec.trial.card import (
    FAILS,
    HOLDS,
    NO_VIOLATION,
    NOT_PROMISED,
    PROVED,
    UNKNOWN,
    VACUOUS,
    Card,
    Charge,
    Section,
)

WORDS = {
    FAILS: ("FAILS", "bold red"),
    HOLDS: ("holds", "bold green"),
    PROVED: ("proved", "bold green"),
    NO_VIOLATION: ("kept", "green"),
    UNKNOWN: ("unknown", "yellow"),
    NOT_PROMISED: ("-", "dim"),
    VACUOUS: ("unseen", "yellow"),
}
"""The short word of each verdict and its style."""

_INPUT_LINES = 40
_INDENT = (0, 0, 0, 2)
_LONG = 8
"""A word of a header that is longer is broken in two."""


def render(card: Card, width: int, is_color: bool) -> str:
    """The whole card of one policy."""
    return to_text(_parts(card, width), width, is_color)


def _parts(card: Card, width: int) -> Iterator[RenderableType]:
    yield Text(f"policy {card.policy}: {_conclusion(card)}", "bold")
    yield ""
    for section in card.sections:
        yield from _section(section, width)
        yield ""
    yield from _charges(card.charges)


def _conclusion(card: Card) -> str:
    if card.charges:
        names = ", ".join(dict.fromkeys(charge.name for charge in card.charges))
        return f"convicted of {names}"
    return "unfinished" if card.is_unfinished else "no charge"


def _section(section: Section, width: int) -> Iterator[RenderableType]:
    yield Text(f"{section.name} ({section.seconds:.1f} s)", "bold")
    if section.text:
        yield Padding(Text(section.text, "dim"), _INDENT)
    if section.findings:
        yield Padding(_findings(section), _INDENT)
    if _is_matrix(section):
        yield from _matrix(section, width)
    elif section.rows and not _is_told(section):
        yield Padding(_rows(section), _INDENT)


def _findings(section: Section) -> RenderableType:
    """A line for each question; what a charge says is told once, where the charges are."""
    table = plain_table("", "", "")
    table.show_header = False
    for finding in section.findings:
        word, style = WORDS[finding.verdict]
        text = f"charge: {finding.charge.name}" if finding.charge else finding.text
        table.add_row(Text(word, style), finding.name, text)
    return table


def _is_told(section: Section) -> bool:
    """Whether the rows are of the findings above them, one each: then they are for machines."""
    names = [finding.name for finding in section.findings]
    return names == [str(next(iter(row.values()), "")) for row in section.rows]


def _rows(section: Section) -> RenderableType:
    """The table of a section; a verdict in it is shown by its short word."""
    table = plain_table(*_headers(section))
    for row in section.rows:
        table.add_row(*(_cell(row.get(header, "")) for header in _headers(section)))
    return table


def _headers(section: Section) -> list[str]:
    return list(dict.fromkeys(key for row in section.rows for key in row))


def _cell(value: Any) -> Text | str:
    text = "" if value is None else str(value)
    return Text(*WORDS[text]) if text in WORDS else text


def _is_matrix(section: Section) -> bool:
    """Whether the rows are verdicts, all but what the first two columns say they are of."""
    cells = [row.get(header) for row in section.rows for header in _headers(section)[2:]]
    return bool(cells) and all(cell is None or cell in WORDS for cell in cells)


def _matrix(section: Section, width: int) -> Iterator[RenderableType]:
    """The verdicts, in several tables where the columns do not fit beside each other."""
    first, second, *names = _headers(section)
    labels = list(_labels(section, first, second))
    room = width - _INDENT[3] - max(len(label) for label in (first, *labels))
    while names:
        used = list(accumulate(1 + _width(section, name) for name in names))
        fitting = max(1, sum(each <= room for each in used))
        here, names = names[:fitting], names[fitting:]
        table = plain_table(first, *map(_header, here))
        table.box = None
        table.header_style = "dim"
        for column in table.columns:
            column.no_wrap = True
        for label, row in zip(labels, section.rows, strict=True):
            table.add_row(label, *(_cell(row.get(name, "")) for name in here))
        yield ""
        yield Padding(table, _INDENT)


def _labels(section: Section, first: str, second: str) -> Iterator[str]:
    """What each row is of; where the first column repeats, the second one tells rows apart."""
    before = None
    for row in section.rows:
        name = str(row.get(first, ""))
        yield name if name != before else f"  {row.get(second, '')} {second}"
        before = name


def _header(name: str) -> str:
    """The name of a column in lines of a few letters."""
    parts = name.split("-")
    whole = [f"{part}-" for part in parts[:-1]] + parts[-1:]
    return "\n".join(line for part in whole for line in _halves(part))


def _halves(part: str) -> Iterator[str]:
    if len(part) <= _LONG:
        yield part
    else:
        half = len(part) // 2
        yield from (f"{part[:half]}-", part[half:])


def _width(section: Section, name: str) -> int:
    """What a column of the matrix needs."""
    cells = [len(_cell(row.get(name, ""))) for row in section.rows]
    return max(*cells, *map(len, _header(name).split("\n")))


def _charges(charges: Sequence[Charge]) -> Iterator[RenderableType]:
    """Each charge with its first evidence, and a line for whatever else shows the same."""
    groups: dict[tuple[str, str], list[Charge]] = {}
    for charge in charges:  # misconduct ends every section that meets it
        groups.setdefault((charge.name, charge.place or charge.section), []).append(charge)
    for number, (first, *others) in enumerate(groups.values(), 1):
        yield from _charge(number, first)
        for other in others:
            where = "" if other.section == first.section else f" in {other.section}"
            yield Padding(Text(f"also{where}: {other.text}"), _INDENT)
            yield from _replay(other)
        yield ""


def _charge(number: int, charge: Charge) -> Iterator[RenderableType]:
    at = f", {charge.place}" if charge.place else ""
    yield Text(f"charge {number}: {charge.name} ({charge.section}{at})", "bold red")
    yield Padding(Text(charge.text), _INDENT)
    if charge.input:
        lines = charge.input.rstrip().splitlines()
        yield "  input:"
        for line in lines[:_INPUT_LINES]:
            yield f"    {line}"
        if len(lines) > _INPUT_LINES:
            yield f"    ... {len(lines) - _INPUT_LINES} more lines: --json has all of them"
    yield from _replay(charge)


def _replay(charge: Charge) -> Iterator[RenderableType]:
    if charge.trace:
        actions = charge.actions or 0
        length = count(actions, "action", "actions") if actions else "no action, then a fair run"
        yield f"  {length}:  kspec replay {charge.trace}"


def summary(cards: Sequence[Card]) -> str:
    """One line per policy."""
    lines = [f"{card.policy}: {_conclusion(card)}" for card in cards]
    return "\n".join(lines) + "\n" if lines else ""
