"""`kspec properties`: the specification, property by property."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from kspec.cli.output import check_json, emit, json_option, write_json

if TYPE_CHECKING:
    from kspec.property import Property
    from kspec.suite import Mutant, Suite

SCHEMA = "kspec.dev/properties/v1"


@click.command("properties")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@json_option
def command(names: tuple[str, ...], json_file: str | None) -> None:
    """List the specification: every property, its promise, its source, its mutants.

    With NAMEs each of these is shown in full.

    \b
    Examples:
      kspec properties
      kspec properties eventual-binding
      kspec properties --json -
    """
    from kspec import suite as suites
    from kspec.check.plan import named

    check_json(json_file)
    suite = suites.load_suite()
    known = suite.properties()
    chosen = tuple(named("property", name, known) for name in names) or known
    mutants = mutants_by_property(suite, chosen)
    documents = [to_json(prop, mutants[prop.name]) for prop in chosen]
    write_json({"schema": SCHEMA, "properties": documents}, json_file)
    emit("".join(map(details, documents)) if names else table(documents), json_file)


def mutants_by_property(
    suite: Suite, properties: tuple[Property, ...]
) -> Mapping[str, tuple[Mutant, ...]]:
    """The mutants that each property kills: those it names, and those that name it."""
    every = suite.mutants()
    return {
        prop.name: tuple(m for m in every if m.name in prop.mutants or m.property == prop.name)
        for prop in properties
    }


def to_json(prop: Property, mutants: tuple[Mutant, ...]) -> dict[str, Any]:
    """One property as `--json` writes it."""
    return {
        "name": prop.name,
        "kind": prop.kind.value,
        "promise": prop.promise,
        "conditions": prop.conditions,
        "source": prop.source,
        "faults": list(prop.faults),
        "companion": prop.companion,
        "mutants": [{"name": m.name, "description": m.description} for m in mutants],
        "known_false": prop.known_false,
    }


def table(documents: list[dict[str, Any]]) -> str:
    """Three lines for each: what is promised, under which kinds of faults, and on whose word."""
    return "".join(f"{line}\n" for prop in documents for line in _short(prop, documents))


def _short(prop: dict[str, Any], documents: list[dict[str, Any]]) -> Iterator[str]:
    everywhere = {name for other in documents for name in other["faults"]}
    mutants = len(prop["mutants"])
    kills = f", {mutants} mutant{'s' if mutants > 1 else ''}" if mutants else ""
    yield f"{prop['name']} ({prop['kind']}{kills})"
    yield f"  {prop['promise']}"
    source = "" if prop["source"] == "companion" else f"  {prop['source']}"
    yield f"  {_promised(prop, everywhere)}{source}"


def _promised(prop: dict[str, Any], everywhere: set[str]) -> str:
    """Under which faults, in few words: most are promised under all, or under all but a few."""
    if prop["known_false"]:
        return "not promised: known to be false"
    if prop["kind"] == "sometimes":
        return "shown by a run"
    missing = sorted(everywhere - set(prop["faults"]))
    if not missing:
        return "promised under all faults"
    if len(missing) > len(prop["faults"]):
        return "promised under " + ", ".join(prop["faults"])
    return "promised, but not under " + ", ".join(missing)


def details(prop: dict[str, Any]) -> str:
    """Everything about one property, as indented lines."""
    return "\n".join(_lines(prop)) + "\n\n"


def _lines(prop: dict[str, Any]) -> Iterator[str]:
    yield f"{prop['name']} ({prop['kind']}{', known to be false' if prop['known_false'] else ''})"
    yield f"  {prop['promise']}"
    for line in prop["conditions"].splitlines():
        yield f"  {line}".rstrip()
    yield f"  source:    {prop['source']}"
    yield f"  promised:  under {', '.join(prop['faults'])}"
    if prop["companion"]:
        yield f"  companion: {prop['companion']}"
    for mutant in prop["mutants"]:
        yield f"  mutant:    {mutant['name']}: {mutant['description']}"
