"""What the exhaustive search needs of its workers: jobs for them, and a partitioned visited set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from kspec.distribute.crew import Answer, Crew, Lost
from kspec.distribute.expanding import Chunk
from kspec.distribute.recipe import Recipe

Levels = Callable[[], Iterator[bytes]]
"""The marks of all complete levels, one after the other."""


class ShardLost(Exception):
    """A part of the visited set is gone, and with it the candidates of the level at hand."""


class Fleet(Protocol):
    """Workers and shards, wherever they are. Members are as those of a Crew.

    may_lose_shards: do complete levels have to be stored, so that a shard can be made again?
    """

    may_lose_shards: bool

    @property
    def members(self) -> tuple[int, ...]: ...

    def backlog(self, member: int) -> int: ...

    def ask(self, member: int, method: str, *arguments: Any) -> int: ...

    def wait(self, seconds: float | None = None) -> Sequence[Answer | Lost]:
        """What has happened. A Chunk comes without its candidates, when the shards have them.

        Raises ShardLost.
        """
        ...

    def visit(self, marks: bytes) -> None:
        """Marks of complete levels, before the first level is begun."""
        ...

    def begin(self, levels: Levels) -> None:
        """A level begins, or begins again; shards that are gone are made again from `levels`."""
        ...

    def winners(self) -> list[tuple[bytes, bytes]]:
        """From each shard the marks that are new, and their keys. Raises ShardLost."""
        ...

    def commit(self) -> None:
        """What the shards told is visited now."""
        ...

    @property
    def memory_bytes(self) -> int:
        """What the visited set takes in the driver's own memory."""
        ...

    @property
    def file_bytes(self) -> int: ...

    def close(self) -> None:
        """End what was started for this search alone."""
        ...


class CrewFleet:
    """A crew, with the visited set in the driver's process: one shard, which cannot be lost."""

    may_lose_shards = False

    def __init__(
        self, crew: Crew, recipe: Recipe, memory: int | None = None, spill: Path | None = None
    ) -> None:
        from kspec.distribute.shard import Shard

        crew.use(recipe)
        self._crew, self._shard = crew, Shard(memory, spill)
        self.commit, self.backlog, self.ask = self._shard.commit, crew.backlog, crew.ask

    @property
    def members(self) -> tuple[int, ...]:
        return self._crew.members

    def wait(self, seconds: float | None = None) -> list[Answer | Lost]:
        return [self._taken(event) for event in self._crew.wait(seconds)]

    def _taken(self, event: Answer | Lost) -> Answer | Lost:
        if isinstance(event, Lost) or not isinstance(event.value, Chunk):
            return event
        chunk = event.value
        self._shard.add(chunk.marks, chunk.keys)
        return event._replace(value=chunk._replace(marks=b"", keys=b""))

    def visit(self, marks: bytes) -> None:
        self._shard.visit(marks)

    def begin(self, levels: Levels) -> None:
        self._shard.begin()

    def winners(self) -> list[tuple[bytes, bytes]]:
        return [self._shard.winners()]

    @property
    def memory_bytes(self) -> int:
        return self._shard.memory_bytes

    @property
    def file_bytes(self) -> int:
        return self._shard.file_bytes

    def close(self) -> None:
        self._shard.close()
