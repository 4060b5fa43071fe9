"""What a watch can see: the changes of one resource, whole or through a field selector, in order.

After the watch cache's event filtering (staging/src/k8s.io/apiserver/pkg/storage/cacher): an
object that leaves the selector is told as DELETED, one that enters it as ADDED. A stream is shared
by all watches of the same selector, and each of its events keeps the snapshot after it, so that an
informer's cache is a position in a stream and costs nothing.

A stream also carries a polynomial hash of its events, so that the fingerprint of "the events that
this watcher has not seen yet" is one subtraction, independent of absolute revisions.
"""

from __future__ import annotations

import functools
from typing import Final

from kspec.log import Log
from kspec.values import MASK, fingerprint_of, mix
from kspec_models.host import Notification, Watch
from kspec_models.store import Change, Entry, Snapshot

MAX_BEHIND: Final = 4
"""A stale list is at most that many events of its stream behind."""
BASE: Final = 0xD6E8FEB86659FD93
_OLD: Final = 0x9FB21C651E98DF25
_POWERS: list[int] = [1]


def power(exponent: int) -> int:
    """The hash base to that power, modulo 2**64."""
    while len(_POWERS) <= exponent:
        _POWERS.append((_POWERS[-1] * BASE) & MASK)
    return _POWERS[exponent]


def mark_of(notification: Notification) -> int:
    """The fingerprint of what a handler is told; without the revision."""
    old, new = notification.old, notification.new
    own = new.fingerprint if new is not None else mix(fingerprint_of(notification.key), 1)
    return own + old.fingerprint * _OLD if old is not None else own


class StreamEvent:
    """One event through the selector: (None, new) added, (old, new) modified, (old, None) gone.

    notification: what it tells the handlers of whoever receives it. hash: polynomial hash of the
    stream up to and with this event; own, told: what it adds to that, and to what handlers hear.
    """

    __slots__ = (
        *("hash", "identity", "key", "new", "notification", "old", "own", "revision"),
        *("snapshot", "told"),
    )

    def __init__(
        self, change: Change, old: Entry | None, new: Entry | None, snapshot: Snapshot, before: int
    ) -> None:
        self.key, self.identity, self.revision = change.key, change.identity, change.revision
        self.old, self.new, self.snapshot = old, new, snapshot
        self.own = new.fingerprint if new is not None else mix(fingerprint_of(change.key), 1)
        self.hash = (before * BASE + self.own) & MASK
        resource = change.key.partition("/")[0]
        self.notification = Notification(resource, old, new, change.revision)
        self.told = mark_of(self.notification)


class Stream:
    """An immutable stream: the snapshot that it started from, and its events since."""

    __slots__ = ("base", "events", "fingerprint", "positions", "watch", "weights")

    def __init__(self, watch: Watch, base: Snapshot) -> None:
        self.watch, self.base = watch, base
        self.events: Log[StreamEvent] = Log()
        self.weights = 0
        """Sum of the weights of the watchers, see `fingerprint`."""
        self.fingerprint = 0
        """Sum over the watchers of their weight times the hash of what each has not seen."""

    def snapshot(self, position: int) -> Snapshot:
        """The objects as a watcher that has seen `position` events knows them."""
        return self.events[position - 1].snapshot if position else self.base

    def next(self, position: int) -> StreamEvent | None:
        """The event that a watcher receives after `position` events; None if it has seen all."""
        events = self.events
        return events.items[position] if position < events.length else None

    @property
    def recent(self) -> int:
        """Fingerprint of the states before the newest that a stale list may answer with."""
        length, found = len(self.events), 0
        for position in range(max(0, length - MAX_BEHIND), length):
            found = mix(found, self.snapshot(position).fingerprint)
        return found

    def hash_until(self, position: int) -> int:
        return self.events[position - 1].hash if position else 0

    def hash_since(self, position: int) -> int:
        """Hash of the events from `position` on."""
        length = len(self.events)
        skipped = self.hash_until(position) * power(length - position)
        return (self.hash_until(length) - skipped) & MASK

    def _copy(self) -> Stream:
        new = Stream.__new__(Stream)
        new.watch, new.base, new.events = self.watch, self.base, self.events
        new.weights, new.fingerprint = self.weights, self.fingerprint
        return new

    def observed(self, change: Change) -> Stream:
        """This stream after a change of the store; the same stream where it shows nothing of it."""
        old = change.previous if self._shows(change.previous) else None
        new = change.entry if self._shows(change.entry) else None
        if old is None and new is None:
            return self
        length = len(self.events)
        before = self.snapshot(length)
        snapshot = change.snapshot if not self.watch.node else before.patched(change.key, new)
        event = StreamEvent(change, old, new, snapshot, self.hash_until(length))
        stream = self._copy()
        stream.events = self.events.append(event)
        stream.fingerprint = (self.fingerprint * BASE + event.own * self.weights) & MASK
        return stream

    def _shows(self, entry: Entry | None) -> bool:
        if entry is None:
            return False
        node = self.watch.node
        if not node:
            return True
        value = entry.value
        return bool((value.spec.node_name if self.watch.resource == "pods" else value.name) == node)

    def passed(self, weight: int, position: int) -> Stream:
        """This stream after a watcher at `position` received its next event: `moved`, cheaper."""
        events = self.events
        unseen = events.items[position].own * power(events.length - position - 1)
        stream = self._copy()
        stream.fingerprint = (self.fingerprint - weight * unseen) & MASK
        return stream

    def moved(self, weight: int, before: int | None, after: int | None) -> Stream:
        """This stream after a watcher moved; None stands for a watcher that is not watching."""
        stream = self._copy()
        if before is not None:
            stream.weights -= weight
            stream.fingerprint -= weight * self.hash_since(before)
        if after is not None:
            stream.weights += weight
            stream.fingerprint += weight * self.hash_since(after)
        stream.fingerprint &= MASK
        return stream


_watch = functools.lru_cache(maxsize=65_536)(Watch)


def concerned(change: Change) -> tuple[Watch, ...]:
    """The selectors through which a change may be seen."""
    resource = change.key.partition("/")[0]
    whole = _watch(resource, "")
    if resource not in ("pods", "nodes"):
        return (whole,)
    nodes: list[str] = []
    for entry in (change.previous, change.entry):
        if entry is not None:
            value = entry.value
            node = value.spec.node_name if resource == "pods" else value.name
            if node and node not in nodes:
                nodes.append(node)
    return (whole, *[_watch(resource, node) for node in nodes])
