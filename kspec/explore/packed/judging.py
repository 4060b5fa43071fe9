"""Properties judged on whole levels of packed states, and what was found so far.

What a level shows is judged again on the concrete state at the end of a path of the ordinary
system: the verdict, its witness and the counterexample are those of that state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import attrs
import numpy as np

from kspec.explore.debt import as_verdict
from kspec.explore.exploration import Violation
from kspec.explore.packed.columns import Columns, Words, truth
from kspec.explore.packed.fields import PackedState
from kspec.explore.packed.numbers import Bounds, Reads, bounds_of, tried
from kspec.explore.packed.symmetry import BrokenSymmetry
from kspec.explore.packed.system import Action, PackedSystem
from kspec.logic import Verdict
from kspec.property import LIVENESS, Kind, Property

LABEL = Violation(property="", kind="", witness="", actions=(), strategy="packed")
Path = tuple[list[PackedState], list[Action]]


class Judge:
    """path_to: the path from the initial state to a word of the level that was met last.

    Raises InputError for a predicate that breaks the rule of kspec.explore.packed.numbers.
    """

    def __init__(
        self,
        system: PackedSystem,
        properties: Sequence[Property],
        path_to: Callable[[np.uint64], Path],
    ) -> None:
        self.system, self.path_to = system, path_to
        self.liveness = [prop for prop in properties if prop.kind in LIVENESS]
        self.active = [prop for prop in properties if prop.kind not in LIVENESS]
        self.violations: list[Violation] = []
        self.witnessed: dict[str, str] = {}
        for prop in self.active:
            count = 2 if prop.kind is Kind.TRANSITION else 1
            values = [Reads(system.layout.fields) for _ in range(count)]
            tried(f"the property {prop.name}", partial(_bounds, prop), *values)

    @property
    def is_settled(self) -> bool:
        """Nothing is left to find: every property was violated or witnessed."""
        waits = self.active or self.liveness
        return not waits and bool(self.violations or self.witnessed)

    @property
    def of_states(self) -> list[Property]:
        return [prop for prop in self.active if prop.kind is not Kind.TRANSITION]

    @property
    def of_edges(self) -> list[Property]:
        return [prop for prop in self.active if prop.kind is Kind.TRANSITION]

    def states(self, parts: Iterator[Words]) -> None:
        """Judge the states of a level, given in parts."""
        for part in parts:
            values = Columns(self.system.layout, part)
            for prop in self.of_states:
                holds = truth(prop.predicate(values), len(part))
                telling = holds if prop.kind is Kind.SOMETIMES else ~holds
                if telling.any():
                    self._state(prop, part[telling][0])

    def _state(self, prop: Property, word: np.uint64) -> None:
        states, actions = self.path_to(word)
        verdict = as_verdict(prop.predicate(states[-1]))
        if verdict.holds != (prop.kind is Kind.SOMETIMES):
            raise _differs(prop)
        if verdict.holds:
            self.active.remove(prop)
            self.witnessed[prop.name] = verdict.witness
        else:
            self._violate(prop, verdict, actions)

    def edges(self, before: Words, after: Words) -> None:
        """Judge the steps of one action, given as two arrays of the same length."""
        layout = self.system.layout
        for prop in self.of_edges:
            answer = prop.predicate(Columns(layout, before), Columns(layout, after))
            broken = ~truth(answer, len(after))
            if broken.any():
                self._edge(prop, before[broken][0])

    def _edge(self, prop: Property, word: np.uint64) -> None:
        states, actions = self.path_to(word)
        for last in self.system.enabled(states[-1]):
            after = self.system.step(states[-1], last)
            verdict = as_verdict(prop.predicate(states[-1], after))
            if not verdict:
                return self._violate(prop, verdict, [*actions, last])
        raise _differs(prop)

    def _violate(self, prop: Property, verdict: Verdict, actions: list[Action]) -> None:
        self.active.remove(prop)
        self.violations.append(
            attrs.evolve(
                LABEL,
                property=prop.name,
                kind=verdict.kind,
                witness=verdict.witness,
                actions=tuple(actions),
            )
        )


def _bounds(prop: Property, *values: Any) -> Bounds:
    return bounds_of(prop.predicate(*values))


def _differs(prop: Property) -> BrokenSymmetry:
    return BrokenSymmetry(f"{prop.name} has another answer for a state than for its canonical form")
