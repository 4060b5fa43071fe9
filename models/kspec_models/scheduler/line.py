"""A line: pods of the scheduling queue in an order, as a persistent value.

The role of pkg/scheduler/backend/heap/heap.go at 1.36. Among pods of equal rank the one that came
first is ahead: whole virtual seconds stand for upstream's finer timestamps.

The fingerprint follows each change: it is made of the pairs of neighbours, so that it depends on
the order and a change touches only the pairs around it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from typing import Any

import immutables

from kspec.values import fingerprint_of, mix
from kspec_models.objects import Pod

Rank = tuple[int, ...]
_END = 0x51ED270B


INITIAL_BACKOFF = 1
"""Virtual seconds after the first failure; doubled by each further one."""
MAX_BACKOFF = 10
_RADIX = 64
"""More than any count: a backoff doubles, and is bounded."""
Backoff = tuple[int, int]
"""The virtual seconds after the first failure, and the most that they grow to."""
BACKOFF: Backoff = (INITIAL_BACKOFF, MAX_BACKOFF)


class QueuedPod:
    """A pod of the queue.

    timestamp: the virtual second it was added or last came back from a cycle. unschedulable,
    errors: how often it was rejected, and failed with an error in a row; both stop where the
    backoff no longer grows. rejectors: the plugins that rejected it, sorted; () after an error.
    backoff: the limits of its backoff, the same for all pods of a scheduler.
    """

    __slots__ = (
        "backoff",
        "errors",
        "fingerprint",
        "pod",
        "rejectors",
        "timestamp",
        "unschedulable",
    )

    def __init__(
        self,
        pod: Pod,
        timestamp: int,
        unschedulable: int = 0,
        errors: int = 0,
        rejectors: tuple[str, ...] = (),
        backoff: Backoff = BACKOFF,
    ) -> None:
        self.pod, self.timestamp, self.backoff = pod, timestamp, backoff
        self.unschedulable, self.errors, self.rejectors = unschedulable, errors, rejectors
        counts = unschedulable * _RADIX + errors
        names = 0
        for rejector in rejectors:
            names = mix(names, fingerprint_of(rejector))
        self.fingerprint = mix(mix(pod.fingerprint, timestamp), mix(names, counts))

    @property
    def key(self) -> str:
        return self.pod.key

    @property
    def priority(self) -> int:
        return self.pod.spec.priority or 0

    @property
    def backoff_until(self) -> int:
        """The virtual second until which it waits before it is tried again."""
        count = self.errors or self.unschedulable
        if not count:
            return 0
        first, most = self.backoff
        return self.timestamp + min(first << (count - 1), most)

    def with_pod(self, pod: Pod) -> QueuedPod:
        """The same place in the queue for a new version of the pod."""
        return self._as(pod, self.timestamp, self.unschedulable, self.errors, self.rejectors)

    def at(self, timestamp: int) -> QueuedPod:
        """The same as of another time."""
        return self._as(self.pod, timestamp, self.unschedulable, self.errors, self.rejectors)

    def popped(self) -> QueuedPod:
        """As it enters a cycle: what had rejected it before is forgotten."""
        if not self.rejectors:
            return self
        return self._as(self.pod, self.timestamp, self.unschedulable, self.errors)

    def failed(self, rejectors: tuple[str, ...], pod: Pod, now: int) -> QueuedPod:
        """As it comes back from a cycle that failed, with the newest version of the pod."""
        if rejectors:
            count = min(self.unschedulable + 1, self._most)
            return self._as(pod, now, count, 0, rejectors)
        count = min(self.errors + 1, self._most)
        return self._as(pod, now, self.unschedulable, count)

    @property
    def _most(self) -> int:
        """The count of failures beyond which the backoff no longer grows."""
        first, most = self.backoff
        return (-(-most // first) - 1).bit_length() + 1

    def _as(
        self,
        pod: Pod,
        timestamp: int,
        unschedulable: int,
        errors: int,
        rejectors: tuple[str, ...] = (),
    ) -> QueuedPod:
        return QueuedPod(pod, timestamp, unschedulable, errors, rejectors, self.backoff)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, QueuedPod) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return self.fingerprint

    def __repr__(self) -> str:
        return f"QueuedPod({self.key}, since {self.timestamp})"


class Line:
    """Pods sorted by `rank`, each key at most once."""

    __slots__ = ("_by_key", "_items", "_ranks", "fingerprint", "rank")

    def __init__(self, rank: Callable[[QueuedPod], Rank]) -> None:
        self.rank = rank
        self._items: tuple[QueuedPod, ...] = ()
        self._ranks: tuple[Rank, ...] = ()
        self._by_key: immutables.Map[str, QueuedPod] = immutables.Map()
        self.fingerprint = _END

    def get(self, key: str) -> QueuedPod | None:
        found: QueuedPod | None = self._by_key.get(key)
        return found

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[QueuedPod]:
        return iter(self._items)

    @property
    def head(self) -> QueuedPod | None:
        return self._items[0] if self._items else None

    def with_pod(self, queued: QueuedPod) -> Line:
        """This line with a pod at its place, behind its equals; an old one of its key leaves."""
        line = self.without(queued.key)
        rank = self.rank(queued)
        at = bisect_right(line._ranks, rank)
        items, ranks = line._items, line._ranks
        marks = line._pairs(at, at) ^ line._through(at, queued)
        return line._changed(
            (*items[:at], queued, *items[at:]),
            (*ranks[:at], rank, *ranks[at:]),
            line._by_key.set(queued.key, queued),
            marks,
        )

    def without(self, key: str) -> Line:
        """This line without a key; the same line where it has none."""
        queued = self._by_key.get(key)
        if queued is None:
            return self
        at = bisect_left(self._ranks, self.rank(queued))
        while self._items[at] is not queued:
            at += 1
        marks = self._pairs(at, at + 1) ^ self._pair(at - 1, at + 1)
        return self._changed(
            self._items[:at] + self._items[at + 1 :],
            self._ranks[:at] + self._ranks[at + 1 :],
            self._by_key.delete(key),
            marks,
        )

    def replaced(self, queued: QueuedPod) -> Line:
        """This line with a new version of a pod that is in it; it moves only if its rank did."""
        old = self._by_key[queued.key]
        rank = self.rank(queued)
        if self.rank(old) != rank:
            return self.with_pod(queued)
        at = bisect_left(self._ranks, rank)
        while self._items[at] is not old:
            at += 1
        items = (*self._items[:at], queued, *self._items[at + 1 :])
        marks = self._pairs(at, at + 1) ^ self._through(at, queued, at + 1)
        return self._changed(items, self._ranks, self._by_key.set(queued.key, queued), marks)

    def _mark(self, index: int) -> int:
        return self._items[index].fingerprint if 0 <= index < len(self._items) else _END

    def _pair(self, left: int, right: int) -> int:
        return mix(self._mark(left), self._mark(right))

    def _pairs(self, first: int, last: int) -> int:
        """The marks of the pairs (first - 1, first) .. (last - 1, last)."""
        marks = 0
        for index in range(first, last + 1):
            marks ^= self._pair(index - 1, index)
        return marks

    def _through(self, at: int, queued: QueuedPod, following: int | None = None) -> int:
        """The two pairs of a pod put between at - 1 and `following` (by default: at)."""
        after = self._mark(at if following is None else following)
        return mix(self._mark(at - 1), queued.fingerprint) ^ mix(queued.fingerprint, after)

    def _changed(
        self, items: tuple[QueuedPod, ...], ranks: tuple[Rank, ...], by_key: Any, marks: int
    ) -> Line:
        new = Line.__new__(Line)
        new.rank, new._items, new._ranks, new._by_key = self.rank, items, ranks, by_key
        new.fingerprint = self.fingerprint ^ marks
        return new

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Line) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return self.fingerprint

    def __repr__(self) -> str:
        return f"Line({', '.join(queued.key for queued in self._items)})"
