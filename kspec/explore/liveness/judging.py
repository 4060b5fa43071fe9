"""Judging liveness on the graph of a search: each property holds, fails with a lasso, or is open.

A property is broken by a fair behaviour that owes its goal and then stays where the goal never
holds (leads-to) or fails to hold for ever again (eventually-stable): in a quiescent state, or in a
fair component. Every candidate is confirmed on the system itself; a lasso that the graph has and
the system has not makes the property Unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

import attrs

from kspec.explore.exploration import Violation
from kspec.explore.liveness.components import Components
from kspec.explore.liveness.confirming import Confirmation, Confirmer
from kspec.explore.liveness.deadlines import Deadlines
from kspec.explore.liveness.fairness import CLOCK, USER
from kspec.explore.liveness.graph import CALM, EXPANDED, QUIESCENT, StateGraph
from kspec.explore.liveness.lasso import Lasso, Weaver
from kspec.explore.liveness.owing import Owing
from kspec.property import Property

LABEL = Violation(property="", kind="", witness="", actions=(), strategy="bfs")
MOST_COMPONENTS = 16
MOST_CONFIRMED = 16


@attrs.frozen(kw_only=True)
class LivenessOutcome:
    """What a graph says of its liveness properties; those without a violation that are not in
    `unfinished` hold. antecedents: those of which the antecedent held somewhere."""

    violations: tuple[Violation, ...] = ()
    antecedents: frozenset[str] = frozenset()
    unfinished: Mapping[str, str] = attrs.field(factory=dict)


class _Judge:
    def __init__(self, graph: StateGraph, label: Violation) -> None:
        self.graph = graph
        self.components = Components(graph)
        self.confirmer = Confirmer(graph.system, label)

    @cached_property
    def quiescent(self) -> list[int]:
        return list(self.graph.states_with(EXPANDED | CALM | QUIESCENT))

    @cached_property
    def recurrent(self) -> bytearray:
        """For each state, whether it lies on a cycle without faults, after the faults."""
        flags = bytearray(len(self.graph))
        calm = self.graph.states_with(EXPANDED | CALM)
        for component in self.components.cyclic(calm, USER):
            for index in component:
                flags[index] = 1
        return flags

    def judge(self, bit: int, prop: Property) -> Confirmation:
        """The violation of a property, or why it is open; neither where the graph keeps it."""
        problem = ""
        if prop.within is not None:
            late = Deadlines(self.graph, bit, prop.within).late_way()
            if late is not None:
                found = self.confirmer.late(prop, late)
                if found.violation is not None:
                    return found
                problem = found.problem
        if self._is_possible(bit):
            for lasso in self._lassos(bit):
                found = self._confirm(prop, lasso)
                if found.violation is not None:
                    return found
                problem = problem or found.problem
        return Confirmation(None, problem)

    def _is_possible(self, bit: int) -> bool:
        """Is there anywhere to stay without the goal? Asked first, because it costs least."""
        goal_holds, recurrent = self.graph.goal_holds, self.recurrent
        return any(not goal_holds(bit, i) for i in self.quiescent) or any(
            not goal_holds(bit, i) for i, flag in enumerate(recurrent) if flag
        )

    def _confirm(self, prop: Property, lasso: Lasso) -> Confirmation:
        if not lasso.cycle:
            return self.confirmer.quiescent(prop, lasso.stem)
        return self.confirmer.lasso(prop, lasso.stem, lasso.cycle)

    def _lassos(self, bit: int) -> Iterator[Lasso]:
        """Candidates, the shortest first; those in which a user acts for ever come last."""
        owing = Owing(self.graph, bit)
        found = [*self._stutters(bit, owing), *self._cycles(bit, owing, CLOCK)]
        yield from sorted(found, key=lambda lasso: lasso.length)[:MOST_CONFIRMED]
        found = list(self._cycles(bit, owing, USER))
        yield from sorted(found, key=lambda lasso: lasso.length)[:MOST_CONFIRMED]

    def _stutters(self, bit: int, owing: Owing) -> Iterator[Lasso]:
        """The way to the nearest quiescent state in which the goal is owed and does not hold."""
        ends = [i for i in self.quiescent if not self.graph.goal_holds(bit, i)]
        near = owing.nearest([i for i in ends if owing.is_owed(i)])
        if near >= 0:
            yield Lasso(tuple(owing.way_to(near)), ())

    def _cycles(self, bit: int, owing: Owing, floor: int) -> Iterator[Lasso]:
        graph, components = self.graph, self.components

        def visit(index: int) -> bool:
            return not graph.goal_holds(bit, index)

        members = [i for i in owing.states() if self.recurrent[i]]
        rank = {index: place for place, index in enumerate(members)}
        found = [sorted(c, key=rank.__getitem__) for c in components.fair(members, floor, visit)]
        found.sort(key=lambda component: rank[component[0]])
        weaver = Weaver(graph, components, owing, visit, floor)
        for component in found[:MOST_COMPONENTS]:
            yield weaver.lasso(component)


def judge_graph(
    graph: StateGraph,
    *,
    label: Violation = LABEL,
    cut: str = "",
    violated: frozenset[str] = frozenset(),
) -> LivenessOutcome:
    """Judge every liveness property of the graph but those that are known to be violated.

    label: goes into the violations. cut: why the graph is not whole, where it is not: then only
    violations count, and whatever else there is stays open.
    """
    judge, violations, unfinished = _Judge(graph, label), [], {}
    is_whole = not cut and graph.is_whole
    for bit, prop in enumerate(graph.properties):
        if prop.name in violated:
            continue
        violation, problem = judge.judge(bit, prop)
        if violation is not None:
            violations.append(violation)
        elif problem:
            unfinished[prop.name] = (
                f"a counterexample of the graph is none of the system: {problem}"
            )
        elif not is_whole:
            unfinished[prop.name] = (
                f"{cut or 'the graph was cut short'}; liveness can only be kept by a whole graph"
            )
    return LivenessOutcome(
        violations=tuple(violations), antecedents=graph.antecedents, unfinished=unfinished
    )
