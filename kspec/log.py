"""An append-only sequence as a value: appending is O(1) along one line of history.

Every version is a length over a shared backing list; the first append after a version extends the
list in place, a second append to the same version (a branch of the search) copies it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Log(Generic[T]):
    """An immutable sequence that is cheap to append to.

    `items` may go on beyond `length`, which belongs to other versions: hot loops that index it
    themselves stay below `length`.
    """

    __slots__ = ("items", "length")

    def __init__(self, initial: tuple[T, ...] = ()) -> None:
        self.items: list[T] = list(initial)
        self.length = len(initial)

    def append(self, item: T) -> Log[T]:
        """This log with one more item at its end."""
        backing = self.items
        if len(backing) != self.length:
            backing = backing[: self.length]
        backing.append(item)
        new: Log[T] = Log.__new__(Log)
        new.items, new.length = backing, self.length + 1
        return new

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> T:
        if not 0 <= index < self.length:
            raise IndexError(index)
        return self.items[index]

    def __iter__(self) -> Iterator[T]:
        return self.since(0)

    def since(self, start: int) -> Iterator[T]:
        """The items from position `start` on."""
        for index in range(start, self.length):
            yield self.items[index]
