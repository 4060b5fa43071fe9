"""`kspec policy compare`: policies side by side on a cluster's trace or a world."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kspec.cli.output import STANDARD_OUTPUT, check_json, emit, json_option, look, write_json
from kspec.errors import EXIT_HOLDS, EXIT_INTERRUPTED, EXIT_VIOLATION, InputError
from kspec.trial.comparison import TIE_BREAKS, Asked

if TYPE_CHECKING:
    from kspec.trial.comparison import Comparison, Sample


@click.command("compare")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option(
    "--trace",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A folder with the nodes and the pods of a cluster as CSV files.",
)
@click.option("--nodes", metavar="FILE", help="With --trace: which file of nodes, of several.")
@click.option("--pods", metavar="FILE", help="With --trace: which file of pods, of several.")
@click.option(
    "--world",
    "worlds",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Manifests or a world, instead of a trace; may be given several times.",
)
@click.option(
    "--seeds",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    metavar="N",
    help="How many runs of each; the seeds are 0 to N-1.",
)
@click.option(
    "--tie-break",
    "tie_breaks",
    multiple=True,
    type=click.Choice(TIE_BREAKS),
    help="Only this rule for ties; may be given several times.  [default: all three]",
)
@click.option(
    "--workers", type=click.IntRange(1), metavar="N", help="Processes.  [default: one a core]"
)
@click.option("--plain", is_flag=True, help="By the specification of each policy: slow.")
@click.option(
    "--csv", "csv_file", metavar="FILE", help="Write every mean as CSV; '-' is standard output."
)
@click.option(
    "--plot",
    type=click.Path(path_type=Path),
    metavar="FILE.png|FILE.svg",
    help="Draw allocation and fragmentation against the arrived load.",
)
@json_option
def command(
    names: tuple[str, ...],
    trace: Path | None,
    nodes: str | None,
    pods: str | None,
    worlds: tuple[Path, ...],
    seeds: int,
    tie_breaks: tuple[str, ...],
    workers: int | None,
    plain: bool,
    csv_file: str | None,
    plot: Path | None,
    json_file: str | None,
) -> int:
    """Compare policies: the same pods in the same order for each, one by one, on the same nodes.

    The table has the mean and the deviation over the seeds, for each rule by which a policy may
    choose among nodes of the same score; a policy's own rule comes first. Every placement is
    checked for over-commitment.

    Exit status: 0 no policy over-committed or failed, 1 one did, 2 bad input, 130 interrupted.

    \b
    Examples:
      kspec policy compare best-fit fgd --trace ../shared/traces/openb --seeds 10
      kspec policy compare default mypolicies:Greedy --world app.yaml
      kspec policy compare fgd --trace DIR --pods openb_pod_list_cpu050.csv --plot fgd.svg
    """
    from kspec import suite as suites
    from kspec.cli.policy import compare_output
    from kspec.trial import plots
    from kspec.trial.comparison import document, faults_of, rows_of

    asked = Asked(
        policies=names,
        trace=trace,
        nodes=nodes,
        pods=pods,
        world=worlds,
        seeds=seeds,
        tie_breaks=tie_breaks or TIE_BREAKS,
        is_plain=plain,
    )
    check_asked(asked)
    if json_file == csv_file == STANDARD_OUTPUT:
        raise click.UsageError("--json and --csv cannot both be standard output")
    check_json(json_file)
    check_json(csv_file)
    if plot is not None:
        plots.check(plot)
    suite = suites.load_suite()
    comparison = suite.compare(asked)
    samples, is_interrupted = measured(suite.name, asked, comparison, workers)
    rows = rows_of(comparison.policies, samples)
    faults = faults_of(comparison.policies, samples)
    emit(compare_output.text(comparison, rows, faults, *look()), json_file)
    compare_output.write_csv(rows, csv_file)
    if plot is not None and rows:
        plots.draw(plot, comparison.policies, rows)
    write_json(document(asked, comparison, rows, faults, is_interrupted), json_file)
    if faults:
        return EXIT_VIOLATION
    return EXIT_INTERRUPTED if is_interrupted else EXIT_HOLDS


def check_asked(asked: Asked) -> None:
    """Refuse what cannot be meant, before anything is read."""
    if (asked.trace is None) == (not asked.world):
        raise click.UsageError("give either --trace DIR or --world FILE")
    for option, value in (("--nodes", asked.nodes), ("--pods", asked.pods)):
        if value is not None and asked.trace is None:
            raise click.UsageError(f"{option} needs --trace")
    repeated = [name for name in asked.policies if asked.policies.count(name) > 1]
    if repeated:
        raise InputError(f"policy {repeated[0]} is given twice", expected="each policy once")


def measured(
    suite: str, asked: Asked, comparison: Comparison, workers: int | None
) -> tuple[list[Sample], bool]:
    """The samples of all runs, or of those until Ctrl-C; progress goes to standard error."""
    import os

    from kspec.cli.policy.compare_progress import progress
    from kspec.distribute.crew import Crew
    from kspec.trial.comparing import Recipe, Runs

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    count = min(workers or cores or 1, len(comparison.jobs))
    samples: list[Any] = []
    try:
        with Crew(count) as crew, progress(comparison) as done:
            runs = Runs(crew, Recipe(suite, asked), comparison.jobs)
            samples = runs.samples
            runs.run(done)
    except KeyboardInterrupt:
        print("kspec: interrupted; the runs made until now count", file=sys.stderr)
        return samples, True
    return samples, False
