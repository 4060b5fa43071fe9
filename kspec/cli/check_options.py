"""The options of `kspec check`: the world, what is judged, how it is searched, and where."""

from __future__ import annotations

import re
from pathlib import Path

import click


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


_SIZE = re.compile(r"(\d+)(Ki|Mi|Gi)?")
_FACTORS = {None: 1, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


def size(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Bytes, from 500Mi."""
    if value is None:
        return None
    match = _SIZE.fullmatch(value)
    if match is None:
        raise click.BadParameter(f"{value!r} is not like 500Mi or 4Gi")
    return int(match[1]) * _FACTORS[match[2]]


WORLD = (
    click.option(
        "--world",
        metavar="NAME",
        help="A world that ships with kspec in place of a FILE, such as kivi/c1 or kivi/c1@100.",
    ),
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
    click.option(
        "--scale",
        metavar="AXES",
        help="Check growing topologies, such as nodes=1..6,replicas=1..8, and stop at the smallest "
        "that fails.",
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
        type=click.Choice(["request", "reconcile", "fused"]),
        help="What one step is: each write, a reconcile with all its writes, or (for exhaustive "
        "search) the deliveries that an act needs with the act.",
    ),
    click.option("--state", is_flag=True, help="The files are a dump to start from, as it stands."),
    click.option(
        "--ignore-unmodelled", is_flag=True, help="Leave out kinds that are not modelled yet."
    ),
    click.option(
        "--plain",
        "is_plain",
        is_flag=True,
        help="Run the plain form of what has a faster one: the form that proofs are about.",
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
        default="portfolio",
        show_default=True,
        metavar="NAME",
        help="How to search: portfolio, one random strategy, a mix such as pct=60,pos=40, or "
        "exhaustively by bfs or deepening.",
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
        "--violations",
        type=click.IntRange(1),
        default=1,
        show_default=True,
        metavar="N",
        help="How many violations of each property to look for; those of one cause are one entry.",
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


EXHAUSTIVE = (
    click.option(
        "--depth", type=click.IntRange(1), metavar="N", help="All schedules of up to N actions."
    ),
    click.option(
        "--delays",
        type=click.IntRange(0),
        metavar="D",
        help="All schedules that depart from FIFO at most D times.",
    ),
    click.option(
        "--fault-bound",
        type=click.IntRange(0),
        metavar="F",
        help="All schedules with at most F faults in all.",
    ),
    click.option(
        "--symmetry", is_flag=True, help="Merge states that differ only in interchangeable names."
    ),
    click.option(
        "--memory",
        callback=size,
        metavar="SIZE",
        help="Keep visited states beyond so much memory on disk: 500Mi, 4Gi.",
    ),
    click.option(
        "--checkpoint",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Keep the search there after each level, and go on from what is there.",
    ),
)

MACHINES = (
    click.option(
        "--workers",
        type=click.IntRange(1),
        default=1,
        show_default=True,
        metavar="N",
        help="Processes on this machine; under --steps the report is the same for any number.",
    ),
    click.option("--ray", metavar="ADDRESS|local", help="Search on a Ray cluster."),
    click.option(
        "--database",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Failures found by whoever shares this folder are replayed first.",
    ),
)
