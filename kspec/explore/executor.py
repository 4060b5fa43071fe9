"""Where runs are done: an executor takes tasks and gives their outcomes in the same order."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from kspec.explore.performer import Performer
from kspec.explore.task import RunOutcome, RunTask


class Executor(Protocol):
    """Tasks in, outcomes out, in the order of the tasks whatever order they are done in."""

    def submit(self, task: RunTask) -> None:
        """Take a task; it may be begun at once, or only when its outcome is asked for."""
        ...

    def next(self) -> RunOutcome:
        """The outcome of the oldest task that was not answered yet."""
        ...

    def discard(self, interrupted: bool = False) -> tuple[RunOutcome, ...]:
        """Drop the tasks not answered yet; where the search was interrupted, what the runs under
        way have found until now is given back."""
        ...


class Serial:
    """In this process, one after the other, each when its outcome is asked for."""

    def __init__(self, performer: Performer) -> None:
        self._performer = performer
        self._tasks: deque[RunTask] = deque()

    def submit(self, task: RunTask) -> None:
        self._tasks.append(task)

    def next(self) -> RunOutcome:
        return self._performer.perform(self._tasks.popleft())

    def discard(self, interrupted: bool = False) -> tuple[RunOutcome, ...]:
        self._tasks.clear()
        return ()
