"""The one contract: a system is `init`, `enabled` and `step` over values, and a few descriptions.

Explorers, replay, shrinking, Hypothesis and the command line use only this. After stateright's
`Model` trait and the State, Init, Next of TLA+.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, Generic, Literal, NamedTuple, Protocol, TypeVar

import attrs

from kspec.errors import InputError, NotEnabled
from kspec.values import fingerprint

S = TypeVar("S")
A = TypeVar("A", bound=Hashable)

ActionKind = Literal["system", "user", "fault", "clock"]


class Footprint(NamedTuple):
    """The keys an action reads and writes; two actions race when one writes what both touch."""

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()


class System(Protocol[S, A]):
    """A transition system.

    `enabled` returns an immutable sequence in an order fixed by the state alone; `step` raises
    `NotEnabled` for any action outside it. Neither reads a clock, draws randomness or does IO.

    A system may also have `is_strongly_fair(class_name) -> bool`, which makes classes of `fairness`
    strongly fair instead of weakly; `now(state) -> int`, the virtual time in seconds, a function of
    what the fingerprint covers; `have_faults_ended(state) -> bool`, true where no fault can strike
    any more and healing changes nothing that any action depends on; and `has_endless_input(state)
    -> bool`, true where something to do comes up for ever: on a cycle there, what is eventually
    stable only has to hold again and again.
    """

    @property
    def topics(self) -> tuple[str, ...]:
        """Names of the parts that properties read; bit i of `changes` stands for topics[i]."""
        ...

    def init(self) -> S: ...

    def enabled(self, state: S) -> Sequence[A]: ...

    def step(self, state: S, action: A) -> S: ...

    def fingerprint(self, state: S) -> int:
        """64 bits that are equal for equal states, in every process."""
        ...

    def changes(self, state: S) -> int:
        """Which topics the step that made this state may have changed, as a bit mask."""
        ...

    def actor(self, action: A) -> str:
        """The unit that PCT gives a priority: a stream, a worker, or a request in flight."""
        ...

    def fault_class(self, action: A) -> str:
        """The class of a fault (an action whose kind is "fault"), "" for one that is none."""
        ...

    def footprint(self, action: A) -> Footprint: ...

    def fairness(self, action: A) -> str | None:
        """The weak-fairness class of a system action; None for the environment (faults, users)."""
        ...

    def kind_of(self, action: A) -> str:
        """Who acts: "system", "user", "fault" (drawn from the budget) or "clock" (virtual time)."""
        ...

    def heal(self, state: S) -> A | None:
        """The action that ends the faults for good; None where there is nothing to end.

        `step` takes it whether or not `enabled` lists it.
        """
        ...

    def encode(self, action: A) -> str:
        """The action as one line of a trace; `decode` reads it back."""
        ...

    def decode(self, text: str) -> A: ...

    def resolve(self, state: S, action: A) -> A | None:
        """The action that `step` takes for a recorded one, or None where there is none.

        A recorded delivery that names what it delivers may span several, which `enabled` need not
        list; everything else must be enabled as it stands.
        """
        ...

    def describe(self, before: S, after: S) -> tuple[str, ...]:
        """The fields that a step changed, one line each, for people."""
        ...


@attrs.frozen(kw_only=True)
class FunctionSystem(Generic[S, A]):
    """A small system made of three plain functions; the descriptions have sensible defaults.

    `actions` lists every action once, so that traces can be read back by their text. `kinds`
    says what the actions outside every fairness class are, where they are not user operations.
    strong: the fairness classes that are strongly fair.
    """

    initial: S
    enabled_actions: Callable[[S], Iterable[A]]
    next_state: Callable[[S, A], S]
    actor_of: Callable[[A], str] = str
    fairness_of: Callable[[A], str | None] = str
    kinds: Callable[[A], ActionKind | None] = lambda action: None
    heal_of: Callable[[S], A | None] = lambda state: None
    actions: tuple[A, ...] = ()
    topics: tuple[str, ...] = ("state",)
    strong: frozenset[str] = frozenset()

    def init(self) -> S:
        return self.initial

    def enabled(self, state: S) -> tuple[A, ...]:
        return tuple(self.enabled_actions(state))

    def step(self, state: S, action: A) -> S:
        if action not in self.enabled(state) and action != self.heal(state):
            raise NotEnabled(f"{action} is not enabled in {state}")
        return self.next_state(state, action)

    def fingerprint(self, state: S) -> int:
        return fingerprint(state)

    def changes(self, state: S) -> int:
        return -1

    def actor(self, action: A) -> str:
        return self.actor_of(action)

    def fault_class(self, action: A) -> str:
        return "fault" if self.kind_of(action) == "fault" else ""

    def footprint(self, action: A) -> Footprint:
        return Footprint(("state",), ("state",))

    def fairness(self, action: A) -> str | None:
        return self.fairness_of(action)

    def is_strongly_fair(self, class_name: str) -> bool:
        return class_name in self.strong

    def kind_of(self, action: A) -> ActionKind:
        return self.kinds(action) or ("user" if self.fairness_of(action) is None else "system")

    def heal(self, state: S) -> A | None:
        return self.heal_of(state)

    def encode(self, action: A) -> str:
        return str(action)

    def decode(self, text: str) -> A:
        for action in self.actions:
            if str(action) == text:
                return action
        raise InputError(f"no action of this system reads {text!r}")

    def resolve(self, state: S, action: A) -> A | None:
        return action if action in self.enabled(state) or action == self.heal(state) else None

    def describe(self, before: S, after: S) -> tuple[str, ...]:
        return () if before == after else (f"{before} -> {after}",)


AnySystem = System[Any, Any]
