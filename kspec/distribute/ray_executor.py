"""Random runs as Ray tasks: done wherever a core is free, nodes that have just joined included."""

from __future__ import annotations

from collections import deque
from typing import Any

from kspec.distribute.crew import DEATHS
from kspec.distribute.ray_parts import Package, perform
from kspec.distribute.wire import unpack
from kspec.errors import KspecError
from kspec.explore.task import RunOutcome, RunTask

GRACE = 5.0
"""Seconds in which runs that are cut short may hand in what they have."""


class RayExecutor:
    """An Executor (kspec.explore.executor): Ray does a task again where its worker died.

    How many tasks are given at once is bounded by how far the search plans ahead.
    """

    def __init__(self, ray: Any, package: Package) -> None:
        self._ray = ray
        self._package = ray.put(package)
        self._perform = ray.remote(num_cpus=1, max_retries=DEATHS - 1)(perform)
        self._asked: deque[tuple[RunTask, Any]] = deque()

    def submit(self, task: RunTask) -> None:
        self._asked.append((task, self._perform.remote(self._package, task)))

    def next(self) -> RunOutcome:
        task, answer = self._asked[0]
        outcome = unpack(self._get(task, answer), task)
        self._asked.popleft()
        return outcome

    def _get(self, task: RunTask, answer: Any) -> bytes:
        """Raises what building the system raises, and KspecError for a run that kills workers."""
        errors = self._ray.exceptions
        try:
            found: bytes = self._ray.get(answer)
        except errors.RayTaskError as error:
            raise (error.cause if isinstance(error.cause, Exception) else error) from None
        except errors.RayError as error:
            raise KspecError(
                f"run {task.run} of round {task.round} ({task.strategy}, seed {task.seed}) was "
                f"lost {DEATHS} times on the Ray cluster: {type(error).__name__}"
            ) from None
        return found

    def discard(self, interrupted: bool = False) -> tuple[RunOutcome, ...]:
        """Drop the tasks not answered yet; those interrupted hand in what they have."""
        asked, self._asked = list(self._asked), deque()
        for _, answer in asked:
            self._ray.cancel(answer)
        outcomes = []
        if interrupted and asked:
            refs = [answer for _, answer in asked]
            self._ray.wait(refs, num_returns=len(refs), timeout=GRACE)
            for task, answer in asked:
                outcomes += self._had(task, answer)
        return tuple(outcomes)

    def _had(self, task: RunTask, answer: Any) -> list[RunOutcome]:
        """What a run had found when it was cancelled, if it was begun and could say so."""
        try:
            return [unpack(self._ray.get(answer, timeout=0), task)]
        except self._ray.exceptions.RayError:
            return []
        except self._ray.exceptions.GetTimeoutError:
            return []
