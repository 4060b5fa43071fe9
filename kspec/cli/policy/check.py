"""`kspec policy check`: one report card per policy."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kspec.cli.output import check_json, emit, json_option, look, must_be_writable, write_json
from kspec.errors import EXIT_HOLDS, EXIT_INTERRUPTED, EXIT_UNFINISHED, EXIT_VIOLATION

if TYPE_CHECKING:
    from kspec.trial import Card

SCHEMA = "kspec.dev/cards/v1"


@click.command("check")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option(
    "--section",
    "sections",
    multiple=True,
    metavar="NAME",
    help="Only this section of the card: safety, liveness, sanity, proofs, quality or ties. "
    "May be given several times.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="The seed of the exploration.")
@click.option(
    "--steps",
    type=click.IntRange(min=1),
    metavar="N",
    help="Steps in each of the trial's worlds; more look further.",
)
@click.option(
    "--world",
    "worlds",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A world or manifests of your own, beside the worlds of the trial.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("kspec-out"),
    show_default=True,
    metavar="DIR",
    help="Where the traces go.",
)
@json_option
def command(
    names: tuple[str, ...],
    sections: tuple[str, ...],
    seed: int,
    steps: int | None,
    worlds: tuple[Path, ...],
    out: Path,
    json_file: str | None,
) -> int:
    """Put each policy on trial and print its report card.

    A card says what the policy breaks, each charge with the shortest trace, the input or the proof
    that shows it, and what is proved, seen without a violation, or left unknown.

    Exit status: 0 no policy is convicted, 1 one is, 2 a policy that cannot be loaded, 3 something
    that should be decided is not.

    \b
    Examples:
      kspec policy check default first-fit
      kspec policy check mypolicies:Greedy --section safety --section proofs
      kspec policy check scheduler-config.yaml --json card.json
    """
    from kspec import suite as suites
    from kspec.cli.progress import saying
    from kspec.trial import report

    check_json(json_file)
    must_be_writable(out)
    suite = suites.load_suite()
    asked: dict[str, Any] = {"sections": sections, "seed": seed, "out": out, "worlds": worlds}
    if steps is not None:
        asked["steps"] = steps
    trials = suite.trials(names, clock=time.perf_counter, **asked)
    cards: list[Card] = []
    interrupted = False
    try:
        for trial in trials:
            with saying() as say:
                cards.append(trial(say))
            emit(report.render(cards[-1], *look()), json_file)
    except KeyboardInterrupt:
        interrupted = True
        print("kspec: interrupted; what was found until now counts", file=sys.stderr)
    emit(report.summary(cards), json_file)
    write_json({"schema": SCHEMA, "cards": [card.to_json() for card in cards]}, json_file)
    return _status(cards, interrupted)


def _status(cards: list[Card], interrupted: bool) -> int:
    if any(card.has_failed for card in cards):
        return EXIT_VIOLATION
    if interrupted:
        return EXIT_INTERRUPTED
    return EXIT_UNFINISHED if any(card.is_unfinished for card in cards) else EXIT_HOLDS
