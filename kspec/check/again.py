"""A violation looked for once more in its small world, because another way there may be shorter.

Leaving actions out of one schedule ends at a schedule from which nothing can go, not at the
shortest one: first come first served, say, does much that a race does not need.
"""

from __future__ import annotations

import attrs

from kspec.explore import search
from kspec.property import Property
from kspec.shrink import Shrunk, shrink
from kspec.shrinking.tried import AGAIN, Tried
from kspec.suite import JsonMap
from kspec.system import AnySystem

STRATEGIES = ("walk", "pos", "staleness", "pct")
STEPS = 1_000
REPLAYS = 200
LONG = 8
"""Traces shorter than this are not worth another look."""


def look_again(system: AnySystem, world: JsonMap, prop: Property, shrunk: Shrunk) -> Shrunk:
    """The shortest of what was found and of what a few short searches find, made small."""
    best, replays = shrunk, 0
    if len(shrunk.violation.actions) < LONG:
        return shrunk
    for seed, strategy in enumerate(STRATEGIES):
        mix = ((strategy, 1),)
        seen = search(system, [prop], seed=seed, steps=STEPS, strategies=mix, stop_at_first=True)
        if seen.interrupted:
            raise KeyboardInterrupt
        found = seen.violation_of(prop.name)
        if found is None or found.kind != shrunk.violation.kind:
            continue
        again = shrink(system, prop, found, world=world, budget=REPLAYS)
        replays += again.replays
        if len(again.violation.actions) < len(best.violation.actions):
            best = again
    before, after = len(shrunk.violation.actions), len(best.violation.actions)
    tried = Tried(stage=AGAIN, replays=replays, before=before, after=after)
    return attrs.evolve(
        shrunk,
        violation=attrs.evolve(best.violation, strategy=shrunk.violation.strategy),
        replays=shrunk.replays + replays,
        is_minimal=best.is_minimal,
        tried=(*shrunk.tried, tried),
    )
