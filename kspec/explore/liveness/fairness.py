"""Fairness: which classes of actions a behaviour that goes on for ever may not neglect.

Weakly fair, as every class of the system is: in a cycle it is taken, or disabled somewhere.
Strongly fair, where the system says so by an optional method `is_strongly_fair(class_name)`: in a
cycle it is taken, or enabled nowhere (the success of a compare-and-swap that is retried for ever).
Users and the clock owe nothing. Faults have ended: no cycle takes one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from kspec.explore.strategies.strategy import PerAction, kind_of
from kspec.system import AnySystem

CLOCK: Final = -1
USER: Final = -2
FAULT: Final = -3
"""What an action is that belongs to no class. The larger ones are preferred in a lasso."""


def is_strong_in(system: AnySystem) -> Callable[[str], bool]:
    """Whether a class is strongly fair, for systems that say nothing of it too."""
    given: Callable[[str], bool] | None = getattr(system, "is_strongly_fair", None)
    return given if given is not None else lambda name: False


def has_nothing_to_heal(system: AnySystem) -> Callable[[Any], bool]:
    """Whether it is plain that no fault can strike any more, so that liveness is owed from here.

    It is where there is nothing to heal, or where the system says so itself by an optional method
    `have_faults_ended(state)`: then healing must change nothing that any action depends on.
    """
    heal = system.heal
    given: Callable[[Any], bool] | None = getattr(system, "have_faults_ended", None)
    if given is None:
        return lambda state: heal(state) is None
    ended = given
    return lambda state: ended(state) or heal(state) is None


def have_faults_ended(system: AnySystem, state: Any) -> bool:
    """Whether no fault can strike any more: it is plain, or healing changes nothing."""
    if has_nothing_to_heal(system)(state):
        return True
    healed = system.step(state, system.heal(state))
    return system.fingerprint(healed) == system.fingerprint(state)


class Classes:
    """The fairness classes of a system, numbered as they are met; a set of them is a bit mask.

    strong: the mask of those that are strongly fair.
    """

    def __init__(self, system: AnySystem) -> None:
        self._is_strong = is_strong_in(system)
        self._kind, self._fairness = kind_of(system), system.fairness
        self._numbers: dict[str, int] = {}
        self.names: list[str] = []
        self.strong = 0
        self.label = PerAction(self._label)

    def _label(self, action: Any) -> int:
        """The number of an action's class, or CLOCK, USER or FAULT."""
        kind = self._kind(action)
        if kind == "fault":
            return FAULT
        name = self._fairness(action)
        if name is None:
            return USER if kind == "user" else CLOCK
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = len(self.names)
            self.names.append(name)
            self.strong |= self._is_strong(name) << number
        return number

    def mask(self, actions: Sequence[Any]) -> int:
        """The classes that these actions belong to."""
        found = 0
        label = self.label
        for action in actions:
            number = label[action]
            if number >= 0:
                found |= 1 << number
        return found


def neglected(always: int, ever: int, taken: int, strong: int) -> int:
    """The classes that a cycle neglects: masks of what is enabled in all and in some of its
    states, of what is taken in it, and of what is strongly fair."""
    return (always | (ever & strong)) & ~taken


class CycleFairness:
    """Follows a cycle of a concrete run and says whether it is fair."""

    def __init__(self, system: AnySystem) -> None:
        self._classes = Classes(system)
        self._always = -1
        self._ever = self._taken = 0

    def take(self, enabled: Sequence[Any], action: Any) -> None:
        """One step of the cycle: what was enabled before it, and what was taken."""
        here = self._classes.mask(enabled)
        self._always &= here
        self._ever |= here
        self._taken |= self._classes.mask((action,))

    @property
    def neglected(self) -> tuple[str, ...]:
        """The names of the classes that a fair behaviour would have taken; none if it is fair."""
        classes = self._classes
        missing = neglected(self._always, self._ever, self._taken, classes.strong)
        return tuple(name for bit, name in enumerate(classes.names) if missing >> bit & 1)
