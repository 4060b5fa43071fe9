"""What a placement policy is: a score of one node, twice, and which GPUs of it a pod gets.

Only nodes that can take the pod are scored. The scores are 0..100, higher is better.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Final, Protocol

from kspec_models.placement.room import Demand, Room, least_room
from kspec_models.placement.rooms import Integers, Rooms

LOWEST: Final = "lowest-name"
HIGHEST: Final = "highest-name"
AT_RANDOM: Final = "random"
TIE_BREAKS: Final = (LOWEST, HIGHEST, AT_RANDOM)
"""How one of several nodes with the same score is chosen."""


class Placing(Protocol):
    """A policy for runs over a trace.

    tie_break: the rule that its published figures have. draws: it chooses at random among all
    nodes that fit, whatever the rule.
    """

    name: str
    tie_break: str
    draws: bool

    def score(self, demand: Demand, room: Room) -> int:
        """The specification, over plain integers."""
        ...

    def scores(self, demand: Demand, rooms: Rooms) -> Integers:
        """The same over arrays, a score a row."""
        ...

    def devices(self, demand: Demand, room: Room, rng: Random) -> tuple[int, ...]:
        """Which GPUs of the chosen node the pod gets: their indexes, sorted."""
        ...

    def quick_devices(
        self, demand: Demand, room: Room, row: Callable[[], Rooms], rng: Random
    ) -> tuple[int, ...]:
        """The same, where the node can be had as an array of one row too."""
        ...


class LeastRoom:
    """The part of a policy that gives a pod the GPUs with the least room that fits."""

    draws = False

    def devices(self, demand: Demand, room: Room, rng: Random) -> tuple[int, ...]:
        return least_room(demand, room)

    def quick_devices(
        self, demand: Demand, room: Room, row: Callable[[], Rooms], rng: Random
    ) -> tuple[int, ...]:
        return least_room(demand, room)


def chosen(candidates: Sequence[int], tie_break: str, rng: Random) -> int:
    """One of the nodes with the highest score, which come in the order of names."""
    if tie_break == LOWEST:
        return int(candidates[0])
    if tie_break == HIGHEST:
        return int(candidates[-1])
    return int(candidates[rng.randrange(len(candidates))])
