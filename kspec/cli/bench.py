"""`kspec bench`: how fast it is, on committed worlds."""

from __future__ import annotations

import secrets
from pathlib import Path

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
@json_option
def command(seed: int | None, peers: bool, tlc_jar: Path | None, json_file: str | None) -> None:
    """Measure steps and states per second, growth with the cluster, start-up and memory.

    Every measurement runs in a process of its own and checks its answer.

    \b
    Examples:
      kspec bench --json bench.json
      kspec bench --peers --tlc-jar tla2tools.jar
    """
    from kspec import bench, report
    from kspec import suite as suites

    check_json(json_file)
    check_peers(peers, tlc_jar)
    seed = secrets.randbelow(2**31) if seed is None else seed
    emit(f"seed {seed}\n", json_file)
    spawn = bench.spawn_for(suites.load_suite().name)
    measures = bench.run(seed, spawn)
    notes: list[str] = []
    if peers:
        from kspec.peers.measures import run

        rows, notes = run(seed, spawn, tlc_jar)
        measures += [{"name": name, "value": value, "unit": unit} for name, value, unit in rows]
    document = {"schema": bench.SCHEMA, "seed": seed, "measures": measures, "notes": notes}
    write_json(document, json_file)
    table = report.plain_table("measure", "value", "unit")
    for measure in measures:
        value = measure["value"]
        table.add_row(str(measure["name"]), f"{value:,}", str(measure["unit"]))
    emit(report.to_text([table], *look()), json_file)
    for note in notes:
        emit(f"note: {note}\n", json_file)


def check_peers(peers: bool, tlc_jar: Path | None) -> None:
    """Refuse a jar that is not there, or that nothing would run, before anything is measured."""
    if tlc_jar is None:
        return
    if not peers:
        raise click.UsageError("--tlc-jar needs --peers")
    from kspec.peers.tlc import check_jar

    check_jar(tlc_jar)
