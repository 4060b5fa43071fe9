"""The walk of a violation, and what becomes of variants of it.

A variant is judged beyond its actions: those that are still enabled are taken, and then it goes on
first come, first served, without faults, until nothing happens any more or for a while. So a
variant does not pass because what would have broken it is merely put off. Where a limit leaves a
liveness property open, the variant is not said to pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from kspec.explore.exploration import Violation
from kspec.explore.monitor import Monitor
from kspec.explore.runner import Runner
from kspec.property import LIVENESS, Property
from kspec.shrinking.remembering import Remembering
from kspec.system import AnySystem

SUFFIX_BOUND = 2_000
MOST_AFTERWARDS = 300
"""Steps of a safety variant after its actions; most worlds come to rest sooner."""


class Stride(NamedTuple):
    """One step of a walk."""

    number: int
    action: Any
    before: Any
    after: Any
    is_suffix: bool


class Varied(NamedTuple):
    """passes: nothing is violated, and that is certain; breaks: the property is violated.

    executed: how many of the actions were enabled. violation: what breaks it. bound: how many steps
    after its actions it was followed, where it could have gone on; 0 where it was judged for ever.
    """

    passes: bool
    executed: int
    violation: Violation | None = None
    bound: int = 0

    @property
    def breaks(self) -> bool:
        return self.violation is not None

    @property
    def passing(self) -> str:
        """What to say of one that passes."""
        return f"nothing breaks in the next {self.bound} steps" if self.bound else "nothing breaks"


class Walk:
    """The steps of one violation, with the means to try variants of it.

    replays counts the variants that were tried, looked the deliveries that were looked at for them.
    most_steps: how many steps these may take together before no further one is worth it.
    """

    def __init__(
        self,
        system: AnySystem,
        prop: Property,
        violation: Violation,
        most_steps: int | None = None,
    ) -> None:
        self.prop, self.violation = prop, violation
        self.system = system
        self._fast = Remembering.of(system)
        self._fast.remember(violation.actions)
        self._began, self._most_steps = self._fast.stepped, most_steps
        self.replays = self.looked = 0
        self.strides = self._walk()

    @property
    def recorded(self) -> tuple[Stride, ...]:
        return self.strides[: len(self.violation.actions)]

    @property
    def is_liveness(self) -> bool:
        return self.prop.kind in LIVENESS

    @property
    def end(self) -> Any:
        """The last state."""
        return self.strides[-1].after if self.strides else self.system.init()

    @property
    def is_spent(self) -> bool:
        """Have the variants taken as many steps as they may?"""
        taken = self._fast.stepped - self._began + self.looked
        return self._most_steps is not None and taken > self._most_steps

    def _walk(self) -> tuple[Stride, ...]:
        found: list[Stride] = []

        def on_step(action: Any, before: Any, after: Any) -> None:
            found.append(Stride(len(found) + 1, action, before, after, len(found) >= recorded))

        recorded = len(self.violation.actions)
        monitor = Monitor(self.system, [self.prop])
        runner = Runner(self.system, monitor, stop=True)
        state = self._fast.init()
        monitor.begin(state)
        for action in self.violation.actions:
            after = self._fast.step(state, action)
            on_step(action, state, after)
            state = after
        for action in self.violation.cycle:
            after = self.system.step(state, action)
            on_step(action, state, after)
            state = after
        if self.violation.suffix is not None:
            runner.settle(state, SUFFIX_BOUND, on_step)
        return tuple(found)

    @property
    def cycle(self) -> tuple[Stride, ...]:
        """The steps at the end that repeat for ever, () where nothing happens any more."""
        suffix, length = self.violation.suffix, len(self.violation.cycle)
        if suffix is not None:
            length = suffix.cycle
        return self.strides[len(self.strides) - length :]

    def vary(self, actions: Sequence[Any], *, is_continued: bool = True) -> Varied:
        """Take these actions, skip those that are not enabled, and judge to the end.

        is_continued: go on afterwards, for a safety property too.
        """
        self.replays += 1
        system: Any = self._fast
        runner = Runner(system, Monitor(system, [self.prop]), stop=True)
        bound = 0
        try:
            state = runner.follow(actions)
            executed = len(runner.actions)
            if not runner.violations and self.is_liveness:
                runner.settle(state, SUFFIX_BOUND)
            elif not runner.violations and is_continued:
                ending = runner.suffix(state, MOST_AFTERWARDS)
                bound = MOST_AFTERWARDS if ending.how == "bound" else 0
        except Exception:  # a broken model may crash beside its path; then nothing is known
            return Varied(False, 0)
        if runner.violations:
            return Varied(False, executed, runner.violations[0])
        return Varied(not runner.unfinished, executed, bound=bound)
