"""What a check found, for people: the matrix, what was covered, and each failure as a story.

Pure: values in, text out, no clock and no terminal, so the same report reads the same everywhere.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from itertools import accumulate

from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from kspec.check import Report
from kspec.coverage.text import lines as coverage_lines
from kspec.errors import EXIT_UNFINISHED
from kspec.explore.statistics import HEADERS, merged, rows
from kspec.report_failures import (
    count,
    ending,
    failure_lines,
    grouped_lines,
    replay_line,
    step_lines,
    steps_of,
)
from kspec.result import Answer, Result

__all__ = [
    "ending",
    "failure_lines",
    "plain_table",
    "render",
    "replay_line",
    "step_lines",
    "steps_of",
    "to_text",
]

WIDTH = 140

WORDS: dict[Answer, tuple[str, str, str]] = {
    Answer.FAILS: ("FAILS", "bold red", "broken, and a trace shows how"),
    Answer.HOLDS: ("holds", "bold green", "in every reachable state"),
    Answer.HOLDS_WITHIN_BOUND: ("bounded", "green", "in all schedules up to the bound"),
    Answer.NO_VIOLATION: ("kept", "green", "no violation in the random runs made"),
    Answer.VACUOUS: ("vacuous", "yellow", "what it is about was never reached"),
    Answer.UNKNOWN: ("unknown", "yellow", "not decided"),
    Answer.NOT_PROMISED: ("-", "dim", "not promised under these faults"),
}
LIMIT = ("limit", "magenta", "not promised or known to be false, and a trace shows how it breaks")


def word(result: Result) -> tuple[str, str, str]:
    """The short answer of a cell, its style and its meaning."""
    return LIMIT if result.known_limit else WORDS[result.verdict]


def to_text(parts: Iterable[RenderableType], width: int = WIDTH, is_color: bool = False) -> str:
    """Renderables as text; the same text for the same width wherever it is rendered."""
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=is_color,
        color_system="standard" if is_color else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    for part in parts:
        console.print(part, soft_wrap=isinstance(part, str | Text))
    text: str = console.file.getvalue()  # type: ignore[attr-defined]  # it is the StringIO above
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def plain_table(*headers: str) -> Table:
    """A table in the one look of all commands; the last column takes what room is left."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for number, header in enumerate(headers, 1):
        table.add_column(header, no_wrap=number < len(headers), overflow="fold")
    return table


def render(report: Report, width: int = WIDTH, is_color: bool = False) -> str:
    """The whole report of a check."""
    return to_text(_parts(report, width), width, is_color)


def _parts(report: Report, width: int) -> Iterator[RenderableType]:
    yield Text(_title(report), "bold")
    yield ""
    if report.results:
        yield from _matrix(report, width)
        yield from _legend(report.results)
        yield ""
    yield from _coverage(report)
    yield from grouped_lines(report.groups)
    yield ""
    yield _conclusion(report)


def _title(report: Report) -> str:
    mutant = f", mutant {report.plan.parts.mutant}" if report.plan.parts.mutant else ""
    judged = "judged in every column" if report.plan.is_always else "judged where promised"
    return (
        f"world {report.world_name}{mutant}, strategy {report.strategy}, seed {report.seed}: "
        f"{count(len(report.plan.rows), 'property', 'properties')}, {judged}"
    )


def _matrix(report: Report, width: int) -> Iterator[RenderableType]:
    """Property by column; in several tables where the columns do not fit beside each other."""
    cells = {(r.property, r.faults): word(r) for r in report.results}
    elsewhere = _elsewhere(report)
    shown = [prop for prop in report.plan.rows if prop.name not in elsewhere]
    room = width - max(len(prop.name) for prop in shown)
    names = [column.name for column in report.plan.columns]
    while names:
        fitting = max(1, sum(used <= room for used in accumulate(map(_width, names))))
        here, names = names[:fitting], names[fitting:]
        table = plain_table("property", *map(_header, here))
        for column in table.columns:
            column.no_wrap = True
        for prop in shown:
            row = [cells[prop.name, name] for name in here]
            table.add_row(prop.name, *(Text(short, style) for short, style, _ in row))
        yield table
        yield ""


def _elsewhere(report: Report) -> tuple[str, ...]:
    """The properties that are about what never occurred in this world; () rather than all."""
    judged: dict[str, set[Answer]] = {}
    for result in report.results:
        is_seen = result.faults in report.explorations or result.property in report.plan.absent
        if result.verdict is not Answer.NOT_PROMISED and is_seen:
            judged.setdefault(result.property, set()).add(result.verdict)
    asked = report.plan.asked
    found = [n for n, answers in judged.items() if answers == {Answer.VACUOUS} and n not in asked]
    return tuple(found) if len(found) < len(report.plan.rows) else ()


def _header(column: str) -> str:
    return column.replace("-", "-\n").replace(",", ",\n")


def _width(column: str) -> int:
    """What a column of the matrix needs, with the space before it."""
    widest = max(len(short) for short, _, _ in WORDS.values())
    return 2 + max(widest, *map(len, _header(column).split("\n")))


def _legend(results: Iterable[Result]) -> Iterator[Text]:
    used = {word(result) for result in results}
    for entry in (*WORDS.values(), LIMIT):
        if entry in used:
            yield Text(f"  {entry[0]:8} {entry[2]}", "dim")


def _coverage(report: Report) -> Iterator[RenderableType]:
    yield Text("covered", "bold")
    for column in report.plan.columns:
        seen = report.explorations.get(column.name)
        if seen is not None:
            yield f"  {column.name}: {seen.coverage}"
    yield from _strategies(report)
    yield from _undecided(report)
    for remark in report.remarks:
        yield f"  {remark}"
    if report.exercised is not None:
        yield Text("exercised", "bold")
        yield from (f"  {line}" for line in coverage_lines(report.exercised))


def _strategies(report: Report) -> Iterator[RenderableType]:
    """What each strategy of a random search contributed, over all columns."""
    whole = merged(seen.statistics for seen in report.explorations.values())
    if len(whole) > 1:
        table = plain_table(*HEADERS)
        for row in rows(whole, report.seconds):
            table.add_row(*row)
        yield Padding(table, (0, 0, 0, 2))


def _undecided(report: Report) -> Iterator[str]:
    """Why cells are vacuous or unknown, one line for all columns with the same reason."""
    why: dict[tuple[str, str], list[str]] = {}
    elsewhere = _elsewhere(report)
    if elsewhere:
        how_many = count(len(elsewhere), "property", "properties")
        yield f"  vacuous, about what never occurred here: {how_many}; --json names them"
    for result in report.results:
        if result.property in elsewhere:
            continue
        if result.verdict in (Answer.VACUOUS, Answer.UNKNOWN):
            reason = result.reason.partition(";")[0]
            why.setdefault((result.property, reason), []).append(result.faults)
    for (prop, reason), columns in why.items():
        judged = [
            r for r in report.results if r.property == prop and r.verdict != Answer.NOT_PROMISED
        ]
        where = "" if len(columns) == len(judged) else f" under {', '.join(columns)}"
        verdict = next(r.verdict for r in judged if r.faults == columns[0] and r.property == prop)
        yield f"  {prop} is {WORDS[verdict][0]}{where}: {reason}"


def _conclusion(report: Report) -> Text:
    failed = {r.property for r in report.results if r.verdict is Answer.FAILS and not r.known_limit}
    counts = f"({report.steps:,} steps, {report.states:,} distinct states)"
    if failed:
        how_many = count(len(failed), "property fails", "properties fail")
        text, style = f"{how_many}: {', '.join(sorted(failed))}", "bold red"
    else:
        text, style = "nothing that was promised or asked for failed", "bold green"
    if report.is_interrupted:
        text, style = f"interrupted; so far {text}", style if failed else "bold yellow"
    elif report.exit_status == EXIT_UNFINISHED:
        text, style = f"unfinished, a limit came first; so far {text}", "bold yellow"
    return Text(f"{text} {counts}", style)
