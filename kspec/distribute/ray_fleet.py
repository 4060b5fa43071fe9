"""The exhaustive search on a Ray cluster: an expander for each core, the visited set over actors.

Candidates go from an expander to the shards without passing the driver; a chunk counts when all
shards have it. A node that joins brings expanders. One that leaves takes some with it, whose chunks
are done again, and perhaps a shard: then that is made again from the marks of the complete levels,
and the level at hand begins anew.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from kspec.distribute.crew import Answer, Lost
from kspec.distribute.fleet import Levels, ShardLost
from kspec.distribute.ray_parts import ExpanderActor, Package, ShardActor, split
from kspec.errors import KspecError

START = 300.0
"""Seconds after which a cluster on which no worker has started is given up."""

LOOK = 2.0
"""Seconds between two looks for nodes that have joined."""

FAILURES = 3
"""So many workers may fail to start, one after the other."""


class RayFleet:
    """A Fleet (kspec.distribute.fleet).

    memory: bytes of visited marks in all shards together before they go to files.
    shards: how many; one for each node, unless told.
    """

    may_lose_shards = True
    memory_bytes = file_bytes = 0

    def __init__(
        self,
        ray: Any,
        package: Package,
        *,
        memory: int | None = None,
        shards: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ray, self._package, self._clock = ray, ray.put(package), clock
        self._expander = ray.remote(num_cpus=1, max_restarts=0)(ExpanderActor)
        self._shard = ray.remote(num_cpus=0, max_restarts=0, scheduling_strategy="SPREAD")(
            ShardActor
        )
        living = sum(node["Alive"] for node in ray.nodes())
        count = shards or max(1, living)
        self._memory = None if memory is None else memory // count
        self.shards = [self._shard.remote(self._memory) for _ in range(count)]
        self._targets: Any = None
        self._dead: set[int] = set()
        self._actors: dict[int, Any] = {}
        self._starting: dict[Any, Any] = {}
        self._jobs: dict[int, tuple[int, Any]] = {}
        self._expanding: set[int] = set()
        self._backlog: Counter[int] = Counter()
        self.born = self._asked = self._failures = 0
        self._looked = clock() - LOOK
        self._alone_since: float | None = None

    @property
    def members(self) -> tuple[int, ...]:
        return tuple(self._actors)

    def backlog(self, member: int) -> int:
        return self._backlog[member]

    def ask(self, member: int, method: str, *arguments: Any) -> int:
        self._asked += 1
        actor = self._actors[member]
        if method == "expand":
            ref = actor.expand.remote(self._targets, *arguments)
            self._expanding.add(self._asked)
        else:
            ref = actor.call.remote(method, *arguments)
        self._jobs[self._asked] = member, ref
        self._backlog[member] += 1
        return self._asked

    def wait(self, seconds: float | None = None) -> list[Answer | Lost]:
        self._look_for_nodes()
        self._must_have_workers()
        where = {ref: number for number, (_, ref) in self._jobs.items()}
        refs = [*where, *self._starting]
        limit = LOOK if seconds is None else min(seconds, LOOK)
        ready, _ = self._ray.wait(refs, num_returns=1, timeout=limit) if refs else ((), ())
        if len(ready) and len(refs) > 1:  # and whatever else is there already
            ready, _ = self._ray.wait(refs, num_returns=len(refs), timeout=0)
        events: list[Answer | Lost] = []
        for ref in ready:
            if ref in self._starting:
                self._joins(ref)
            elif where[ref] in self._jobs:
                events.append(self._arrived(where[ref], ref))
        return events

    def _must_have_workers(self) -> None:
        if self._actors:
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = self._clock()
        elif self._clock() > self._alone_since + START:
            raise KspecError(f"no worker started on the Ray cluster within {START:.0f} s")

    def _arrived(self, number: int, ref: Any) -> Answer | Lost:
        """Raises what the job has raised."""
        errors = self._ray.exceptions
        member = self._jobs[number][0]
        try:
            value = self._ray.get(ref)
        except errors.RayTaskError as error:
            if not isinstance(error.cause, errors.RayError):
                raise _cause(error) from None
            return self._failed(number, member)
        except errors.RayError:
            return self._failed(number, member)
        return self._answered(number, member, value)

    def _answered(self, number: int, member: int, value: Any) -> Answer:
        del self._jobs[number]
        self._expanding.discard(number)
        self._backlog[member] -= 1
        return Answer(number, member, value)

    def _failed(self, number: int, member: int) -> Answer | Lost:
        """A job came to nothing: because of its worker, of a shard, or for a passing reason."""
        if not self._lives(self._actors[member]):
            del self._actors[member], self._backlog[member]
            numbers = tuple(n for n, (other, _) in self._jobs.items() if other == member)
            for lost in numbers:
                del self._jobs[lost]
            self._looked = self._clock() - LOOK
            return Lost(member, numbers, "its Ray worker or node is gone")
        self._dead.update(i for i, shard in enumerate(self.shards) if not self._lives(shard))
        if self._dead and number in self._expanding:  # the rest of a level needs no shards
            raise ShardLost
        return self._answered(number, member, None)

    def _lives(self, actor: Any) -> bool:
        try:
            self._ray.get(actor.ready.remote())
        except self._ray.exceptions.RayError:
            return False
        return True

    def _look_for_nodes(self) -> None:
        """Start an expander for each core that has none."""
        if self._clock() < self._looked + LOOK:
            return
        self._looked = self._clock()
        cores = int(self._ray.cluster_resources().get("CPU", 0))
        for _ in range(cores - len(self._actors) - len(self._starting)):
            actor = self._expander.remote(self._package)
            self._starting[actor.ready.remote()] = actor

    def _joins(self, ref: Any) -> None:
        actor, errors = self._starting.pop(ref), self._ray.exceptions
        try:
            self._ray.get(ref)
        except errors.RayTaskError as error:
            raise _cause(error) from None
        except errors.RayError as error:
            self._failures += 1
            if self._failures >= FAILURES:
                raise KspecError(
                    f"workers do not start on the Ray cluster ({type(error).__name__}): kspec and "
                    "what it checks must be importable on every node"
                ) from None
            return
        self._failures = 0
        self.born += 1
        self._actors[self.born] = actor

    def visit(self, marks: bytes) -> None:
        parts = split(marks, marks, len(self.shards))
        self._all([shard.visit.remote(p[0]) for shard, p in zip(self.shards, parts, strict=True)])

    def begin(self, levels: Levels) -> None:
        self._jobs.clear()
        self._expanding.clear()
        self._backlog.clear()
        self._all([shard.begin.remote() for shard in self.shards])
        while self._dead:
            self._restore(levels)
            self._all([shard.begin.remote() for shard in self.shards])
        self._targets = self._ray.put(self.shards)
        while not self._actors:
            self.wait(LOOK)

    def _restore(self, levels: Levels) -> None:
        """Make the shards that are gone again, each from its marks of all complete levels."""
        gone, self._dead = sorted(self._dead), set()
        for shard in gone:
            self.shards[shard] = self._shard.remote(self._memory)
        for marks in levels():
            parts = split(marks, marks, len(self.shards))
            self._all([self.shards[shard].visit.remote(parts[shard][0]) for shard in gone], gone)

    def _all(self, refs: list[Any], shards: list[int] | None = None) -> list[Any]:
        """The answers of shards; those that do not answer are gone."""
        answers = []
        for shard, ref in zip(shards or range(len(self.shards)), refs, strict=True):
            try:
                answers.append(self._ray.get(ref))
            except self._ray.exceptions.RayActorError:
                self._dead.add(shard)
        return answers

    def winners(self) -> list[tuple[bytes, bytes]]:
        found = self._all([shard.winners.remote() for shard in self.shards])
        if self._dead:
            raise ShardLost
        return found

    def commit(self) -> None:
        self._all([shard.commit.remote() for shard in self.shards])

    def close(self) -> None:
        for actor in (*self._actors.values(), *self._starting.values(), *self.shards):
            self._ray.kill(actor)
        self._actors.clear()
        self._starting.clear()
        self._jobs.clear()


def _cause(error: Any) -> Exception:
    """What was raised in the cluster, or Ray's report of it where that cannot be raised here."""
    return error.cause if isinstance(error.cause, Exception) else error
