"""`kspec policy`: scheduler policies on trial. Each command is loaded when it is asked for."""

from __future__ import annotations

import click

from kspec.cli import LazyGroup


class PolicyCommands(LazyGroup):
    """The commands of `kspec policy`."""

    helps = {
        "check": "One report card per policy: what it breaks, with traces and proofs.",
        "compare": "Policies side by side on a cluster's trace or a world.",
        "explain": "Why a pod cannot be placed, or where it goes.",
    }
    package = "kspec.cli.policy"


@click.command("policy", cls=PolicyCommands)
def command() -> None:
    """Put scheduler policies on trial.

    A policy is a built-in name (default, first-fit, best-fit, ...), MODULE:NAME of a Python class
    or list of plugins, a KubeSchedulerConfiguration file, or the URL of a scheduler extender.

    \b
    Examples:
      kspec policy check default mypolicies:Spread
      kspec policy compare best-fit fgd --trace shared/traces/openb --seeds 10
      kspec policy explain web-7 --policy default cluster.yaml
    """
