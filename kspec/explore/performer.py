"""Performs run tasks on one system: every process that explores has one."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from kspec.explore.exploration import Violation
from kspec.explore.monitor import Monitor
from kspec.explore.orders import Orders
from kspec.explore.runner import OnViolation, Runner
from kspec.explore.strategies.registry import STRATEGIES
from kspec.explore.strategies.strategy import Scale, Strategy, rng_of
from kspec.explore.task import RunOutcome, RunTask
from kspec.property import Property
from kspec.system import AnySystem

FIFO = "fifo"


class Performer:
    """Runs tasks one after the other; nothing but tables of facts is kept between them."""

    def __init__(
        self,
        system: AnySystem,
        properties: Iterable[Property],
        on_violation: OnViolation | None = None,
    ) -> None:
        self.system = system
        self._properties = {prop.name: prop for prop in properties}
        self._monitor = Monitor(system, self._properties.values())
        self._active: tuple[str, ...] = tuple(self._properties)
        self._runner = Runner(system, self._monitor, on_violation=on_violation)
        self._strategies: dict[str, Strategy] = {}
        self._orders = Orders(system)

    def perform(self, task: RunTask) -> RunOutcome:
        """One run. Where it is cut short, what it found until then is kept."""
        runner = self._runner
        runner.restart(self._monitor_of(task.active), stop=task.stop)
        strategy = self._begun(task)
        try:
            runner.run(strategy, task.length, task.bound, _label(task))
            actions = tuple(runner.actions[: task.length]) if task.with_orders else ()
            orders = self._orders.of(actions)
            return attrs.evolve(self._outcome(task, strategy), orders=orders, schedule=actions)
        except KeyboardInterrupt:
            runner.collect()
            return attrs.evolve(self._outcome(task, strategy), interrupted=True)
        except Exception as error:
            runner.collect()
            return attrs.evolve(self._outcome(task, strategy), problem=error)

    def _outcome(self, task: RunTask, strategy: Strategy | None) -> RunOutcome:
        """What the run has come to by now, without its orders."""
        runner, monitor = self._runner, self._monitor
        return RunOutcome(
            task=task,
            steps=runner.steps,
            contested=runner.fifo.contested if strategy is None else strategy.contested,
            states=frozenset(runner.states),
            violations=tuple(runner.violations),
            witnessed=dict(monitor.witnessed),
            antecedents=monitor.antecedents,
            unfinished=dict(runner.unfinished),
            struck=dict(runner.struck),
        )

    def _begun(self, task: RunTask) -> Strategy | None:
        """The strategy of a run, begun; None where the fair suffix is the run."""
        if task.strategy == FIFO:
            return None
        strategy = self._strategies.get(task.strategy)
        if strategy is None:
            strategy = self._strategies[task.strategy] = STRATEGIES[task.strategy](self.system)
        scale = Scale(task.length, task.contested, task.schedule)
        strategy.begin(rng_of("run", task.seed, task.round, task.run), scale)
        return strategy

    def _monitor_of(self, active: tuple[str, ...]) -> Monitor:
        if active != self._active:
            properties = [self._properties[name] for name in active]
            self._monitor, self._active = Monitor(self.system, properties), active
        self._monitor.restart()
        return self._monitor


def _label(task: RunTask) -> Violation:
    return Violation(
        property="",
        kind="",
        witness="",
        actions=(),
        strategy=task.strategy,
        seed=task.seed,
        round=task.round,
        run=task.run,
    )
