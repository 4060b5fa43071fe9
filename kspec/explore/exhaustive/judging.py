"""Properties during an exhaustive search: on every edge, on every distinct state, at quiescence.

Edges and states are judged apart, because an edge is seen before it is known whether the state that
it leads to is new. Of liveness only the antecedents are followed here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from kspec.explore.exploration import Violation
from kspec.explore.monitor import Monitor
from kspec.explore.runner import Runner
from kspec.property import LIVENESS, Kind, Property
from kspec.system import AnySystem

SUFFIX_BOUND = 10_000
ANTECEDENT = "antecedent of "


@attrs.frozen(kw_only=True)
class Finding:
    """A violation found at the `choice`-th enabled action of state `source`, or, where choice is
    -1, at that state itself."""

    property: str
    kind: str
    witness: str
    source: int
    choice: int = -1


class Judging:
    """What is still judged of some properties, and what was found of them so far.

    A property that was violated, or witnessed, is judged no further. All of it is plain data
    (`memory`), so that it can be carried to other processes and taken up again (`resume`).
    """

    def __init__(self, system: AnySystem, properties: Iterable[Property]) -> None:
        self.system, self.properties = system, tuple(properties)
        self.violated: set[str] = set()
        self._antecedents: set[str] = set()
        self._begin()

    def _begin(self) -> None:
        left = [prop for prop in self.properties if prop.name not in self.violated]
        self.liveness = {p.name: p for p in left if p.kind in LIVENESS}
        self.edges = Monitor(self.system, [p for p in left if p.kind is Kind.TRANSITION])
        self.states = Monitor(
            self.system,
            [p for p in left if p.kind in (Kind.INVARIANT, Kind.SOMETIMES)]
            + [_antecedent(p) for p in self.liveness.values()],
        )

    def resume(self, memory: Mapping[str, Any]) -> None:
        """Go on from what `memory` gave."""
        self.violated = set(memory["violated"])
        self._antecedents = set(memory["antecedents"])
        self._begin()
        self.states.witnessed.update(memory["witnessed"])
        for name in (*memory["witnessed"], *map(ANTECEDENT.__add__, memory["antecedents"])):
            self.states.drop(name)

    def memory(self) -> dict[str, Any]:
        """What was found so far, as plain values."""
        return {
            "violated": sorted(self.violated),
            "witnessed": self.witnessed,
            "antecedents": sorted(self.antecedents),
        }

    @property
    def witnessed(self) -> dict[str, str]:
        found = self.states.witnessed.items()
        return {name: text for name, text in found if not name.startswith(ANTECEDENT)}

    @property
    def antecedents(self) -> frozenset[str]:
        held = (n for n in self.states.witnessed if n.startswith(ANTECEDENT))
        return frozenset(self._antecedents).union(n.removeprefix(ANTECEDENT) for n in held)

    @property
    def is_settled(self) -> bool:
        """Nothing is left to find: every property was violated or witnessed."""
        left = len(self.properties) - len(self.violated) - len(self.witnessed)
        return not left and bool(self.properties)

    def violate(self, name: str) -> None:
        """Judge a property no further: it is violated."""
        self.violated.add(name)
        self.liveness.pop(name, None)
        self.edges.drop(name)
        self.states.drop(name)

    def begin(self, state: Any) -> list[Finding]:
        """Judge the initial state."""
        self.states.begin(state)
        return self.take(self.states, 0, -1)

    def state(self, state: Any, source: int, choice: int) -> list[Finding]:
        """Judge a state that is seen for the first time, reached from `source` by `choice`."""
        self.states.observe(None, state, 0)
        return self.take(self.states, source, choice) if self.states.found else []

    def take(self, monitor: Monitor, source: int, choice: int) -> list[Finding]:
        """Take over what a monitor has found at one place."""
        taken = [
            Finding(
                property=prop.name,
                kind=verdict.kind,
                witness=verdict.witness,
                source=source,
                choice=choice,
            )
            for prop, verdict in monitor.found
        ]
        monitor.found.clear()
        for finding in taken:
            self.violate(finding.property)
        return taken


def _antecedent(prop: Property) -> Property:
    """Whether the antecedent of a liveness property ever holds, as a property of its own."""
    return attrs.evolve(
        prop,
        name=ANTECEDENT + prop.name,
        kind=Kind.SOMETIMES,
        predicate=prop.when or (lambda state: True),
        when=None,
        within=None,
    )


def judge_quiescence(
    system: AnySystem, properties: Iterable[Property], actions: list[Any], label: Violation
) -> list[Violation]:
    """Judge liveness along the path to a state where only faults are enabled: heal, then FIFO."""
    monitor = Monitor(system, properties)
    runner = Runner(system, monitor)
    runner.label = label
    state = system.init()
    monitor.begin(state)
    for number, action in enumerate(actions, 1):
        after = system.step(state, action)
        monitor.observe(state, after, number)
        state = after
    runner.actions = actions
    runner.settle(state, SUFFIX_BOUND)
    return runner.violations
