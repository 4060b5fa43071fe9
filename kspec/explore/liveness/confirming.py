"""A counterexample of a graph is believed when the system itself shows it.

A cycle is taken twice: its states must come back, it must be fair, and what is owed stay unpaid.

The second turn takes the same actions or, where their names have moved on (a delivery that is named
after a version), the actions in the same places of what is enabled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import attrs

from kspec.explore.debt import Debt, as_verdict
from kspec.explore.exploration import Violation
from kspec.explore.liveness.fairness import CycleFairness, have_faults_ended
from kspec.explore.monitor import Monitor
from kspec.explore.runner import Runner
from kspec.explore.strategies.strategy import kind_of
from kspec.property import Property
from kspec.system import AnySystem

TURNS = 2
SUFFIX_BOUND = 10_000


class Taken(NamedTuple):
    """One step of the cycle's first turn."""

    action: Any
    before: Any
    after: Any


class Turns:
    """Goes round a cycle from a state in which a run has arrived.

    Iterate over `take` for the steps of the first turn. In the end the runner has the violation,
    or `problem` says why there is none.
    """

    def __init__(self, runner: Runner, state: Any) -> None:
        self._runner, self._monitor, self._system = runner, runner.monitor, runner.system
        self._state, self._stem = state, tuple(runner.actions)
        self.problem = ""

    def take(self, cycle: Sequence[Any]) -> Iterator[Taken]:
        """Take the cycle twice and judge it."""
        system, fairness = self._system, CycleFairness(self._system)
        places: list[int] = []
        marks = [system.fingerprint(self._state)]
        self.problem = self._objection(cycle)
        for number in range(TURNS * len(cycle) if not self.problem else 0):
            turn, position = divmod(number, len(cycle))
            if turn and marks[0] != marks[len(cycle)]:
                break
            enabled = system.enabled(self._state)
            action = self._action(cycle[position], enabled, places[position] if turn else -1)
            if action is None:
                name = system.encode(cycle[position])
                self.problem = f"{name} is not enabled in turn {turn + 1} of the cycle"
                return
            places.append(enabled.index(action) if action in enabled else -1)
            fairness.take(enabled, action)
            step = self._step(action)
            marks.append(system.fingerprint(step.after))
            if not turn:
                yield step
            if self._monitor.found:
                self._runner.collect()
                return
        self.problem = self.problem or self._verdict(marks, len(cycle), fairness)
        if not self.problem:
            self._collect(cycle)

    def _objection(self, cycle: Sequence[Any]) -> str:
        """What can be said against it before the first step."""
        kind = kind_of(self._system)
        if not cycle:
            return "the cycle is empty"
        if any(kind(action) == "fault" for action in cycle):
            return "a fault strikes in the cycle, and the faults have to end"
        if not have_faults_ended(self._system, self._state):
            return "the faults have not ended where the cycle begins"
        return ""

    def _action(self, recorded: Any, enabled: Sequence[Any], place: int) -> Any:
        if self._system.resolve(self._state, recorded) == recorded:
            return recorded
        return enabled[place] if 0 <= place < len(enabled) else None

    def _step(self, action: Any) -> Taken:
        before, runner = self._state, self._runner
        for debt in self._debts():
            debt.judge(before)
        self._state = self._system.step(before, action)
        runner.actions.append(action)
        self._monitor.observe(before, self._state, len(runner.actions))
        return Taken(action, before, self._state)

    def _debts(self) -> list[Debt]:
        return list(self._monitor.debts.values())

    def _verdict(self, marks: list[int], length: int, fairness: CycleFairness) -> str:
        """Why a cycle that was taken breaks nothing; "" where it does."""
        if marks[0] != marks[length] or marks[:length] != marks[length:-1]:
            return "the states do not come back"
        if fairness.neglected:
            return f"it is not fair: {fairness.neglected[0]} could be taken and never is"
        if not any(debt.is_broken(len(self._stem)) for debt in self._debts()):
            return "nothing that is owed stays unpaid in it"
        return ""

    def _collect(self, cycle: Sequence[Any]) -> None:
        runner, monitor, debt = self._runner, self._monitor, self._debts()[0]
        verdict = as_verdict(debt.verdict)
        if not monitor.accepts(verdict):
            self.problem = "it breaks the property in another way"
            return
        monitor.violate(debt.prop, verdict)
        runner.collect(None, self._stem)
        runner.violations[-1] = attrs.evolve(runner.violations[-1], cycle=tuple(cycle))


def repeat_leniently(runner: Runner, state: Any, cycle: Sequence[Any]) -> None:
    """Leave out of a cycle what is not enabled, and go round the rest; the runner has the violation
    where that is one."""
    system, at = runner.system, state
    rest: list[Any] = []
    for recorded in cycle:
        action = system.resolve(at, recorded)
        if action is not None:
            rest.append(action)
            at = system.step(at, action)
    for _ in Turns(runner, state).take(rest):
        pass


class Confirmation(NamedTuple):
    """A violation that the system shows, or why there is none."""

    violation: Violation | None
    problem: str = ""


class Confirmer:
    """Walks choices of a graph on the system itself. label: goes into every violation."""

    def __init__(self, system: AnySystem, label: Violation) -> None:
        self._system, self._label = system, label

    def actions(self, choices: Sequence[int], state: Any = None) -> tuple[list[Any], Any]:
        """The actions that these choices make, and the state after them."""
        state = self._system.init() if state is None else state
        actions = []
        for choice in choices:
            actions.append(self._system.enabled(state)[choice])
            state = self._system.step(state, actions[-1])
        return actions, state

    def _walk(self, prop: Property, actions: Sequence[Any]) -> tuple[Runner, Any]:
        """A runner that has taken these actions, or those up to a violation of safety."""
        runner = Runner(self._system, Monitor(self._system, [prop]), stop=True)
        runner.label = self._label
        return runner, runner.follow(actions)

    def late(self, prop: Property, choices: Sequence[int]) -> Confirmation:
        """These choices let the time run out in which the goal was due."""
        runner, _ = self._walk(prop, self.actions(choices)[0])
        if runner.violations:
            return Confirmation(runner.violations[0])
        return Confirmation(None, "the time does not run out on the system itself")

    def quiescent(self, prop: Property, choices: Sequence[int]) -> Confirmation:
        """These choices end where nothing but faults is enabled.

        Where the behaviour up to the end of the faults ends in the same way, first come first
        served, it is that behaviour which is reported: it is shorter.
        """
        actions, _ = self.actions(choices)
        for cut in dict.fromkeys((self._end_of_faults(actions), len(actions))):
            runner, state = self._walk(prop, actions[:cut])
            if not runner.violations:
                runner.settle(state, SUFFIX_BOUND)
            if runner.violations:
                return Confirmation(runner.violations[0])
        return Confirmation(None, "the system does not stay where the graph ends")

    def _end_of_faults(self, actions: Sequence[Any]) -> int:
        """How many actions come before the one that ends the faults, or how many there are."""
        state = self._system.init()
        for number, action in enumerate(actions):
            if action == self._system.heal(state):
                return number
            state = self._system.step(state, action)
        return len(actions)

    def lasso(self, prop: Property, stem: Sequence[int], cycle: Sequence[int]) -> Confirmation:
        """These choices lead to a cycle, and go round it."""
        before, state = self.actions(stem)
        around, _ = self.actions(cycle, state)
        runner, state = self._walk(prop, before)
        if runner.violations:
            return Confirmation(runner.violations[0])
        turns = Turns(runner, state)
        for _ in turns.take(around):
            pass
        if not runner.violations:
            return Confirmation(None, f"the cycle does not stand: {turns.problem}")
        return Confirmation(runner.violations[0])
