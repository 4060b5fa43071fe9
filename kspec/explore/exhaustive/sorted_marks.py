"""A set of 64-bit marks as sorted numpy arrays: 8 bytes each, in memory or in files.

Marks are parted by their highest bits, so that merging copies one part at a time and never the
whole. New marks gather in one recent array first, which is merged into the parts when it has grown
to a share of them. Where memory is limited, full parts go to one sorted file each, which lookups
read through a memory map.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kspec.errors import EXIT_UNFINISHED, KspecError

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Marks = NDArray[numpy.uint64]
    Flags = NDArray[numpy.bool_]

BITS = 6
PARTS = 1 << BITS
RECENT_SHARE, RECENT_LEAST = 16, 1 << 15
BYTES = 8
"""Of a mark."""


class StorageError(KspecError):
    """The search's own storage is full, or cannot be written or read."""

    exit_status = EXIT_UNFINISHED


class SortedMarks:
    """Marks in sorted order; `add` takes them in batches.

    memory: how many bytes of marks to hold before they go to files, None for no limit.
    directory: where the files go, in a folder of their own that `close` removes.
    Raises StorageError where files cannot be written.
    """

    def __init__(self, memory: int | None = None, directory: Path | None = None) -> None:
        import numpy as np

        self._np = np
        self._memory, self._directory = memory, directory
        self._folder: Path | None = None
        self._recent: Marks = np.empty(0, np.uint64)
        self._parts: list[Marks] = [self._recent] * PARTS
        self._files: list[Any] = [None] * PARTS
        self._starts = np.arange(1, PARTS, dtype=np.uint64) << np.uint64(64 - BITS)
        self._parted = 0
        self._stored = 0

    def __len__(self) -> int:
        return len(self._recent) + self._parted + self._stored

    @property
    def memory_bytes(self) -> int:
        """What the arrays in memory take."""
        return (len(self._recent) + self._parted) * BYTES

    @property
    def file_bytes(self) -> int:
        return self._stored * BYTES

    def add(self, marks: Marks) -> Flags:
        """Take in a batch; which of them were not there before, the first of equal ones only."""
        np = self._np
        order = np.argsort(marks, kind="stable")
        ordered = marks[order]
        is_first = np.ones(len(marks), np.bool_)
        is_first[1:] = ordered[1:] != ordered[:-1]
        distinct = ordered[is_first]
        is_new = np.logical_not(self.contains(distinct))
        flags: Flags = np.zeros(len(marks), np.bool_)
        flags[order[is_first][is_new]] = True
        self._recent = self._merged(self._recent, distinct[is_new])
        if len(self._recent) > max(RECENT_LEAST, self._parted // RECENT_SHARE) or self._is_full:
            self._part()
        return flags

    @property
    def _is_full(self) -> bool:
        return self._memory is not None and self.memory_bytes > self._memory

    def contains(self, marks: Marks) -> Flags:
        """Which of these marks are in the set; they must be sorted."""
        found = self._found(self._recent, marks)
        if not self._parted and not self._stored:
            return found
        for part, (start, end) in enumerate(self._slices(marks)):
            if start == end:
                continue
            wanted, here = marks[start:end], found[start:end]
            here |= self._found(self._parts[part], wanted)
            if self._files[part] is not None:
                here |= self._found(self._files[part], wanted)
        return found

    def _found(self, held: Any, marks: Marks) -> Flags:
        np = self._np
        found: Flags = np.zeros(len(marks), np.bool_)
        if len(held):
            places = np.searchsorted(held, marks)
            places[places == len(held)] = len(held) - 1
            np.equal(held[places], marks, out=found)
        return found

    def _slices(self, marks: Marks) -> list[tuple[int, int]]:
        """Where each part begins and ends in sorted marks."""
        cuts = [0, *self._np.searchsorted(marks, self._starts).tolist(), len(marks)]
        return list(itertools.pairwise(cuts))

    def _merged(self, one: Any, two: Any) -> Marks:
        if not len(two):
            return one  # type: ignore[no-any-return]
        merged: Marks = self._np.concatenate((one, two))
        merged.sort(kind="stable")  # of two sorted runs this is one merge
        return merged

    def _part(self) -> None:
        """Move what is recent into the parts, and those to files where memory is full."""
        recent = self._recent
        self._recent = self._np.empty(0, self._np.uint64)
        for part, (start, end) in enumerate(self._slices(recent)):
            self._parts[part] = self._merged(self._parts[part], recent[start:end])
        self._parted += len(recent)
        if self._is_full:
            self._store()

    def _store(self) -> None:
        try:
            folder = self._folder = self._folder or self._new_folder()
            for part, marks in enumerate(self._parts):
                if len(marks):
                    self._store_part(folder, part, marks)
        except OSError as error:
            raise StorageError(
                f"cannot store visited states: {error.strerror}, in {self._directory}"
            ) from error
        self._stored += self._parted
        self._parted = 0

    def _new_folder(self) -> Path:
        if self._directory is not None:
            self._directory.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix="visited-", dir=self._directory))

    def _store_part(self, folder: Path, part: int, marks: Marks) -> None:
        """Merge one part into its file, written anew beside the old one."""
        np = self._np
        held = self._files[part]
        if held is not None:
            marks = self._merged(held, marks)
        path, beside = folder / f"part-{part:02}", folder / "new"
        with beside.open("wb") as file:
            file.write(marks.data)
        beside.replace(path)
        self._files[part] = np.memmap(path, np.uint64, "r")
        self._parts[part] = np.empty(0, np.uint64)

    def close(self) -> None:
        """Remove the files."""
        self._files = [None] * PARTS
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
