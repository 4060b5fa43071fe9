"""What a check exercises, measured beside its explorations where `--coverage` asks for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext

import attrs

from kspec.check.failures import Scene
from kspec.check.plan import Plan
from kspec.coverage import Branches, Coverage, Recording, summarize
from kspec.explore import Exploration
from kspec.suite import Suite


class Covering:
    """Counts actions in every column, and branches of the suite's components in all of them."""

    def __init__(self, suite: Suite) -> None:
        self._branches = Branches(suite.components)
        self._recordings: list[Recording] = []

    def watched(self, scene: Scene) -> Scene:
        """The scene with its actions counted."""
        recording = Recording(scene.system)
        self._recordings.append(recording)
        return attrs.evolve(scene, system=recording)

    @contextmanager
    def measuring(self) -> Iterator[None]:
        with self._branches.measuring():
            yield

    def summary(self, plan: Plan, explorations: Mapping[str, Exploration]) -> Coverage:
        """What all explorations so far exercised."""
        taken: Counter[str] = Counter()
        for recording in self._recordings:
            taken.update(recording.taken)
        enabled = set[str]().union(*(r.enabled_classes for r in self._recordings))
        classes = dict.fromkeys(name for column in plan.columns for name in column.budget)
        return summarize(
            explorations.values(),
            (*plan.rows, *(p for p in plan.companions if _was_explored(p.name, explorations))),
            actions=taken,
            never_taken=tuple(sorted(enabled - taken.keys())),
            fault_classes=tuple(classes),
            files=self._branches.files(),
        )


def _was_explored(name: str, explorations: Mapping[str, Exploration]) -> bool:
    return any(name in seen.properties for seen in explorations.values())


def measured(covering: Covering | None) -> AbstractContextManager[None]:
    """The context in which a column is explored."""
    return covering.measuring() if covering is not None else nullcontext()
