"""Which of two conflicting actions came first: what a schedule showed, as a set of numbers.

Two actions conflict when one writes a key that the other reads or writes. The orders of adjacent
conflicting actions are what distinguishes one interleaving from another, so a schedule that shows
a new one has seen something new. After "Coverage guided fuzzing of concurrent programs" (the
reads-from and order coverage of Wen et al., CCS 2022, and Mukherjee et al., ASPLOS 2023).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from kspec.system import AnySystem
from kspec.values import fingerprint_of, mix

_VERSION: Final = re.compile(r"[@#]\d+")


def orders_of(system: AnySystem, actions: Sequence[Any]) -> frozenset[int]:
    """The orders that a schedule showed: of each key, which action followed which on it.

    Versions are left out of the actions' names, else every order would be new.
    """
    last: dict[str, int] = {}
    found: set[int] = set()
    for action in actions:
        name = fingerprint_of(_VERSION.sub("", system.encode(action)))
        footprint = system.footprint(action)
        for key in (*footprint.reads, *footprint.writes):
            before = last.get(key)
            if before is not None and before != name:
                found.add(mix(mix(before, name), fingerprint_of(key)))
        for key in footprint.writes:
            last[key] = name
    return frozenset(found)
