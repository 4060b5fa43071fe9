"""`kspec check`: explore a world and say which promises it keeps."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kspec.cli.output import check_json, emit, json_option, look, must_be_writable, write_json
from kspec.errors import EXIT_VIOLATION

if TYPE_CHECKING:
    from kspec.check import Options, Report


def capacity(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> dict[str, str] | None:
    """Quantities by resource, from cpu=4,memory=8Gi,pods=110."""
    if value is None:
        return None
    pairs = [part.partition("=") for part in value.split(",")]
    if not all(name.strip() and amount.strip() for name, _, amount in pairs):
        raise click.BadParameter(f"{value!r} is not like cpu=4,memory=8Gi,pods=110")
    return {name.strip(): amount.strip() for name, _, amount in pairs}


WORLD = (
    click.option("--nodes", type=click.IntRange(1), metavar="N", help="Nodes of the cluster."),
    click.option(
        "--node-capacity",
        callback=capacity,
        metavar="RESOURCES",
        help="What each of them offers: cpu=4,memory=8Gi,pods=110.",
    ),
    click.option(
        "--schedulers",
        type=click.IntRange(1),
        metavar="N",
        help="Scheduler replicas. With two or more every property is judged.",
    ),
    click.option("--policy", metavar="NAME", help="A scheduling policy, or MODULE:NAME."),
    click.option(
        "--controller",
        "controllers",
        multiple=True,
        metavar="MODULE:NAME",
        help="Add a controller of your own (repeatable).",
    ),
    click.option("--mutant", metavar="NAME", help="Check a broken model, in that mutant's world."),
    click.option(
        "--granularity",
        type=click.Choice(["request", "reconcile"]),
        help="What one step is: each write, or a reconcile with all its writes.",
    ),
    click.option("--state", is_flag=True, help="The files are a dump to start from, as it stands."),
    click.option(
        "--ignore-unmodelled", is_flag=True, help="Leave out kinds that are not modelled yet."
    ),
)

JUDGING = (
    click.option(
        "--faults",
        metavar="LIST",
        help="a,b (one column with both), none, or all (a column each); then every property is "
        "judged. By default each is judged where it is promised.",
    ),
    click.option(
        "--property",
        "properties",
        multiple=True,
        metavar="NAME",
        help="Only this property (repeatable); MODULE:NAME adds one of your own.",
    ),
    click.option(
        "--all", "is_all", is_flag=True, help="Explore what is not promised too: known limits."
    ),
)

SEARCH = (
    click.option(
        "--strategy",
        type=click.Choice(["portfolio", "fifo", "walk", "pct", "late", "bfs"]),
        default="portfolio",
        show_default=True,
        help="How to search; bfs is exhaustive.",
    ),
    click.option("--seed", type=int, default=0, show_default=True, help="Of all randomness."),
    click.option(
        "--steps",
        type=click.IntRange(1),
        metavar="N",
        help="Stop after so many steps (bfs: distinct states); the result is then a function of "
        "the seed.",
    ),
    click.option(
        "--seconds",
        type=click.FloatRange(0, min_open=True),
        metavar="S",
        help="Stop after so many seconds, in whole rounds.  [default: 20, unless --steps is given]",
    ),
    click.option(
        "--determinism", "is_determinism", is_flag=True, help="Explore twice and compare."
    ),
    click.option(
        "--coverage",
        "is_coverage",
        is_flag=True,
        help="Measure which actions, faults, antecedents and branches of the components were "
        "exercised; written to DIR/coverage.json. Slower by a factor of 2 to 4.",
    ),
    click.option(
        "--out",
        type=click.Path(path_type=Path),
        default=Path("kspec-out"),
        show_default=True,
        metavar="DIR",
        help="Where the traces of failures go.",
    ),
)


def with_options(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Several options as one decorator, in the order in which the help shows them."""

    def decorate(function: Any) -> Any:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


@click.command("check")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE]...")
@with_options(*WORLD, *JUDGING, *SEARCH)
@json_option
def command(json_file: str | None, **given: Any) -> int:
    """Explore a world and say which promises it keeps.

    FILEs are manifests, world documents or a cluster dump; without any, a built-in world is
    checked. A failure is written to DIR as a short trace that `kspec replay` takes.

    \b
    Examples:
      kspec check
      kspec check app.yaml --nodes 4 --seconds 20
      kspec check app.yaml --faults crash,lost-answer --seed 7 --steps 200000
      kspec check --mutant NAME
    """
    from kspec import report as reports
    from kspec import suite as suites
    from kspec.check import check
    from kspec.cli.progress import listener

    check_json(json_file)
    options = options_of(given)
    must_be_writable(options.out)
    report = check(suites.load_suite(), options, listener())
    return conclude(report, json_file, lambda: reports.render(report, *look()))


def options_of(given: dict[str, Any]) -> Options:
    """The options of a check from those of the command line."""
    from kspec.check import Options
    from kspec.suite import Settings

    of_world = ("nodes", "node_capacity", "schedulers", "policy", "granularity", "state")
    settings = Settings(**{name: given.pop(name) for name in (*of_world, "ignore_unmodelled")})
    return Options(settings=settings, **given)


def conclude(report: Report, json_file: str | None, text: Callable[[], str]) -> int:
    """Write the results. An interruption now cannot hide that something has failed."""
    try:
        if report.exercised is not None:
            write_json(report.exercised.to_json(), str(report.out / "coverage.json"))
        emit(text(), json_file)
        write_json(report.to_json(), json_file)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return EXIT_VIOLATION if report.has_failed else 130
    return report.exit_status
