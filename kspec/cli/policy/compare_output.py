"""The table of a comparison, and its files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from kspec import report
from kspec.cli.output import STANDARD_OUTPUT, emit_kept
from kspec.errors import InputError
from kspec.trial.comparison import (
    ALLOCATION,
    FRAGMENTATION,
    PLACED,
    Comparison,
    Policy,
    Row,
    to_csv,
)

LOADS = (90, 95, 100, 110, 120, 130)
"""Those of the published table."""
WHOLE_LOAD = 100
SENSITIVE = 0.5
"""Points between rules for ties from which on the reader is told."""

Cells = Mapping[tuple[str, str, str, int], Row]


def text(
    comparison: Comparison,
    rows: Sequence[Row],
    faults: Sequence[Mapping[str, Any]],
    width: int,
    is_color: bool,
) -> str:
    """Everything that standard output gets."""
    return report.to_text(_parts(comparison, rows, faults), width, is_color)


def _parts(
    comparison: Comparison, rows: Sequence[Row], faults: Sequence[Mapping[str, Any]]
) -> Iterator[RenderableType]:
    cells = {(r.policy, r.tie_break, r.metric, r.load): r for r in rows}
    yield Text(comparison.source, "bold")
    yield from _table(comparison.policies, rows, cells)
    yield ""
    yield from _legend(rows)
    for policy in comparison.policies:
        yield from _sensitivity(policy, rows)
    for fault in faults:
        where = f"seed {fault['seed']}, ties {fault['tie_break']}"
        line = f"{fault['policy']} FAILS ({fault['count']:,} times; first with {where}): "
        yield Text(line + fault["first"], "bold red")
    if rows and not faults:
        yield Text("no placement over-commits a node or a GPU", "bold green")


def _table(
    policies: Sequence[Policy], rows: Sequence[Row], cells: Cells
) -> Iterator[RenderableType]:
    measured = {(row.metric, row.load) for row in rows}
    wanted = [(ALLOCATION, load) for load in LOADS] + [
        (FRAGMENTATION, WHOLE_LOAD),
        (PLACED, WHOLE_LOAD),
    ]
    columns = [column for column in wanted if column in measured]
    headers = [f"{_HEADERS[metric]}\nat {load} %" for metric, load in columns]
    table = report.plain_table("policy", "ties", *headers, "seeds")
    for column in table.columns:
        column.no_wrap = True
    for policy in policies:
        for rule, shown in _rules(policy, rows):
            found = [cells.get((policy.name, rule, *column)) for column in columns]
            seeds = max((row.seeds for row in found if row), default=0)
            table.add_row(policy.name, shown, *map(_cell, found), str(seeds))
    yield table


_HEADERS = {ALLOCATION: "allocated", FRAGMENTATION: "fragmented", PLACED: "placed"}


def _cell(row: Row | None) -> str:
    return "-" if row is None else f"{row.mean:5.2f} ±{row.sd:4.2f}"


def _rules(policy: Policy, rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    """The rules for ties of a policy and how each is shown; one line where none matters."""
    rules = list(dict.fromkeys(row.tie_break for row in rows if row.policy == policy.name))
    if policy.is_tie_free and rules:
        yield rules[0], "any"
        return
    for rule in rules:
        yield rule, f"{rule} *" if rule == policy.tie_break else rule


def _legend(rows: Sequence[Row]) -> Iterator[Text]:
    metrics = {row.metric for row in rows}
    if ALLOCATION in metrics:
        yield Text("  allocated, fragmented  % of all GPUs, when that load has arrived", "dim")
    if PLACED in metrics:
        yield Text("  placed                 % of the pods that have arrived", "dim")
    yield Text("  ±                      the deviation over the seeds", "dim")
    yield Text(
        "  *                      the policy's own rule; any: none makes a difference", "dim"
    )


def _sensitivity(policy: Policy, rows: Sequence[Row]) -> Iterator[Text]:
    """How much of a policy's figure is its rule for ties."""
    metrics = [row.metric for row in rows if row.policy == policy.name]
    metric = ALLOCATION if ALLOCATION in metrics else PLACED
    found = {
        row.tie_break: row.mean
        for row in rows
        if (row.policy, row.metric, row.load) == (policy.name, metric, WHOLE_LOAD)
    }
    if len(found) > 1 and max(found.values()) - min(found.values()) >= SENSITIVE:
        listed = ", ".join(f"{mean:.2f} by {rule}" for rule, mean in found.items())
        apart = max(found.values()) - min(found.values())
        yield Text(f"{policy.name}: {apart:.2f} points are its rule for ties ({listed})", "yellow")


def write_csv(rows: Sequence[Row], csv_file: str | None) -> None:
    """Write the rows to the file of `--csv`, where there is one."""
    if csv_file is None:
        return
    if csv_file == STANDARD_OUTPUT:
        emit_kept(to_csv(rows))
        return
    try:
        Path(csv_file).write_text(to_csv(rows), encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write: {error.strerror}", where=csv_file) from error
