"""`kspec bench`: how fast it is, on committed worlds."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path
from typing import Any

import click

from kspec.cli.output import check_json, emit, json_option, look, write_json


@click.command("bench")
@click.option("--seed", type=int, metavar="N", help="Of the random runs.  [default: a fresh one]")
@click.option("--peers", is_flag=True, help="Also Spin and TLC on one small model, and ratios.")
@click.option(
    "--tlc-jar",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="With --peers: the path of tla2tools.jar.",
)
@click.option(
    "--large",
    is_flag=True,
    help="Also the exhaustive search of a world at granularity fused, and two workers to one.",
)
@click.option(
    "--policies",
    is_flag=True,
    help="Also scheduling in bulk, and the whole trial of the default policy.",
)
@click.option(
    "--trace",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="With --policies: the comparison of six policies on this trace.",
)
@click.option(
    "--mutants",
    is_flag=True,
    help="Also how soon each mutant is found, and how short its trace gets, by every strategy "
    "alone and by the portfolio: takes a while.",
)
@click.option(
    "--seeds",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    metavar="N",
    help="With --mutants: of how many seeds the median is taken.",
)
@json_option
def command(
    seed: int | None,
    peers: bool,
    tlc_jar: Path | None,
    large: bool,
    policies: bool,
    trace: Path | None,
    mutants: bool,
    seeds: int,
    json_file: str | None,
) -> None:
    """Measure steps and states per second, growth with the cluster, start-up and memory.

    Every measurement runs in a process of its own and checks its answer.

    \b
    Examples:
      kspec bench --json bench.json
      kspec bench --peers --tlc-jar tla2tools.jar
      kspec bench --mutants --json mutants.json
      kspec bench --policies --trace ../shared/traces/openb
    """
    from kspec import bench, report
    from kspec import suite as suites

    check_json(json_file)
    check_peers(peers, tlc_jar)
    if trace is not None and not policies:
        raise click.UsageError("--trace needs --policies")
    seed = secrets.randbelow(2**31) if seed is None else seed
    emit(f"seed {seed}\n", json_file)
    spawn = bench.spawn_for(suites.load_suite().name)
    measures = bench.run(seed, spawn)
    notes: list[str] = []
    if peers:
        from kspec.peers.measures import run

        rows, notes = run(seed, spawn, tlc_jar)
        measures += [{"name": name, "value": value, "unit": unit} for name, value, unit in rows]
    if large:
        from kspec import large_bench

        measures += large_bench.run(seed, spawn)
    if policies:
        from kspec import policy_bench

        measures += policy_bench.run(seed, spawn, trace)
    document: dict[str, Any] = {"schema": bench.SCHEMA, "seed": seed, "measures": measures}
    if mutants:
        document["mutants"] = _mutants(seed, seeds, measures, json_file)
    write_json({**document, "notes": notes}, json_file)
    table = report.plain_table("measure", "value", "unit")
    for measure in measures:
        value = measure["value"]
        table.add_row(str(measure["name"]), f"{value:,}", str(measure["unit"]))
    emit(report.to_text([table], *look()), json_file)
    for note in notes:
        emit(f"note: {note}\n", json_file)


def _mutants(
    seed: int, seeds: int, measures: list[dict[str, Any]], json_file: str | None
) -> list[dict[str, Any]]:
    """The rows of all mutants, printed; their medians are added to the measures."""
    from kspec import mutant_bench, report
    from kspec import suite as suites

    def tell(mutant: str) -> None:
        print(f"measured {mutant}", file=sys.stderr)

    rows = mutant_bench.run(suites.load_suite(), seed, seeds=seeds, tell=tell)
    measures += mutant_bench.measures(rows)
    header, *lines = mutant_bench.table(rows)
    shown = report.plain_table(*header)
    for line in lines:
        shown.add_row(*line)
    emit(report.to_text([shown], *look()) + "\n", json_file)
    return rows


def check_peers(peers: bool, tlc_jar: Path | None) -> None:
    """Refuse a jar that is not there, or that nothing would run, before anything is measured."""
    if tlc_jar is None:
        return
    if not peers:
        raise click.UsageError("--tlc-jar needs --peers")
    from kspec.peers.tlc import check_jar

    check_jar(tlc_jar)
