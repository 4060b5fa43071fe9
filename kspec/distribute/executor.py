"""Random runs on worker processes: given to whoever is idle, answered in the order of the tasks."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from kspec.distribute.crew import Answer, Blame, Crew, Lost
from kspec.distribute.guard import uninterrupted
from kspec.distribute.recipe import Recipe
from kspec.distribute.wire import unpack
from kspec.explore.task import RunOutcome, RunTask

DEPTH = 2
"""Runs given to a worker at once, so that it need not wait for the driver between two."""

GRACE = 5.0
"""Seconds in which runs that are cut short may hand in what they have."""


class CrewExecutor:
    """An Executor (kspec.explore.executor) on a crew.

    A run whose worker dies is done again by another; a run that kills three is an error.
    """

    def __init__(
        self, crew: Crew, recipe: Recipe, clock: Callable[[], float] = time.monotonic
    ) -> None:
        crew.use(recipe)
        self._crew, self._clock = crew, clock
        self._blame = Blame()
        self._first = self._last = 0
        self._tasks: dict[int, RunTask] = {}
        self._waiting: deque[int] = deque()
        self._jobs: dict[int, int] = {}
        self._answers: dict[int, bytes] = {}

    def submit(self, task: RunTask) -> None:
        self._tasks[self._last] = task
        self._waiting.append(self._last)
        self._last += 1
        self._feed()

    def next(self) -> RunOutcome:
        while self._first not in self._answers:
            self._collect()
        number = self._first
        self._first += 1
        return unpack(self._answers.pop(number), self._tasks.pop(number))

    def discard(self, interrupted: bool = False) -> tuple[RunOutcome, ...]:
        """Drop the tasks not answered yet; those interrupted hand in what they have."""
        self._waiting.clear()
        self._crew.cut()
        outcomes: tuple[RunOutcome, ...] = ()
        if interrupted:
            self._gather()
            outcomes = tuple(
                unpack(data, self._tasks[number]) for number, data in sorted(self._answers.items())
            )
        self._jobs.clear()
        self._answers.clear()
        self._tasks.clear()
        self._first = self._last
        return outcomes

    def _gather(self) -> None:
        deadline = self._clock() + GRACE
        try:
            while self._jobs and (left := deadline - self._clock()) > 0:
                for event in self._crew.wait(left):
                    if isinstance(event, Answer):
                        self._take(event)
                    else:
                        self._jobs = {j: n for j, n in self._jobs.items() if j not in event.numbers}
        except KeyboardInterrupt:
            return  # asked again: what is there by now must do

    def _feed(self) -> None:
        """Give what waits to the least busy, as long as one has room."""
        while self._waiting:
            backlog, member = min((self._crew.backlog(m), m) for m in self._crew.members)
            if backlog >= DEPTH:
                return
            with uninterrupted():  # a run that is under way must be known
                number = self._waiting.popleft()
                self._jobs[self._crew.ask(member, "perform", self._tasks[number])] = number

    def _collect(self) -> None:
        for event in self._crew.wait():
            if isinstance(event, Lost):
                self._again(event)
            else:
                self._take(event)
        self._feed()

    def _take(self, answer: Answer) -> None:
        number = self._jobs.pop(answer.number, None)
        if number is not None and answer.value is not None:
            self._answers[number] = answer.value

    def _again(self, lost: Lost) -> None:
        """The runs of a worker that died go back to the front, in their order."""
        found = [self._jobs.pop(job) for job in lost.numbers if job in self._jobs]
        if found:
            task = self._tasks[found[0]]
            what = f"run {task.run} of round {task.round} ({task.strategy}, seed {task.seed})"
            self._blame.on(found[0], what, lost.how)
        self._waiting.extendleft(reversed(found))
