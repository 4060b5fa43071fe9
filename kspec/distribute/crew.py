"""Worker processes of one machine: started, asked, cut short, replaced when they die, and ended."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections import deque
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any, NamedTuple

from kspec.distribute.guard import uninterrupted
from kspec.distribute.recipe import Recipe, Staffed, pickled
from kspec.errors import InputError, KspecError

DEATHS = 3
"""How often a job may kill its worker before that is taken for its own fault."""


class Answer(NamedTuple):
    """What a job gave; value is None where it was cut before it began."""

    number: int
    member: int
    value: Any


class Lost(NamedTuple):
    """A worker that died, with the jobs that it had not answered, the one it was at first."""

    member: int
    numbers: tuple[int, ...]
    how: str


class _Member:
    """One worker process and what it was asked."""

    def __init__(self, number: int) -> None:
        ours, theirs = socket.socketpair()
        path = os.pathsep.join(place or os.getcwd() for place in sys.path)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "kspec.distribute.worker", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=2,  # what a model prints must not get into a report on standard output
                env={**os.environ, "PYTHONPATH": path},
                start_new_session=True,
            )
        self.number = number
        self.connection = Connection(ours.detach())
        self.asked: deque[int] = deque()

    def end(self) -> str:
        """Kill the process and wait for it; how it had ended, where it had."""
        self.connection.close()
        status = self.process.poll()
        self.process.kill()
        self.process.wait()
        status = self.process.returncode if status is None else status
        return f"signal {-status}" if status < 0 else f"status {status}"


class Crew:
    """So many worker processes, used as a context manager; leaving it ends them.

    A worker that dies is replaced by one with a new number. Nothing here may be used by two
    searches at the same time.
    """

    def __init__(self, count: int) -> None:
        if count < 1:
            raise InputError(f"{count} workers", expected="1 or more")
        self.count = count
        self._members: dict[int, _Member] = {}
        self._events: deque[Answer | Lost] = deque()
        self._born = self._asked = 0
        self._recipe = b""

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def use(self, recipe: Recipe | Staffed) -> None:
        """What follows is about the system of this recipe; starts what workers are missing."""
        self._recipe = pickled(recipe)
        self._events.clear()
        with uninterrupted():
            for member in self._members.values():
                self._send(member, "recipe", self._recipe)
            while len(self._members) < self.count:
                self._start()

    def _start(self) -> None:
        self._born += 1
        member = self._members[self._born] = _Member(self._born)
        self._send(member, "recipe", self._recipe)

    @property
    def members(self) -> tuple[int, ...]:
        """Numbers of the workers, the oldest first; a number is never used again."""
        return tuple(self._members)

    def process_of(self, member: int) -> int:
        """The process id of a worker."""
        return self._members[member].process.pid

    def backlog(self, member: int) -> int:
        """How many jobs a worker has not answered yet."""
        return len(self._members[member].asked)

    def ask(self, member: int, method: str, *arguments: Any) -> int:
        """Give a worker a job; its number, which `wait` answers."""
        with uninterrupted():
            self._asked += 1
            found = self._members[member]
            found.asked.append(self._asked)
            self._send(found, "job", (self._asked, method, arguments))
            return self._asked

    def _send(self, member: _Member, kind: str, content: Any) -> None:
        with suppress(OSError):  # it has died, which `wait` will see and tell
            member.connection.send((kind, content))

    def wait(self, seconds: float | None = None) -> list[Answer | Lost]:
        """What has happened, after `seconds` at the most. Raises what a job has raised."""
        if self._events:  # an interruption, or what a job raised, came before they were returned
            return self._read()
        connections = {member.connection: member for member in self._members.values()}
        ready = wait(list(connections), seconds)
        with uninterrupted():
            for connection in ready:
                self._events.append(self._receive(connections[connection]))  # type: ignore[index]
        return self._read()

    def _read(self) -> list[Answer | Lost]:
        events = list(self._events)
        self._events.clear()
        return events

    def _receive(self, member: _Member) -> Answer | Lost:
        try:
            number, is_value, value = member.connection.recv()
        except (OSError, EOFError):
            return self._lose(member)
        member.asked.remove(number)
        if not is_value:
            raise value
        return Answer(number, member.number, value)

    def _lose(self, member: _Member) -> Lost:
        del self._members[member.number]
        how = member.end()
        self._start()
        return Lost(member.number, tuple(member.asked), how)

    def cut(self) -> None:
        """End every job that was given so far: those begun give what they have, others None."""
        with uninterrupted():
            for member in self._members.values():
                if member.asked:
                    self._send(member, "cut", self._asked)

    def close(self) -> None:
        """End the workers, whatever they are at."""
        with uninterrupted():
            while self._members:
                self._members.popitem()[1].end()


class Blame:
    """Counts how often a piece of work has killed who did it."""

    def __init__(self) -> None:
        self._deaths: dict[Any, int] = {}

    def on(self, work: Any, what: str, how: str) -> None:
        """Raise KspecError where this death is one too many."""
        self._deaths[work] = self._deaths.get(work, 0) + 1
        if self._deaths[work] >= DEATHS:
            raise KspecError(
                f"{what} ended its worker {DEATHS} times ({how}): a crash in the model, or not "
                "enough memory"
            )
