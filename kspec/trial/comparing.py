"""A comparison on worker processes: each run by whoever is idle, the same rows for any number."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import attrs

from kspec import suite as suites
from kspec.distribute.crew import Answer, Blame, Crew, Lost
from kspec.trial.comparison import Asked, Job, Sample

DEPTH = 2
"""Runs given to a worker at once, so that it need not wait between two."""


@attrs.frozen
class Recipe:
    """What a worker is sent: which suite, and what is asked of it."""

    suite: str
    asked: Asked

    def station(self) -> Station:
        return Station(self)


class Station:
    """The comparison on a worker, made when the first run is asked for."""

    def __init__(self, recipe: Recipe) -> None:
        self._comparison = suites.load_suite(recipe.suite).compare(recipe.asked)

    def method(self, name: str) -> Callable[[Job], Sample]:
        found: Callable[[Job], Sample] = getattr(self._comparison, name)
        return found


class Runs:
    """The runs of a comparison, on a crew. samples: those that are done."""

    def __init__(self, crew: Crew, recipe: Recipe, jobs: tuple[Job, ...]) -> None:
        crew.use(recipe)
        self._crew, self._blame = crew, Blame()
        self._waiting: deque[Job] = deque(jobs)
        self._asked: dict[int, Job] = {}
        self.samples: list[Sample] = []

    def run(self, on_sample: Callable[[Sample], Any]) -> None:
        """Do them all; `samples` keeps what is done when this is interrupted."""
        self._feed()
        while self._asked:
            for event in self._crew.wait():
                if isinstance(event, Answer):
                    del self._asked[event.number]
                    self.samples.append(event.value)
                    on_sample(event.value)
                else:
                    self._again(event)
            self._feed()

    def _feed(self) -> None:
        while self._waiting:
            backlog, member = min((self._crew.backlog(m), m) for m in self._crew.members)
            if backlog >= DEPTH:
                return
            job = self._waiting.popleft()
            self._asked[self._crew.ask(member, "measure", job)] = job

    def _again(self, lost: Lost) -> None:
        """The runs of a worker that died go back to the front; one that kills three is an error."""
        jobs = [self._asked.pop(number) for number in lost.numbers]
        if jobs:
            self._blame.on(jobs[0], f"{jobs[0].policy} with seed {jobs[0].seed}", lost.how)
        self._waiting.extendleft(reversed(jobs))
