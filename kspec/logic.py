"""Verdicts of predicates: truthy, or falsy with the item that fails as witness."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import attrs

T = TypeVar("T")


@attrs.frozen
class Verdict:
    """The answer of a predicate. `witness` says which item failed, or which one was found.

    `kind` names the sort of witness, so that shrinking does not slip from one bug to another.
    """

    holds: bool
    witness: str = ""
    kind: str = ""

    def __bool__(self) -> bool:
        return self.holds


HOLDS = Verdict(True)


def fails(witness: str, kind: str = "") -> Verdict:
    """A negative verdict with its witness."""
    return Verdict(False, witness, kind)


def forall(
    items: Iterable[T],
    predicate: Callable[[T], object],
    describe: Callable[[T], str] = str,
) -> Verdict:
    """Every item satisfies the predicate; else the first that does not is the witness."""
    for item in items:
        answer = predicate(item)
        if not answer:
            inner = answer.witness if isinstance(answer, Verdict) else ""
            return fails(f"{describe(item)}: {inner}" if inner else describe(item))
    return HOLDS


def exists(
    items: Iterable[T],
    predicate: Callable[[T], object],
    describe: Callable[[T], str] = str,
) -> Verdict:
    """Some item satisfies the predicate, and is the witness."""
    for item in items:
        if predicate(item):
            return Verdict(True, describe(item))
    return fails("none")


def implies(antecedent: object, consequent: Callable[[], Any]) -> Verdict:
    """The consequent, asked only where the antecedent holds."""
    if not antecedent:
        return HOLDS
    answer = consequent()
    return answer if isinstance(answer, Verdict) else Verdict(bool(answer))
