"""One random run as a value: what to do, and what came of it.

A run is a pure function of its task, so it does not matter where it is done: in this process, in
another, or on another machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import attrs

from kspec.explore.exploration import Violation


class RunTask(NamedTuple):
    """What one run does. All its randomness comes from (seed, round, run).

    strategy: its name; "fifo" is the fair suffix alone. length: the most steps before it is
    healed. contested: the most steps of an earlier run in which two actors competed. bound: how
    many steps of the fair suffix may pass without progress. active: names of the properties still
    judged. stop: end at the first violation. schedule: for strategies that vary one, its actions.
    with_orders: report the schedule and the orders of conflicting actions that it showed.
    """

    seed: int
    round: int
    run: int
    strategy: str
    length: int
    contested: int
    bound: int
    active: tuple[str, ...]
    stop: bool = False
    schedule: tuple[Any, ...] = ()
    with_orders: bool = False


@attrs.frozen(kw_only=True)
class RunOutcome:
    """What came of one run.

    states: the fingerprints of the states it visited. contested: in how many steps two or more
    actors competed. unfinished: liveness properties that its suffix could not decide. struck:
    faults by class. orders, schedule: only where the task asks for them. interrupted: it was cut
    short, and holds what it had.
    """

    task: RunTask
    steps: int
    contested: int
    states: frozenset[int]
    violations: tuple[Violation, ...] = ()
    witnessed: Mapping[str, str] = attrs.field(factory=dict)
    antecedents: frozenset[str] = frozenset()
    unfinished: Mapping[str, int] = attrs.field(factory=dict)
    struck: Mapping[str, int] = attrs.field(factory=dict)
    orders: frozenset[int] = frozenset()
    schedule: tuple[Any, ...] = ()
    interrupted: bool = False
    problem: Exception | None = None
