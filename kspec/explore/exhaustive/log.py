"""The search log: how each state was first reached, in 6 bytes.

State i was first reached from state `parent(i)` by its `choice(i)`-th enabled action, and state 0
is the initial one. States are numbered level by level, so a path is found by going up the parents
and walked again when it is needed.
"""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from kspec.errors import EXIT_UNFINISHED, KspecError
from kspec.explore.exhaustive.sorted_marks import StorageError
from kspec.system import AnySystem

PARENT, CHOICE = "I", "H"
PARENT_BYTES, CHOICE_BYTES = array(PARENT).itemsize, array(CHOICE).itemsize
MOST_STATES, MOST_CHOICES = 1 << 8 * PARENT_BYTES, 1 << 8 * CHOICE_BYTES


class LogFull(KspecError):
    """A state has a number, or an action a place, that the search log cannot hold."""

    exit_status = EXIT_UNFINISHED


class SearchLog:
    """Parents and choices of all states so far, in arrays or, beyond `memory` bytes, in files.

    directory: where the files go; they vanish when they are closed. `levels` holds the number of
    the first state of each level. Raises LogFull instead of wrapping around.
    """

    def __init__(self, memory: int | None = None, directory: Path | None = None) -> None:
        self._memory, self._directory = memory, directory
        self._parents, self._choices = array(PARENT), array(CHOICE)
        self._stored = 0
        self._files: tuple[IO[bytes], IO[bytes]] | None = None
        self.levels: list[int] = []

    def __len__(self) -> int:
        return self._stored + len(self._parents)

    @property
    def memory_bytes(self) -> int:
        return len(self._parents) * (PARENT_BYTES + CHOICE_BYTES)

    @property
    def file_bytes(self) -> int:
        return self._stored * (PARENT_BYTES + CHOICE_BYTES)

    def begin_level(self) -> None:
        """The states that follow are one level deeper."""
        self.levels.append(len(self))

    def extend(self, parents: Sequence[int], choices: Sequence[int]) -> None:
        """Log further states, in the order of their numbers."""
        try:
            added = array(PARENT, parents), array(CHOICE, choices)
        except OverflowError as error:
            raise LogFull(
                f"the search log holds {MOST_STATES:,} states of up to {MOST_CHOICES:,} enabled "
                "actions, and there are more"
            ) from error
        self._parents += added[0]
        self._choices += added[1]
        if self._memory is not None and self.memory_bytes > self._memory:
            self._store()

    def _store(self) -> None:
        try:
            if self._files is None:
                if self._directory is not None:
                    self._directory.mkdir(parents=True, exist_ok=True)
                self._files = self._new_file(), self._new_file()
            for file, items in zip(self._files, (self._parents, self._choices), strict=True):
                file.seek(0, 2)
                file.write(items.tobytes())
                file.flush()
        except OSError as error:
            raise StorageError(
                f"cannot store the search log: {error.strerror}, in {self._directory}"
            ) from error
        self._stored += len(self._parents)
        self._parents, self._choices = array(PARENT), array(CHOICE)

    def _new_file(self) -> IO[bytes]:
        return tempfile.TemporaryFile(prefix="log-", dir=self._directory)

    def _from_file(self, which: int, kind: str, index: int) -> int:
        assert self._files is not None, "what is stored is in files"
        size = array(kind).itemsize
        self._files[which].seek(index * size)
        return array(kind, self._files[which].read(size))[0]

    def parent(self, index: int) -> int:
        """The number of the state that state `index` was first reached from; 0 for state 0."""
        if index < self._stored:
            return self._from_file(0, PARENT, index)
        return self._parents[index - self._stored]

    def choice(self, index: int) -> int:
        """The place of the action in what is enabled in the parent; 0 for state 0."""
        if index < self._stored:
            return self._from_file(1, CHOICE, index)
        return self._choices[index - self._stored]

    def choices_to(self, index: int) -> list[int]:
        """The choices from the initial state to state `index`."""
        choices: list[int] = []
        while index:
            choices.append(self.choice(index))
            index = self.parent(index)
        return choices[::-1]

    def close(self) -> None:
        """Remove what went to files."""
        for file in self._files or ():
            file.close()


def walk(system: AnySystem, choices: Sequence[int]) -> Iterator[tuple[Any, Any]]:
    """Each action that these choices take, with the state that it leads to."""
    state = system.init()
    for choice in choices:
        action = system.enabled(state)[choice]
        state = system.step(state, action)
        yield action, state


def states_of_last_level(system: AnySystem, log: SearchLog) -> list[Any]:
    """The states of the last level, in order, made again from the initial one.

    Each state on the way to any of them is made once. Raises IndexError where the system enables
    less than it did when the log was written.
    """
    bounds = [*log.levels, len(log)]
    needed: list[list[int]] = [list(range(bounds[-2], bounds[-1]))]
    while needed[-1] and needed[-1][0] > 0:
        needed.append(sorted(dict.fromkeys(log.parent(index) for index in needed[-1])))
    states = {0: system.init()}
    for level in reversed(needed[:-1]):
        states = _children(system, log, states, level)
    return list(states.values())


def _children(
    system: AnySystem, log: SearchLog, states: dict[int, Any], level: list[int]
) -> dict[int, Any]:
    following: dict[int, Any] = {}
    last = -1
    enabled: Sequence[Any] = ()
    for index in level:
        parent = log.parent(index)
        if parent != last:  # siblings follow one another
            last, enabled = parent, system.enabled(states[parent])
        following[index] = system.step(states[parent], enabled[log.choice(index)])
    return following
