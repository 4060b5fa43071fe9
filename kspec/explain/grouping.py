"""Failures grouped by cause, so that one bug that is found two hundred times is one entry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

import attrs

from kspec.explain.causality import Explanation
from kspec.property import Property
from kspec.shrinking.tried import Tried
from kspec.trace import Trace


class Explained(Protocol):
    """A failure as grouping sees it; `kspec.check.Failure` is one.

    also_breaks: other properties that are violated along its trace. explanation: None where it
    could not be explained, which makes it a group of its own.
    """

    @property
    def faults(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def trace(self) -> Trace: ...
    @property
    def explanation(self) -> Explanation | None: ...
    @property
    def also_breaks(self) -> tuple[str, ...]: ...
    @property
    def tried(self) -> tuple[Tried, ...]: ...
    @property
    def known_limit(self) -> bool: ...
    @property
    def property(self) -> Property: ...  # the last one, because it hides the decorator


@attrs.frozen(kw_only=True)
class Group:
    """Failures of one cause. failures: the one with the shortest trace first."""

    failures: tuple[Any, ...]

    @property
    def first(self) -> Any:
        return self.failures[0]

    @property
    def count(self) -> int:
        return len(self.failures)

    @property
    def properties(self) -> tuple[str, ...]:
        """Every property that it breaks, the one of the first failure first."""
        own = (failure.property.name for failure in self.failures)
        beside = (name for failure in self.failures for name in failure.also_breaks)
        return tuple(dict.fromkeys((*own, *beside)))

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(failure.faults for failure in self.failures))

    @property
    def cause(self) -> str:
        """The cause in a few words."""
        explanation = self.first.explanation
        return explanation.cause.text if explanation is not None else "not explained"

    @property
    def text(self) -> str:
        """The group in one line."""
        name, *others = self.properties
        times = "once" if self.count == 1 else f"{self.count:,} times"
        text = f"{name} (faults: {self.columns[0]}), found {times}: {self.cause}"
        if others:
            text += f"; also breaks: {', '.join(others)}"
        if len(self.columns) > 1:
            text += f"; also under: {', '.join(self.columns[1:])}"
        return text

    def to_json(self) -> dict[str, Any]:
        explanation = self.first.explanation
        return {
            "cause": explanation.cause.to_json() if explanation is not None else None,
            "count": self.count,
            "properties": list(self.properties),
            "faults": list(self.columns),
            "failures": [_failure(failure) for failure in self.failures],
        }


def _failure(failure: Explained) -> dict[str, Any]:
    explanation = failure.explanation
    return {
        "property": failure.property.name,
        "faults": failure.faults,
        "trace": failure.path,
        "actions": len(failure.trace.actions),
        "known_limit": failure.known_limit,
        "shrinking": [tried.to_json() for tried in failure.tried],
        "explanation": explanation.to_json() if explanation is not None else None,
    }


def group(failures: Iterable[Explained]) -> tuple[Group, ...]:
    """The failures by cause, in the order in which the causes were found first.

    Two failures are of one cause if their signatures are equal, or if the shortest trace of one
    breaks the property of the other on its way, and the same unseen write and faults are behind
    both. Two bugs that show in the same way, down to that, are one entry: nothing in their traces
    tells them apart.
    """
    found: list[list[Explained]] = []
    for failure in failures:
        mine = [members for members in found if any(_is_one(failure, other) for other in members)]
        joined = [member for members in mine for member in members]
        place = found.index(mine[0]) if mine else len(found)
        found = [members for members in found if members not in mine]
        found.insert(place, [*joined, failure])
    return tuple(Group(failures=tuple(_shortest_first(members))) for members in found)


def _shortest_first(failures: Sequence[Explained]) -> Iterator[Explained]:
    yield from sorted(failures, key=lambda failure: len(failure.trace.actions))


def _is_one(one: Explained, other: Explained) -> bool:
    if one.explanation is None or other.explanation is None:
        return False
    mine, theirs = one.explanation.cause, other.explanation.cause
    if one.property.name in other.also_breaks or other.property.name in one.also_breaks:
        return (mine.unseen, mine.faults) == (theirs.unseen, theirs.faults)
    return mine.signature == theirs.signature
