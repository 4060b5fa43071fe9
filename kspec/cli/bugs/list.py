"""`kspec bugs list`: what is in the zoo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from kspec.cli.output import check_json, emit, json_option, look, write_json

if TYPE_CHECKING:
    from kspec.suite import Bug

SCHEMA = "kspec.dev/zoo/v1"


@click.command("list")
@json_option
def command(json_file: str | None) -> None:
    """List the zoo: each bug with its report, its world and the property that it breaks.

    \b
    Example:
      kspec bugs list
    """
    from kspec import report
    from kspec import suite as suites

    check_json(json_file)
    bugs = suites.load_suite().bugs()
    write_json({"schema": SCHEMA, "bugs": [to_json(bug) for bug in bugs]}, json_file)
    rows = report.plain_table("bug", "breaks", "world", "faults", "report")
    for bug in bugs:
        title = f"{bug.description}\n{bug.url}"
        if bug.is_live_limit:
            title = f"live limit, not fixed upstream: {title}"
        rows.add_row(bug.name, bug.property, _world(bug), bug.faults, title)
    emit(report.to_text([rows], *look()), json_file)


def _world(bug: Bug) -> str:
    return str((bug.world.get("metadata") or {}).get("name", "world"))


def to_json(bug: Bug) -> dict[str, Any]:
    """One entry for machines."""
    return {
        "id": bug.name,
        "title": bug.description,
        "url": bug.url,
        "property": bug.property,
        "world": _world(bug),
        "faults": bug.faults,
        "estimate": bug.estimate,
        "live_limit": bug.is_live_limit,
    }
