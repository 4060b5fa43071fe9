"""`kspec check`: explore a world and say which promises it keeps."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kspec.cli.check_options import EXHAUSTIVE, JUDGING, MACHINES, SEARCH, WORLD
from kspec.cli.output import check_json, emit, json_option, look, must_be_writable, write_json
from kspec.errors import EXIT_VIOLATION

if TYPE_CHECKING:
    from kspec.check import Options, Report


def with_options(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Several options as one decorator, in the order in which the help shows them."""

    def decorate(function: Any) -> Any:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


@click.command("check")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE]...")
@with_options(*WORLD, *JUDGING, *SEARCH, *EXHAUSTIVE, *MACHINES)
@json_option
def command(json_file: str | None, scale: str | None, **given: Any) -> int:
    """Explore a world and say which promises it keeps.

    FILEs are manifests, world documents or a cluster dump; without any, a built-in world is
    checked. A failure is written to DIR as a short trace that `kspec replay` takes.

    \b
    Examples:
      kspec check
      kspec check app.yaml --nodes 4 --seconds 20
      kspec check app.yaml --faults crash,lost-answer --seed 7 --steps 200000
      kspec check --world kivi/c7
      kspec check --mutant NAME
    """
    from kspec import report as reports
    from kspec import suite as suites
    from kspec.check import check
    from kspec.cli.progress import listener

    check_json(json_file)
    options = options_of(given)
    must_be_writable(options.out)
    if scale is not None:
        return _scale(options, scale, json_file)
    report = check(suites.load_suite(), options, listener())
    return conclude(report, json_file, lambda: reports.render(report, *look()))


def _scale(options: Options, scale: str, json_file: str | None) -> int:
    """Check every topology until one fails."""
    from kspec import report as reports
    from kspec import suite as suites
    from kspec.check import check_scale
    from kspec.check.scaling import lines
    from kspec.cli.progress import listener

    found = check_scale(suites.load_suite(), options, scale, listener())
    failing = found.smallest_failing
    text = reports.render(failing.report, *look()) + "\n" if failing else ""
    emit(text + "".join(f"{line}\n" for line in lines(found)), json_file)
    write_json(found.to_json(), json_file)
    return found.exit_status


def options_of(given: dict[str, Any]) -> Options:
    """The options of a check from those of the command line."""
    from kspec.check import Options
    from kspec.suite import Settings

    of_world = ("world", "nodes", "node_capacity", "schedulers", "policy", "granularity", "state")
    settings = Settings(
        **{name: given.pop(name) for name in (*of_world, "ignore_unmodelled", "is_plain")}
    )
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
