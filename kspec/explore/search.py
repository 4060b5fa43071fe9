"""Random search: FIFO once, then rounds of runs drawn from a portfolio.

A round is a fixed number of runs, and each run draws all its randomness from (seed, round, run).
Learning happens between rounds. Under `steps` the outcome is a function of the seed alone; under
`seconds` the clock only decides how many whole rounds are run, and is read nowhere else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from kspec.explore.exploration import Exploration, Violation
from kspec.explore.monitor import Monitor
from kspec.explore.runner import OnViolation, Runner
from kspec.explore.strategies.portfolio import DEFAULT, Portfolio
from kspec.explore.strategies.strategy import rng_of
from kspec.property import Property
from kspec.system import AnySystem

RUNS_PER_ROUND = 2
DEFAULT_STEPS = 100_000
SUFFIX_BOUND = 10_000
MOST_AWAITED = 12
"""Rounds after which a search that is out of time no longer waits for a fault to strike."""

Progress = Callable[[int, int, int], None]


class _Search:
    """The rounds of one search, so that an interruption can still report what they covered."""

    def __init__(self, runner: Runner, seed: int) -> None:
        self.monitor, self.runner, self.seed = runner.monitor, runner, seed
        self.runs: Counter[str] = Counter()
        self.rounds = 0
        self.interrupted = False

    def label(self, strategy: str, run: int) -> Violation:
        return Violation(
            property="",
            kind="",
            witness="",
            actions=(),
            strategy=strategy,
            seed=self.seed,
            round=self.rounds,
            run=run,
        )

    def fifo(self, portfolio: Portfolio, bound: int) -> None:
        length = self.runner.run(None, 0, bound, self.label("fifo", 0))
        self.runs["fifo"] += 1
        portfolio.learn_length(length)
        portfolio.learn_contested(self.runner.fifo.contested)

    def round(self, portfolio: Portfolio, steps: int | None, bound: int) -> None:
        """One round, cut where the steps are spent; a run that has begun is finished."""
        self.rounds += 1
        runner, contested = self.runner, 0
        for run in range(RUNS_PER_ROUND):
            left = None if steps is None else steps - runner.steps
            if runner.is_over or (left is not None and left <= 0):
                break
            strategy, length = portfolio.draw(rng_of("run", self.seed, self.rounds, run))
            length = length if left is None else min(length, left)
            runner.run(strategy, length, bound, self.label(strategy.name, run))
            self.runs[strategy.name] += 1
            contested = max(contested, strategy.contested)
        portfolio.learn_contested(contested)

    def outcome(self, properties: Sequence[Property]) -> Exploration:
        runner, monitor = self.runner, self.monitor
        return Exploration(
            properties=frozenset(prop.name for prop in properties),
            seed=self.seed,
            steps=runner.steps,
            states=len(runner.states),
            rounds=self.rounds,
            runs=dict(self.runs),
            violations=tuple(runner.violations),
            witnessed=dict(monitor.witnessed),
            antecedents=monitor.antecedents,
            unfinished={
                name: f"{count:,} fair suffixes met their bound, or a cycle that is not fair, "
                "before anything was decided"
                for name, count in runner.unfinished.items()
            },
            struck=dict(runner.struck),
            interrupted=self.interrupted,
        )


def search(
    system: AnySystem,
    properties: Iterable[Property],
    *,
    seed: int,
    steps: int | None = None,
    seconds: float | None = None,
    strategies: Sequence[tuple[str, int]] = DEFAULT,
    clock: Callable[[], float] | None = None,
    stop_at_first: bool = False,
    suffix_bound: int = SUFFIX_BOUND,
    awaited_faults: Sequence[str] = (),
    on_progress: Progress | None = None,
    on_violation: OnViolation | None = None,
) -> Exploration:
    """Explore by random runs until the steps or seconds are spent, or nothing is left to find.

    At least one round is run, because FIFO alone takes no faults.

    strategies: names and weights. clock: seconds on any scale; needed only with `seconds`.
    awaited_faults: classes that should strike at least once: under `seconds` a few more rounds are
    run until they have. suffix_bound: how many steps of a fair suffix may pass without progress.
    on_progress: told (steps, states, runs) after each round. on_violation: told each violation
    when it is found. A violated property is dropped and
    the others go on, unless `stop_at_first`. An interruption returns what was covered.
    """
    if seconds is not None and clock is None:
        raise TypeError("search: `seconds` needs a `clock`, such as time.monotonic")
    properties = tuple(properties)
    portfolio = Portfolio(system, strategies)
    monitor = Monitor(system, properties)
    runner = Runner(system, monitor, stop=stop_at_first, on_violation=on_violation)
    work = _Search(runner, seed)
    if steps is None and seconds is None:
        steps = DEFAULT_STEPS
    deadline = clock() + seconds if clock is not None and seconds is not None else None
    bound = suffix_bound if steps is None else min(suffix_bound, max(steps, 1))
    try:
        if portfolio.has_fifo:
            work.fifo(portfolio, bound)
        while not portfolio.is_empty and not work.runner.is_over:
            if steps is not None and work.runner.steps >= steps:
                break
            is_late = deadline is not None and clock is not None and clock() >= deadline
            has_struck = all(name in runner.struck for name in awaited_faults)
            if is_late and work.rounds and (has_struck or work.rounds >= MOST_AWAITED):
                break
            before = work.runner.steps
            work.round(portfolio, steps, bound)
            if on_progress is not None:
                on_progress(work.runner.steps, len(work.runner.states), work.runs.total())
            if work.runner.steps == before:
                break  # no action is ever enabled
    except KeyboardInterrupt:
        work.interrupted = True
    return work.outcome(properties)
