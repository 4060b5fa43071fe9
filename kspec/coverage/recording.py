"""A system that counts which actions are taken, for any explorer."""

from __future__ import annotations

from collections import Counter
from typing import Any

from kspec.explore.strategies.strategy import PerAction
from kspec.system import AnySystem


def action_class(system: AnySystem, action: Any) -> str:
    """What kind of action it is: its text in a trace up to what it is about."""
    return system.encode(action).partition("(")[0]


class Recording:
    """Passes everything through and counts actions by class.

    taken: how often each class was taken. enabled: the classes that were enabled somewhere, asked
    for only where a state is expanded.
    """

    def __init__(self, system: AnySystem) -> None:
        self._system = system
        self._class_of = PerAction(lambda action: action_class(system, action))
        self._step, self._enabled = system.step, system.enabled
        self.taken: Counter[str] = Counter()
        self.enabled_classes: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._system, name)

    def enabled(self, state: Any) -> Any:
        found = self._enabled(state)
        self.enabled_classes.update(map(self._class_of.__getitem__, found))
        return found

    def step(self, state: Any, action: Any) -> Any:
        self.taken[self._class_of[action]] += 1
        return self._step(state, action)

    @property
    def never_taken(self) -> tuple[str, ...]:
        """Classes that were enabled somewhere and never taken."""
        return tuple(sorted(self.enabled_classes - self.taken.keys()))
