"""One part of the visited set, and who reached what is new of it first in the level at hand.

Equal marks are won by the least key, in whatever order candidates come and however often, so that a
chunk may be done twice. A level is two steps: what is new is told, and then taken in.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kspec.explore.exhaustive.sorted_marks import SortedMarks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.uint64]

PENDING = 1 << 20
"""So many candidates are gathered before equal ones are thrown out."""


class Shard:
    """Marks that were visited, and candidates. memory, directory: as for SortedMarks."""

    def __init__(self, memory: int | None = None, directory: Path | None = None) -> None:
        self._visited = SortedMarks(memory, directory)
        self.begin()

    def __len__(self) -> int:
        return len(self._visited)

    @property
    def memory_bytes(self) -> int:
        return self._visited.memory_bytes + 16 * self._pending

    @property
    def file_bytes(self) -> int:
        return self._visited.file_bytes

    def begin(self) -> None:
        """A level, or the same one again: there are no candidates yet."""
        self._parts: list[tuple[Numbers, Numbers]] = []
        self._pending = 0

    def visit(self, marks: bytes) -> int:
        """Take in marks as visited; how many were."""
        found = np.frombuffer(marks, np.uint64)
        self._visited.add(found)
        return len(found)

    def add(self, marks: bytes, keys: bytes) -> None:
        """Candidates of one chunk."""
        part = np.frombuffer(marks, np.uint64), np.frombuffer(keys, np.uint64)
        self._parts.append(part)
        self._pending += len(part[0])
        if self._pending > PENDING and len(self._parts) > 1:
            self._settle()

    def _settle(self) -> tuple[Numbers, Numbers]:
        """Throw out what was visited, and of equal marks all but the least key."""
        if not self._parts:
            self._parts = [(np.empty(0, np.uint64), np.empty(0, np.uint64))]
        marks = np.concatenate([marks for marks, _ in self._parts])
        keys = np.concatenate([keys for _, keys in self._parts])
        order = np.lexsort((keys, marks))
        marks, keys = marks[order], keys[order]
        is_first = np.ones(len(marks), np.bool_)
        is_first[1:] = marks[1:] != marks[:-1]
        marks, keys = marks[is_first], keys[is_first]
        is_new = ~self._visited.contains(marks)
        left = marks[is_new], keys[is_new]
        self._parts, self._pending = [left], len(left[0])
        return left

    def winners(self) -> tuple[bytes, bytes]:
        """The marks that are new and the key that each was first reached by."""
        marks, keys = self._settle()
        return marks.tobytes(), keys.tobytes()

    def commit(self) -> None:
        """The winners are visited from now on."""
        self._visited.add(self._settle()[0])
        self.begin()

    def close(self) -> None:
        self._visited.close()
