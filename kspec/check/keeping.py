"""The violations of one column, kept the moment they are told: whatever ends its search."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from kspec.check import failures
from kspec.check.failures import Scene
from kspec.check.listener import Listener
from kspec.check.recalling import Recalling
from kspec.explore import Violation
from kspec.property import Property


class Keeping:
    """Takes violations: notes them first, then writes their traces and tells of them.

    wanted: the properties whose violations count here; those of others are known already. path_of:
    where the trace of the number-th violation of a property goes.
    """

    def __init__(
        self,
        scene: Scene,
        wanted: Iterable[Property],
        path_of: Callable[[Property, int], Path],
        recalling: Recalling,
        listener: Listener,
    ) -> None:
        self.scene, self.wanted = scene, {prop.name: prop for prop in wanted}
        self.violations: list[Violation] = []
        self._path_of, self._times = path_of, Counter[str]()
        self._recalling, self._listener = recalling, listener

    def __call__(self, violation: Violation) -> None:
        prop = self.wanted.get(violation.property)
        if prop is None:
            return
        self.violations.append(violation)
        number = self._times[prop.name]
        self._times[prop.name] += 1
        path = self._path_of(prop, number)
        trace = failures.write(self.scene, prop, violation, path)
        self._recalling.remember(self.scene, prop, trace)
        self._listener.found(prop.name, self.scene.column.name, str(path))

    def with_those_of(self, found: Iterable[Violation]) -> tuple[Violation, ...]:
        """All that were told, in their order, and any of a search's own that were not."""
        for violation in found:
            if violation not in self.violations:
                self(violation)
        return tuple(self.violations)
