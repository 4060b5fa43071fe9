"""Exhaustive search on many workers: level by level, with the counts and traces of the serial one.

The driver holds the search log and the checkpoint. Of a level the workers expand the states that
they keep, the shards of the visited set find out what is new, the driver numbers it in the order of
(source, choice), which is that of the serial search, and whoever found a state judges and keeps it.
A search that stops early stops at the end of a level, so that its counts do not depend on how many
workers there are.
"""

from __future__ import annotations

import time
from array import array
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from kspec.distribute.expanding import CHOICE_BITS, Chunk, Kept
from kspec.distribute.fleet import Fleet, ShardLost
from kspec.distribute.lineage import lineage_of
from kspec.distribute.seen import Seen
from kspec.distribute.stage import OutOfTime, Piece, Stage
from kspec.explore.exhaustive.checkpoint import MARK, Checkpoint, Level
from kspec.explore.exhaustive.log import CHOICE, PARENT, SearchLog
from kspec.explore.exhaustive.search import Search
from kspec.explore.exhaustive.space import Limits, Space

if TYPE_CHECKING:
    from kspec.distribute.shard import Numbers

LEAST, MOST, PER_WORKER = 16, 1024, 8
"""States of a piece: so many pieces for each worker, within these bounds."""

GRACE = 5.0
"""Seconds in which pieces under way may hand in what they found, when the search is stopped."""


class Visits:
    """The visited set as a Search and its checkpoint see it: batches go to the shards."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self.table: set[int] = set()

    def add(self, marks: Sequence[int]) -> list[bool]:
        """Take in marks that are known to be distinct: a level, as it was stored."""
        self._fleet.visit(np.array(marks, np.uint64).tobytes())
        return [True] * len(marks)

    @property
    def memory_bytes(self) -> int:
        return self._fleet.memory_bytes

    @property
    def file_bytes(self) -> int:
        return self._fleet.file_bytes


class FleetSearch(Search):
    """A Search (kspec.explore.exhaustive.search) whose levels are done by a fleet.

    stored: the checkpoint, which shards that are lost are made again from.
    """

    def __init__(
        self,
        space: Space,
        limits: Limits,
        fleet: Fleet,
        log: SearchLog,
        stored: Checkpoint | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(space, limits, Visits(fleet), log)  # type: ignore[arg-type]
        self._fleet, self._stored, self._clock = fleet, stored, clock
        self._keepers: dict[int, Numbers] = {}
        self._greeted: set[int] = set()
        self._by: Numbers = np.empty(0, np.uint64)

    def level(self) -> bool:
        """Do one level; False where it was cut short. What was found until then is reported."""
        try:
            return self._level()
        except OutOfTime:
            return False

    def _level(self) -> bool:
        seen = Seen()
        try:
            marks, keys = self._expanded(seen)
        finally:
            self.report(seen.tell(self.judging))
        self.transitions += seen.transitions
        self.was_cut |= seen.was_cut
        for index in sorted(seen.quiescent):
            self._judge_quiescence(index)
        self._fleet.commit()
        self._number(marks, keys)
        self._measure()
        if self.limits.on_progress is not None:
            self.limits.on_progress(self.transitions, len(self.log), self.depth)
        return not self.limit

    def _expanded(self, seen: Seen) -> tuple[Numbers, Numbers]:
        """Expand the frontier: what is new, in the order of the keys."""
        while True:
            try:
                self._fleet.begin(self._levels)
                self._greeted.clear()
                self._expand(seen)
                return _ordered(self._fleet.winners())
            except ShardLost:
                seen.start_again()

    def _levels(self) -> Iterator[bytes]:
        stored = self._stored
        for number in range(0 if stored is None else len(stored)):
            assert stored is not None, "it has levels"
            yield stored.level(number).marks.tobytes()

    def _expand(self, seen: Seen) -> None:
        count = len(self.frontier)
        frontier = np.arange(self.first, self.first + count, dtype=np.uint64)
        self._by = np.zeros(count, np.uint64)
        is_kept = np.zeros(count, np.bool_)
        for numbers in self._keepers.values():
            is_kept[numbers.astype(np.int64) - self.first] = True
        shares = {member: self._pieces(numbers) for member, numbers in self._keepers.items()}

        def done(member: int, piece: Piece, chunk: Chunk) -> None:
            seen.chunk(chunk)
            self._by[piece.numbers.astype(np.int64) - self.first] = member

        self._run(shares, self._pieces(frontier[~is_kept]), self._expand_call, done, may_steal=True)

    def _pieces(self, numbers: Numbers, *more: Numbers) -> deque[Piece]:
        size = len(self.frontier) // (PER_WORKER * max(1, len(self._fleet.members)))
        size = min(MOST, max(LEAST, size))
        return deque(
            Piece(numbers[i : i + size], *(items[i : i + size] for items in more))
            for i in range(0, len(numbers), size)
        )

    def _expand_call(self, piece: Piece, is_own: bool) -> tuple[Any, ...]:
        lineage = None if is_own else lineage_of(self.log, piece.numbers)
        return "expand", piece.numbers.tolist(), lineage

    def _keep_call(self, piece: Piece, is_own: bool) -> tuple[Any, ...]:
        assert piece.marks is not None and piece.keys is not None, "made by _judge"
        numbers = piece.numbers.tobytes()
        if is_own:
            return "keep", piece.marks.tobytes(), numbers
        return "adopt", numbers, piece.keys.tobytes(), lineage_of(self.log, piece.numbers)

    def _run(
        self,
        shares: Mapping[int, deque[Piece]],
        common: deque[Piece],
        call: Callable[[Piece, bool], tuple[Any, ...]],
        done: Callable[[int, Piece, Any], None],
        *,
        may_steal: bool = False,
    ) -> None:
        """One stage; where it is stopped, what is under way may still hand in what it found."""
        stage = Stage(
            self._fleet,
            shares,
            common,
            call=call,
            greet=self._greet,
            done=done,
            may_steal=may_steal,
        )
        try:
            stage.run(self._is_out_of_time)
        except (OutOfTime, KeyboardInterrupt):
            deadline = self._clock() + GRACE
            with suppress(ShardLost):  # else the level would begin anew in place of stopping
                while stage.is_under_way and (left := deadline - self._clock()) > 0:
                    stage.collect(left)
            raise

    def _greet(self, member: int) -> None:
        if member not in self._greeted:
            self._greeted.add(member)
            self._fleet.ask(member, "begin", self.first, self.judging.memory())

    def _number(self, marks: Numbers, keys: Numbers) -> None:
        """Number and log what is new, as far as there is room for it, and have it judged."""
        room = max(0, self.limits.max_states - len(self.log))
        if len(marks) > room:
            marks, keys, self.limit = marks[:room], keys[:room], self._full
        places = (keys >> np.uint64(CHOICE_BITS)).astype(np.int64)
        parents = (places + self.first).tolist()
        choices = (keys & np.uint64((1 << CHOICE_BITS) - 1)).tolist()
        after = len(self.log)
        if len(marks):
            self.log.begin_level()
            self.log.extend(parents, choices)
            self.depth += 1
        self._judge(np.arange(after, len(self.log), dtype=np.uint64), marks, keys, self._by[places])
        self.latest = Level(
            array(MARK, marks.tobytes()), array(PARENT, parents), array(CHOICE, choices)
        )
        self.first, self.frontier = after, range(after, len(self.log))  # type: ignore[assignment]

    def _judge(self, numbers: Numbers, marks: Numbers, keys: Numbers, by: Numbers) -> None:
        """Have each new state judged, and kept, by who found it, or else by anyone."""
        seen = Seen()
        parts: dict[int, list[Numbers]] = {}
        order = np.argsort(by, kind="stable")
        members, starts = np.unique(by[order], return_index=True)
        shares = {
            member: self._pieces(numbers[own], marks[own], keys[own])
            for member, own in zip(
                members.tolist(), np.split(order, starts[1:]), strict=bool(len(by))
            )
        }

        def done(member: int, piece: Piece, kept: Kept) -> None:
            seen.kept(kept)
            parts.setdefault(member, []).append(piece.numbers)

        try:
            self._run(shares, deque(), self._keep_call, done)
        finally:
            self.report(seen.tell(self.judging))
        self._keepers = {member: np.sort(np.concatenate(own)) for member, own in parts.items()}


def _ordered(winners: list[tuple[bytes, bytes]]) -> tuple[Numbers, Numbers]:
    """What the shards told, in the order of the keys."""
    marks, keys = (
        np.concatenate([np.frombuffer(part[which], np.uint64) for part in winners])
        for which in (0, 1)
    )
    order = np.argsort(keys)
    return marks[order], keys[order]
