"""The random strategies by name, and how `--strategy` names one or a mix of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kspec.errors import InputError
from kspec.explore.strategies.fifo import Fifo
from kspec.explore.strategies.guided import Guided
from kspec.explore.strategies.late import Late
from kspec.explore.strategies.pct import Pct
from kspec.explore.strategies.pos import Pos
from kspec.explore.strategies.staleness import Staleness
from kspec.explore.strategies.strategy import Strategy
from kspec.explore.strategies.swarm import Swarm
from kspec.explore.strategies.walk import Walk
from kspec.explore.strategies.weighted import Weighted
from kspec.system import AnySystem

STRATEGIES: dict[str, Callable[[AnySystem], Strategy]] = {
    "fifo": Fifo,
    "pct": Pct,
    "late": Late,
    "pos": Pos,
    "staleness": Staleness,
    "guided": Guided,
    "swarm": Swarm,
    "weighted": Weighted,
    "walk": Walk,
}

Weights = Sequence[tuple[str, int]]
"""Names of strategies and how many runs each gets against the others."""

DEFAULT: Weights = (
    ("fifo", 1),
    ("pct", 45),
    ("guided", 20),
    ("pos", 10),
    ("late", 10),
    ("staleness", 5),
    ("swarm", 5),
    ("walk", 5),
)
"""FIFO always runs first and once; the others share the rounds by their weights.

Measured on the mutants that FIFO misses, each in its own world: PCT, guided and POS find them all
and soonest, so they get three runs in four; each of the others is the first on some of them.
"""

PORTFOLIO = "portfolio"
"""What the default mix is called."""

WHOLE = (PORTFOLIO, "bfs", "deepening")
"""What stands alone: the default mix, and the exhaustive strategies."""

GUIDED = ("guided",)
"""The strategies that vary a schedule of an earlier run."""


def known(weights: Weights, where: str = "") -> Weights:
    """The weights, once every name is found to be that of a strategy. Raises InputError."""
    for name, _ in weights:
        if name in WHOLE:
            raise InputError(f"{name} cannot be part of a mix", where=where, expected="it alone")
        if name not in STRATEGIES:
            raise InputError(
                f"no strategy is called {name!r}",
                where=where,
                expected=" or ".join((*WHOLE, *sorted(STRATEGIES))),
            )
    return weights


OPTION = "--strategy"


def parse(text: str) -> Weights:
    """The weights of a text: NAME, or NAME=WEIGHT joined by commas; "portfolio" is the default.

    Raises InputError for a name that is not known or comes twice, or a weight below 1.
    """
    if text.strip() == PORTFOLIO:
        return DEFAULT
    weights = known(tuple(map(_item, text.split(","))), OPTION)
    names = [name for name, _ in weights]
    for name in names:
        if names.count(name) > 1:
            raise InputError(
                f"strategy {name!r} is named twice", where=OPTION, expected="each name once"
            )
    return weights


def _item(text: str) -> tuple[str, int]:
    name, equals, weight = (part.strip() for part in text.partition("="))
    if not equals:
        return name, 1
    if not (weight.isascii() and weight.isdigit() and int(weight)):
        raise InputError(
            f"strategy {name!r} has the weight {weight!r}",
            where=OPTION,
            expected="a whole number from 1",
        )
    return name, int(weight)
