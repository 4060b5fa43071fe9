"""Breadth-first search: every reachable state, and the shortest counterexample.

States are kept as 64-bit fingerprints; a path is the list of choices that made it, walked again
when it is needed. Safety is judged on every state and edge. Liveness is decided here only against
the system, at quiescent states; showing that it holds needs a search for lassos.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from typing import Any

import attrs

from kspec.explore.collector import seldom_collecting
from kspec.explore.exploration import Exploration, Violation
from kspec.explore.monitor import Monitor
from kspec.explore.runner import Runner, is_quiescent
from kspec.property import LIVENESS, Property
from kspec.system import AnySystem

MAX_STATES = 1_000_000
SUFFIX_BOUND = 10_000
LABEL = Violation(property="", kind="", witness="", actions=(), strategy="bfs")


class _Bfs:
    """The visited graph: state i was first reached from `parents[i]` by its `choices[i]`-th
    enabled action; state 0 is the initial one."""

    def __init__(self, system: AnySystem, properties: tuple[Property, ...]) -> None:
        self.system, self.properties = system, properties
        self.monitor = Monitor(system, properties)
        self.visited: set[int] = set()
        self.parents, self.choices = array("q"), array("l")
        self.violations: list[Violation] = []
        self.transitions = self.depth = 0
        self.limit = ""
        self.interrupted = False

    def path(self, index: int) -> list[Any]:
        """The actions from the initial state to state `index`."""
        choices: list[int] = []
        while index:
            choices.append(self.choices[index])
            index = self.parents[index]
        system, state, actions = self.system, self.system.init(), []
        for choice in reversed(choices):
            action = system.enabled(state)[choice]
            actions.append(action)
            state = system.step(state, action)
        return actions

    def start(self) -> list[tuple[int, Any]]:
        state = self.system.init()
        self.visited.add(self.system.fingerprint(state))
        self.parents.append(-1)
        self.choices.append(-1)
        self.monitor.begin(state)
        self.collect(0, ())
        return [(0, state)]

    def collect(self, index: int, last: tuple[Any, ...]) -> None:
        """Turn what the monitor found into violations at the end of the path to `index`."""
        found, self.monitor.found[:] = tuple(self.monitor.found), ()
        actions = (*self.path(index), *last) if found else ()
        for prop, verdict in found:
            self.violations.append(
                attrs.evolve(
                    LABEL,
                    property=prop.name,
                    kind=verdict.kind,
                    witness=verdict.witness,
                    actions=actions,
                )
            )

    def level(
        self, frontier: list[tuple[int, Any]], max_states: int, is_over: Callable[[], bool]
    ) -> list[tuple[int, Any]]:
        """Expand one level; the next one, cut short at a limit."""
        enabled_in, step, fingerprint = (
            self.system.enabled,
            self.system.step,
            self.system.fingerprint,
        )
        visited, monitor = self.visited, self.monitor
        found = monitor.found
        following: list[tuple[int, Any]] = []
        for index, state in frontier:
            enabled = enabled_in(state)
            if monitor.has_liveness and is_quiescent(self.system, enabled):
                self.quiescent(index)
            for choice, action in enumerate(enabled):
                after = step(state, action)
                self.transitions += 1
                mark = fingerprint(after)
                if mark in visited:
                    monitor.observe_edge(state, after)
                elif len(visited) >= max_states:
                    self.limit = f"stopped by the limit of {max_states:,} states"
                    return following
                else:
                    visited.add(mark)
                    following.append((len(self.parents), after))
                    self.parents.append(index)
                    self.choices.append(choice)
                    monitor.observe(state, after, 0)
                if found:
                    self.collect(index, (action,))
                if is_over():
                    return following
        return following

    def quiescent(self, index: int) -> None:
        """Judge liveness along the path to a state where only faults are enabled."""
        path = self.path(index)
        waiting = [p for name, p in self.monitor.active.items() if p.kind in LIVENESS]
        monitor = Monitor(self.system, waiting)
        runner = Runner(self.system, monitor)
        runner.label = LABEL
        state = self.system.init()
        monitor.begin(state)
        for number, action in enumerate(path, 1):
            after = self.system.step(state, action)
            monitor.observe(state, after, number)
            state = after
        runner.actions = path
        runner.settle(state, SUFFIX_BOUND)
        for violation in runner.violations:
            self.violations.append(violation)
            self.monitor.violated.add(violation.property)
            self.monitor.drop(violation.property)

    def outcome(self, exhausted: bool, bound: str) -> Exploration:
        unjudged = "needs the liveness search: breadth-first search sees no fair cycles"
        return Exploration(
            properties=frozenset(prop.name for prop in self.properties),
            steps=self.transitions,
            states=len(self.visited),
            transitions=self.transitions,
            depth=self.depth,
            runs={"bfs": 1},
            violations=tuple(self.violations),
            witnessed=dict(self.monitor.witnessed),
            antecedents=self.monitor.antecedents,
            unfinished={p.name: unjudged for p in self.properties if p.kind in LIVENESS},
            exhausted=exhausted,
            bound=bound,
            limit=self.limit,
            interrupted=self.interrupted,
        )


@seldom_collecting()
def bfs(
    system: AnySystem,
    properties: Iterable[Property] = (),
    *,
    max_states: int = MAX_STATES,
    max_depth: int | None = None,
    stop_at_first: bool = False,
    is_out_of_time: Callable[[], bool] | None = None,
    on_progress: Callable[[int, int, int], None] | None = None,
) -> Exploration:
    """Explore every state, level by level, and judge every property; counts are exact.

    Stops early where every property was violated or witnessed, or at the first violation if so
    asked. max_depth: look at all schedules of so many actions and no further. is_out_of_time:
    asked now and then whether to give up.
    on_progress: told (transitions, states, depth) after each level.
    """
    work = _Bfs(system, tuple(properties))

    def is_over() -> bool:
        if is_out_of_time is not None and work.transitions % 256 == 255 and is_out_of_time():
            work.limit = "stopped by the limit of time"
            return True
        return work.monitor.is_settled or (stop_at_first and bool(work.violations))

    frontier: list[tuple[int, Any]] = []
    bound = ""
    try:
        frontier = work.start()
        while frontier and not work.limit:
            if is_over():
                work.limit = work.limit or "stopped because nothing was left to find"
                break
            if max_depth is not None and work.depth >= max_depth:
                bound = f"all schedules of up to {max_depth:,} actions"
                break
            frontier = work.level(frontier, max_states, is_over)
            work.depth += bool(frontier)
            if on_progress is not None:
                on_progress(work.transitions, len(work.visited), work.depth)
    except KeyboardInterrupt:
        work.interrupted, work.limit = True, "interrupted"
    if not work.limit and is_over():
        work.limit = work.limit or "stopped because nothing was left to find"
    return work.outcome(not work.limit and not bound, bound)
