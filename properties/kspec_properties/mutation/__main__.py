"""`python -m kspec_properties.mutation`: the kill rate of generated mutants of the model."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from kspec.errors import InputError
from kspec_properties.mutation.importing import Sources
from kspec_properties.mutation.judges import Judges
from kspec_properties.mutation.report import lines, progress, rates, to_json
from kspec_properties.mutation.run import WORKERS, hear, judge_all, warm_up
from kspec_properties.mutation.sites import sample, sites


@click.command(
    epilog="Example: python -m kspec_properties.mutation --sample 200 --seed 0 --json rate.json"
)
@click.option("--sample", "count", default=200, show_default=True, help="How many mutants.")
@click.option("--seed", default=0, show_default=True, help="Draws the sample and every run.")
@click.option("--module", "pattern", default="*", metavar="PATTERN", help="As in `scheduler.*`.")
@click.option("--workers", default=WORKERS, show_default=True, help="Processes at a time.")
@click.option("--json", "target", metavar="FILE", help="Write the whole result; - for stdout.")
def main(count: int, seed: int, pattern: str, workers: int, target: str | None) -> None:
    """Change the model in one small place at a time, and report which changes nobody notices."""
    sources = Sources.read()
    every = sites(sources.modules, pattern)
    if not every:
        raise click.UsageError(f"no module of the model matches {pattern!r} and can be mutated")
    chosen = sample(every, count, seed)
    warm_up()
    judges = Judges(sources, seed)
    _say(f"{len(chosen)} of {len(every):,} possible mutants; first the unchanged model")
    try:
        baseline = hear(judges, _say, workers)
    except InputError as error:
        raise click.ClickException(str(error)) from None
    judged = []
    for site, outcome in judge_all(judges, baseline, chosen, workers):
        judged.append((site, outcome))
        _say(progress(len(judged), len(chosen), site, outcome))
    if target:
        text = json.dumps(to_json(judged, len(every), seed), indent=2) + "\n"
        if target == "-":
            click.echo(text, nl=False)
        else:
            Path(target).write_text(text, encoding="utf-8")
    if target == "-":
        _say("killed by the properties {:.1%}, by any judge {:.1%}".format(*rates(judged)))
    else:
        click.echo("\n".join(lines(judged, len(every), seed)))


def _say(text: str) -> None:
    click.echo(text, err=True)
    sys.stderr.flush()


if __name__ == "__main__":
    main(prog_name="python -m kspec_properties.mutation")
