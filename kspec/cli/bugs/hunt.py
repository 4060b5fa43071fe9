"""`kspec bugs hunt`: look for historical bugs again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kspec.cli.output import check_json, emit, json_option, must_be_writable, write_json
from kspec.errors import EXIT_HOLDS, EXIT_UNFINISHED

if TYPE_CHECKING:
    from kspec.zoo.hunting import Caught


@click.command("hunt")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--seed", type=int, default=0, show_default=True, help="Of all randomness.")
@click.option(
    "--seconds",
    type=click.FloatRange(0, min_open=True),
    default=60.0,
    show_default=True,
    metavar="S",
    help="How long each bug is looked for.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("kspec-out"),
    show_default=True,
    metavar="DIR",
    help="Where the traces go, a folder for each bug.",
)
@json_option
def command(
    ids: tuple[str, ...], seed: int, seconds: float, out: Path, json_file: str | None
) -> int:
    """Look for bugs of the zoo, all without any ID, and make their traces small.

    Exit status: 0 all were found, replay, and are not there without the change that makes them;
    3 some were not.

    \b
    Examples:
      kspec bugs hunt
      kspec bugs hunt k8s-8138 k8s-82149 --json bugs.json
    """
    from kspec import suite as suites
    from kspec.zoo import hunting

    check_json(json_file)
    must_be_writable(out)
    suite = suites.load_suite()
    caught: list[Caught] = []
    try:
        found = hunting.hunts(
            suite, hunting.chosen(suite, ids), seed=seed, seconds=seconds, out=out
        )
        for each in found:
            caught.append(each)
            emit("".join(f"{line}\n" for line in lines(each)), json_file)
    finally:
        write_json(hunting.to_json(caught), json_file)
    missed = [each.bug.name for each in caught if not each.found]
    emit(f"{len(caught) - len(missed)} of {len(caught)} found\n", json_file)
    return EXIT_UNFINISHED if missed else EXIT_HOLDS


def lines(caught: Caught) -> tuple[str, ...]:
    """What is said of one hunt."""
    bug = caught.bug
    limit = " (live limit)" if bug.is_live_limit else ""
    head = f"{bug.name}{limit}  {bug.description}"
    if caught.actions is None:
        return head, f"  NOT FOUND: {caught.problem}"
    length = f"{caught.actions} actions, at most {bug.longest_trace} expected"
    told = f"  breaks {bug.property} in {caught.seconds:.1f} s: {length}"
    problem = (f"  DOES NOT COUNT: {caught.problem}",) if caught.problem else ()
    return head, told, f"  {caught.witness}", *problem, f"  kspec replay {caught.trace}"
