"""The part of an exhaustive search that a worker does: its share of each level.

A level is expanded in chunks: what may be new goes out as candidates (mark, key), where the key is
the source and the choice in one number, and the least key of equal marks wins. The states stay
here. Then the worker is told which of its candidates have won: those it numbers, judges, and keeps
for the next level. Doing a chunk twice changes nothing, and a state whose keeper is gone is made
again from its lineage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kspec.errors import KspecError
from kspec.explore.exhaustive.expand import Expander, Expansion, Mark
from kspec.explore.exhaustive.judging import Finding, Judging
from kspec.property import Property
from kspec.system import AnySystem

CHOICE_BITS = 16
KNOWN = 1_000_000
"""Marks that are known to have been candidates before, so that they need not be sent again."""

Lineage = Sequence[tuple[Any, Any]]
"""For each level from the first successors on: the place of each state's parent among the states of
the level before, and the choice that leads from there."""


class Chunk(NamedTuple):
    """What expanding some states gave: candidates as bytes of 64-bit numbers, and what was seen."""

    marks: bytes
    keys: bytes
    transitions: int
    findings: tuple[Finding, ...]
    quiescent: tuple[int, ...]
    was_cut: bool


class Kept(NamedTuple):
    """What judging new states gave. witnessed: (key, name, witness); antecedents are among them."""

    findings: tuple[Finding, ...]
    witnessed: tuple[tuple[int, str, str], ...]


class Expanding:
    """The states that a worker keeps, by number, and the candidates of the level at hand."""

    def __init__(
        self, system: AnySystem, properties: tuple[Property, ...], mark: Mark | None = None
    ) -> None:
        self._system, self._properties, self._mark = system, properties, mark
        self._memory: Mapping[str, Any] | None = None
        self._judge_afresh()
        self._states: dict[int, Any] = {}
        self._kept: dict[int, tuple[int, Any]] = {}
        self._known: set[int] = set()
        self._first, self._reached = -1, -1

    def _judge_afresh(self) -> None:
        """Judge what was still open at the beginning of the level."""
        self._judging = Judging(self._system, self._properties)
        if self._memory is not None:
            self._judging.resume(self._memory)
        self._open = (len(self._judging.violated), len(self._judging.states.witnessed))
        self._expander = Expander(self._system, self._judging, mark=self._mark)

    def begin(self, first: int, memory: Mapping[str, Any]) -> None:
        """A level whose states are numbered from `first` on; the same one again starts afresh.

        memory: what all workers have found until now.
        """
        if first == self._first:
            self._known.clear()
        self._first, self._reached = first, -1
        self._kept.clear()
        self._states = {number: s for number, s in self._states.items() if number >= first}
        if memory != self._memory or self._has_found:
            self._memory = memory
            self._judge_afresh()

    @property
    def _has_found(self) -> bool:
        judging = self._judging
        return self._open != (len(judging.violated), len(judging.states.witnessed))

    def expand(self, numbers: Sequence[int], lineage: Lineage | None = None) -> Chunk:
        """Expand states that are kept here, or made from their lineage; numbers ascend."""
        if lineage is None:
            states = [self._states[number] for number in numbers]
        else:
            states = made(self._system, lineage)
        if self._has_found:
            self._judge_afresh()
        is_in_order = numbers[0] > self._reached
        known = self._known if is_in_order else set[int]()
        if len(self._known) > KNOWN:
            self._known.clear()
        self._reached = max(self._reached, numbers[-1])
        found = self._expander.expand(zip(numbers, states, strict=True), known)
        return self._chunk(found)

    def _chunk(self, found: Expansion) -> Chunk:
        import numpy as np

        sources = np.array(found.sources, np.uint64) - np.uint64(self._first)
        choices = np.array(found.choices, np.uint64)
        if found.choices and max(found.choices) >> CHOICE_BITS:
            raise KspecError(f"a state with more than {1 << CHOICE_BITS:,} enabled actions")
        keys = (sources << np.uint64(CHOICE_BITS)) | choices
        kept = self._kept
        for mark, key, state in zip(found.marks, keys.tolist(), found.states, strict=True):
            earlier = kept.get(mark)
            if earlier is None or key < earlier[0]:
                kept[mark] = (key, state)
        return Chunk(
            np.array(found.marks, np.uint64).tobytes(),
            keys.tobytes(),
            found.transitions,
            tuple(found.findings),
            tuple(found.quiescent),
            found.was_cut,
        )

    def keep(self, marks: bytes, numbers: bytes) -> Kept:
        """Number and judge candidates of this worker that have won, in the order of their keys."""
        import numpy as np

        new = [self._kept.pop(mark) for mark in np.frombuffer(marks, np.uint64).tolist()]
        where = np.frombuffer(numbers, np.uint64).tolist()
        return self._judged(where, [key for key, _ in new], [state for _, state in new])

    def adopt(self, numbers: bytes, keys: bytes, lineage: Lineage) -> Kept:
        """Number and judge new states that no living worker keeps."""
        import numpy as np

        where, ordered = (np.frombuffer(items, np.uint64).tolist() for items in (numbers, keys))
        return self._judged(where, ordered, made(self._system, lineage))

    def _judged(self, numbers: list[int], keys: list[int], states: list[Any]) -> Kept:
        """Keep states for the next level and judge them as far as anything is still open."""
        self._states.update(zip(numbers, states, strict=True))
        if self._has_found:
            self._judge_afresh()
        judging, first = self._judging, self._first
        findings: list[Finding] = []
        witnessed: list[tuple[int, str, str]] = []
        seen = judging.states.witnessed
        for key, state in zip(keys, states, strict=True):
            if not judging.states.active:
                break
            before = len(seen)
            source, choice = first + (key >> CHOICE_BITS), key & ((1 << CHOICE_BITS) - 1)
            findings += judging.state(state, source, choice)
            if len(seen) > before:
                witnessed += [(key, name, seen[name]) for name in list(seen)[before:]]
        return Kept(tuple(findings), tuple(witnessed))


def made(system: AnySystem, lineage: Lineage) -> list[Any]:
    """The states at the end of a lineage, each state on the way made once."""
    states = [system.init()]
    for parents, choices in lineage:
        following: list[Any] = []
        last = -1
        enabled: Sequence[Any] = ()
        for parent, choice in zip(parents.tolist(), choices.tolist(), strict=True):
            if parent != last:  # siblings follow one another
                last, enabled = parent, system.enabled(states[parent])
            following.append(system.step(states[parent], enabled[choice]))
        states = following
    return states
