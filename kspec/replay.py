"""Replay: take the actions of a trace again, strictly or leniently.

A strict replay judges a trace: it stops at the first difference, and goes round a cycle twice. A
lenient one serves shrinking: what is not enabled is skipped, what was executed is the new trace.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import attrs

from kspec.errors import Diverged, InputError, KspecError
from kspec.explore.exploration import Violation
from kspec.explore.liveness.confirming import Turns, repeat_leniently
from kspec.explore.monitor import Monitor
from kspec.explore.runner import Runner
from kspec.property import LIVENESS, Property
from kspec.system import AnySystem
from kspec.trace import Trace

SUFFIX_BOUND = 10_000
SLACK = 500
"""Steps that a lenient replay may take beyond four times the suffix that it looks for."""


class Step(NamedTuple):
    """One step of a replay; `is_suffix` tells the fair suffix, or the first turn of the cycle, from
    the recorded actions."""

    number: int
    text: str
    before: Any
    after: Any
    is_suffix: bool


@attrs.frozen(kw_only=True)
class Outcome:
    """How a replay ended.

    violation: what it saw, whichever it was. difference: why the trace is not reproduced; raise
    it to end the command. warnings: differences that do not matter unless the replay is strict.
    """

    violation: Violation | None
    difference: Diverged | None
    warnings: tuple[str, ...] = ()

    @property
    def is_reproduced(self) -> bool:
        return self.violation is not None and self.difference is None


class Replay:
    """A replay of one trace; iterate over it for the steps, then ask for its outcome."""

    def __init__(
        self, system: AnySystem, prop: Property, trace: Trace, *, strict: bool = False
    ) -> None:
        if prop.name != trace.property:
            raise InputError(f"the trace violates {trace.property}, not {prop.name}")
        self._system, self._prop, self._trace, self._strict = system, prop, trace, strict
        self._begin()

    def _begin(self) -> None:
        self._monitor = Monitor(self._system, [self._prop])
        self._runner = Runner(self._system, self._monitor, stop=True)
        self._runner.label = attrs.evolve(
            self._runner.label, strategy=self._trace.strategy, seed=self._trace.seed
        )
        self._warnings: list[str] = []
        self._difference: Diverged | None = None
        self._is_over = False

    def __iter__(self) -> Iterator[Step]:
        self._begin()
        state = self._system.init()
        self._monitor.begin(state)
        for number, text in enumerate(self._trace.actions, 1):
            if self._monitor.found:
                self._note(f"violated already after {number - 1} actions")
                break
            after = self._take(number, text, state)
            if after is None:
                break
            yield Step(number, text, state, after, False)
            state = after
        self._runner.collect()
        if not self._difference and not self._runner.violations:
            yield from self._suffix(state) if self._trace.suffix else self._cycle(state)
        self._compare()
        self._is_over = True

    @property
    def outcome(self) -> Outcome:
        """The outcome; takes the steps first where no one has."""
        if not self._is_over:
            for _ in self:
                pass
        found = self._runner.violations
        return Outcome(
            violation=found[0] if found else None,
            difference=self._difference,
            warnings=tuple(self._warnings),
        )

    def _take(self, number: int, text: str, state: Any) -> Any:
        """The state after one recorded action; None where the replay ends there."""
        system = self._system
        try:
            action = system.decode(text)
        except (KspecError, ValueError, KeyError):
            self._diverge(f"step {number}: {text} is no action of this system")
            return None
        if system.resolve(state, action) != action:
            enabled = system.enabled(state)
            self._diverge(
                f"step {number}: {text} is not enabled; enabled are "
                + (", ".join(system.encode(a) for a in enabled[:5]) or "no actions at all")
                + (f" and {len(enabled) - 5} more" if len(enabled) > 5 else "")
            )
            return None
        after = system.step(state, action)
        mark = f"{system.fingerprint(after):016x}"
        if mark != self._trace.fingerprints[number - 1] and not self._warnings:
            self._note(f"step {number}: the state after {text} differs from the recorded one")
            if self._difference:
                return None
        self._runner.actions.append(action)
        self._monitor.observe(state, after, number)
        return after

    def _suffix(self, state: Any) -> Iterator[Step]:
        steps: list[Step] = []

        def on_step(action: Any, before: Any, after: Any) -> None:
            number = len(self._trace.actions) + len(steps) + 1
            steps.append(Step(number, self._system.encode(action), before, after, True))

        self._runner.settle(state, SUFFIX_BOUND, on_step)
        yield from steps

    def _cycle(self, state: Any) -> Iterator[Step]:
        system, cycle = self._system, []
        for text in self._trace.cycle:
            try:
                cycle.append(system.decode(text))
            except (KspecError, ValueError, KeyError):
                self._diverge(f"in the cycle: {text} is no action of this system")
                return
        turns = Turns(self._runner, state)
        for number, step in enumerate(turns.take(cycle) if cycle else (), len(self._trace.actions)):
            yield Step(number + 1, system.encode(step.action), step.before, step.after, True)
        if turns.problem:
            self._diverge(f"the cycle does not stand: {turns.problem}")

    def _compare(self) -> None:
        trace, found = self._trace, self._runner.violations
        if self._difference:
            return
        if not found:
            self._diverge(
                f"{trace.property} was not violated, after all {len(trace.actions)} actions"
            )
        elif found[0].kind != trace.kind:
            self._diverge(
                f"{trace.property} was violated in another way: {found[0].witness}, "
                f"where the trace has {trace.witness}"
            )
        elif found[0].witness != trace.witness:
            self._note(f"the witness is {found[0].witness}, where the trace has {trace.witness}")
        elif found[0].suffix != trace.suffix:
            self._note(f"the suffix is {found[0].suffix}, where the trace has {trace.suffix}")
        elif len(found[0].cycle) != len(trace.cycle):
            self._note("it is violated before the cycle")

    def _note(self, what: str) -> None:
        if self._strict:
            self._diverge(what)
        else:
            self._warnings.append(what)

    def _diverge(self, what: str) -> None:
        self._difference = self._difference or Diverged(what)


def replay_leniently(
    system: AnySystem,
    prop: Property,
    actions: Sequence[Any],
    like: Violation,
    *,
    bound: int = SUFFIX_BOUND,
) -> Violation | None:
    """The violation of the same kind as `like` that these actions lead to, or None.

    Actions that nothing enabled stands for are skipped; those executed are the actions of the
    answer, which ends at the violation. Where `like` has a cycle, so has the answer.
    """
    runner = Runner(system, Monitor(system, [prop], kind=like.kind), stop=True)
    runner.label = like
    state = runner.follow(actions)
    if not runner.violations and prop.kind in LIVENESS:
        if like.cycle:
            repeat_leniently(runner, state, like.cycle)
        else:
            # One that takes much longer to go wrong is no smaller, and may grow with each step.
            known = 4 * like.suffix.actions + SLACK if like.suffix else bound
            runner.settle(state, min(bound, known))
    return runner.violations[0] if runner.violations else None
