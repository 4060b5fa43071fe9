"""Toys for exhaustive search: counts that follow from a formula, and a race of known delays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from kspec.property import Property, invariant, transition
from kspec.system import AnySystem
from kspec.values import fingerprint
from toys.kit import TOY, Act, toy


def counters(count: int, values: int) -> AnySystem:
    """Counters that wrap around: values ** count states, and from each an edge for each counter."""

    def moves(s: tuple[int, ...]) -> Iterator[tuple[Act, tuple[int, ...]]]:
        for i, n in enumerate(s):
            yield Act(f"c{i}", "Count"), (*s[:i], (n + 1) % values, *s[i + 1 :])

    return toy((0,) * count, moves)


def sorted_counters(s: tuple[int, ...]) -> int:
    """The canonical form of counters: which of them stands where makes no difference."""
    return fingerprint(tuple(sorted(s)))


def never_all_at(value: int) -> Property:
    @invariant(source=TOY)
    def never_all_there(s: tuple[int, ...]) -> bool:
        """The counters never all have that value. False, and the sum of them says when."""
        return set(s) != {value}

    return never_all_there


def never_wraps() -> Property:
    @transition(source=TOY)
    def never_goes_back(before: tuple[int, ...], after: tuple[int, ...]) -> bool:
        """No counter gets smaller. False at the first that wraps around."""
        return sum(before) < sum(after)

    return never_goes_back


class Laps(NamedTuple):
    hare: int = 0
    tortoise: bool = False


def overtaking(laps: int = 4, stride: int = 1) -> AnySystem:
    """A hare that runs laps until the tortoise, who waits from the start, takes its one step.

    FIFO lets the hare run one lap. Each further lap takes one delay of the tortoise, and counts as
    `stride` laps.
    """

    def moves(s: Laps) -> Iterator[tuple[Act, Laps]]:
        if s.hare < laps and not s.tortoise:
            yield Act("hare", "Run"), s._replace(hare=s.hare + (stride if s.hare else 1))
        if not s.tortoise:
            yield Act("tortoise", "Step"), s._replace(tortoise=True)

    return toy(Laps(), moves, actions=(Act("hare", "Run"), Act("tortoise", "Step")))


def fewer_laps_than(laps: int) -> Property:
    @invariant(source=TOY)
    def hare_is_slow(s: Laps) -> bool:
        """The hare runs fewer laps than that. False after laps - 1 delays."""
        return s.hare < laps

    return hare_is_slow


class Doors(NamedTuple):
    broken: int = 0
    budget: int = 3


def breaking_doors() -> AnySystem:
    """Each of three faults breaks one more door, and a smith mends one at a time."""

    def moves(s: Doors) -> Iterator[tuple[Act, Doors]]:
        if s.budget:
            yield Act("fault", "Break"), Doors(s.broken + 1, s.budget - 1)
        if s.broken:
            yield Act("smith", "Mend"), s._replace(broken=s.broken - 1)

    return toy(Doors(), moves, actions=(Act("fault", "Break"), Act("smith", "Mend")))


def fewer_broken_than(doors: int) -> Property:
    @invariant(source=TOY, faults=("none", "fault"))
    def doors_are_whole(s: Doors) -> bool:
        """Fewer doors than that are broken at a time."""
        return s.broken < doors

    return doors_are_whole


class Fan:
    """One state from which very many actions lead, each to a state of its own.

    Its step does not look for the action among those enabled, which would take too long here.
    """

    def __init__(self, width: int) -> None:
        self._plain = toy(0, lambda s: iter(()))
        self._enabled = tuple(Act("fan", "Go", str(i)) for i in range(1, width + 1))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plain, name)

    def enabled(self, state: int) -> tuple[Act, ...]:
        return () if state else self._enabled

    def step(self, state: int, action: Act) -> int:
        return int(action.target)
