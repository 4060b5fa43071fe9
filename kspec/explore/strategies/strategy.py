"""What a strategy is: it picks the next action of one run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, NamedTuple, Protocol

from kspec.system import AnySystem
from kspec.values import fingerprint


class Scale(NamedTuple):
    """How large runs are, as earlier rounds have shown.

    length: the most steps this run may take before it is healed.
    contested: the most steps of an earlier run in which two or more actors were enabled.
    schedule: the actions of an earlier run, for strategies that vary one.
    """

    length: int
    contested: int
    schedule: tuple[Any, ...] = ()


class Strategy(Protocol):
    """One way to schedule. `begin` starts a run afresh; all its randomness comes from `rng`."""

    name: str

    @property
    def contested(self) -> int:
        """Steps of this run so far in which two or more actors were enabled, where it counts."""
        ...

    def begin(self, rng: Random, scale: Scale) -> None: ...

    def choose(self, state: Any, enabled: Sequence[Any]) -> int:
        """The index of the action to take; -1 where there is none that it ever takes."""
        ...


class PerAction(dict[Any, Any]):
    """A fact about each action, asked of the system once; a full table starts afresh."""

    def __init__(self, compute: Callable[[Any], Any], limit: int = 100_000) -> None:
        super().__init__()
        self.compute, self.limit = compute, limit

    def __missing__(self, action: Any) -> Any:
        if len(self) >= self.limit:
            self.clear()
        value = self[action] = self.compute(action)
        return value


def rng_of(*parts: int | str) -> Random:
    """The generator of one run, a function of the seed and the run's place alone."""
    return Random(fingerprint(parts))


def kind_of(system: AnySystem) -> Callable[[Any], str]:
    """Who takes an action, for systems that do not say it themselves too."""
    given: Callable[[Any], str] | None = getattr(system, "kind_of", None)
    if given is not None:
        return given
    return lambda action: "user" if system.fairness(action) is None else "system"


def fault_of(system: AnySystem) -> Callable[[Any], str]:
    """The class of a fault, "" for every other action; "fault" where the system has no classes."""
    kind = kind_of(system)
    name: Callable[[Any], str] = getattr(system, "fault_class", lambda action: "fault")
    return lambda action: name(action) if kind(action) == "fault" else ""


def class_of(system: AnySystem) -> Callable[[Any], str]:
    """The class of an action: the name that its text begins with."""
    return lambda action: system.encode(action).partition("(")[0]
