"""Defects of real servers that the model does not share, each with exactly what it excuses.

A difference between the model and a server fails the test unless one of these, for the version of
that server, excuses it. Each has a test that shows the server still has it.
"""

from collections.abc import Callable

import attrs

from .client import Event

Version = tuple[int, ...]


@attrs.frozen
class WatchDifference:
    """A watch whose events differ: what was promised, and what the server sent.

    `start` is the revision the watch began at, `compacted` the compaction revision at that time.
    """

    start: int
    compacted: int
    promised: tuple[Event, ...]
    sent: tuple[Event, ...]


@attrs.frozen
class KnownDefect:
    """A defect of some versions of etcd."""

    issue: str
    summary: str
    affects: Callable[[Version], bool]
    excuses: Callable[[WatchDifference], bool]


def _only_the_delete_at_the_compaction_is_missing(difference: WatchDifference) -> bool:
    first, *rest = difference.promised or (None,)
    return (
        first is not None
        and first.type == "DELETE"
        and first.revision == difference.start == difference.compacted
        and tuple(rest) == difference.sent
    )


LOST_TOMBSTONE = KnownDefect(
    issue="https://github.com/etcd-io/etcd/issues/18089",
    summary=(
        "A compaction at the revision of a DELETE removes that revision too, so that a watch from "
        "the compaction revision, which is allowed, never tells the DELETE."
    ),
    # Repaired by pull request 18274 (August 2024), released in 3.4.34, 3.5.16 and 3.6.0.
    affects=lambda version: version < (3, 4, 34) or (3, 5, 0) <= version < (3, 5, 16),
    excuses=_only_the_delete_at_the_compaction_is_missing,
)

KNOWN_DEFECTS = (LOST_TOMBSTONE,)


def excuse(version: Version, difference: WatchDifference) -> KnownDefect | None:
    """The known defect of this version that explains the difference, if one does."""
    for defect in KNOWN_DEFECTS:
        if defect.affects(version) and defect.excuses(difference):
            return defect
    return None
