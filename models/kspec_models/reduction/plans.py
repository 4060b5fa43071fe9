"""What moves are made of: actions in a row, plans that hold in many states, and fused actions."""

from __future__ import annotations

from typing import Any, NamedTuple

import attrs

from kspec_models import actions
from kspec_models.state import State

Path = tuple[Any, ...]
"""Actions, one after the other."""


class Next(NamedTuple):
    """In a plan: the delivery of the next event that is not inert, whatever it is called."""

    resource: str


Plan = tuple[Any, ...]
"""Actions of one process, or `Next`, that can be taken wherever the process has the same mark."""


class Reached(NamedTuple):
    """A state, and the actions that lead to it."""

    actions: Path
    state: State


class Found(NamedTuple):
    """moves: silent steps of a process, then an act. resting: silent steps after which it has
    nothing to do any more."""

    moves: tuple[Plan, ...]
    resting: tuple[Plan, ...]


class Closure(NamedTuple):
    """reached: silent steps of a process, the fewest first, and the acts that can follow them.
    resting: those after which it has nothing to do. marks: of the process in all these states."""

    reached: tuple[tuple[Plan, Path], ...]
    resting: tuple[Plan, ...]
    marks: frozenset[int]


def joined(path: Path) -> Path:
    """The same with deliveries of one informer that follow each other as one."""
    short: list[Any] = []
    for action in path:
        last = short[-1] if short else None
        if type(last) is type(action) is actions.Sync and last[:2] == action[:2]:
            short.pop()
        short.append(action)
    return tuple(short)


@attrs.frozen
class Fused:
    """Actions that are taken as one. origin, result: the state it was found in and leads to."""

    actions: tuple[Any, ...]
    origin: State | None = attrs.field(default=None, repr=False, eq=False)
    result: State | None = attrs.field(default=None, repr=False, eq=False)
