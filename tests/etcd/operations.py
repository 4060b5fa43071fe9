"""Operations on a store, drawn as values and performed on the model and on a server alike.

Revisions are drawn relative to those of the store, because a server's own never start afresh.
"""

from collections.abc import Callable
from typing import Any

import attrs
from hypothesis import strategies as st

from kspec_models.store import (
    Change,
    CompactedError,
    EmptyRangeError,
    Entry,
    FutureRevisionError,
    Store,
)

from .client import Answer, EtcdClient, Event, KeyValue

# "-" sorts before "/": the keys of the bucket "pods-x" lie before those of "pods".
KEYS = ("pods/a", "pods/b", "pods-x/a", "nodes/a")
VALUES = ("1", "2", "")
RANGES = (
    *((key, None) for key in KEYS),
    ("pods/", "pods0"),
    ("nodes/", "nodes0"),
    ("nodes/", "pods0"),
    ("pods/a", "pods/b"),
    ("pods/b", "pods/b"),
    ("pods/b", "nodes/a"),
)
ERRORS: dict[type[Exception], str] = {
    CompactedError: "compacted",
    FutureRevisionError: "future revision",
    EmptyRangeError: "empty range",
}

Performed = tuple[Store, Answer, Answer]
"""The model's store after the operation, its answer, and the server's."""


def key_value(entry: Entry) -> KeyValue:
    """The model's entry in the client's terms."""
    return KeyValue(
        entry.key, entry.value, entry.create_revision, entry.mod_revision, entry.version
    )


def event_of(change: Change) -> Event:
    """The model's change as the event that a watch tells."""
    entry = key_value(change.entry) if change.entry else None
    previous = key_value(change.previous) if change.previous else None
    return Event(change.type, change.key, change.revision, entry, previous)


def _found(entry: Entry | None) -> tuple[KeyValue, ...]:
    return () if entry is None else (key_value(entry),)


@attrs.frozen
class RevisionChoice:
    """A revision relative to the newest or to the compaction; "unset" is 0."""

    anchor: str
    offset: int = 0

    def of(self, store: Store) -> int:
        if self.anchor == "unset":
            return 0
        return (store.revision if self.anchor == "newest" else store.compacted) + self.offset


@attrs.frozen
class Put:
    key: str
    value: str

    def perform(self, store: Store, client: EtcdClient) -> Performed:
        after, change = store.put(self.key, self.value)
        answer = Answer(change.revision, _found(change.previous), True)
        return after, answer, client.put(self.key, self.value)


@attrs.frozen
class Delete:
    key: str

    def perform(self, store: Store, client: EtcdClient) -> Performed:
        found = _found(store.get(self.key))
        after, change = store.delete(self.key)
        answer = Answer(after.revision, found, change is not None)
        return after, answer, client.delete(self.key)


@attrs.frozen
class _Compare:
    """`expected`: the key's own modification revision, another key's, an older one or none."""

    key: str
    expected: str

    def expected_in(self, store: Store) -> int:
        own = store.get(self.key)
        if self.expected == "absent":
            return 0
        if self.expected == "newest":
            return store.revision
        return (own.mod_revision if own else 0) - (self.expected == "older")


@attrs.frozen
class CompareAndPut(_Compare):
    value: str

    def perform(self, store: Store, client: EtcdClient) -> Performed:
        found, expected = _found(store.get(self.key)), self.expected_in(store)
        after, change = store.compare_and_put(self.key, expected, self.value)
        answer = Answer(after.revision, found, change is not None)
        return after, answer, client.compare_and_put(self.key, expected, self.value)


@attrs.frozen
class CompareAndDelete(_Compare):
    def perform(self, store: Store, client: EtcdClient) -> Performed:
        found, expected = _found(store.get(self.key)), self.expected_in(store)
        after, change = store.compare_and_delete(self.key, expected)
        answer = Answer(after.revision, found, change is not None)
        return after, answer, client.compare_and_delete(self.key, expected)


@attrs.frozen
class Range:
    bounds: tuple[str, str | None]
    revision: RevisionChoice

    def perform(self, store: Store, client: EtcdClient) -> Performed:
        start, end = self.bounds
        revision = self.revision.of(store)
        found, error = caught(store.range, start, end, revision)
        answer = Answer(error=error)
        if error is None:
            answer = Answer(store.revision, tuple(map(key_value, found)))
        return store, answer, client.range(start, end, revision)


@attrs.frozen
class Compact:
    revision: RevisionChoice

    def perform(self, store: Store, client: EtcdClient) -> Performed:
        revision = self.revision.of(store)
        after, error = caught(store.compact, revision)
        answer = Answer(error=error) if error else Answer(store.revision)
        return after or store, answer, client.compact(revision)


@attrs.frozen
class Watch:
    """Begin a watch; its events are compared later."""

    bounds: tuple[str, str | None]
    revision: RevisionChoice


def caught(call: Callable[..., Any], *arguments: Any) -> tuple[Any, str | None]:
    """What the model returns, and the kind of its error."""
    try:
        return call(*arguments), None
    except tuple(ERRORS) as error:
        return None, ERRORS[type(error)]


Operation = Put | Delete | CompareAndPut | CompareAndDelete | Range | Compact | Watch

_keys, _values, _ranges = map(st.sampled_from, (KEYS, VALUES, RANGES))
_expected = st.sampled_from(("own", "absent", "older", "newest"))
_revisions = st.one_of(
    st.builds(RevisionChoice, st.just("newest"), st.integers(-8, 2)),
    st.builds(RevisionChoice, st.just("compacted"), st.integers(-1, 2)),
    st.just(RevisionChoice("unset")),
)
_compactions = st.one_of(
    st.builds(RevisionChoice, st.just("newest"), st.integers(-4, 1)),
    st.builds(RevisionChoice, st.just("compacted"), st.integers(-1, 2)),
)


def _frequent() -> tuple[st.SearchStrategy[Operation], ...]:
    return (
        st.builds(Put, _keys, _values),
        st.builds(Delete, _keys),
        st.builds(CompareAndPut, _keys, _expected, _values),
        st.builds(CompareAndDelete, _keys, _expected),
        st.builds(Range, _ranges, _revisions),
    )


# Twice the frequent ones (`one_of` drops a strategy that it is given twice), so that compactions
# leave some history. None stands for no operation: a failing list keeps its length and still
# shrinks to the few operations that matter, while the number of operations has a lower bound.
histories = st.lists(
    st.one_of(
        st.none(),
        *_frequent(),
        *_frequent(),
        st.builds(Watch, _ranges, _revisions),
        st.builds(Compact, _compactions),
    ),
    min_size=60,
    max_size=90,
)
