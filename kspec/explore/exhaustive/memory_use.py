"""What a search took: its own storage, the memo tables, and the process."""

from __future__ import annotations

import sys
from pathlib import Path

import attrs

from kspec.values import MEMOS


@attrs.frozen(kw_only=True)
class MemoryUse:
    """Bytes of the visited marks and of the search log: in memory when both together took most, and
    the most in files.

    memo_entries: the largest number of entries that each memo table of the process ever had,
    added up. process_bytes: the process's peak. Neither is part of equality: both depend on what
    the process did before.
    """

    visited_bytes: int = 0
    log_bytes: int = 0
    file_bytes: int = 0
    memo_entries: int = attrs.field(default=0, eq=False)
    process_bytes: int = attrs.field(default=0, eq=False)

    @property
    def in_words(self) -> str:
        return (
            f"visited states {_mebibytes(self.visited_bytes)}, search log "
            f"{_mebibytes(self.log_bytes)}, in files {_mebibytes(self.file_bytes)}; peak of the "
            f"process {_mebibytes(self.process_bytes)}, memo entries {self.memo_entries:,}"
        )


def shares_of(memory: int | None) -> tuple[int | None, int | None]:
    """What visited states and the search log may take of so many bytes: 8 of 14, and 6 of 14."""
    if memory is None:
        return None, None
    visited = memory * 4 // 7
    return visited, memory - visited


def _mebibytes(count: int) -> str:
    return f"{count / 2**20:,.1f} MiB"


def peak_memo_entries() -> int:
    """The peaks of all memo tables of this process, added up."""
    return sum(memo.peak for memo in MEMOS)


def peak_process_bytes() -> int:
    """The peak of this program alone; getrusage on Linux also counts who started it."""
    import resource

    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
