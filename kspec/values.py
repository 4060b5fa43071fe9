"""Values: stable 64-bit fingerprints, bounded memo tables, and maps that carry their fingerprint.

A fingerprint is blake2b over a canonical encoding, so it is the same in every process and under
every PYTHONHASHSEED. Python's own `hash` only ever finds a slot in a table; it never reaches a
fingerprint, an order or a trace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from typing import Any, Generic, TypeVar
from weakref import ref

import immutables

MASK = (1 << 64) - 1
_ODD = 0x9E3779B97F4A7C15
_PRIME = 0xBF58476D1CE4E5B9

K = TypeVar("K")
V = TypeVar("V")


def mix(a: int, b: int) -> int:
    """Combine two 64-bit fingerprints; the order of the two matters."""
    x = (a * _ODD + b) & MASK
    x = ((x ^ (x >> 29)) * _PRIME) & MASK
    return x ^ (x >> 32)


class Memo(Generic[K, V]):
    """A bounded memo table with its own statistics; a full table starts afresh.

    Emptying at a fixed size instead of evicting by age keeps the cost constant and, because the
    memoised functions are pure, cannot change any result.
    """

    __slots__ = ("__weakref__", "compute", "hits", "limit", "misses", "name", "peak", "table")

    def __init__(self, name: str, compute: Callable[[K], V], limit: int = 200_000) -> None:
        self.name, self.compute, self.limit = name, compute, limit
        self.table: dict[K, V] = {}
        self.hits = self.misses = self.peak = 0
        MEMOS.append(self)

    def __call__(self, key: K) -> V:
        found = self.table.get(key)
        if found is not None:
            self.hits += 1
            return found
        value = self.compute(key)
        self.misses += 1
        if len(self.table) >= self.limit:
            self.table.clear()
        self.table[key] = value
        if len(self.table) > self.peak:
            self.peak = len(self.table)
        return value


class Memos:
    """The memo tables that are in use; one that belongs to an object goes with it."""

    def __init__(self) -> None:
        self._known: list[ref[Any]] = []
        self._most = 256

    def append(self, memo: Any) -> None:
        self._known.append(ref(memo))
        if len(self._known) > self._most:
            self._known = [known for known in self._known if known() is not None]
            self._most = 2 * len(self._known) + 256

    def __iter__(self) -> Iterator[Any]:
        return iter([memo for known in self._known if (memo := known()) is not None])


MEMOS = Memos()
"""Every memo table of the process, for statistics: name, table, hits, misses, peak."""


def _encode(value: Any, out: list[bytes]) -> None:
    kind = type(value)
    if kind is str:
        raw = value.encode()
        out.append(b"s%d:" % len(raw))
        out.append(raw)
    elif value is None:
        out.append(b"N")
    elif kind is int or kind is bool:  # equal values must encode alike: True == 1
        out.append(b"i%d;" % value)
    elif hasattr(kind, "fingerprint"):
        out.append(b"#%d;" % value.fingerprint)
    elif isinstance(value, tuple):
        out.append(b"(%d:" % len(value))
        for item in value:
            _encode(item, out)
    elif isinstance(value, frozenset):
        out.append(b"{%d:" % len(value))
        out.extend(b"%d," % f for f in sorted(map(fingerprint, value)))
    elif isinstance(value, Mapping):
        out.append(_of_items([fingerprint(item) for item in value.items()]))
    elif kind is float:
        out.append(b"i%d;" % value if value.is_integer() else b"f%s;" % value.hex().encode())
    else:
        raise TypeError(f"no canonical encoding for {kind.__name__}: give it a `fingerprint`")


def _of_items(items: list[int]) -> bytes:
    items.sort()
    return b"m%d:%b" % (len(items), b"".join([b"%d," % f for f in items]))


def fingerprint(value: Any) -> int:
    """The stable 64-bit fingerprint of a value, computed afresh.

    Takes None, bool, int, float, str, tuples, frozensets, mappings and anything with a
    `fingerprint` of its own. Raises TypeError for any other value.
    """
    out: list[bytes] = []
    _encode(value, out)
    return int.from_bytes(blake2b(b"".join(out), digest_size=8).digest(), "little")


fingerprint_of: Memo[Any, int] = Memo("fingerprint", fingerprint)
"""`fingerprint` memoised by equality: for the small hashable values that states are made of."""


def fingerprint_of_map(value: Mapping[Any, Any]) -> int:
    """`fingerprint` of a mapping; each item is looked up, where all are hashable."""
    try:
        code = _of_items([fingerprint_of(item) for item in value.items()])
    except TypeError:
        return fingerprint(value)
    return int.from_bytes(blake2b(code, digest_size=8).digest(), "little")


class _Ways(dict[type, Callable[[Any], int | None] | None]):
    """How `combined` takes the values of a type; found out once for each.

    None: the value carries its fingerprint. A way that answers None leaves it to `fingerprint_of`.
    """

    def __missing__(self, kind: type) -> Callable[[Any], int | None] | None:
        way: Callable[[Any], int | None] | None = fingerprint
        if hasattr(kind, "fingerprint"):
            way = None
        elif issubclass(kind, tuple):
            way = _polynomial if getattr(kind, "_fields", ()) else _of_tuple
        elif kind.__hash__ is not None:
            way = fingerprint_of.table.get
        self[kind] = way
        return way


_WAYS = _Ways()


def combined(value: Any) -> int:
    """A stable fingerprint put together from those of the items: for values that change in parts.

    A tuple is a polynomial over its items modulo 2**64, so what did not change is looked up or
    carried by the item itself, and only plain values are encoded. Tuples of text are looked up
    whole, and so are values of a `recurring` type.
    """
    way = _WAYS[type(value)]
    found: int | None = value.fingerprint if way is None else way(value)
    return fingerprint_of(value) if found is None else found


def _of_tuple(value: tuple[Any, ...]) -> int | None:
    if value and type(value) is tuple and type(value[0]) is str:
        return _texts(value)
    return _polynomial(value) if value else None


def _polynomial(value: tuple[Any, ...]) -> int:
    whole, ways = len(value), _WAYS
    for item in value:
        way = ways[type(item)]
        if way is None:
            part = item.fingerprint
        else:
            part = way(item)
            if part is None:
                part = fingerprint_of(item)
        whole = (whole * _ODD + part) & MASK
    return whole


_texts: Memo[tuple[Any, ...], int] = Memo("fingerprints of texts", _polynomial)
_recurring: Memo[tuple[Any, ...], int] = Memo("fingerprints of recurring tuples", _polynomial)


def recurring(kind: type[V]) -> type[V]:
    """Class decorator: a tuple type whose values come back often, so that it pays to look them up.

    Changes what `combined` costs and not what it answers.
    """
    _WAYS[kind] = _recurring
    return kind


_item: Memo[tuple[Any, Any], int] = Memo(
    "fingerprints of map items", lambda item: mix(fingerprint_of(item[0]), combined(item[1]))
)


class FingerprintedMap(Generic[K, V]):
    """A persistent map whose fingerprint follows each change instead of being computed anew.

    Keys and values must be hashable values that `fingerprint` takes. The order of iteration is
    not defined: callers that need one sort.
    """

    __slots__ = ("_items", "fingerprint")

    def __init__(self, items: Mapping[K, V] | None = None) -> None:
        self._items: immutables.Map[K, V] = immutables.Map(items or {})
        self.fingerprint = 0
        for key, value in self._items.items():
            self.fingerprint ^= _item((key, value))

    def get(self, key: K, default: Any = None) -> Any:
        return self._items.get(key, default)

    def __getitem__(self, key: K) -> V:
        return self._items[key]

    def __contains__(self, key: object) -> bool:
        return key in self._items

    def __len__(self) -> int:
        return len(self._items)

    def set(self, key: K, value: V) -> FingerprintedMap[K, V]:
        """This map with `key` at `value`."""
        return self._changed(self._items.set(key, value), key, _item((key, value)))

    def without(self, key: K) -> FingerprintedMap[K, V]:
        """This map without `key`; the same map where it has none."""
        if key not in self._items:
            return self
        return self._changed(self._items.delete(key), key, 0)

    def _changed(self, items: immutables.Map[K, V], key: K, added: int) -> FingerprintedMap[K, V]:
        new: FingerprintedMap[K, V] = FingerprintedMap.__new__(FingerprintedMap)
        new._items = items
        removed = _item((key, self._items[key])) if key in self._items else 0
        new.fingerprint = self.fingerprint ^ added ^ removed
        return new

    def sorted_items(self) -> list[tuple[K, V]]:
        """All items in the order of their keys."""
        return sorted(self._items.items())

    def values(self) -> Iterator[V]:
        """All values, in no defined order: for sums and other uses that order cannot change."""
        return iter(self._items.values())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FingerprintedMap) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return self.fingerprint


EMPTY_MAP: FingerprintedMap[Any, Any] = FingerprintedMap()
