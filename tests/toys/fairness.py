"""Toys for fairness: what is kept only if a class of actions is fair, and how fair it must be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import attrs

from kspec.property import Property, eventually_stable, leads_to
from kspec.system import AnySystem
from toys.kit import TOY, Act, toy

# Weak and strong fairness: a compare-and-swap that may fail each time it is tried.


class Swap(NamedTuple):
    is_read: bool = False
    is_fresh: bool = False
    is_done: bool = False


def compare_and_swap(*, is_strong: bool = False) -> AnySystem:
    """A client reads and swaps; a rival may write in between, for ever. 4 states.

    Swapping is enabled again and again and never for ever, so only strong fairness brings it about.
    """

    def moves(s: Swap) -> Iterator[tuple[Act, Swap]]:
        if s.is_done:
            return
        if not s.is_fresh:
            yield Act("client", "Read"), Swap(True, True)
        else:
            yield Act("swapper", "Swap"), Swap(True, True, True)
            yield Act("rival", "Write"), Swap(True, False)

    actions = (Act("client", "Read"), Act("swapper", "Swap"), Act("rival", "Write"))
    strong = frozenset({"swapper"}) if is_strong else frozenset[str]()
    return toy(Swap(), moves, actions=actions, strong=strong)


is_swapped: Property = leads_to(
    "is-swapped",
    promise="What was read is swapped.",
    when=lambda s: s.is_read,
    then=lambda s: s.is_done,
    source=TOY,
)


# The hole of a search that gives up where the graph joins a path it has seen.


def rejoining() -> AnySystem:
    """Even and odd paths that join again: 0 -> 1, 0 -> 2 -> 4 and 3 -> 4, 1 -> 3, 4 -> 3 for ever.

    The odd path sees an odd number at once. From 2 on the way leads to 4 and 3 in turns, and never
    to 5: a search that calls a state it has seen a success misses that.
    """
    following = {0: (1, 2), 1: (3,), 2: (4,), 3: (4,), 4: (3,)}

    def moves(s: int) -> Iterator[tuple[Act, int]]:
        for target in following.get(s, ()):
            yield Act("walker", "Go", str(target)), target

    return toy(0, moves, actions=tuple(Act("walker", "Go", str(n)) for n in range(1, 5)))


def reaches(goal: int, when: int) -> Property:
    """A leads-to over a state that is a number."""
    return leads_to(
        f"{when}-leads-to-{goal}",
        promise=f"{when} leads to {goal}.",
        when=lambda s: s == when,
        then=lambda s: s == goal,
        source=TOY,
    )


def stateright_hole() -> AnySystem:
    """The graph that stateright documents: 0 -> 1 -> 2, 2 -> 0, and 1 -> 3 where 3 is the goal.

    A path that goes round returns to a state that was seen, which is no success.
    """
    following = {0: (1,), 1: (2, 3), 2: (0,)}

    def moves(s: int) -> Iterator[tuple[Act, int]]:
        for target in following.get(s, ()):
            yield Act(f"to-{target}", "Go"), target

    return toy(0, moves, actions=tuple(Act(f"to-{n}", "Go") for n in range(4)))


# A fair system: two workers take turns, and a lazy third is served in the end.


class Turns(NamedTuple):
    turn: int = 0
    waiting: bool = True


def token_ring(size: int = 3, *, is_fair: bool = True) -> AnySystem:
    """A token goes round for ever; whoever waits is served while the last one holds the token.

    Where it is not fair the server belongs to no fairness class, and may be neglected.
    """

    def moves(s: Turns) -> Iterator[tuple[Act, Turns]]:
        if s.waiting and s.turn == size - 1:
            yield Act("server", "Serve"), s._replace(waiting=False)
        else:
            yield Act("token", "Pass"), s._replace(turn=(s.turn + 1) % size)

    def neglectful(s: Turns) -> Iterator[tuple[Act, Turns]]:
        yield from moves(s)
        if s.waiting and s.turn == size - 1:
            yield Act("token", "Pass"), s._replace(turn=0)

    actions = (Act("server", "Serve"), Act("token", "Pass"))
    return toy(Turns(), moves if is_fair else neglectful, actions=actions)


waiting_is_served: Property = leads_to(
    "waiting-is-served",
    promise="Whoever waits is served.",
    when=lambda s: s.waiting,
    then=lambda s: not s.waiting,
    source=TOY,
)


# What users and faults do in a cycle.


def switched(*, by: str) -> AnySystem:
    """A lamp that `by` switches on and off for ever: 2 states. It burns out only when it is on."""

    def moves(s: int) -> Iterator[tuple[Act, int]]:
        yield Act(by, "Off" if s else "On"), 1 - s

    return toy(0, moves, actions=(Act(by, "On"), Act(by, "Off")))


stays_on: Property = eventually_stable(
    "stays-on", promise="It stays on.", then=lambda s: bool(s), source=TOY
)


# Virtual time: a goal that is due within some seconds.


class Kettle(NamedTuple):
    time: int = 0
    asked_at: int = -1
    is_hot: bool = False


@attrs.frozen
class Timed:
    """A system whose states have a `time`; everything else is the inner system's own."""

    inner: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def now(self, state: Any) -> int:
        return int(state.time)


def kettle(last: int = 40, hot_after: int = 20) -> Any:
    """A kettle that may be asked for up to `last`, and is hot `hot_after` seconds later.

    Time goes on in tens, while there is something to wait for and nothing to do.
    """

    def moves(s: Kettle) -> Iterator[tuple[Act, Kettle]]:
        if s.asked_at < 0:
            yield Act("user", "Ask"), s._replace(asked_at=s.time)
        is_due = s.asked_at >= 0 and s.time >= s.asked_at + hot_after
        if is_due and not s.is_hot:
            yield Act("kettle", "Boil"), s._replace(is_hot=True)
        if s.time < last if s.asked_at < 0 else not is_due:
            yield Act("clock", "Advance"), s._replace(time=s.time + 10)

    actions = (Act("user", "Ask"), Act("kettle", "Boil"), Act("clock", "Advance"))
    return Timed(toy(Kettle(), moves, actions=actions))


def kettle_that_is_broken() -> AnySystem:
    """A kettle that can be asked for, and then nothing happens any more."""

    def moves(s: Kettle) -> Iterator[tuple[Act, Kettle]]:
        if s.asked_at < 0:
            yield Act("user", "Ask"), s._replace(asked_at=s.time)

    return toy(Kettle(), moves, actions=(Act("user", "Ask"),))


def hot_within(seconds: int | None) -> Property:
    """What is asked for is hot, within some seconds or at some time."""
    return leads_to(
        "hot-in-time",
        promise="It is hot in time.",
        when=lambda s: s.asked_at >= 0,
        then=lambda s: s.is_hot,
        within=seconds,
        source=TOY,
    )
