"""The random strategies by name, and how `--strategy` names one or a mix of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kspec.errors import InputError
from kspec.explore.strategies.fifo import Fifo
from kspec.explore.strategies.late import Late
from kspec.explore.strategies.pct import Pct
from kspec.explore.strategies.strategy import Strategy
from kspec.explore.strategies.walk import Walk
from kspec.system import AnySystem

STRATEGIES: dict[str, Callable[[AnySystem], Strategy]] = {
    "fifo": Fifo,
    "pct": Pct,
    "late": Late,
    "walk": Walk,
}

Weights = Sequence[tuple[str, int]]
"""Names of strategies and how many runs each gets against the others."""

DEFAULT: Weights = (("fifo", 1), ("pct", 60), ("late", 30), ("walk", 10))
"""FIFO always runs first and once; the others share the rounds by their weights."""


def known(weights: Weights) -> Weights:
    """The weights, once every name is found to be that of a strategy. Raises InputError."""
    for name, _ in weights:
        if name not in STRATEGIES:
            raise InputError(
                f"no strategy is called {name!r}", expected=" or ".join(sorted(STRATEGIES))
            )
    return weights
