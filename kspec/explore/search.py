"""Random search: FIFO once, then rounds of runs that a portfolio plans.

A round is a fixed number of runs, and each run draws all its randomness from (seed, round, run).
A round is planned with what was learned from the rounds up to AHEAD before it, so that so many can
be under way at once, and outcomes are taken in the order of the runs: under `steps` the result is
a function of the seed alone, wherever the runs are done. Under `seconds` the clock only decides
how many whole rounds are taken.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence

from kspec.explore.executor import Executor, Serial
from kspec.explore.exhaustive.visited import Visited
from kspec.explore.exploration import Exploration, Violation
from kspec.explore.performer import FIFO, Performer
from kspec.explore.portfolio import LONGEST, Portfolio
from kspec.explore.runner import OnViolation
from kspec.explore.statistics import Tally
from kspec.explore.strategies.registry import DEFAULT, Weights
from kspec.explore.task import RunOutcome, RunTask
from kspec.property import Kind, Property
from kspec.system import AnySystem

AHEAD = 8
"""How many rounds may be planned before the outcome of the first of them is known."""

DEFAULT_STEPS = 100_000
SUFFIX_BOUND = 10_000
MOST_AWAITED = 12
"""Rounds after which a search that is out of time no longer waits for a fault to strike."""

Progress = Callable[[int, int, int], None]


class _Search:
    """What the outcomes taken so far amount to."""

    def __init__(
        self, properties: Sequence[Property], task: RunTask, most: int, tell: OnViolation | None
    ) -> None:
        self.properties = tuple(properties)
        self.kinds = {prop.name: prop.kind for prop in properties}
        self.task, self.most, self.tell = task, most, tell
        self.rounds = self.steps = 0
        self.tally = Tally()
        self.states = Visited()
        self.violations: list[Violation] = []
        self.untold: deque[Violation] = deque()
        self.last: RunOutcome | None = None
        self.times: Counter[str] = Counter()
        self.witnessed: dict[str, str] = {}
        self.antecedents: set[str] = set()
        self.unfinished: Counter[str] = Counter()
        self.struck: Counter[str] = Counter()
        self.interrupted = False

    @property
    def active(self) -> tuple[str, ...]:
        """The properties still judged: neither witnessed nor violated as often as is wanted."""
        return tuple(
            name
            for name, kind in self.kinds.items()
            if self.times[name] < self.most
            and not (kind is Kind.SOMETIMES and name in self.witnessed)
        )

    @property
    def is_over(self) -> bool:
        """Nothing is left to find, or enough was found."""
        if self.interrupted or (self.task.stop and self.violations):
            return True
        return not self.active and bool(self.violations or self.witnessed)

    def take(self, outcome: RunOutcome) -> int:
        """Add one run, and say how many of its states were new.

        A violation that is no longer wanted is left out.
        """
        self._keep(outcome)
        strategy = outcome.task.strategy
        self.steps += outcome.steps
        new = sum(self.states.add(tuple(outcome.states)))
        self.tally.take(strategy, steps=outcome.steps, states=len(outcome.states), new=new)
        self.antecedents |= outcome.antecedents
        self.unfinished.update(outcome.unfinished)
        self.struck.update(outcome.struck)
        self.interrupted |= outcome.interrupted
        for name, witness in outcome.witnessed.items():
            self.witnessed.setdefault(name, witness)
        if outcome.problem is not None:
            raise outcome.problem
        return new

    def _keep(self, outcome: RunOutcome) -> None:
        """Before all else: the violations that are wanted, then tell of each."""
        self.last = outcome
        for violation in outcome.violations:
            if self.times[violation.property] < self.most and violation not in self.violations:
                self.violations.append(violation)
                self.untold.append(violation)
                self.times[violation.property] += 1
                self.tally.violated(outcome.task.strategy)
        self._tell_all()

    def keep_last(self) -> None:
        """Keep what an interruption has left of the last outcome; nothing is kept twice."""
        if self.last is not None:
            self._keep(self.last)

    def _tell_all(self) -> None:
        """Tell of each violation that was not told yet, whatever interrupts the telling of one."""
        while self.untold:
            violation = self.untold.popleft()
            try:
                if self.tell is not None:
                    self.tell(violation)
            except KeyboardInterrupt:
                self.interrupted = True

    def exploration(self) -> Exploration:
        return Exploration(
            properties=frozenset(self.kinds),
            seed=self.task.seed,
            steps=self.steps,
            states=len(self.states),
            rounds=self.rounds,
            runs=self.tally.runs,
            statistics=self.tally.statistics(),
            violations=tuple(self.violations),
            witnessed=self.witnessed,
            antecedents=frozenset(self.antecedents),
            unfinished={
                name: f"{count:,} fair suffixes met their bound, or a cycle that is not fair, "
                "before anything was decided; more --steps may decide it"
                for name, count in self.unfinished.items()
            },
            struck=dict(self.struck),
            interrupted=self.interrupted,
        )


class _Driver:
    """Plans rounds ahead, takes their outcomes in order, and lets the portfolio learn.

    idle: how many of the last rounds took no step: nothing that their strategies take was enabled.
    """

    def __init__(self, work: _Search, portfolio: Portfolio, executor: Executor, ahead: int) -> None:
        self.work, self.portfolio, self.executor = work, portfolio, executor
        self.ahead, self.planned, self.idle = ahead, 0, 0
        self.sizes: dict[int, int] = {}

    def fifo(self) -> None:
        """The FIFO run, which says how long runs should be."""
        self.executor.submit(self.work.task._replace(strategy=FIFO, active=self.work.active))
        outcome = self.executor.next()
        self.work.take(outcome)
        self.portfolio.learn_length(outcome)

    def round(self, steps: int | None) -> None:
        """Take the next round, cut where the steps are spent; plan those after it first."""
        work = self.work
        while self.planned < work.rounds + self.ahead:
            self.plan(LONGEST if steps is None else max(1, steps - work.steps))
        work.rounds += 1
        outcomes, before = [], work.steps
        for _ in range(self.sizes.pop(work.rounds)):
            outcome = self.executor.next()
            outcomes.append((outcome, work.take(outcome)))
            if work.is_over or (steps is not None and work.steps >= steps):
                break
        self.idle = self.idle + 1 if work.steps == before else 0
        self.portfolio.learn(outcomes)

    def end(self) -> None:
        """Take what runs that are cut short hand in; asked again, what is there must do."""
        self.work.keep_last()
        try:
            for outcome in self.executor.discard(self.work.interrupted):
                self.work.take(outcome)
        except KeyboardInterrupt:
            self.work.interrupted = True
            self.work.keep_last()

    def plan(self, most: int) -> None:
        self.planned += 1
        like = self.work.task._replace(active=self.work.active)
        tasks = self.portfolio.plan(like, self.planned, most)
        self.sizes[self.planned] = len(tasks)
        for task in tasks:
            self.executor.submit(task)


def search(
    system: AnySystem,
    properties: Iterable[Property],
    *,
    seed: int,
    steps: int | None = None,
    seconds: float | None = None,
    strategies: Weights = DEFAULT,
    clock: Callable[[], float] | None = None,
    stop_at_first: bool = False,
    violations: int = 1,
    suffix_bound: int = SUFFIX_BOUND,
    awaited_faults: Sequence[str] = (),
    executor: Executor | None = None,
    ahead: int = AHEAD,
    on_progress: Progress | None = None,
    on_violation: OnViolation | None = None,
) -> Exploration:
    """Explore by random runs until the steps or seconds are spent, or nothing is left to find.

    At least one round is run, because FIFO alone takes no faults.

    strategies: names and weights. clock: seconds on any scale; needed only with `seconds`.
    violations: how many of each property to look for before it is judged no further.
    awaited_faults: classes that should strike at least once: under `seconds` a few more rounds are
    run until they have. suffix_bound: how many steps of a fair suffix may pass without progress.
    executor: where the runs are done; here, unless it says otherwise. ahead: how many rounds are
    planned at once. on_progress: told (steps, states, runs) after each round. on_violation: told
    each violation when its run is over. An interruption returns what was covered.
    """
    if seconds is not None and clock is None:
        raise TypeError("search: `seconds` needs a `clock`, such as time.monotonic")
    properties = tuple(properties)
    portfolio = Portfolio(strategies)
    if steps is None and seconds is None:
        steps = DEFAULT_STEPS
    bound = suffix_bound if steps is None else min(suffix_bound, max(steps, 1))
    task = RunTask(seed, 0, 0, FIFO, 0, 1, bound, (), stop_at_first)
    work = _Search(properties, task, violations, on_violation)
    executor = executor or Serial(Performer(system, properties))
    driver = _Driver(work, portfolio, executor, ahead)
    deadline = clock() + seconds if clock is not None and seconds is not None else None
    try:
        if portfolio.has_fifo:
            driver.fifo()
        while not portfolio.is_empty and not work.is_over:
            if steps is not None and work.steps >= steps:
                break
            is_late = deadline is not None and clock is not None and clock() >= deadline
            has_struck = all(name in work.struck for name in awaited_faults)
            if is_late and work.rounds and (has_struck or work.rounds >= MOST_AWAITED):
                break
            driver.round(steps)
            if on_progress is not None:
                on_progress(work.steps, len(work.states), sum(work.tally.runs.values()))
            if driver.idle >= AHEAD or (driver.idle and not system.enabled(system.init())):
                break
    except KeyboardInterrupt:
        work.interrupted = True
    driver.end()
    return work.exploration()
