"""`kspec bugs`: the zoo of historical bugs. Each command is loaded when it is asked for."""

from __future__ import annotations

import click

from kspec.cli import LazyGroup


class BugCommands(LazyGroup):
    """The commands of `kspec bugs`."""

    helps = {
        "list": "What is in the zoo: each bug with its report, its world and its property.",
        "hunt": "Look for bugs again, and make their traces small.",
    }
    package = "kspec.cli.bugs"


@click.command("bugs", cls=BugCommands)
def command() -> None:
    """Historical bugs of Kubernetes, each re-introduced by one small change of the model.

    A live limit is an entry that upstream has not fixed: the faithful model shows it.

    \b
    Examples:
      kspec bugs list
      kspec bugs hunt k8s-8138
      kspec bugs hunt --json bugs.json
    """
