"""One run: a walk under a strategy, then the faults end and a fair suffix settles liveness.

The suffix is FIFO from the state where the walk ended, so the walk alone replays the whole run.
It ends where nothing but faults is enabled (a quiescent state stutters for ever) or where a state
comes back with the same order of waiting actors (a lasso).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import attrs

from kspec.explore.collector import seldom_collecting
from kspec.explore.debt import Debt, as_verdict
from kspec.explore.exploration import Suffix, Violation
from kspec.explore.liveness.fairness import CycleFairness
from kspec.explore.monitor import Monitor
from kspec.explore.recurring import Recurring
from kspec.explore.strategies.fifo import Fifo
from kspec.explore.strategies.strategy import PerAction, Strategy, fault_of, kind_of
from kspec.system import AnySystem

OnStep = Callable[[Any, Any, Any], None]
"""Told the action, the state before it and the state after it."""

OnViolation = Callable[[Violation], None]
"""Told each violation at once, so that it can be kept whatever becomes of the search."""


class Ending(NamedTuple):
    """How a fair suffix ended: quiescent, lasso, bound or stopped.

    cycle: the length of the lasso's cycle, else 0; choice: what FIFO chose where it closed.
    """

    how: str
    state: Any
    cycle: int = 0
    choice: int = -1


class Runner:
    """Runs one system under one monitor; counts what all its runs covered.

    `stop` ends a run at its first violation. `label` goes into the violations of a run.
    """

    def __init__(
        self,
        system: AnySystem,
        monitor: Monitor,
        *,
        stop: bool = False,
        on_violation: OnViolation | None = None,
    ) -> None:
        self.system, self.monitor, self.stop = system, monitor, stop
        self.on_violation = on_violation
        self.states: set[int] = set()
        self.steps = 0
        self.violations: list[Violation] = []
        self.unfinished: Counter[str] = Counter()
        self.struck: Counter[str] = Counter()
        self._fault_of = PerAction(fault_of(system))
        self.actions: list[Any] = []
        self.fifo = Fifo(system)
        self.label = Violation(property="", kind="", witness="", actions=())

    def restart(self, monitor: Monitor, *, stop: bool) -> None:
        """Count and collect afresh, under a monitor that may judge other properties."""
        self.monitor, self.stop = monitor, stop
        self.states, self.steps, self.violations = set(), 0, []
        self.unfinished, self.struck = Counter(), Counter()

    @seldom_collecting()
    def run(self, strategy: Strategy | None, length: int, bound: int, label: Violation) -> int:
        """One whole run, with a suffix where liveness is judged; how many steps it took.

        Without a strategy the suffix is the run.
        """
        system, self.label = self.system, label
        self.actions = []
        state = system.init()
        self.states.add(system.fingerprint(state))
        self.monitor.begin(state)
        try:
            if self.monitor.found:
                self.collect()
            if strategy is not None:
                state = self.walk(strategy, state, length)
            if not self.is_over and (strategy is None or self.monitor.has_liveness):
                self.settle(state, bound)
        finally:
            self.steps += len(self.actions)
            self.struck.update(filter(None, map(self._fault_of.__getitem__, self.actions)))
        return len(self.actions)

    @property
    def is_over(self) -> bool:
        return self.monitor.is_settled or (self.stop and bool(self.violations))

    def walk(self, strategy: Strategy, state: Any, length: int) -> Any:
        """Up to `length` steps; the state where they end."""
        enabled_in, step = self.system.enabled, self.system.step
        fingerprint, choose = self.system.fingerprint, strategy.choose
        observe, found = self.monitor.observe, self.monitor.found
        remember, record = self.states.add, self.actions.append
        for number in range(1, length + 1):
            enabled = enabled_in(state)
            if not enabled:
                break
            index = choose(state, enabled)
            if index < 0:
                break
            action = enabled[index]
            after = step(state, action)
            record(action)
            remember(fingerprint(after))
            observe(state, after, number)
            state = after
            if found:
                self.collect()
                if self.is_over:
                    break
        return state

    def follow(self, actions: Iterable[Any]) -> Any:
        """Take recorded actions from the initial state up to a violation; the state they end in.

        Those that nothing enabled stands for are skipped.
        """
        system, monitor = self.system, self.monitor
        state = system.init()
        monitor.begin(state)
        for recorded in actions:
            if monitor.found:
                break
            action = system.resolve(state, recorded)
            if action is None:
                continue
            after = system.step(state, action)
            self.actions.append(action)
            monitor.observe(state, after, len(self.actions))
            state = after
        self.collect()
        return state

    def collect(self, suffix: Suffix | None = None, stem: Sequence[Any] | None = None) -> None:
        """Turn what the monitor found into violations of this run."""
        actions = tuple(self.actions if stem is None else stem)
        found = self.monitor.found
        while found:
            prop, verdict = found[0]
            violation = attrs.evolve(
                self.label,
                property=prop.name,
                kind=verdict.kind,
                witness=verdict.witness,
                actions=actions,
                suffix=suffix,
            )
            self.violations.append(violation)
            del found[0]  # after it is kept, so that an interruption cannot lose it
            if self.on_violation is not None:
                self.on_violation(violation)

    def settle(self, state: Any, bound: int, on_step: OnStep | None = None) -> None:
        """Run the fair suffix from `state` and judge liveness at its end."""
        stem = len(self.actions)
        ending = self.suffix(state, bound, on_step)
        if ending.how == "stopped":
            return
        if ending.how == "bound":
            for debt in self.monitor.owing():
                self.unfinished[debt.prop.name] += 1
            return
        end = len(self.actions)
        cycle_from = end - ending.cycle if ending.how == "lasso" else None
        is_fair = self._goes_round(ending)
        broken = [d for d in self.monitor.owing() if d.is_broken(cycle_from)]
        if broken and not is_fair:
            for debt in broken:
                self.unfinished[debt.prop.name] += 1
            return
        self._violate(broken, Suffix(end - stem, ending.cycle), self.actions[:stem])

    def _violate(self, broken: list[Debt], suffix: Suffix, stem: list[Any]) -> None:
        for debt in broken:
            verdict = as_verdict(debt.verdict)
            if self.monitor.accepts(verdict):
                self.monitor.violate(debt.prop, verdict)
        self.collect(suffix, stem)

    def suffix(self, state: Any, bound: int, on_step: OnStep | None = None) -> Ending:
        """Heal, then FIFO to a quiescent state, a lasso, or `bound` steps without progress.

        Progress is a liveness property that is paid for the first time in this run.
        """
        system, monitor, fifo = self.system, self.monitor, self.fifo
        fifo.begin()
        watch = Recurring(system, fifo, is_judged=monitor.has_liveness)
        action = system.heal(state)
        progress, paid = len(self.actions), len(monitor.paid)
        while True:
            if action is None:
                enabled = system.enabled(state)
                index = fifo.choose(state, enabled)
                if index < 0:
                    return Ending("quiescent", state)
                here = len(self.actions)
                cycle = watch.cycle(state, enabled, index)
                if cycle:
                    return Ending("lasso", state, cycle, index)
                if len(monitor.paid) > paid:
                    progress, paid = here, len(monitor.paid)
                if here - progress >= bound:
                    return Ending("bound", state)
                action = enabled[index]
            after = system.step(state, action)
            self.actions.append(action)
            self.states.add(system.fingerprint(after))
            monitor.observe(state, after, len(self.actions))
            if on_step is not None:
                on_step(action, state, after)
            state, action = after, None
            if monitor.found:
                self.collect()
                if self.is_over:
                    return Ending("stopped", state)

    def _goes_round(self, ending: Ending) -> bool:
        """Judge what is owed where the behaviour stays; is its cycle fair?

        FIFO takes the cycle once more, because the actions of the next turn may carry new names.
        """
        system, state, index = self.system, ending.state, ending.choice
        owing = self.monitor.owing()
        fairness = CycleFairness(system)
        has_endless_input = getattr(system, "has_endless_input", None)
        is_driven = has_endless_input is not None and has_endless_input(state)
        turns: list[tuple[Any, Any]] = []
        for turn in range(ending.cycle):
            for debt in owing:
                debt.judge(state, is_driven=is_driven)
            enabled = system.enabled(state)
            if turn:
                index = self.fifo.choose(state, enabled)
            fairness.take(enabled, enabled[index])
            before, state = state, system.step(state, enabled[index])
            turns.append((before, state))
        for debt in owing:
            debt.judge(state, is_driven=is_driven)
            debt.tell_cycle(turns)
        return not fairness.neglected


def is_quiescent(system: AnySystem, enabled: Sequence[Any]) -> bool:
    """Is nothing but faults enabled?"""
    kind = kind_of(system)
    return all(kind(action) == "fault" for action in enabled)
