"""What toys are made of, and the count that explorers are compared with."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from kspec.system import AnySystem, FunctionSystem

TOY = "a toy"


class Act(NamedTuple):
    """An action of a toy: who does what, to what."""

    actor: str
    verb: str
    target: str = ""

    def __str__(self) -> str:
        return f"{self.verb}({', '.join(part for part in (self.actor, self.target) if part)})"


def toy(initial: Any, moves: Callable[[Any], Iterator[tuple[Act, Any]]], **rest: Any) -> AnySystem:
    """A system from one function that yields each enabled action with the state it leads to.

    Each actor is a fairness class of its own; user, fault and clock are outside fairness.
    """

    def successor(state: Any, action: Act) -> Any:
        return next(after for enabled, after in moves(state) if enabled == action)

    environment = {"user": "user", "fault": "fault", "clock": "clock"}
    return FunctionSystem(
        initial=initial,
        enabled_actions=lambda state: [action for action, _ in moves(state)],
        next_state=rest.pop("next_state", successor),
        actor_of=lambda action: action.actor,
        fairness_of=lambda action: None if action.actor in environment else action.actor,
        kinds=lambda action: environment.get(action.actor),
        **rest,
    )


def brute_force(system: AnySystem) -> tuple[int, int]:
    """States and transitions, counted with whole states and nothing of the explorers."""
    seen, waiting, transitions = {system.init()}, deque([system.init()]), 0
    while waiting:
        state = waiting.popleft()
        for action in system.enabled(state):
            transitions += 1
            after = system.step(state, action)
            if after not in seen:
                seen.add(after)
                waiting.append(after)
    return len(seen), transitions
