"""The command line: `kspec` and its commands, each loaded when it is asked for.

Nothing heavy is imported here (no z3, Hypothesis, jsonschema, YAML or rich), so that `kspec
--help` is immediate. Every error leaves through `guarded`: one line on standard error and the exit
status of kspec.errors.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import click

from kspec import __version__
from kspec.errors import EXIT_BAD_INPUT, EXIT_HOLDS, EXIT_INTERNAL, EXIT_INTERRUPTED, KspecError

COMMANDS = {
    "check": "Explore a world and say which promises it keeps.",
    "replay": "Run a trace again, step by step.",
    "prove": "Prove claims about the code that runs, by z3.",
    "policy": "Put scheduler policies on trial: check, compare, explain.",
    "bugs": "The zoo of historical bugs: list them, hunt them.",
    "properties": "List the specification: promises, sources, mutants.",
    "bench": "Measure speed, growth, start-up and memory.",
    "schema": "Print the JSON Schema of a world, a trace or a report.",
}
"""What the help says of each command, so that it need not import any of them."""

TRACEBACK = "KSPEC_TRACEBACK"
_SELDOM = (100_000, 20, 20)
"""When the collector of cycles looks: what kspec makes holds hardly any."""


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
    except SystemExit as error:
        return _say(f"code that was given ended the run: sys.exit({error.code})", EXIT_BAD_INPUT)
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
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is asked for.

    helps: what the help says of each command. package: where its module is.
    """

    helps: Mapping[str, str] = {}
    package = ""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.helps)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.helps:
            return None
        command: click.Command = importlib.import_module(f"{self.package}.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(self.helps.items()))


class Commands(LazyGroup):
    """The commands of `kspec`."""

    helps = COMMANDS
    package = "kspec.cli"

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        work = partial(super().main, args, prog_name, complete_var, standalone_mode=False, **extra)
        if not standalone_mode:
            return work()
        here = os.getcwd()
        if "" not in sys.path and here not in sys.path:
            sys.path.append(here)  # for MODULE:NAME; last, so that it hides no installed package
        gc.set_threshold(*_SELDOM)
        status = guarded(work)
        gc.freeze()  # the process ends: there is nothing to collect for
        sys.exit(status)


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
