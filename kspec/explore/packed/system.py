"""A packed system: fields, and guarded actions written once as Python over their values.

It is an ordinary system, for every explorer, for replay and for traces; and because guards and
effects keep the rule of kspec.explore.packed.numbers, `packed_bfs` runs them on whole levels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import attrs

from kspec.errors import InputError, NotEnabled
from kspec.explore.packed.fields import Field, Layout, PackedState
from kspec.explore.packed.interchangeable import Interchangeable
from kspec.explore.packed.numbers import Reads, bounds_of, tried
from kspec.system import ActionKind, Footprint

Values = Mapping[Field, Any]


@attrs.frozen(kw_only=True)
class Action:
    """A guarded action; its name, which is unique, is what a trace shows.

    guard: of the values of the fields, true (or not 0) where the action is enabled.
    effect: the fields that it sets, each with its new value, from the values before.
    fairness: its weak-fairness class; None for what the environment does.
    """

    name: str
    guard: Callable[[Values], Any] = attrs.field(eq=False, repr=False)
    effect: Callable[[Values], Values] = attrs.field(eq=False, repr=False)
    actor: str = attrs.field(default="", eq=False)
    fairness: str | None = attrs.field(default=None, eq=False)
    kind: ActionKind = attrs.field(default="system", eq=False)

    def __str__(self) -> str:
        return self.name


class PackedSystem:
    """The system of these fields and actions, from one initial state (fields not named are 0).

    symmetry: what may be renamed without changing anything that counts.
    Raises InputError where the fields do not fit in a word, an initial value is out of its range,
    two actions share a name, or a guard or effect breaks the rule.
    """

    topics = ("state",)

    def __init__(
        self,
        fields: tuple[Field, ...],
        actions: tuple[Action, ...],
        initial: Mapping[Field, int] | None = None,
        symmetry: tuple[Interchangeable, ...] = (),
    ) -> None:
        self.layout = Layout(fields)
        self.actions = actions
        self.by_name = {action.name: action for action in actions}
        if len(self.by_name) < len(actions):
            raise InputError("two actions of a packed system share a name")
        self.footprints = {action.name: self._footprint(action) for action in actions}
        self.first = self.layout.changed(0, initial or {}, "the initial state")
        self.symmetry = symmetry
        for renaming in symmetry:
            renaming.check(self.layout)

    def _footprint(self, action: Action) -> Footprint:
        """What it reads and writes; trying it out is what shows that it keeps the rule."""
        values = Reads(self.layout.fields)
        tried(f"the guard of {action}", lambda s: bounds_of(action.guard(s)), values)
        who = f"the effect of {action}"
        updates = tried(who, action.effect, values)
        if not isinstance(updates, Mapping):
            raise InputError(f"{who} is {type(updates).__name__}", expected="fields with values")
        for field, value in updates.items():
            self.layout.place(field, who)
            tried(who, partial(bounds_of, value))
        reads, writes = (tuple(field.name for field in found) for found in (values, updates))
        return Footprint(reads, writes)

    def init(self) -> PackedState:
        return PackedState(self.layout, self.first)

    def enabled(self, state: PackedState) -> tuple[Action, ...]:
        values = state.values
        return tuple(action for action in self.actions if action.guard(values))

    def step(self, state: PackedState, action: Action) -> PackedState:
        if action.name not in self.by_name or not action.guard(state.values):
            raise NotEnabled(f"{action} is not enabled in {state}")
        updates = action.effect(state.values)
        return PackedState(self.layout, self.layout.changed(state.word, updates, action.name))

    def fingerprint(self, state: PackedState) -> int:
        return state.fingerprint

    def changes(self, state: PackedState) -> int:
        return -1

    def actor(self, action: Action) -> str:
        return action.actor or action.name

    def fault_class(self, action: Action) -> str:
        return "fault" if action.kind == "fault" else ""

    def footprint(self, action: Action) -> Footprint:
        return self.footprints[action.name]

    def fairness(self, action: Action) -> str | None:
        return action.fairness

    def kind_of(self, action: Action) -> ActionKind:
        return action.kind

    def heal(self, state: PackedState) -> Action | None:
        return None

    def encode(self, action: Action) -> str:
        return action.name

    def decode(self, text: str) -> Action:
        if text not in self.by_name:
            raise InputError(f"no action of this system reads {text!r}")
        return self.by_name[text]

    def resolve(self, state: PackedState, action: Action) -> Action | None:
        known = self.by_name.get(action.name)
        return known if known is not None and known.guard(state.values) else None

    def describe(self, before: PackedState, after: PackedState) -> tuple[str, ...]:
        return tuple(
            f"{field}: {before[field]} -> {after[field]}"
            for field in self.layout.fields
            if before[field] != after[field]
        )
