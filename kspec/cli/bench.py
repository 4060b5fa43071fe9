"""`kspec bench`: how fast it is, on committed worlds."""

from __future__ import annotations

import secrets

import click

from kspec.cli.output import check_json, emit, json_option, look, write_json


@click.command("bench")
@click.option("--seed", type=int, metavar="N", help="Of the random runs.  [default: a fresh one]")
@json_option
def command(seed: int | None, json_file: str | None) -> None:
    """Measure steps and states per second, growth with the cluster, start-up and memory.

    Every measurement runs in a process of its own and checks its answer.

    \b
    Example:
      kspec bench --json bench.json
    """
    from kspec import bench, report
    from kspec import suite as suites

    check_json(json_file)
    seed = secrets.randbelow(2**31) if seed is None else seed
    emit(f"seed {seed}\n", json_file)
    measures = bench.run(seed, bench.spawn_for(suites.load_suite().name))
    write_json({"schema": bench.SCHEMA, "seed": seed, "measures": measures}, json_file)
    table = report.plain_table("measure", "value", "unit")
    for measure in measures:
        value = measure["value"]
        table.add_row(str(measure["name"]), f"{value:,}", str(measure["unit"]))
    emit(report.to_text([table], *look()), json_file)
