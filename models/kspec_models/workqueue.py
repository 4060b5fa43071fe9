"""The work queue of client-go: deduplicates, never hands one key to two workers, backs off.

After k8s.io/client-go/util/workqueue {queue,delaying_queue,default_rate_limiters}.go at 1.36:
exponential backoff from 5 ms, doubled per failure, at most 1,000 s. Virtual time counts whole
seconds, so a delay below one second is a turn at the end of the queue. Left out: the bucket limiter
of 10 per second over all keys, which delays but never reorders the retries of one key.
"""

from __future__ import annotations

from typing import NamedTuple

from kspec.values import EMPTY_MAP, FingerprintedMap, recurring

BASE_DELAY_MILLISECONDS = 5
MAX_DELAY_SECONDS = 1000
_MOST_FAILURES = 18
"""Failures from which on the delay is the longest: counting on, no state would ever come back."""


@recurring
class WorkQueue(NamedTuple):
    """ready: keys in order. processing: taken, not done. dirty: added again while taken.

    waiting: (virtual second, key) of delayed adds, sorted. failures: rate-limited adds per key, as
    far as they matter.
    """

    ready: tuple[str, ...] = ()
    processing: tuple[str, ...] = ()
    dirty: tuple[str, ...] = ()
    waiting: tuple[tuple[int, str], ...] = ()
    failures: FingerprintedMap[str, int] = EMPTY_MAP

    def add(self, key: str) -> WorkQueue:
        """Add a key unless it waits in the queue already."""
        if key in self.ready:
            return self
        ready, processing, dirty, waiting, failures = self
        if key not in processing:
            return WorkQueue((*ready, key), processing, dirty, waiting, failures)
        if key in dirty:
            return self
        return WorkQueue(ready, processing, (*dirty, key), waiting, failures)

    def take(self, key: str) -> WorkQueue:
        """Hand a ready key to a worker."""
        ready, processing, dirty, waiting, failures = self
        index = ready.index(key)
        rest = ready[:index] + ready[index + 1 :]
        return WorkQueue(rest, (*processing, key), dirty, waiting, failures)

    def done(self, key: str) -> WorkQueue:
        """The worker is finished with a key; it is ready again if it was added meanwhile."""
        ready, processing, dirty, waiting, failures = self
        rest = tuple([k for k in processing if k != key])
        if key in dirty:
            ready, dirty = (*ready, key), tuple([k for k in dirty if k != key])
        return WorkQueue(ready, rest, dirty, waiting, failures)

    def add_after(self, key: str, seconds: int, now: int) -> WorkQueue:
        """Add a key after a delay; the earlier of two delayed adds wins."""
        if seconds <= 0:
            return self.add(key)
        when = now + seconds
        for known, other in self.waiting:
            if other == key:
                if known <= when:
                    return self
                break
        rest = tuple(item for item in self.waiting if item[1] != key)
        return self._replace(waiting=tuple(sorted((*rest, (when, key)))))

    def add_rate_limited(self, key: str, now: int) -> WorkQueue:
        """Add a key after its backoff."""
        failures = self.failures.get(key, 0)
        delay = min(BASE_DELAY_MILLISECONDS << failures, MAX_DELAY_SECONDS * 1000) // 1000
        counted = self.failures.set(key, min(failures + 1, _MOST_FAILURES))
        return self._replace(failures=counted).add_after(key, delay, now)

    def forget(self, key: str) -> WorkQueue:
        """Reset the backoff of a key."""
        if key not in self.failures:
            return self
        return self._replace(failures=self.failures.without(key))

    def tick(self, now: int) -> WorkQueue:
        """Move the delayed adds that are due into the queue."""
        if not self.waiting or self.waiting[0][0] > now:
            return self
        queue = self._replace(waiting=tuple(item for item in self.waiting if item[0] > now))
        for when, key in self.waiting:
            if when <= now:
                queue = queue.add(key)
        return queue

    def relative(self, now: int) -> WorkQueue:
        """The same queue with its times as distances, to compare states of different times."""
        if not self.waiting:
            return self
        return self._replace(waiting=tuple((when - now, key) for when, key in self.waiting))

    @property
    def deadline(self) -> int | None:
        """The virtual second of the earliest delayed add."""
        return self.waiting[0][0] if self.waiting else None
