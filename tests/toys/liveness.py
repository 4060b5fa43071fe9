"""Toys for liveness: a livelock, a lost item, and an environment of user, fault and clock."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from kspec.property import Property, eventually_stable, leads_to
from kspec.system import AnySystem
from toys.kit import TOY, Act, toy

# Liveness: a livelock, and a worker that drops its item.


def livelock() -> AnySystem:
    """Two controllers undo each other's work for ever after two steps of preparation."""

    def moves(s: int) -> Iterator[tuple[Act, int]]:
        if s < 2:
            yield Act("starter", "Start"), s + 1
        elif s == 2:
            yield Act("on", "Set"), 3
        else:
            yield Act("off", "Unset"), 2

    return toy(0, moves, actions=(Act("starter", "Start"), Act("on", "Set"), Act("off", "Unset")))


settles: Property = eventually_stable(
    "settles", promise="It stays on.", then=lambda s: s == 3, source=TOY
)
gets_to_four: Property = leads_to(
    "gets-to-four", promise="It gets to 4.", when=lambda s: s == 1, then=lambda s: s == 4,
    source=TOY,
)  # fmt: skip
gets_on: Property = leads_to(
    "gets-on", promise="It gets on.", when=lambda s: s == 1, then=lambda s: s == 3, source=TOY
)


class Queue(NamedTuple):
    asked: int = 0
    taken: int = 0
    done: int = 0
    lost: bool = False


def dropping_worker(items: int = 2) -> AnySystem:
    """A worker loses an item where the next one is asked for before it is done."""

    def moves(s: Queue) -> Iterator[tuple[Act, Queue]]:
        if s.asked < items:
            lost = s.lost or s.taken > s.done
            yield Act("client", "Ask"), s._replace(asked=s.asked + 1, lost=lost)
        if s.taken < s.asked:
            yield Act("worker", "Take"), s._replace(taken=s.taken + 1)
        if s.taken > s.done and not s.lost:
            yield Act("worker", "Finish"), s._replace(done=s.done + 1)

    actions = (Act("client", "Ask"), Act("worker", "Take"), Act("worker", "Finish"))
    return toy(Queue(), moves, actions=actions)


asked_leads_to_done: Property = leads_to(
    "asked-leads-to-done",
    promise="Whatever is asked for is done.",
    when=lambda s: s.asked > s.done,
    then=lambda s: s.asked == s.done,
    source=TOY,
)


# The environment: a user, a fault with a budget, a clock, and the end of the faults.


class Service(NamedTuple):
    to_submit: int = 1
    pending: bool = False
    served: int = 0
    is_up: bool = True
    budget: int = 1
    ticks: int = 0


def service(*, heals: bool = True) -> AnySystem:
    """A server that a fault takes down and only the end of the faults brings back.

    Where it does not heal, what a user has submitted may wait for ever.
    """

    def moves(s: Service) -> Iterator[tuple[Act, Service]]:
        if s.budget and s.is_up:
            yield Act("fault", "Crash"), s._replace(is_up=False, budget=s.budget - 1)
        if s.ticks < 2:
            yield Act("clock", "Advance"), s._replace(ticks=s.ticks + 1)
        if s.to_submit and not s.pending:
            yield Act("user", "Submit"), s._replace(to_submit=s.to_submit - 1, pending=True)
        if s.pending and s.is_up:
            yield Act("server", "Serve"), s._replace(pending=False, served=s.served + 1)

    heal = Act("fault", "Heal")

    def successor(s: Service, action: Act) -> Service:
        if action == heal:
            return s._replace(budget=0, is_up=s.is_up or heals)
        return next(after for enabled, after in moves(s) if enabled == action)

    actions = (
        Act("fault", "Crash"),
        Act("clock", "Advance"),
        Act("user", "Submit"),
        Act("server", "Serve"),
        heal,
    )
    return toy(
        Service(),
        moves,
        next_state=successor,
        heal_of=lambda s: heal if s.budget or not s.is_up else None,
        actions=actions,
    )


submitted_leads_to_served: Property = leads_to(
    "submitted-leads-to-served",
    promise="What is submitted is served, once the faults have ended.",
    when=lambda s: s.pending,
    then=lambda s: not s.pending,
    source=TOY,
)
