"""Which of two conflicting actions came first: what a schedule showed, as a set of numbers.

Two actions conflict when one writes a key that the other reads or writes. The orders of adjacent
conflicting actions are what distinguishes one interleaving from another, so a schedule that shows
a new one has seen something new. After Wolff et al., "Greybox Fuzzing for Concurrency Testing"
(ASPLOS 2024), with any pair that conflicts where they take writes and reads.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from kspec.explore.strategies.strategy import PerAction
from kspec.system import AnySystem
from kspec.values import fingerprint_of, mix

_VERSION: Final = re.compile(r"[@#]\d+")

Touching = tuple[int, tuple[tuple[str, int], ...], tuple[str, ...]]
"""Of an action: its name, the keys that it touches with their fingerprints, those it writes."""


class Orders:
    """The orders that schedules of one system show.

    Versions are left out of the actions' names, else every order would be new.
    """

    def __init__(self, system: AnySystem) -> None:
        def touching(action: Any) -> Touching:
            footprint = system.footprint(action)
            touched = tuple((k, fingerprint_of(k)) for k in (*footprint.reads, *footprint.writes))
            name = fingerprint_of(_VERSION.sub("", system.encode(action)))
            return name, touched, footprint.writes

        self._touching = PerAction(touching)

    def of(self, actions: Sequence[Any]) -> frozenset[int]:
        """Of each key, which action followed which on it."""
        last: dict[str, int] = {}
        found: set[int] = set()
        for name, touched, writes in map(self._touching.__getitem__, actions):
            for key, number in touched:
                before = last.get(key)
                if before is not None and before != name:
                    found.add(mix(mix(before, name), number))
            for key in writes:
                last[key] = name
        return frozenset(found)
