"""What a worker does, wherever it is: performs runs and expands states of one recipe."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kspec.distribute.expanding import Expanding
from kspec.distribute.recipe import Built, Recipe, Staffed
from kspec.distribute.wire import pack
from kspec.explore.exploration import Violation
from kspec.explore.performer import Performer
from kspec.explore.task import RunOutcome, RunTask


def station_of(recipe: Recipe | Staffed) -> Any:
    """Who does the jobs of a recipe: the station that it brings, or else a `Station`."""
    own = getattr(recipe, "station", None)
    return own() if own is not None else Station(recipe)  # type: ignore[arg-type]


class Station:
    """The system of a recipe, built when it is first asked for, and those who work on it."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._built: Built | None = None
        self._performer: Performer | None = None
        self._expanding: Expanding | None = None
        self._found: list[Violation] = []

    def method(self, name: str) -> Callable[..., Any]:
        """What a job asks for: a run, or one of the steps of an exhaustive search."""
        if name == "perform":
            return self.perform
        found: Callable[..., Any] = getattr(self.expanding, name)
        return found

    def built(self) -> Built:
        if self._built is None:
            self._built = self._recipe()
        return self._built

    @property
    def expanding(self) -> Expanding:
        if self._expanding is None:
            self._expanding = Expanding(*self.built())
        return self._expanding

    def perform(self, task: RunTask) -> bytes:
        """One run; where an interruption strikes between its parts, what it found is kept."""
        if self._performer is None:
            built = self.built()
            self._performer = Performer(built.system, built.properties, self._found.append)
        self._found.clear()
        try:
            return pack(self._performer.perform(task))
        except KeyboardInterrupt:
            return pack(
                RunOutcome(
                    task=task,
                    steps=0,
                    contested=0,
                    states=frozenset(),
                    violations=tuple(self._found),
                    interrupted=True,
                )
            )
