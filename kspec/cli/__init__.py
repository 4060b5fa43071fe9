"""The command line: `kspec` and its commands, each loaded when it is asked for.

Nothing heavy is imported here (no z3, Hypothesis, jsonschema, YAML or rich), so that `kspec
--help` is immediate. Every error leaves through `guarded`: one line on standard error and the exit
status of kspec.errors.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from typing import Any

import click

from kspec import __version__
from kspec.errors import EXIT_BAD_INPUT, EXIT_HOLDS, EXIT_INTERNAL, EXIT_INTERRUPTED, KspecError

COMMANDS = ("check", "replay", "prove", "properties", "bench", "schema")
TRACEBACK = "KSPEC_TRACEBACK"


def guarded(work: Callable[[], Any]) -> int:
    """The exit status of some work; whatever it raises becomes one line on standard error."""
    try:
        status = work()
        return status if isinstance(status, int) else EXIT_HOLDS
    except click.ClickException as error:
        return _say(error.format_message(), EXIT_BAD_INPUT)
    except KspecError as error:
        return _say(str(error), error.exit_status)
    except (click.Abort, KeyboardInterrupt):
        return _say("interrupted", EXIT_INTERRUPTED)
    except BrokenPipeError:
        silence(sys.stdout)
        return EXIT_HOLDS
    except Exception as error:
        if os.environ.get(TRACEBACK):
            import traceback

            traceback.print_exc()
        hint = f"{TRACEBACK}=1 shows where; please report it"
        return _say(f"internal error: {type(error).__name__}: {error} ({hint})", EXIT_INTERNAL)


def _say(problem: str, status: int) -> int:
    click.echo(f"kspec: {' '.join(problem.split())}", err=True)
    return status


def silence(stream: Any) -> None:
    """No one reads this stream any more: what is still to be flushed goes nowhere."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except (OSError, ValueError):
        pass


class Commands(click.Group):
    """A group that imports a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"kspec.cli.{cmd_name}").command
        return command

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        run = super().main
        if not standalone_mode:
            return run(*args, standalone_mode=False, **extra)
        here = os.getcwd()
        if "" not in sys.path and here not in sys.path:
            sys.path.append(here)  # for MODULE:NAME; last, so that it hides no installed package
        sys.exit(guarded(lambda: run(*args, standalone_mode=False, **extra)))


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(prog)s %(version)s")
def main() -> None:
    """An executable specification of the Kubernetes control plane, and its model checker.

    \b
    kspec check                        check the built-in world
    kspec check app.yaml --nodes 4     check an application
    kspec replay kspec-out/TRACE.yaml  see a counterexample again

    Exit status: 0 nothing that was promised or asked for failed, 1 a violation, 2 bad usage or
    input, 3 unfinished, 4 an internal error, 130 interrupted.
    """
