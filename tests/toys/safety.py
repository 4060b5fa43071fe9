"""Toys for safety: known counts, known shortest counterexamples, and a race."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

from kspec.property import Property, invariant, sometimes
from kspec.system import AnySystem
from toys.kit import TOY, Act, toy

# Two-phase commit, as in stateright's 2pc example: 288 states with 3 managers, 8,832 with 5.


class Commit(NamedTuple):
    managers: tuple[str, ...]
    coordinator: str
    prepared: tuple[bool, ...]
    messages: frozenset[str]


def _put(items: tuple[Any, ...], index: int, item: Any) -> tuple[Any, ...]:
    return (*items[:index], item, *items[index + 1 :])


def two_phase_commit(count: int) -> AnySystem:
    def moves(s: Commit) -> Iterator[tuple[Act, Commit]]:
        if s.coordinator == "init":
            if all(s.prepared):
                yield (
                    Act("tm", "Commit"),
                    s._replace(coordinator="committed", messages=s.messages | {"commit"}),
                )
            yield (
                Act("tm", "Abort"),
                s._replace(coordinator="aborted", messages=s.messages | {"abort"}),
            )
        for i, state in enumerate(s.managers):
            yield from _manager_moves(s, i, state)

    initial = Commit(("working",) * count, "init", (False,) * count, frozenset())
    return toy(initial, moves)


def _manager_moves(s: Commit, i: int, state: str) -> Iterator[tuple[Act, Commit]]:
    name = f"rm{i}"
    if s.coordinator == "init" and f"prepared {i}" in s.messages:
        yield Act("tm", "Receive", name), s._replace(prepared=_put(s.prepared, i, True))
    if state == "working":
        sent = s.messages | {f"prepared {i}"}
        managers = _put(s.managers, i, "prepared")
        yield Act(name, "Prepare"), s._replace(managers=managers, messages=sent)
        yield Act(name, "ChooseToAbort"), s._replace(managers=_put(s.managers, i, "aborted"))
    if "commit" in s.messages:
        yield Act(name, "ReceiveCommit"), s._replace(managers=_put(s.managers, i, "committed"))
    if "abort" in s.messages:
        yield Act(name, "ReceiveAbort"), s._replace(managers=_put(s.managers, i, "aborted"))


@invariant(source=TOY)
def consistent(s: Commit) -> bool:
    """No manager commits while another aborts."""
    return not {"aborted", "committed"} <= set(s.managers)


@sometimes(source=TOY)
def all_commit(s: Commit) -> bool:
    """All managers commit."""
    return set(s.managers) == {"committed"}


@sometimes(source=TOY)
def someone_dances(s: Commit) -> bool:
    """Never happens."""
    return "dancing" in s.managers


# Jugs of 3 and 5 litres: 16 reachable states, 4 litres after six actions at the least.


class Jugs(NamedTuple):
    small: int = 0
    big: int = 0


def die_hard() -> AnySystem:
    def moves(s: Jugs) -> Iterator[tuple[Act, Jugs]]:
        yield Act("small", "Fill"), Jugs(3, s.big)
        yield Act("big", "Fill"), Jugs(s.small, 5)
        yield Act("small", "Empty"), Jugs(0, s.big)
        yield Act("big", "Empty"), Jugs(s.small, 0)
        poured = min(s.small, 5 - s.big)
        yield Act("small", "Pour"), Jugs(s.small - poured, s.big + poured)
        poured = min(s.big, 3 - s.small)
        yield Act("big", "Pour"), Jugs(s.small + poured, s.big - poured)

    actions = [Act(jug, verb) for jug in ("small", "big") for verb in ("Fill", "Empty", "Pour")]
    return toy(Jugs(), moves, actions=tuple(actions))


@invariant(source=TOY)
def not_four_litres(s: Jugs) -> bool:
    """The big jug never holds four litres. False, and six actions show it."""
    return s.big != 4


# Peterson's mutual exclusion.


class Peterson(NamedTuple):
    at: tuple[str, str] = ("idle", "idle")
    flag: tuple[bool, bool] = (False, False)
    turn: int = 0


def peterson() -> AnySystem:
    def moves(s: Peterson) -> Iterator[tuple[Act, Peterson]]:
        for i in (0, 1):
            at, name = s.at[i], f"p{i}"
            if at == "idle":
                flag = _put(s.flag, i, True)
                yield Act(name, "Flag"), s._replace(at=_put(s.at, i, "set"), flag=flag)
            elif at == "set":
                yield Act(name, "Yield"), s._replace(at=_put(s.at, i, "wait"), turn=1 - i)
            elif at == "wait" and (not s.flag[1 - i] or s.turn == i):
                yield Act(name, "Enter"), s._replace(at=_put(s.at, i, "in"))
            elif at == "in":
                flag = _put(s.flag, i, False)
                yield Act(name, "Leave"), s._replace(at=_put(s.at, i, "idle"), flag=flag)

    return toy(Peterson(), moves)


@invariant(source=TOY)
def mutual_exclusion(s: Peterson) -> bool:
    """The two are never both inside."""
    return s.at != ("in", "in")


# The binding toy: schedulers with caches that lag. 13 ** pods states.


class Binding(NamedTuple):
    bound: tuple[int, ...]
    caches: tuple[tuple[int, ...], ...]


def binding(pods: int, machines: int = 3, schedulers: int = 2, capacity: int = 2) -> AnySystem:
    def successor(s: Binding, a: Act) -> Binding:
        k, p, m = int(a.actor[1:]), int(a.target[1:].split("=")[0]), int(a.target.split("=")[1])
        if a.verb == "Sync":
            return s._replace(caches=_put(s.caches, k, _put(s.caches[k], p, m)))
        return s._replace(bound=_put(s.bound, p, m))

    def moves(s: Binding) -> Iterator[tuple[Act, Any]]:
        for k, cache in enumerate(s.caches):
            for p in range(pods):
                if cache[p] != s.bound[p]:
                    yield Act(f"s{k}", "Sync", f"p{p}={s.bound[p]}"), None
            free = [m for m in range(1, machines + 1) if cache.count(m) < capacity]
            for p, m in product(range(pods), free):
                if cache[p] == 0 and s.bound[p] == 0:
                    yield Act(f"s{k}", "Bind", f"p{p}={m}"), None

    everything = tuple(
        Act(f"s{k}", verb, f"p{p}={m}")
        for k in range(schedulers)
        for verb in ("Sync", "Bind")
        for p in range(pods)
        for m in range(machines + 1)
    )
    initial = Binding((0,) * pods, ((0,) * pods,) * schedulers)
    return toy(initial, moves, next_state=successor, actions=everything)


def within_capacity(capacity: int = 2) -> Property:
    @invariant(source=TOY)
    def no_overcommit(s: Binding) -> bool:
        """No machine has more pods than its capacity. False: caches lag behind the bindings."""
        return all(s.bound.count(m) <= capacity for m in set(s.bound) - {0})

    return no_overcommit


# A race that needs one long pause at one point: PCT finds it, a random walk hardly ever.


class Race(NamedTuple):
    version: int = 0
    seen: int = 0
    acted: int = 0


def stale_cache(writes: int = 10) -> AnySystem:
    """A reader sees the first versions and acts much later, on what has become stale."""

    def moves(s: Race) -> Iterator[tuple[Act, Race]]:
        if s.version < writes:
            yield Act("writer", "Write"), s._replace(version=s.version + 1)
        if s.version and not s.seen:
            yield Act("reader", "Read"), s._replace(seen=s.version)
        if s.seen and not s.acted:
            yield Act("actor", "Act"), s._replace(acted=s.version)

    actions = (Act("writer", "Write"), Act("reader", "Read"), Act("actor", "Act"))
    return toy(Race(), moves, actions=actions)


def acts_on_fresh(lag: int = 9) -> Property:
    @invariant(source=TOY)
    def acts_on_what_is_fresh(s: Race) -> bool:
        """The reader acts on a cache less than so many versions old. False, and it takes luck."""
        return not s.acted or s.acted - s.seen < lag

    return acts_on_what_is_fresh
