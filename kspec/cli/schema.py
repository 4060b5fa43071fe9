"""`kspec schema`: the JSON Schema of what kspec reads and writes."""

from __future__ import annotations

import json

import click

from kspec.cli.output import emit
from kspec.errors import InputError

OWN = ("trace", "report", "coverage", "scale", "compare", "cards", "bugs")


@click.command("schema")
@click.argument("name", type=click.Choice(["world", *OWN]), metavar="|".join(("world", *OWN)))
def command(name: str) -> None:
    """Print the JSON Schema of a world, a trace, a report, a coverage, a scale, a comparison,
    the report cards of policies or a hunt for bugs.

    `check` and `replay` validate what they are given with it.

    \b
    Example:
      kspec schema world > world.schema.json
    """
    from kspec import schema
    from kspec import suite as suites

    found = schema.load("kspec", name) if name in OWN else suites.load_suite().schema(name)
    if found is None:
        raise InputError(f"there is no schema called {name}", expected=" or ".join(OWN))
    emit(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
