"""Which strategies a search mixes, in which proportion, and what one round teaches the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from kspec.errors import InputError
from kspec.explore.strategies.fifo import Fifo
from kspec.explore.strategies.late import Late
from kspec.explore.strategies.pct import Pct
from kspec.explore.strategies.strategy import Scale, Strategy
from kspec.explore.strategies.walk import Walk
from kspec.system import AnySystem

STRATEGIES: dict[str, Callable[[AnySystem], Strategy]] = {
    "fifo": Fifo,
    "pct": Pct,
    "late": Late,
    "walk": Walk,
}

DEFAULT = (("fifo", 1), ("pct", 60), ("late", 30), ("walk", 10))
"""FIFO always runs first and once; the others share the rounds by their weights."""

SHORTEST, LONGEST = 64, 10_000
FACTORS = (0.25, 0.5, 1.0, 2.0)


class Portfolio:
    """Draws the strategy and the length of each run; it learns between rounds only."""

    def __init__(self, system: AnySystem, weights: Sequence[tuple[str, int]]) -> None:
        unknown = [name for name, _ in weights if name not in STRATEGIES]
        if unknown:
            raise InputError(
                f"no strategy is called {unknown[0]!r}", expected=" or ".join(sorted(STRATEGIES))
            )
        self.has_fifo = any(name == "fifo" for name, _ in weights)
        mixed = [(name, weight) for name, weight in weights if name != "fifo" and weight > 0]
        self._names = [name for name, _ in mixed]
        self._weights = [weight for _, weight in mixed]
        self._strategies = {name: STRATEGIES[name](system) for name in self._names}
        self._length, self._contested = 1_000, 1

    @property
    def is_empty(self) -> bool:
        """Is there nothing to run after FIFO?"""
        return not self._names

    def draw(self, rng: Random) -> tuple[Strategy, int]:
        """The strategy of a run, begun, and the most steps it may take."""
        name = rng.choices(self._names, self._weights)[0]
        length = int(self._length * rng.choice(FACTORS))
        length = min(LONGEST, max(SHORTEST, length))
        strategy = self._strategies[name]
        strategy.begin(rng, Scale(length, self._contested))
        return strategy, length

    def learn_length(self, length: int) -> None:
        """Take in how long the FIFO run was: about what it takes to do all there is to do."""
        self._length = max(length, SHORTEST)

    def learn_contested(self, contested: int) -> None:
        """Take in the most contested steps of any run of a round."""
        self._contested = max(self._contested, contested)
