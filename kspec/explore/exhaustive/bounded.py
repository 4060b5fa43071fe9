"""Bounded schedules: a system restricted to those with few delays, or few faults.

After Emmi, Qadeer and Rakamaric, "Delay-Bounded Scheduling" (POPL 2011): a deterministic scheduler
from which a schedule may deviate a bounded number of times. Here it is FIFO: the actor that has
waited longest takes its first enabled action; a user operation comes when no system action is left,
the clock after that, and faults never. A delay skips whoever's turn it is, and an actor that is
skipped goes to the end; taking another of an actor's actions than its first is a delay too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import attrs

from kspec.errors import InputError, NotEnabled
from kspec.explore.strategies.strategy import PerAction, kind_of
from kspec.property import Property
from kspec.system import AnySystem
from kspec.values import mix

USER, CLOCK, FAULT = "user", "clock", "fault"
ENVIRONMENT = (USER, CLOCK, FAULT)


class Scheduled(NamedTuple):
    """A state of the system, who waits in which order, and what is left of the bounds (-1 for a
    bound that was not given)."""

    inner: Any
    order: tuple[Any, ...]
    places: tuple[int, ...]
    delays: int
    faults: int


class Option(NamedTuple):
    """An action that the bounds allow: how many delays it costs, and after how many others whose
    turn it was its actor comes."""

    cost: int
    turn: int


FREE = Option(0, 0)


class Bounded:
    """A system whose schedules have at most so many delays, and so many faults.

    Its actions are those of the system, so that traces replay on the system itself. Without a
    bound on delays everything but faults is free. With one and none on faults there are no faults.
    All that is not here is the system's own.
    """

    def __init__(self, system: AnySystem, delays: int | None, faults: int | None) -> None:
        for name, bound in (("delays", delays), ("faults", faults)):
            if bound is not None and bound < 0:
                raise InputError(f"{name}: {bound} is negative", expected="a bound of 0 or more")
        self._system = system
        self._delays = -1 if delays is None else delays
        self._faults = -1 if faults is None else faults
        self._kind = PerAction(kind_of(system))
        self._key = PerAction(self._key_of)
        self._asked: tuple[Scheduled | None, dict[Any, Option]] = (None, {})

    def _key_of(self, action: Any) -> Any:
        """Whose action it is, as FIFO tells those who wait apart."""
        kind = self._kind[action]
        who = self._system.fairness(action), self._system.actor(action)
        return kind if kind in (USER, CLOCK) else who

    def __getattr__(self, name: str) -> Any:
        return getattr(self._system, name)

    @property
    def bound(self) -> str:
        """What the schedules are, in words."""
        parts = []
        if self._delays >= 0:
            parts.append(f"at most {self._delays:,} delays from FIFO")
        if self._faults >= 0:
            parts.append(f"at most {self._faults:,} faults")
        elif self._delays >= 0:
            parts.append("no faults")
        return "all schedules with " + " and ".join(parts)

    def init(self) -> Scheduled:
        return self._scheduled(self._system.init(), (), self._delays, self._faults)

    def _scheduled(self, inner: Any, before: Iterable[Any], delays: int, faults: int) -> Scheduled:
        """A state in which those who waited keep their places and newcomers follow them."""
        if delays < 0:
            return Scheduled(inner, (), (), delays, faults)
        first: dict[Any, int] = {}
        for place, action in enumerate(self._system.enabled(inner)):
            if self._kind[action] not in ENVIRONMENT:
                first.setdefault(self._key[action], place)
        order = tuple(dict.fromkeys(key for key in (*before, *first) if key in first))
        return Scheduled(inner, order, tuple(map(first.__getitem__, order)), delays, faults)

    def enabled(self, state: Scheduled) -> tuple[Any, ...]:
        return tuple(self._options(state))

    def _options(self, state: Scheduled) -> dict[Any, Option]:
        """What the bounds allow in a state; remembered for the last state that was asked about."""
        asked, options = self._asked
        if asked is not state:
            options = self._compute_options(state)
            self._asked = state, options
        return options

    def _compute_options(self, state: Scheduled) -> dict[Any, Option]:
        enabled = self._system.enabled(state.inner)
        turns = self._turns(state, enabled) if state.delays >= 0 else {}
        options: dict[Any, Option] = {}
        begun: set[Any] = set()
        for action in enabled:
            if self._kind[action] == FAULT:
                if self._allows_fault(state):
                    options[action] = FREE
                continue
            key = self._key[action]
            turn = turns.get(key, 0)
            cost = turn + (key in begun) if turns else 0
            begun.add(key)
            if cost <= max(0, state.delays):
                options[action] = Option(cost, turn)
        return options

    def _turns(self, state: Scheduled, enabled: Sequence[Any]) -> dict[Any, int]:
        """How many others come before each that may act: the user after all, the clock last."""
        kinds = set(map(self._kind.__getitem__, enabled))
        last = [kind for kind in (USER, CLOCK) if kind in kinds]
        return {key: turn for turn, key in enumerate((*state.order, *last))}

    def _allows_fault(self, state: Scheduled) -> bool:
        return state.faults > 0 or (state.faults < 0 and state.delays < 0)

    def step(self, state: Scheduled, action: Any) -> Scheduled:
        option = self._options(state).get(action)
        delays, faults, order = state.delays, state.faults, state.order
        if option is None:
            if action != self._system.heal(state.inner):
                raise NotEnabled(f"{action} is not enabled, or beyond the bound on schedules")
        elif self._kind[action] == FAULT:
            faults -= faults > 0
        elif delays >= 0:
            delays -= option.cost
            order = (*order[option.turn + 1 :], *order[: option.turn])
        inner = self._system.step(state.inner, action)
        return self._scheduled(inner, order, delays, faults)

    def is_cut(self, state: Scheduled) -> bool:
        """Does the bound forbid anything here that the system would do?"""
        return len(self._options(state)) < len(self._system.enabled(state.inner))

    def fingerprint(self, state: Scheduled) -> int:
        return self.mark(self._system.fingerprint, state)

    def mark(self, mark_of: Callable[[Any], int], state: Scheduled) -> int:
        """The mark of a state: that of the system's state, and what is beside it.

        Who waits is told by places among what is enabled, because names may never come back.
        """
        mark = mix(mark_of(state.inner), (state.delays + 1) << 32 | state.faults + 1)
        for place in state.places:
            mark = mix(mark, place)
        return mark

    def changes(self, state: Scheduled) -> int:
        return self._system.changes(state.inner)

    def heal(self, state: Scheduled) -> Any:
        return self._system.heal(state.inner)

    def resolve(self, state: Scheduled, action: Any) -> Any:
        return self._system.resolve(state.inner, action)

    def describe(self, before: Scheduled, after: Scheduled) -> tuple[str, ...]:
        return self._system.describe(before.inner, after.inner)

    def lifted(self, prop: Property) -> Property:
        """The property, asked of the states of this system."""
        predicate, when = prop.predicate, prop.when
        return attrs.evolve(
            prop,
            predicate=lambda *states: predicate(*(state.inner for state in states)),
            when=when and (lambda state: when(state.inner)),
        )
