"""What the shared database knows of a column, replayed before anything is explored."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from kspec.check.failures import Scene
from kspec.distribute.examples import key_of, open_database, remember, still_failing
from kspec.explore import Violation
from kspec.property import Property
from kspec.trace import Trace

if TYPE_CHECKING:
    from hypothesis.database import ExampleDatabase


class Recalling:
    """The database of a check; without a folder it knows nothing and keeps nothing.

    replayed: how many examples still failed.
    """

    def __init__(self, folder: Path | None) -> None:
        self._database: ExampleDatabase | None = open_database(folder) if folder else None
        self.replayed = 0

    def recall(
        self,
        scene: Scene,
        properties: Iterable[Property],
        most: int,
        keep: Callable[[Violation], None],
    ) -> tuple[Violation, ...]:
        """The violations that still stand, at most so many of each property; `keep` is told."""
        if self._database is None:
            return ()
        found: list[Violation] = []
        for prop in properties:
            found += still_failing(self._database, scene, prop)[:most]
        for violation in found:
            keep(violation)
        self.replayed += len(found)
        return tuple(found)

    def remember(self, scene: Scene, prop: Property, trace: Trace) -> None:
        """Keep a violation as it was found, for whoever checks the same next."""
        if self._database is not None:
            remember(self._database, key_of(scene, prop), trace)
