"""Explanations and groups as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kspec.explain.causality import Explanation
from kspec.explain.grouping import Group


def explanation_lines(explanation: Explanation | None, unexplained: str = "") -> Iterator[str]:
    """Why a violation came about, five lines at most below a heading."""
    if explanation is not None:
        yield "  why:"
        yield from (f"    {line}" for line in explanation.lines)
    elif unexplained:
        yield f"  why: it could not be explained: {unexplained}"


def group_lines(groups: Sequence[Group]) -> Iterator[str]:
    """One numbered line for each cause."""
    for number, group in enumerate(groups, 1):
        yield f"  {number}. {group.text}"
