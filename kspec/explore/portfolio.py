"""Which runs a search does next: the mix of strategies, and what earlier rounds teach it."""

from __future__ import annotations

from collections.abc import Iterable

from kspec.explore.corpus import Corpus
from kspec.explore.strategies.registry import GUIDED, Weights, known
from kspec.explore.strategies.strategy import rng_of
from kspec.explore.task import RunOutcome, RunTask

RUNS_PER_ROUND = 2
SHORTEST, LONGEST = 64, 10_000
FACTORS = (0.25, 0.5, 1.0, 2.0)

FEWEST_RUNS = 8
"""So many runs of a strategy say whether what it visits is new."""

MEMORY = 0.9
"""What one more run leaves of the weight of those before it."""

ENOUGH = 0.25
"""Where such a share of the visited states is new, a strategy is far from worked out.

Not more, because runs that begin alike, as after a head start, visit the same states again.
"""

FLOOR = 0.2
"""The share of its base weight that a strategy keeps even where it finds nothing new."""


class Novelty:
    """How much of what the last runs of a strategy visited was new."""

    def __init__(self) -> None:
        self._runs = 0
        self._new = self._states = 0.0

    def take(self, states: int, new: int) -> None:
        """One run: the distinct states it visited, and how many of them were new."""
        self._runs += 1
        self._new = MEMORY * self._new + new
        self._states = MEMORY * self._states + states

    @property
    def factor(self) -> float:
        """What the base weight is multiplied by, from FLOOR to 1."""
        if self._runs < FEWEST_RUNS or not self._states:
            return 1.0
        return FLOOR + (1.0 - FLOOR) * min(1.0, self._new / self._states / ENOUGH)


class Portfolio:
    """Plans the runs of each round. It learns only when `learn` is told whole rounds."""

    def __init__(self, weights: Weights) -> None:
        known(weights)
        self.has_fifo = any(name == "fifo" for name, _ in weights)
        self._base = {name: weight for name, weight in weights if name != "fifo" and weight > 0}
        self._novelty = {name: Novelty() for name in self._base}
        self._corpus = Corpus()
        self._has_guided = any(name in GUIDED for name in self._base)
        self._length, self._contested = 1_000, 1

    @property
    def is_empty(self) -> bool:
        """Is there nothing to run after FIFO?"""
        return not self._base

    @property
    def weights(self) -> dict[str, float]:
        """The base weights, each lowered as far as its strategy no longer finds new states."""
        return {name: base * self._novelty[name].factor for name, base in self._base.items()}

    def plan(self, like: RunTask, round: int, most: int) -> tuple[RunTask, ...]:
        """The runs of one round, `like` in all else; none takes more than `most` steps."""
        weights = self.weights
        return tuple(
            self._task(like._replace(round=round, run=run), weights, most)
            for run in range(RUNS_PER_ROUND)
        )

    def _task(self, like: RunTask, weights: dict[str, float], most: int) -> RunTask:
        rng = rng_of("plan", like.seed, like.round, like.run)
        name = rng.choices(list(weights), list(weights.values()))[0]
        length = min(LONGEST, max(SHORTEST, int(self._length * rng.choice(FACTORS))), most)
        return like._replace(
            strategy=name,
            length=length,
            contested=self._contested,
            schedule=self._corpus.pick(rng) if name in GUIDED else (),
            with_orders=self._has_guided,
        )

    def learn_length(self, outcome: RunOutcome) -> None:
        """Take in how long the FIFO run was: about what it takes to do all there is to do."""
        self._length = max(outcome.steps, SHORTEST)
        self._contested = max(self._contested, outcome.contested)

    def learn(self, outcomes: Iterable[tuple[RunOutcome, int]]) -> None:
        """Take in the outcomes of a round, each with how many of its states were new."""
        for outcome, new in outcomes:
            self._contested = max(self._contested, outcome.contested)
            self._novelty[outcome.task.strategy].take(len(outcome.states), new)
            self._corpus.add(outcome)
