"""What a liveness property is owed along one run, and until when."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from kspec.errors import InputError
from kspec.logic import Verdict
from kspec.property import Kind, Property
from kspec.system import AnySystem

LATE: Final = "late"
"""The kind of the witness where a goal was due within some time and did not come."""


def as_verdict(answer: Any) -> Verdict:
    return answer if isinstance(answer, Verdict) else Verdict(bool(answer))


class Debt:
    """What one liveness property is owed in this run.

    since: the step from which its goal is owed, or -1.
    good, bad: the last steps at which the goal was seen to hold, and not to hold; of a stable one,
    whether it was at the end: to hold where input goes on, and not to hold.
    verdict: the last negative answer of the goal.
    due: until when the goal is due, where it is due within some time.
    """

    __slots__ = ("bad", "clock_of", "due", "good", "held", "prop", "since", "stable", "verdict")

    def __init__(self, prop: Property, clock_of: Callable[[Any], int] | None) -> None:
        self.prop, self.stable = prop, prop.kind is Kind.EVENTUALLY_STABLE
        self.clock_of = clock_of
        self.held = False
        self.begin()

    def begin(self) -> None:
        self.since = self.good = self.bad = -1
        self.verdict: Any = None
        self.due: int | None = None

    def observe(self, state: Any, step: int) -> bool:
        """Follow one state; True where it pays what was owed.

        The goal of an eventually-stable is asked for only at the end of a fair behaviour.
        """
        if self.stable:
            if self.since < 0 and self._is_due(state):
                self.since = step
            return False
        goal = self.prop.predicate(state)
        if goal:
            self.good = step
        else:
            self.bad, self.verdict = step, goal
        if self.since < 0:
            if not goal or not self.held:
                due = self._is_due(state)
                if due and not goal:
                    self.since = step
                    if self.prop.within is not None and self.clock_of is not None:
                        self.due = self.clock_of(state) + self.prop.within
            return False
        if goal:
            self.since, self.due = -1, None
        return bool(goal)

    def is_late(self, state: Any) -> bool:
        """Has the time run out in which the goal was due? Asked before `observe`."""
        if self.due is None or self.clock_of is None:
            return False
        return self.clock_of(state) > self.due

    @property
    def lateness(self) -> Verdict:
        """What is said of a goal that is late."""
        witness = as_verdict(self.verdict).witness
        text = f"{witness}, still" if witness else "still owed"
        return Verdict(False, f"{text} after more than {self.prop.within} s", LATE)

    def _is_due(self, state: Any) -> bool:
        if self.prop.when is None or self.prop.when(state):
            self.held = True
            return True
        return False

    def judge(self, state: Any, *, is_driven: bool = False) -> None:
        """Ask for the goal in a state that a fair behaviour stays in or comes back to for ever.

        is_driven: input comes for ever, so that what is stable only has to hold between two inputs.
        """
        if self.stable and (is_driven or self.bad < 0):
            goal = self.prop.predicate(state)
            if goal and is_driven:
                self.good = 0
            elif not goal and self.bad < 0:
                self.bad, self.verdict = 0, goal

    def tell_cycle(self, turn: Sequence[tuple[Any, Any]]) -> None:
        """Let a property that knows how say which cycle breaks it."""
        if self.prop.tell_cycle is not None and turn and self.bad >= 0:
            self.verdict = Verdict(False, self.prop.tell_cycle(turn), as_verdict(self.verdict).kind)

    def is_broken(self, cycle_from: int | None) -> bool:
        """Is it violated, if from `cycle_from` on the run repeats for ever, or else stutters?"""
        if self.since < 0:
            return False
        if self.stable:
            return self.bad >= 0 > self.good
        return cycle_from is None or self.good < cycle_from


def clock_for(system: AnySystem, properties: Iterable[Property]) -> Callable[[Any], int] | None:
    """How to read the virtual time, where some property asks for it."""
    timed = next((prop for prop in properties if prop.within is not None), None)
    if timed is None:
        return None
    clock_of: Callable[[Any], int] | None = getattr(system, "now", None)
    if clock_of is None:
        raise InputError(
            f"property {timed.name} is due within {timed.within} s, and this system has no time",
            expected="a system with a method `now(state)`",
        )
    return clock_of
