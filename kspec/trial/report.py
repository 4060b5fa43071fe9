"""A report card for people: pure, values in and text out, the same for the same width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
}
"""The short word of each verdict and its style."""

_INPUT_LINES = 40


def render(card: Card, width: int, is_color: bool) -> str:
    """The whole card of one policy."""
    return to_text(_parts(card), width, is_color)


def _parts(card: Card) -> Iterator[RenderableType]:
    yield Text(f"policy {card.policy}: {_conclusion(card)}", "bold")
    yield ""
    for section in card.sections:
        yield from _section(section)
        yield ""
    for number, charge in enumerate(card.charges, 1):
        yield from _charge(number, charge)
        yield ""


def _conclusion(card: Card) -> str:
    if card.charges:
        names = ", ".join(dict.fromkeys(charge.name for charge in card.charges))
        return f"convicted of {names}"
    return "unfinished" if card.is_unfinished else "no charge"


def _section(section: Section) -> Iterator[RenderableType]:
    yield Text(f"{section.name} ({section.seconds:.1f} s)", "bold")
    table = plain_table("", "", "")
    table.show_header = False
    for finding in section.findings:
        word, style = WORDS[finding.verdict]
        table.add_row(Text(word, style), finding.name, finding.text)
    if section.findings:
        yield Padding(table, (0, 0, 0, 2))
    if section.rows:
        yield Padding(_rows(section), (0, 0, 0, 2))


def _rows(section: Section) -> RenderableType:
    """The table of a section; a verdict in it is shown by its short word."""
    headers = list(dict.fromkeys(key for row in section.rows for key in row))
    table = plain_table(*headers)
    for row in section.rows:
        cells = [str(row.get(header, "")) for header in headers]
        table.add_row(*(Text(*WORDS[cell]) if cell in WORDS else cell for cell in cells))
    return table


def _charge(number: int, charge: Charge) -> Iterator[RenderableType]:
    at = f", {charge.place}" if charge.place else ""
    yield Text(f"charge {number}: {charge.name} ({charge.section}{at})", "bold red")
    yield f"  {charge.text}"
    if charge.input:
        lines = charge.input.rstrip().splitlines()
        yield "  input:"
        for line in lines[:_INPUT_LINES]:
            yield f"    {line}"
        if len(lines) > _INPUT_LINES:
            yield f"    ... {len(lines) - _INPUT_LINES} more lines: --json has all of them"
    if charge.trace:
        yield f"  {count(charge.actions or 0, 'action', 'actions')}; replay:  kspec replay {charge.trace}"


def summary(cards: Sequence[Card]) -> str:
    """One line per policy."""
    lines = [f"{card.policy}: {_conclusion(card)}" for card in cards]
    return "\n".join(lines) + "\n" if lines else ""
