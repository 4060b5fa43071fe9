"""One exploration of one column: its share of the budget, its strategy, and doing it twice."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from kspec.check.exhausting import exhaust, refuse_reduced
from kspec.check.failures import Scene
from kspec.check.listener import Listener
from kspec.check.options import Options
from kspec.distribute.places import Place
from kspec.distribute.recipe import recipe_of
from kspec.explore import Exploration, Nondeterministic, Violation, search
from kspec.explore.search import AHEAD
from kspec.explore.strategies.registry import parse
from kspec.property import Property

Clock = Callable[[], float]
Keep = Callable[[Violation], None]


GRACE = 0.5
"""Each column takes at least one round, which may overdraw the time by this share of it."""


class Budget:
    """Steps and seconds, shared out: each column gets its weight's share of what is left."""

    def __init__(self, steps: int | None, seconds: float | None, clock: Clock) -> None:
        self._steps, self._clock = steps, clock
        self._deadline = None if seconds is None else clock() + seconds
        self._grace = GRACE * (seconds or 0.0)

    @property
    def is_overdrawn(self) -> bool:
        """Is so much more time gone that another column cannot be begun?"""
        return self._deadline is not None and self._clock() >= self._deadline + self._grace

    def share(self, weight: int, of: int) -> tuple[int | None, float | None]:
        """The share of a column of that weight, where `of` is the weight of all still to come."""
        steps = None if self._steps is None else max(1, self._steps * weight // of)
        if self._deadline is None:
            return steps, None
        return steps, max(0.0, self._deadline - self._clock()) * weight / of

    def spend(self, steps: int) -> None:
        if self._steps is not None:
            self._steps = max(0, self._steps - steps)

    def pause(self, seconds: float) -> None:
        """Time that does not count, because it went into shrinking."""
        if self._deadline is not None:
            self._deadline += seconds


@attrs.frozen(kw_only=True)
class Explorer:
    """How every column is explored. is_enough: stop at the first violation.

    place: where; in this process where it is None.
    """

    options: Options
    listener: Listener
    clock: Clock
    is_enough: bool = False
    place: Place | None = None

    def explore(
        self,
        scene: Scene,
        properties: tuple[Property, ...],
        share: tuple[int | None, float | None],
        keep: Keep,
    ) -> Exploration:
        """Explore within a share of steps and seconds; `keep` is told each violation."""
        if self.options.is_exhaustive:
            return exhaust(self, scene, properties, share, keep)
        refuse_reduced(scene.system, f"--strategy {self.options.strategy}")
        executor = None
        if self.place is not None:
            executor = self.place.executor(recipe_of(scene, properties))
        return search(
            scene.system,
            properties,
            seed=self.options.seed,
            steps=share[0],
            seconds=share[1],
            strategies=parse(self.options.strategy),
            clock=self.clock,
            stop_at_first=self.is_enough,
            violations=self.options.violations,
            awaited_faults=tuple(scene.column.budget),
            executor=executor,
            ahead=AHEAD if self.place is None else self.place.ahead,
            on_progress=lambda steps, states, runs: self.listener.progress(steps, states),
            on_violation=keep,
        )


def compare(column: str, first: Exploration, second: Exploration) -> None:
    """Raise Nondeterministic where two explorations differ, naming the first difference."""
    for field in attrs.fields(Exploration):
        one, two = getattr(first, field.name), getattr(second, field.name)
        if one != two:
            raise Nondeterministic(
                f"column {column}: two runs with the same seed and steps differ in {field.name}"
            )
