"""Expanding states: a pure function of them, which knows nothing of numbers but their own.

What leads to a state that is not known yet is a candidate. Whether it is new, the set of visited
states says afterwards, and only then the state is judged; edges are judged at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from kspec.explore.exhaustive.judging import Finding, Judging
from kspec.explore.runner import is_quiescent
from kspec.system import AnySystem

Mark = Callable[[Any], int]
ASK_EVERY = 256
"""Transitions between two questions whether to give up."""


class Expansion:
    """What came of expanding some states.

    marks, sources, choices and states describe the candidates, in the order in which they were
    met: candidate i is `states[i]`, whose mark is `marks[i]`, reached from the state numbered
    `sources[i]` by its `choices[i]`-th enabled action. No mark comes twice.
    transitions: how many actions were taken. expanded: how many states were expanded.
    findings: violations found, first on edges and then on new states. quiescent: numbers of states
    where only faults are enabled, where liveness is to be judged. was_cut: the bound of the
    system's schedules hid something.
    """

    __slots__ = (
        *("marks", "sources", "choices", "states", "transitions", "expanded"),
        *("findings", "quiescent", "was_cut"),
    )

    def __init__(self) -> None:
        self.marks: list[int] = []
        self.sources: list[int] = []
        self.choices: list[int] = []
        self.states: list[Any] = []
        self.transitions = self.expanded = 0
        self.findings: list[Finding] = []
        self.quiescent: list[int] = []
        self.was_cut = False

    def keep(self, flags: Sequence[bool]) -> None:
        """Keep only the candidates with a true flag."""
        for name in ("marks", "sources", "choices", "states"):
            items = getattr(self, name)
            setattr(self, name, [item for item, flag in zip(items, flags, strict=True) if flag])

    def cut(self, count: int) -> None:
        """Keep only the first candidates."""
        for name in ("marks", "sources", "choices", "states"):
            del getattr(self, name)[count:]


class Graph(Protocol):
    """Told the whole graph: each distinct state once, when it is expanded, and each edge."""

    def state(self, index: int, state: Any, enabled: Sequence[Any]) -> None: ...

    def edge(self, source: int, choice: int, target: int, action: Any, after: Any) -> None: ...


class Expander:
    """Expands states of one system. `mark` gives the key of a state; the fingerprint is the usual
    one. is_out_of_time: asked now and then whether to give up.

    `underway` is the last expansion, so that what it found is there even where it did not end.
    """

    def __init__(
        self,
        system: AnySystem,
        judging: Judging,
        *,
        mark: Mark | None = None,
        is_out_of_time: Callable[[], bool] | None = None,
    ) -> None:
        self.system, self.judging = system, judging
        self.mark: Mark = system.fingerprint if mark is None else mark
        self._is_out_of_time = is_out_of_time or (lambda: False)
        self._is_cut: Callable[[Any], bool] | None = getattr(system, "is_cut", None)
        self._asked = 0
        self.underway = Expansion()

    def expand(self, entries: Iterable[tuple[int, Any]], known: set[int]) -> Expansion:
        """Expand (number, state) pairs, in order; stops before the end where time is out.

        known: marks that are no candidates; it is told those of the candidates.
        """
        out, judging = self.begin(), self.judging
        enabled_in, step, mark_of = self.system.enabled, self.system.step, self.mark
        edges = judging.edges
        observe_edge, found, learn = edges.observe_edge, edges.found, known.add
        marks, sources, choices = out.marks.append, out.sources.append, out.choices.append
        states = out.states.append
        looks_at_states = bool(judging.liveness) or self._is_cut is not None
        has_edges = bool(edges.active)
        for index, state in entries:
            enabled = enabled_in(state)
            if looks_at_states:
                self.enter(out, index, state, enabled)
            for choice, action in enumerate(enabled):
                after = step(state, action)
                mark = mark_of(after)
                if mark not in known:
                    learn(mark)
                    marks(mark)
                    sources(index)
                    choices(choice)
                    states(after)
                if has_edges:
                    observe_edge(state, after)
                    if found:
                        out.findings += judging.take(edges, index, choice)
            if self.leave(out, len(enabled)):
                break
        return out

    def begin(self) -> Expansion:
        """A new expansion, which `underway` is until the next."""
        self.underway = Expansion()
        return self.underway

    def enter(self, out: Expansion, index: int, state: Any, enabled: Sequence[Any]) -> None:
        """Note what a state that is about to be expanded says by itself."""
        if self.judging.liveness and is_quiescent(self.system, enabled):
            out.quiescent.append(index)
        if self._is_cut is not None and not out.was_cut:
            out.was_cut = self._is_cut(state)

    def leave(self, out: Expansion, transitions: int) -> bool:
        """Count a state as expanded; is the time out?"""
        out.expanded += 1
        out.transitions += transitions
        self._asked += transitions
        if self._asked < ASK_EVERY:
            return False
        self._asked = 0
        return self._is_out_of_time()

    def judge_edge(self, out: Expansion, before: Any, after: Any, source: int, choice: int) -> None:
        """Judge one edge."""
        edges = self.judging.edges
        if edges.active:
            edges.observe_edge(before, after)
            if edges.found:
                out.findings += self.judging.take(edges, source, choice)

    def judge(self, expansion: Expansion) -> None:
        """Judge the states that are left of the candidates, which are the new ones."""
        states = self.judging.states
        if not states.active:
            return
        observe, found = states.observe, states.found
        for position, state in enumerate(expansion.states):
            observe(None, state, 0)
            if found:
                source, choice = expansion.sources[position], expansion.choices[position]
                expansion.findings += self.judging.take(states, source, choice)
