"""What runs inside a Ray cluster: runs as tasks, and the actors of the exhaustive search.

These are plain functions and classes that the driver makes remote.
"""

from __future__ import annotations

import os
import pickle
import sys
from typing import Any

import numpy as np

from kspec.distribute.expanding import Chunk
from kspec.distribute.shard import Shard
from kspec.distribute.station import Station
from kspec.explore.collector import seldom_collecting
from kspec.explore.task import RunTask

Package = tuple[bytes, tuple[str, ...]]
"""A pickled recipe, and where the driver imports modules from."""

_STATIONS: dict[Package, Station] = {}
"""The station of the recipe that this process was asked for last: Ray keeps its processes."""


def opened(package: Package) -> Station:
    """The station of a recipe; modules come from where the driver has them, where that is here."""
    recipe, path = package
    sys.path += [place for place in path if place not in sys.path and os.path.isdir(place)]
    return Station(pickle.loads(recipe))


@seldom_collecting()
def perform(package: Package, task: RunTask) -> bytes:
    """One random run, as `kspec.distribute.wire` packs its outcome."""
    station = _STATIONS.get(package)
    if station is None:
        _STATIONS.clear()
        station = _STATIONS[package] = opened(package)
    return station.perform(task)


def split(marks: bytes, keys: bytes, shards: int) -> list[tuple[bytes, bytes]]:
    """Candidates by the shard that their marks belong to."""
    numbers, orders = np.frombuffer(marks, np.uint64), np.frombuffer(keys, np.uint64)
    where = numbers % np.uint64(shards)
    return [
        (numbers[where == shard].tobytes(), orders[where == shard].tobytes())
        for shard in range(shards)
    ]


class ExpanderActor:
    """A worker of the exhaustive search, which keeps states from level to level."""

    def __init__(self, package: Package) -> None:
        self._station = opened(package)

    def ready(self) -> bool:
        """Builds the system, so that an error shows before there is work."""
        self._station.built()
        return True

    @seldom_collecting()
    def call(self, method: str, *arguments: Any) -> Any:
        """Whatever has no candidates."""
        return self._station.method(method)(*arguments)

    @seldom_collecting()
    def expand(self, shards: list[Any], *arguments: Any) -> Chunk:
        """Expand a chunk and give its candidates to the shards; done when all of them have it."""
        import ray

        chunk: Chunk = self._station.expanding.expand(*arguments)
        parts = split(chunk.marks, chunk.keys, len(shards))
        ray.get([shard.take.remote(part) for shard, part in zip(shards, parts, strict=True)])
        return chunk._replace(marks=b"", keys=b"")


class ShardActor(Shard):
    """One part of the visited set in a process of its own."""

    def take(self, part: tuple[bytes, bytes]) -> bool:
        """Candidates, straight from who found them."""
        self.add(*part)
        return True

    def ready(self) -> bool:
        return True
