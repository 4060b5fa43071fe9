"""Iterative deepening: depth-first search with a bound on depth that grows by one.

It keeps no frontier and no log: of each state only its mark and its smallest depth, and the path
that it is on. After the turn with bound b the depths up to b are exact, so the next turn goes down
only along actions that lead one level deeper, to the states of depth b, and expands those. The
first counterexample is therefore as short as breadth-first search finds it; the price is that every
turn takes the actions of all earlier ones again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import attrs

from kspec.explore.collector import seldom_collecting
from kspec.explore.exhaustive.bfs import MAX_STATES
from kspec.explore.exhaustive.expand import ASK_EVERY
from kspec.explore.exhaustive.judging import Finding, Judging, judge_quiescence
from kspec.explore.exhaustive.search import OUT_OF_TIME, SETTLED, UNJUDGED
from kspec.explore.exhaustive.space import Limits
from kspec.explore.exploration import Exploration, Violation
from kspec.explore.runner import is_quiescent
from kspec.property import LIVENESS, Property
from kspec.system import AnySystem

_NONE = object()
LABEL = Violation(property="", kind="", witness="", actions=(), strategy="deepening")


class _Deepening:
    """The search so far. `depths` holds, for each mark, twice the smallest depth of its state,
    plus the parity of the last turn that went through it."""

    def __init__(self, system: AnySystem, properties: tuple[Property, ...], limits: Limits) -> None:
        self.system, self.properties, self.limits = system, properties, limits
        self.judging = Judging(system, properties)
        self.depths: dict[int, int] = {}
        self.violations: list[Violation] = []
        self.actions: list[Any] = []
        self.transitions = self.steps = self.depth = self._asked = 0
        self.limit, self.bound = "", ""
        self.interrupted = False

    def start(self) -> None:
        """Take in the initial state."""
        state = self.system.init()
        self.depths[self.system.fingerprint(state)] = 0
        self.report(self.judging.begin(state))

    def report(self, findings: Iterable[Finding]) -> None:
        """Keep violations found at the end of the present path."""
        for finding in findings:
            self.keep(
                attrs.evolve(
                    LABEL,
                    property=finding.property,
                    kind=finding.kind,
                    witness=finding.witness,
                    actions=tuple(self.actions),
                )
            )

    def keep(self, violation: Violation) -> None:
        self.violations.append(violation)
        if self.limits.on_violation is not None:
            self.limits.on_violation(violation)

    @property
    def is_over(self) -> bool:
        """Is there a reason to stop before the space is exhausted?"""
        if self.limit:
            return True
        if self.judging.is_settled or (self.limits.stop_at_first and self.violations):
            self.limit = SETTLED
        elif self.steps - self._asked >= ASK_EVERY and self.limits.is_out_of_time is not None:
            self._asked = self.steps
            self.limit = OUT_OF_TIME if self.limits.is_out_of_time() else ""
        return bool(self.limit)

    def turn(self, bound: int) -> bool:
        """Go down to the states of depth `bound` and expand them; was any state found?"""
        before = len(self.depths)
        self.actions.clear()
        stack = [self._children(self.system.init(), bound)]
        while stack and not self.is_over:
            below = next(stack[-1], _NONE)
            if below is _NONE:
                stack.pop()
                if self.actions:
                    self.actions.pop()
            else:
                stack.append(self._children(below, bound))
        return len(self.depths) > before

    def _children(self, state: Any, bound: int) -> Iterator[Any]:
        """The states to go through next; the last action of the path leads to the one given."""
        if len(self.actions) == bound:
            self._expand(state, bound)
            return
        system, depths = self.system, self.depths
        below = 2 * (len(self.actions) + 1)
        old, new = below + (bound - 1 & 1), below + (bound & 1)
        for action in system.enabled(state):
            after = system.step(state, action)
            self.steps += 1
            mark = system.fingerprint(after)
            if depths.get(mark) == old:
                depths[mark] = new
                self.actions.append(action)
                yield after

    def _expand(self, state: Any, bound: int) -> None:
        """Take every action of a state at the bound, and judge what that shows."""
        system, depths, judging = self.system, self.depths, self.judging
        enabled = system.enabled(state)
        if judging.liveness and is_quiescent(system, enabled):
            self._judge_quiescence()
        for action in enabled:
            if self.is_over:
                return
            after = system.step(state, action)
            self.steps += 1
            mark = system.fingerprint(after)
            is_new = mark not in depths
            if is_new and len(depths) >= self.limits.max_states:
                self.limit = f"stopped by the limit of {self.limits.max_states:,} states"
                return
            self.transitions += 1
            self.actions.append(action)
            if judging.edges.active:
                judging.edges.observe_edge(state, after)
                self.report(judging.take(judging.edges, 0, 0))
            if is_new:
                depths[mark] = 2 * (bound + 1) + (bound & 1)
                self.report(judging.state(after, 0, 0))
            self.actions.pop()

    def _judge_quiescence(self) -> None:
        asked = [prop for prop in self.properties if prop.name in self.judging.liveness]
        for violation in judge_quiescence(self.system, asked, list(self.actions), LABEL):
            self.judging.violate(violation.property)
            self.keep(violation)

    def outcome(self) -> Exploration:
        return Exploration(
            properties=frozenset(prop.name for prop in self.properties),
            steps=self.steps,
            states=len(self.depths),
            transitions=self.transitions,
            depth=self.depth,
            runs={"deepening": 1},
            violations=tuple(self.violations),
            witnessed=self.judging.witnessed,
            antecedents=self.judging.antecedents,
            unfinished={p.name: UNJUDGED for p in self.properties if p.kind in LIVENESS},
            exhausted=not self.limit and not self.bound,
            bound="" if self.limit else self.bound,
            limit=self.limit,
            interrupted=self.interrupted,
        )


@seldom_collecting()
def deepen(
    system: AnySystem,
    properties: Iterable[Property] = (),
    *,
    max_states: int = MAX_STATES,
    max_depth: int | None = None,
    stop_at_first: bool = False,
    is_out_of_time: Callable[[], bool] | None = None,
    on_progress: Callable[[int, int, int], None] | None = None,
    on_violation: Callable[[Violation], None] | None = None,
) -> Exploration:
    """Explore every state by depth-first turns of growing depth; options, counts, verdicts and
    the length of counterexamples are those of `bfs`.

    `steps` counts the actions of all turns, `transitions` those of the graph.
    """
    limits = Limits(
        max_states=max_states,
        max_depth=max_depth,
        stop_at_first=stop_at_first,
        is_out_of_time=is_out_of_time,
        on_progress=on_progress,
        on_violation=on_violation,
    )
    work = _Deepening(system, tuple(properties), limits)
    try:
        work.start()
        while not work.is_over:
            if max_depth is not None and work.depth >= max_depth:
                work.bound = f"all schedules of up to {max_depth:,} actions"
                break
            if not work.turn(work.depth):
                break
            work.depth += 1
            if on_progress is not None:
                on_progress(work.transitions, len(work.depths), work.depth)
    except KeyboardInterrupt:
        work.interrupted, work.limit = True, "interrupted"
    return work.outcome()
