"""The store, in the role of etcd: revisions, compare-and-swap, watch from a revision, compaction.

After the etcd v3 API (etcdserverpb/rpc.proto) and server/mvcc at 3.5: each put or delete makes one
revision; a key has a create revision, a modification revision and a version that restarts at 1
when the key is created again; a compaction at r forbids reads and watches of revisions before r.
tests/etcd holds all of it against a real server.

Left out: leases, authentication, limits and pages of a range, transactions of several writes (one
revision per write; the API server needs no more), and members that lag (a later component keeps a
cursor into this log).

Keys are filed by their first path segment (the resource), so that one write copies nothing of the
others, and each revision keeps the snapshot of its own bucket.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any, Final

import immutables

from kspec.log import Log
from kspec.values import combined, fingerprint_of, mix

PUT: Final = "PUT"
DELETE: Final = "DELETE"
NEVER_COMPACTED: Final = -1
"""Lower than every revision, so that even a compaction at 0 is a first one, as in etcd."""

_VERSION: Final = 0xD6E8FEB86659FD93
_by_key = attrgetter("key")


class CompactedError(Exception):
    """The revision asked for has been compacted; `args[0]` is the compaction revision."""


class FutureRevisionError(Exception):
    """The revision asked for does not exist yet; `args[0]` is that revision."""


class EmptyRangeError(Exception):
    """A watch of a range that can have no key: etcd refuses it, where a read finds nothing."""


class Entry:
    """A key at one revision: its value and etcd's three counters."""

    __slots__ = ("create_revision", "fingerprint", "key", "mod_revision", "value", "version")

    def __init__(
        self, key: str, value: Any, create_revision: int, mod_revision: int, version: int
    ) -> None:
        self.key, self.value = key, value
        self.create_revision, self.mod_revision, self.version = (
            create_revision,
            mod_revision,
            version,
        )
        # No absolute revision: see "Fingerprints" in kspec_models.state.
        self.fingerprint = mix(fingerprint_of(key) + version * _VERSION, combined(value))

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Entry) and self.fingerprint == other.fingerprint

    @property
    def resource_version(self) -> int:
        """The object's resourceVersion as a token for compare-and-swap.

        Upstream uses the modification revision. The version of the key tells the same writes of
        one object apart (another object of the same name has another uid), and does not depend on
        writes to other keys, so that what was computed from an entry holds in every behaviour.
        """
        return self.version

    def __hash__(self) -> int:
        return self.fingerprint

    def __repr__(self) -> str:
        return f"{self.key}@{self.version}"


class Change:
    """One revision of the store: a key was put or deleted.

    `identity` names it in traces as key@version, where a deletion counts as one more version.
    """

    __slots__ = ("entry", "identity", "key", "previous", "revision", "snapshot", "type")

    def __init__(
        self, kind: str, key: str, entry: Entry | None, previous: Entry | None, revision: int
    ) -> None:
        self.type, self.key, self.entry, self.previous = kind, key, entry, previous
        self.revision = revision
        version = entry.version if entry else (previous.version + 1 if previous else 0)
        self.identity = f"{key.partition('/')[2]}@{version}"
        self.snapshot: Snapshot = EMPTY_SNAPSHOT

    def without_previous(self) -> Change:
        """This change as etcd tells it once the revision before it is compacted."""
        told = Change(self.type, self.key, self.entry, None, self.revision)
        told.identity, told.snapshot = self.identity, self.snapshot
        return told

    def __repr__(self) -> str:
        return f"{self.type} {self.key} at {self.revision}"


Indexer = Callable[[Any], tuple[str, ...]]
"""Index values of an object, e.g. the uid of its controller."""


class Snapshot:
    """All entries of one bucket at one revision, with indexes patched from the one before."""

    __slots__ = ("_entries", "_index", "_sorted", "fingerprint", "indexer")

    def __init__(self, indexer: Indexer | None = None) -> None:
        self._entries: immutables.Map[str, Entry] = immutables.Map()
        self._index: immutables.Map[str, tuple[Entry, ...]] = immutables.Map()
        self._sorted: tuple[Entry, ...] | None = ()
        self.fingerprint = 0
        self.indexer = indexer

    def get(self, key: str) -> Entry | None:
        found: Entry | None = self._entries.get(key)
        return found

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def entries(self) -> tuple[Entry, ...]:
        """All entries in the order of their keys."""
        if self._sorted is None:
            self._sorted = tuple(sorted(self._entries.values(), key=_by_key))
        return self._sorted

    def between(self, start: str, end: str) -> tuple[Entry, ...]:
        """The entries of [start, end) in the order of their keys."""
        entries = self.entries()
        low = bisect_left(entries, start, key=_by_key)
        return entries[low : bisect_left(entries, end, lo=low, key=_by_key)]

    def indexed(self, value: str) -> tuple[Entry, ...]:
        """The entries that the bucket's indexer files under `value`, in the order of keys."""
        found: tuple[Entry, ...] = self._index.get(value, ())
        return found

    def patched(self, key: str, entry: Entry | None) -> Snapshot:
        """This snapshot with `key` at `entry`, or without it."""
        old = self._entries.get(key)
        if old is None and entry is None:
            return self
        new = Snapshot.__new__(Snapshot)
        new.indexer, new._sorted = self.indexer, None
        new.fingerprint = self.fingerprint
        if old is not None:
            new.fingerprint ^= old.fingerprint
        if entry is not None:
            new.fingerprint ^= entry.fingerprint
            new._entries = self._entries.set(key, entry)
        else:
            new._entries = self._entries.delete(key)
        new._index = self._index
        if self.indexer is not None:
            new._reindex(old, entry)
        return new

    def _reindex(self, old: Entry | None, new: Entry | None) -> None:
        indexer = self.indexer
        assert indexer is not None
        # An index is a set: a value that the indexer names twice files the entry once.
        before = dict.fromkeys(indexer(old.value)) if old is not None else {}
        after = dict.fromkeys(indexer(new.value)) if new is not None else {}
        index = self._index
        for value in before:
            if value not in after:
                rest = _filed(index[value], old, None)
                index = index.set(value, rest) if rest else index.delete(value)
        if new is not None:
            for value in after:
                group: tuple[Entry, ...] = index.get(value, ())
                index = index.set(value, _filed(group, old if value in before else None, new))
        self._index = index


def _filed(group: tuple[Entry, ...], old: Entry | None, new: Entry | None) -> tuple[Entry, ...]:
    """A group in the order of keys, with `new` in the place of `old`; None is no entry."""
    entry = new if new is not None else old
    assert entry is not None
    at = bisect_left(group, entry.key, key=_by_key) if len(group) > 1 or old is None else 0
    rest = group[at + 1 :] if old is not None else group[at:]
    return group[:at] + rest if new is None else (*group[:at], new, *rest)


EMPTY_SNAPSHOT: Final = Snapshot()
NO_BUCKETS: Final[immutables.Map[str, Snapshot]] = immutables.Map()


class Store:
    """The store at its newest revision, with its history. Immutable.

    etcd starts at revision 1; the first write makes revision 2. A store that starts empty at a
    later revision is one whose earlier history is compacted. The log keeps what a compaction
    forgets (it is shared with other states), but no read and no watch reaches it.
    """

    __slots__ = ("buckets", "compacted", "fingerprint", "history", "indexers", "revision")

    def __init__(
        self,
        indexers: dict[str, Indexer] | None = None,
        buckets: immutables.Map[str, Snapshot] = NO_BUCKETS,
        history: Log[Change] | None = None,
        revision: int = 1,
        compacted: int = NEVER_COMPACTED,
        fingerprint: int = 0,
    ) -> None:
        self.indexers: dict[str, Indexer] = indexers if indexers is not None else {}
        self.buckets = buckets
        self.history: Log[Change] = history if history is not None else Log()
        self.revision, self.compacted, self.fingerprint = revision, compacted, fingerprint

    def bucket(self, name: str) -> Snapshot:
        """The newest snapshot of the keys whose first path segment is `name`."""
        found: Snapshot | None = self.buckets.get(name)
        return found if found is not None else Snapshot(self.indexers.get(name))

    def get(self, key: str) -> Entry | None:
        found: Snapshot | None = self.buckets.get(key.partition("/")[0])
        return found.get(key) if found is not None else None

    def put(self, key: str, value: Any) -> tuple[Store, Change]:
        """Write a key without any condition."""
        old = self.get(key)
        revision = self.revision + 1
        if old is None:
            entry = Entry(key, value, revision, revision, 1)
        else:
            entry = Entry(key, value, old.create_revision, revision, old.version + 1)
        return self._commit(Change(PUT, key, entry, old, revision))

    def delete(self, key: str) -> tuple[Store, Change | None]:
        """Delete a key; deleting an absent key writes nothing, as in etcd."""
        old = self.get(key)
        if old is None:
            return self, None
        return self._commit(Change(DELETE, key, None, old, self.revision + 1))

    def compare_and_put(self, key: str, expected: int, value: Any) -> tuple[Store, Change | None]:
        """Put if the key's modification revision is `expected` (0: absent); None if it is not."""
        old = self.get(key)
        if (old.mod_revision if old else 0) != expected:
            return self, None
        return self.put(key, value)

    def compare_and_delete(self, key: str, expected: int) -> tuple[Store, Change | None]:
        """Delete if the key's modification revision is `expected`; None if nothing is deleted."""
        old = self.get(key)
        if old is None or old.mod_revision != expected:
            return self, None
        return self.delete(key)

    def _commit(self, change: Change) -> tuple[Store, Change]:
        name = change.key.partition("/")[0]
        old = self.bucket(name)
        new = old.patched(change.key, change.entry)
        change.snapshot = new
        moved = old.fingerprint ^ new.fingerprint
        store = Store(
            self.indexers,
            self.buckets.set(name, new),
            self.history.append(change),
            change.revision,
            self.compacted,
            self.fingerprint ^ moved,
        )
        return store, change

    def range(self, start: str, end: str | None = None, revision: int = 0) -> tuple[Entry, ...]:
        """The entries of [start, end) (only `start` where end is None), in the order of keys.

        `revision` 0 reads the newest. Raises CompactedError or FutureRevisionError.
        """
        if revision > self.revision:
            raise FutureRevisionError(revision)
        self._refuse_compacted(revision)
        if end is None:
            snapshot = self._snapshot_at(start.partition("/")[0], revision)
            entry = snapshot.get(start)
            return () if entry is None else (entry,)
        found: list[Entry] = []
        for name in self.buckets:
            found.extend(self._snapshot_at(name, revision).between(start, end))
        return tuple(sorted(found, key=_by_key))

    def _refuse_compacted(self, revision: int) -> None:
        if revision < 0:
            raise ValueError(f"revision {revision} is negative: 0 asks for the newest")
        if 0 < revision < self.compacted:
            raise CompactedError(self.compacted)

    def _snapshot_at(self, name: str, revision: int) -> Snapshot:
        if revision in (0, self.revision):
            return self.bucket(name)
        # Each change made one revision, so positions in the log are revisions less the first one.
        newest = revision - self.revision + len(self.history) - 1
        for position in range(newest, -1, -1):
            change = self.history[position]
            if change.key.partition("/")[0] == name:
                return change.snapshot
        return EMPTY_SNAPSHOT

    def watch(self, start: str, end: str | None, revision: int) -> Iterator[Change]:
        """The changes of [start, end) from `revision` on; 0 means from the next one.

        The change at the compaction revision comes without its previous entry, which is compacted.
        Raises CompactedError where `revision` has been compacted and EmptyRangeError where the
        range can have no key, both at once and not only when the changes are drawn.
        """
        if end is not None and end <= start:
            raise EmptyRangeError(start, end)
        self._refuse_compacted(revision)
        first = (revision or self.revision + 1) - self.revision + len(self.history) - 1
        return self._changes(start, end, max(0, first))

    def _changes(self, start: str, end: str | None, position: int) -> Iterator[Change]:
        for change in self.history.since(position):
            if change.key == start or (end is not None and start <= change.key < end):
                is_oldest = change.revision == self.compacted
                yield change.without_previous() if is_oldest else change

    def compact(self, revision: int) -> Store:
        """Forget the history before `revision`.

        Raises CompactedError where it is compacted already, FutureRevisionError where it is newer
        than the newest revision.
        """
        if revision <= self.compacted:
            raise CompactedError(self.compacted)
        if revision > self.revision:
            raise FutureRevisionError(revision)
        return Store(
            self.indexers, self.buckets, self.history, self.revision, revision, self.fingerprint
        )
