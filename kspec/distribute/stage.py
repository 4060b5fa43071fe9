"""One stage of a level: pieces of work for the workers who keep the states, done exactly once.

A piece goes to its keeper. Where that one has died, or is much busier than another, someone else
does it from the lineage of its states.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from kspec.distribute.crew import Blame, Lost
from kspec.distribute.fleet import Fleet

if TYPE_CHECKING:
    from kspec.distribute.shard import Numbers

DEPTH = 2
"""Pieces given to a worker at once, so that it need not wait for the driver between two."""

POLL = 1.0
"""Seconds between two questions whether the time is out."""


class Piece(NamedTuple):
    """States by number; marks and keys where they are only about to be kept."""

    numbers: Numbers
    marks: Numbers | None = None
    keys: Numbers | None = None


Call = Callable[[Piece, bool], tuple[Any, ...]]
"""The job of a piece: method and arguments. True where it is given to its keeper."""

Done = Callable[[int, Piece, Any], None]
"""Told the worker, the piece and what came of it."""


class OutOfTime(Exception):
    """The time is out before the stage is done."""


class Stage:
    """Carries out pieces. shares: by their keeper; common: pieces that no one keeps.

    greet: told each worker before its first piece. may_steal: may an idle worker take the pieces
    of a busy one?
    """

    def __init__(
        self,
        fleet: Fleet,
        shares: Mapping[int, deque[Piece]],
        common: deque[Piece],
        *,
        call: Call,
        greet: Callable[[int], None],
        done: Done,
        may_steal: bool,
    ) -> None:
        self._fleet, self._shares, self._common = fleet, dict(shares), common
        self._call, self._greet, self._done = call, greet, done
        self._may_steal = may_steal
        self._under_way: dict[int, tuple[int, Piece]] = {}
        self._blame = Blame()

    def run(self, is_out_of_time: Callable[[], bool]) -> None:
        """Until every piece is done. Raises OutOfTime, and ShardLost as the fleet does."""
        self._forget_the_lost()
        self._give()
        while self._under_way or self._common or any(self._shares.values()):
            self.collect(POLL)
            self._give()
            if is_out_of_time():
                raise OutOfTime

    def collect(self, seconds: float) -> None:
        """Take what has come of the pieces that are under way."""
        for event in self._fleet.wait(seconds):
            if isinstance(event, Lost):
                self._again(event)
            elif event.number in self._under_way:
                member, piece = self._under_way.pop(event.number)
                if event.value is None:  # it came to nothing, through no fault of its own
                    self._common.append(piece)
                else:
                    self._done(member, piece, event.value)

    @property
    def is_under_way(self) -> bool:
        return bool(self._under_way)

    def _forget_the_lost(self) -> None:
        living = self._fleet.members
        for member in [m for m in self._shares if m not in living]:
            self._common += self._shares.pop(member)

    def _again(self, lost: Lost) -> None:
        pieces = [self._under_way.pop(n)[1] for n in lost.numbers if n in self._under_way]
        if pieces:
            first, last = int(pieces[0].numbers[0]), int(pieces[0].numbers[-1])
            self._blame.on(first, f"expanding states {first:,} to {last:,}", lost.how)
        self._common += pieces
        self._common += self._shares.pop(lost.member, deque())

    def _give(self) -> None:
        """Give each worker what it has room for, one piece each in turn."""
        has_given = True
        while has_given:
            has_given = False
            for member in self._fleet.members:
                if self._fleet.backlog(member) < DEPTH:
                    has_given |= self._give_to(member)

    def _give_to(self, member: int) -> bool:
        share = self._shares.get(member)
        if share:
            piece, is_own = share.popleft(), True
        elif self._common:
            piece, is_own = self._common.popleft(), False
        elif (victim := self._victim()) is not None:
            piece, is_own = self._shares[victim].pop(), False
        else:
            return False
        self._greet(member)
        number = self._fleet.ask(member, *self._call(piece, is_own))
        self._under_way[number] = member, piece
        return True

    def _victim(self) -> int | None:
        """The worker with the most pieces that it has not begun, where it is worth taking one."""
        if not self._may_steal or not self._shares:
            return None
        count, member = max((len(share), -member) for member, share in self._shares.items())
        return -member if count > 1 else None
