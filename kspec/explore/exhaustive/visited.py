"""The set of visited states, as 64-bit marks: a hash table first, sorted arrays when large."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kspec.errors import KspecError
from kspec.explore.exhaustive.sorted_marks import SortedMarks

LARGE = 1_000_000
"""From so many states on they are kept in sorted arrays."""
TABLE_BYTES = 100
"""What one mark takes in a hash table, at the most."""
CACHE = 1 << 15
"""The most marks that an expansion need not ask for again, and their share of the memory."""
CACHE_SHARE = 8


class BadMark(KspecError):
    """A state was given a mark that is no whole number of 64 bits."""


class Visited:
    """The marks of all states seen so far.

    large: from how many states on they are kept in arrays of 8 bytes each. memory, directory: how
    many bytes they may take before they go to files in that directory.

    `table` is the hash table that an expansion asks, and adds to, by itself. While the set is small
    it is the whole set; then it is only a cache of marks that need not be asked again, and what an
    expansion added to it must be passed to `add`.
    """

    def __init__(
        self, *, large: int = LARGE, memory: int | None = None, directory: Path | None = None
    ) -> None:
        self.table: set[int] = set()
        self._large = large if memory is None else min(large, memory // TABLE_BYTES)
        cache_bytes = CACHE * TABLE_BYTES if memory is None else memory // CACHE_SHARE
        self._cache = min(CACHE, cache_bytes // TABLE_BYTES)
        self._memory = None if memory is None else memory - cache_bytes
        self._directory = directory
        self._arrays: SortedMarks | None = None

    def __len__(self) -> int:
        return len(self.table) if self._arrays is None else len(self._arrays)

    def add(self, marks: Sequence[int]) -> Sequence[bool]:
        """Take in a batch of marks; which are new, where of equal ones only the first is.

        Takes lists of int and numpy arrays of uint64. Raises BadMark for what has no 64 bits.
        """
        if self._arrays is None:
            flags = self._add_to_table(marks)
            self.settle()
            return flags
        return self._add_to_arrays(self._arrays, marks)

    def settle(self) -> None:
        """Change over to arrays where the set has become large; between two batches only."""
        if self._arrays is None and len(self.table) >= self._large:
            self._arrays = SortedMarks(self._memory, self._directory)
            table, self.table = self.table, set()
            self._arrays.add(_as_array(sorted(table)))

    @property
    def is_table(self) -> bool:
        """Is `table` the whole set, so that all that an expansion adds to it is new?"""
        return self._arrays is None

    def _add_to_table(self, marks: Sequence[int]) -> list[bool]:
        table, flags = self.table, []
        plain: Sequence[int] = getattr(marks, "tolist", lambda: marks)()
        for mark in plain:
            flags.append(mark not in table)
            table.add(mark)
        return flags

    def _add_to_arrays(self, arrays: SortedMarks, marks: Sequence[int]) -> Sequence[bool]:
        found: list[bool] = arrays.add(_as_array(marks)).tolist()
        if len(self.table) > self._cache:
            self.table.clear()
        return found

    @property
    def memory_bytes(self) -> int:
        """What the marks take in memory, about."""
        if self._arrays is None:
            return len(self.table) * TABLE_BYTES
        return self._arrays.memory_bytes + len(self.table) * TABLE_BYTES

    @property
    def file_bytes(self) -> int:
        return 0 if self._arrays is None else self._arrays.file_bytes

    def close(self) -> None:
        """Remove what went to files."""
        if self._arrays is not None:
            self._arrays.close()


def _as_array(marks: Sequence[int]) -> Any:
    import numpy as np

    if isinstance(marks, np.ndarray):
        return marks
    try:
        return np.array(marks, np.uint64)
    except (OverflowError, TypeError, ValueError) as error:
        raise BadMark("the mark of a state is no whole number of 64 bits") from error
