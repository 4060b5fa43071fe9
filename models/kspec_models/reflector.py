"""Reflector and informer: one watch of one process, its cache, and what its handlers are told.

After staging/src/k8s.io/client-go/tools/cache/{reflector,delta_fifo,shared_informer}.go at 1.36.
A cache is the stream's snapshot at a position, except while a Replace is being popped: then it is
the old snapshot patched key by key, unless `atomic` (AtomicFIFO) replaces it at once.

Left out: bookmarks while connected (a resumed watch starts from the last event or list received),
resync, and the compression of several deltas of one key into one pop, which a burst of Syncs
without a handler between them is equal to for every handler that reads its cache.
"""

from __future__ import annotations

from typing import Any, Final

import immutables

from kspec.log import Log
from kspec.values import MASK, fingerprint_of, mix
from kspec_models.host import Notification
from kspec_models.store import EMPTY_SNAPSHOT, Entry, Snapshot
from kspec_models.streams import BASE, Stream, StreamEvent, mark_of, power

DOWN: Final = "down"
LISTING: Final = "listing"
REPLACING: Final = "replacing"
WATCHING: Final = "watching"
DISCONNECTED: Final = "disconnected"
HAS_POSITION: Final = (WATCHING, DISCONNECTED, REPLACING)
"""The states in which what the watch has not received yet matters later."""

Behind = tuple[tuple[int, int], ...]
"""(listener, the position of the next notification that it takes), by listener."""

_HOST: Final = 0x9FB21C651E98DF25


def age(revision: int, newest: int, compacted: int) -> tuple[bool, int]:
    """What matters of a revision that a watch may resume from, whatever its number.

    Whether it is gone, and how far it is from being gone after the next compaction.
    """
    return is_gone(revision, compacted), min(2, newest - revision)


def is_gone(resume: int, compacted: int) -> bool:
    """Whether a watch after revision `resume` misses changes that were compacted: 410 Gone.

    The store still has the change at the compaction revision itself.
    """
    return resume + 1 < compacted


class Told:
    """A notification in the order in which handlers get it, with its name in traces."""

    __slots__ = ("hash", "identity", "notification")

    def __init__(self, notification: Notification, identity: str, before: int, own: int) -> None:
        self.notification, self.identity = notification, identity
        self.hash = (before * BASE + own) & MASK


class Informer:
    """The state of one watch. Immutable; `evolve` makes the next one.

    position: how many stream events it has received. cache: what its listers read. remaining:
    keys of a Replace still to be popped, target the snapshot that they lead to. told: every
    notification since the process started. behind: the listeners that have some of them still to
    take, each with the position of the next; so a listener that has nothing to do costs nothing.
    resume: the revision that a broken watch resumes from. ghost: the last entry that was told of
    each key, for properties only.
    """

    __slots__ = (
        "_fingerprint",
        "behind",
        "cache",
        "ghost",
        "listed_at",
        "position",
        "remaining",
        "resume",
        "status",
        "synced",
        "target",
        "told",
    )

    def __init__(self) -> None:
        self.status = DOWN
        self.position = 0
        self.cache = self.target = EMPTY_SNAPSHOT
        self.remaining: tuple[str, ...] = ()
        self.told: Log[Told] = Log()
        self.behind: Behind = ()
        self.resume = self.listed_at = 0
        self.synced = False
        self.ghost: immutables.Map[str, Entry] = immutables.Map()
        self._fingerprint: int | None = None

    @property
    def fingerprint(self) -> int:
        """64 bits for everything that matters later."""
        known = self._fingerprint
        if known is None:
            known = self._fingerprint = self._computed()
        return known

    def evolve(self, **changes: Any) -> Informer:
        """This informer with some fields changed."""
        new = Informer.__new__(Informer)
        for name in Informer.__slots__:
            setattr(new, name, changes[name] if name in changes else getattr(self, name))
        new._fingerprint = None
        return new

    def left_with(self, behind: Behind) -> Informer:
        """This informer with other notifications still to be taken."""
        new = Informer.__new__(Informer)
        new.status, new.synced, new.position = self.status, self.synced, self.position
        new.cache, new.target, new.remaining = self.cache, self.target, self.remaining
        new.told, new.resume, new.listed_at = self.told, self.resume, self.listed_at
        new.ghost, new.behind = self.ghost, behind
        new._fingerprint = None
        return new

    def taken(self, listener: int, position: int) -> Informer:
        """This informer after a listener has taken all notifications before `position`."""
        rest = [item for item in self.behind if item[0] != listener]
        if position < self.told.length:
            rest.append((listener, position))
            rest.sort()
        return self.left_with(tuple(rest))

    def next_of(self, listener: int) -> int:
        """The position of the next notification that a listener takes."""
        for number, position in self.behind:
            if number == listener:
                return position
        return self.told.length

    def pending(self, listener: int) -> int:
        """How many notifications a listener has not taken yet."""
        return self.told.length - self.next_of(listener)

    def tell(self, notification: Notification, identity: str) -> Log[Told]:
        """The notifications with one more."""
        told = self.told
        before = told.items[told.length - 1].hash if told.length else 0
        return told.append(Told(notification, identity, before, mark_of(notification)))

    def received(self, event: StreamEvent) -> Informer:
        """This informer after the next watch event."""
        told, length = self.told.items, self.told.length
        before = told[length - 1].hash if length else 0
        new = Informer.__new__(Informer)
        new.status, new.synced = self.status, self.synced
        new.position = self.position + 1
        new.cache = new.target = event.snapshot
        new.remaining, new.behind = self.remaining, self.behind
        new.told = self.told.append(Told(event.notification, event.identity, before, event.told))
        new.resume = event.revision
        new.listed_at, new.ghost = self.listed_at, self.ghost
        new._fingerprint = None
        return new

    def _computed(self) -> int:
        """Everything that matters later, but the unseen events, which the stream accounts for."""
        unhandled = 0
        if self.behind:
            told, length = self.told.items, self.told.length
            for listener, position in self.behind:
                start = told[position - 1].hash if position else 0
                rest = (told[length - 1].hash - start * power(length - position)) & MASK
                unhandled += mix(rest, listener)
        # The cache too: the same unseen events may lead to the same store from different caches.
        known = (unhandled * _HOST + self.cache.fingerprint) & MASK
        if self.status is WATCHING:
            return known
        head = fingerprint_of((self.status, self.remaining, self.synced))
        return mix(mix(head, self.target.fingerprint), known)


class Reflector:
    """How watches proceed. One object for all informers; a mutant of the model replaces methods.

    lists_at_zero: first lists are asked for at resourceVersion 0, whatever the world says.
    """

    lists_at_zero = False

    def __init__(self, *, atomic: bool = True) -> None:
        self.atomic = atomic

    def receive(self, informer: Informer, stream: Stream) -> Informer:
        """The next watch event reaches the cache and is told to the handlers."""
        return informer.received(stream.events.items[informer.position])

    def started(self) -> Informer:
        """A process starts: nothing is cached, the first list is due."""
        return Informer().evolve(status=LISTING)

    def disconnected(self, informer: Informer) -> Informer:
        """The watch breaks; what was received stays."""
        return informer.evolve(status=DISCONNECTED)

    def resumed(self, informer: Informer, compacted: int) -> Informer:
        """The watch is asked for again: 410 Gone, and so a new list, if its start is compacted."""
        gone = is_gone(informer.resume, compacted)
        return informer.evolve(status=LISTING if gone else WATCHING)

    def listed(self, informer: Informer, stream: Stream, position: int, revision: int) -> Informer:
        """A list was answered with the objects at `position`: a Replace of all keys begins."""
        target = stream.snapshot(position)
        keys = {e.key for e in target.entries()} | {e.key for e in informer.cache.entries()}
        replacing = informer.evolve(
            status=REPLACING,
            position=position,
            target=target,
            remaining=tuple(sorted(keys)),
            resume=revision,
            listed_at=revision,
        )
        return self._watching(replacing) if not keys else replacing

    def popped(self, informer: Informer, resource: str, key: str) -> Informer:
        """One key of the Replace reaches the cache; handlers hear of an add, update or delete."""
        old, new = informer.cache.get(key), informer.target.get(key)
        told = informer.told
        if old is not None or new is not None:
            notification = Notification(resource, old, new, informer.listed_at)
            version = new.version if new is not None else "gone"
            told = informer.tell(notification, f"{key.partition('/')[2]}@{version}")
        after = informer.evolve(
            told=told,
            cache=self._patched(informer, key, new),
            remaining=tuple(k for k in informer.remaining if k != key),
        )
        return after if after.remaining else self._watching(after)

    def _patched(self, informer: Informer, key: str, new: Entry | None) -> Snapshot:
        if informer.cache is EMPTY_SNAPSHOT:
            return Snapshot(informer.target.indexer).patched(key, new)
        return informer.cache.patched(key, new)

    def _watching(self, informer: Informer) -> Informer:
        return informer.evolve(status=WATCHING, cache=informer.target, synced=True)
