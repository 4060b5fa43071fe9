"""What a system may tell of causes, beyond the contract; one that tells nothing is explained less.

A system that can say more has a method `explainer()`, which gives one of these.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from kspec.system import AnySystem


class Unseen(Protocol):
    """A write that a reader had not been told of.

    source: which of its views. write: the write's name. seen: what it had instead. actions: the
    deliveries that bring it this write, and all of that view before it.
    """

    @property
    def reader(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def write(self) -> str: ...
    @property
    def seen(self) -> str: ...
    @property
    def actions(self) -> tuple[Any, ...]: ...


class Stuck(Protocol):
    """reasons: whole sentences, the most telling first. marks: the same without a world's names."""

    @property
    def reasons(self) -> tuple[str, ...]: ...
    @property
    def marks(self) -> tuple[str, ...]: ...


class Explainer(Protocol):
    """What a system tells of causes; every answer is read off states, and none is guessed."""

    def is_act(self, action: Any) -> bool:
        """Does it decide something from what was delivered before?"""
        ...

    def role(self, action: Any) -> str:
        """Who acts, without the names of a world."""
        ...

    def verb(self, action: Any) -> str:
        """What sort of action it is, without the names of a world."""
        ...

    def writes(self, state: Any) -> Sequence[tuple[str, str]]:
        """What the step that made this state wrote: the write's name, and its sort."""
        ...

    def unseen(self, state: Any, action: Any) -> Sequence[Sequence[Unseen]]:
        """For each view of the actor, the writes that it had not been told of, oldest first."""
        ...

    def fault(self, action: Any, before: Any, after: Any) -> str:
        """What a fault did, in words."""
        ...

    def effect(self, changes: Sequence[str], witness: str) -> str:
        """Of what a step changed, the line that people look at first; "" for none."""
        ...

    def subjects(self, state: Any, text: str) -> Sequence[str]:
        """The names of objects of this state that a text holds."""
        ...

    def stuck(self, state: Any, witness: str) -> Stuck:
        """Why nobody is going to do what is owed, in the state where a behaviour ends."""
        ...


class _NothingStuck:
    reasons: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()


class PlainExplainer:
    """What the contract alone tells."""

    def __init__(self, system: AnySystem) -> None:
        self._system = system

    def is_act(self, action: Any) -> bool:
        return self._system.kind_of(action) == "system"

    def role(self, action: Any) -> str:
        return self._system.actor(action)

    def verb(self, action: Any) -> str:
        return self._system.encode(action).partition("(")[0]

    def writes(self, state: Any) -> Sequence[tuple[str, str]]:
        return ()

    def unseen(self, state: Any, action: Any) -> Sequence[Sequence[Unseen]]:
        return ()

    def fault(self, action: Any, before: Any, after: Any) -> str:
        return next(iter(self._system.describe(before, after)), "it strikes")

    def effect(self, changes: Sequence[str], witness: str) -> str:
        return next(iter(changes), "")

    def subjects(self, state: Any, text: str) -> Sequence[str]:
        return ()

    def stuck(self, state: Any, witness: str) -> Stuck:
        return _NothingStuck()


def explainer_of(system: AnySystem) -> Explainer:
    """The system's own explainer, or what the contract tells."""
    own = getattr(system, "explainer", None)
    return own() if own is not None else PlainExplainer(system)
