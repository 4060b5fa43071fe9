"""`kspec bugs list`: what is in the zoo."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from kspec.cli.output import check_json, emit, json_option, write_json

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
    from kspec import suite as suites

    check_json(json_file)
    bugs = suites.load_suite().bugs()
    write_json({"schema": SCHEMA, "bugs": [to_json(bug) for bug in bugs]}, json_file)
    emit("".join(f"{line}\n" for bug in bugs for line in _lines(bug)), json_file)


def _lines(bug: Bug) -> Iterator[str]:
    """What it is, where it was reported, and what it breaks where."""
    limit = "live limit, not fixed upstream: " if bug.is_live_limit else ""
    faults = "" if bug.faults == "none" else f" under {bug.faults}"
    yield f"{bug.name}  {limit}{bug.description}"
    yield f"  {bug.url}"
    yield f"  breaks {bug.property} in the world {_world(bug)}{faults}"


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
