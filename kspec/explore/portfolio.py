"""Which runs a search does next: the mix of strategies, and what earlier rounds teach it."""

from __future__ import annotations

from collections.abc import Iterable

from kspec.explore.strategies.registry import Weights, known
from kspec.explore.strategies.strategy import rng_of
from kspec.explore.task import RunOutcome, RunTask

RUNS_PER_ROUND = 2
SHORTEST, LONGEST = 64, 10_000
FACTORS = (0.25, 0.5, 1.0, 2.0)


class Portfolio:
    """Plans the runs of each round. It learns only when `learn` is told whole rounds."""

    def __init__(self, weights: Weights) -> None:
        known(weights)
        self.has_fifo = any(name == "fifo" for name, _ in weights)
        mixed = [(name, weight) for name, weight in weights if name != "fifo" and weight > 0]
        self._names = [name for name, _ in mixed]
        self._weights = [weight for _, weight in mixed]
        self._length, self._contested = 1_000, 1

    @property
    def is_empty(self) -> bool:
        """Is there nothing to run after FIFO?"""
        return not self._names

    def plan(self, like: RunTask, round: int, most: int) -> tuple[RunTask, ...]:
        """The runs of one round, `like` in all else; none takes more than `most` steps."""
        return tuple(self._task(like, round, run, most) for run in range(RUNS_PER_ROUND))

    def _task(self, like: RunTask, round: int, run: int, most: int) -> RunTask:
        rng = rng_of("plan", like.seed, round, run)
        name = rng.choices(self._names, self._weights)[0]
        length = min(LONGEST, max(SHORTEST, int(self._length * rng.choice(FACTORS))), most)
        return like._replace(
            round=round, run=run, strategy=name, length=length, contested=self._contested
        )

    def learn_length(self, outcome: RunOutcome) -> None:
        """Take in how long the FIFO run was: about what it takes to do all there is to do."""
        self._length = max(outcome.steps, SHORTEST)
        self.learn((outcome,))

    def learn(self, outcomes: Iterable[RunOutcome]) -> None:
        """Take in the outcomes of a round."""
        self._contested = max(self._contested, *(outcome.contested for outcome in outcomes))
