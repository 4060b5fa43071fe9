"""An append-only sequence as a value: appending is O(1) along one line of history.

Every version is a length over a shared backing list; the first append after a version extends the
list in place, a second append to the same version (a branch of the search) copies it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Log(Generic[T]):
    """An immutable sequence that is cheap to append to."""

    __slots__ = ("_backing", "_length")

    def __init__(self, items: tuple[T, ...] = ()) -> None:
        self._backing: list[T] = list(items)
        self._length = len(items)

    def append(self, item: T) -> Log[T]:
        """This log with one more item at its end."""
        backing = self._backing
        if len(backing) != self._length:
            backing = backing[: self._length]
        backing.append(item)
        new: Log[T] = Log.__new__(Log)
        new._backing, new._length = backing, self._length + 1
        return new

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> T:
        if not 0 <= index < self._length:
            raise IndexError(index)
        return self._backing[index]

    def __iter__(self) -> Iterator[T]:
        return self.since(0)

    def since(self, start: int) -> Iterator[T]:
        """The items from position `start` on."""
        for index in range(start, self._length):
            yield self._backing[index]
