"""Going on with a breadth-first search from its checkpoint, and keeping the checkpoint up to date.

What counts is as of the last complete level; what was found counts at once. The frontier is not
stored: its states are made again along the search log.
"""

from __future__ import annotations

from typing import Any

import attrs

from kspec import __version__
from kspec.errors import InputError, NotEnabled
from kspec.explore.exhaustive.checkpoint import SAME, Checkpoint
from kspec.explore.exhaustive.log import states_of_last_level, walk
from kspec.explore.exhaustive.search import LABEL, Search
from kspec.explore.exhaustive.sources import identity_of_property
from kspec.explore.exhaustive.space import Space
from kspec.explore.exploration import Suffix, Violation
from kspec.explore.strategies.fifo import Fifo
from kspec.system import AnySystem
from kspec.values import fingerprint

SAMPLE = 200
"""How many steps of FIFO tell a system."""


def identity_of(space: Space, given: str) -> dict[str, Any]:
    """What must be the same for a search to go on, by name; `given` is the caller's part of it.

    Of the system it is what is enabled along a run of FIFO, and where that leads: it takes no file
    or world to tell two systems apart, but may miss what only other runs show.
    """
    return {
        "the version of kspec": __version__,
        "the identity that was given": given,
        "the system": _sample(space.plain),
        "the list of properties": list(map(identity_of_property, space.plain_properties)),
        "the bound on schedules": space.bound,
        "the use of symmetry": space.mark is not None,
    }


def _sample(system: AnySystem) -> str:
    state, fifo = system.init(), Fifo(system)
    seen: list[Any] = [tuple(system.topics)]
    for _ in range(SAMPLE):
        enabled = system.enabled(state)
        seen.append((system.fingerprint(state), tuple(map(system.encode, enabled))))
        index = fifo.choose(state, enabled)
        if index < 0:
            break
        state = system.step(state, enabled[index])
    return f"{fingerprint(tuple(seen)):016x}"


class Keeper:
    """Keeps one search's checkpoint."""

    def __init__(self, search: Search, checkpoint: Checkpoint) -> None:
        self._search, self._checkpoint = search, checkpoint
        self._counts: dict[str, Any] = {}

    def begin(self) -> None:
        """Start the search, or take it up where the checkpoint ends. Raises InputError."""
        if self._checkpoint.found is None:
            self._search.start()
            self.level_is_done()
        else:
            self._resume(self._checkpoint.found)

    def level_is_done(self) -> None:
        """Write the level that the search has just completed."""
        search = self._search
        if search.frontier:
            self._checkpoint.add(search.latest)
        self._counts = {
            "levels": len(self._checkpoint),
            "is_exhausted": not search.frontier,
            "transitions": search.transitions,
            "depth": search.depth,
            "was_cut": search.was_cut,
        }
        self.save()

    def save(self) -> None:
        """Write what was found so far, beside the last complete level."""
        search = self._search
        if not self._counts:
            return
        kept = list(search.kept)
        # a property is judged no further from when it is violated, and kept a little later: an
        # interruption between the two must leave it to be found again with the rest of its level
        violated = sorted({violation.property for violation, _ in kept})
        self._checkpoint.save(
            {
                "counts": self._counts,
                "judging": {**search.judging.memory(), "violated": violated},
                "violations": [_written(violation, path) for violation, path in kept],
            },
            self._counts["levels"],
        )

    def _resume(self, found: dict[str, Any]) -> None:
        search = self._search
        counts = found["counts"]
        for number in range(len(self._checkpoint)):
            level = self._checkpoint.level(number)
            search.first = len(search.log)
            search.log.begin_level()
            search.log.extend(level.parents, level.choices)
            if not all(search.visited.add(level.marks)):
                raise self._differs("a state comes twice")
            search.latest = level
        search.transitions, search.depth = counts["transitions"], counts["depth"]
        search.was_cut = counts["was_cut"]
        search.judging.resume(found["judging"])
        search.kept += self._violations(found["violations"])
        self._counts = counts  # from here on, and not before, all of it is there to be saved again
        for violation in search.violations:
            search.tell(violation)
        search.frontier = [] if counts["is_exhausted"] else self._frontier()

    def _differs(self, how: str) -> InputError:
        return InputError(
            f"the checkpoint is of another system: {how}",
            where=self._checkpoint.where,
            expected=SAME,
        )

    def _frontier(self) -> list[Any]:
        search = self._search
        try:
            states = states_of_last_level(search.space.system, search.log)
        except (IndexError, NotEnabled) as error:
            raise self._differs("an action of the search log is not enabled") from error
        if list(map(search.expander.mark, states)) != list(search.latest.marks):
            raise self._differs("its actions lead to other states")
        return states

    def _violations(self, written: list[dict[str, Any]]) -> list[tuple[Violation, list[int]]]:
        try:
            return [(_read(self._search, entry), entry["choices"]) for entry in written]
        except (IndexError, NotEnabled) as error:
            raise self._differs("a counterexample does not replay") from error


def _written(violation: Violation, choices: list[int]) -> dict[str, Any]:
    suffix = violation.suffix
    return {
        "property": violation.property,
        "kind": violation.kind,
        "witness": violation.witness,
        "suffix": suffix and attrs.astuple(suffix),
        "choices": choices,
    }


def _read(search: Search, entry: dict[str, Any]) -> Violation:
    steps = walk(search.space.system, entry["choices"])
    return attrs.evolve(
        LABEL,
        property=entry["property"],
        kind=entry["kind"],
        witness=entry["witness"],
        suffix=entry["suffix"] and Suffix(*entry["suffix"]),
        actions=tuple(action for action, _ in steps),
    )
