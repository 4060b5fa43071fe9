"""One breadth-first search: its frontier, its visited states, its log, and what it found."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from kspec.explore.exhaustive.checkpoint import MARK, Level
from kspec.explore.exhaustive.expand import Expander, Expansion, Graph
from kspec.explore.exhaustive.graphs import GraphExpander
from kspec.explore.exhaustive.judging import Finding, Judging, judge_quiescence
from kspec.explore.exhaustive.log import CHOICE, PARENT, SearchLog, walk
from kspec.explore.exhaustive.memory_use import (
    MemoryUse,
    peak_memo_entries,
    peak_process_bytes,
)
from kspec.explore.exhaustive.space import Limits, Space
from kspec.explore.exhaustive.visited import BadMark, Visited
from kspec.explore.exploration import Exploration, Violation
from kspec.property import LIVENESS

LABEL = Violation(property="", kind="", witness="", actions=(), strategy="bfs")
OUT_OF_TIME = "stopped by the limit of time"
SETTLED = "stopped because nothing was left to find"
UNJUDGED = "needs the liveness search: breadth-first search sees no fair cycles"
NUMBER_BYTES = 170
"""What a mark and its number take in a hash table, at the most."""
CHUNK_LEAST, CHUNK_MOST, CHUNK_SHARE = 64, 4096, 64
"""States that are expanded at a time: a share of those seen, so that small searches stop soon."""


class Search:
    """The visited part of a space. `frontier` holds the states of the last level of `log`, which
    are numbered from `first` on."""

    def __init__(
        self,
        space: Space,
        limits: Limits,
        visited: Visited,
        log: SearchLog,
        graph: Graph | None = None,
    ) -> None:
        self.space, self.limits, self.visited, self.log = space, limits, visited, log
        self.judging = Judging(space.system, space.properties)
        self.expander = Expander(
            space.system, self.judging, mark=space.mark, is_out_of_time=self._is_out_of_time
        )
        self._grapher: GraphExpander | None = None
        if graph is not None:
            self._grapher = GraphExpander(self.expander, graph, limits.max_states)
        self.frontier: list[Any] = []
        self.latest = _new_level()
        self.first = self.transitions = self.depth = 0
        self.kept: list[tuple[Violation, list[int]]] = []
        self.limit, self.bound = "", ""
        self.was_cut = self.interrupted = False
        self._peak = MemoryUse()

    def _is_out_of_time(self) -> bool:
        if self.limits.is_out_of_time is not None and self.limits.is_out_of_time():
            self.limit = OUT_OF_TIME
        return bool(self.limit)

    @property
    def violations(self) -> tuple[Violation, ...]:
        return tuple(violation for violation, _ in self.kept)

    def start(self) -> None:
        """Take in the initial state."""
        state = self.space.system.init()
        mark = self.expander.mark(state)
        self.visited.add([mark])
        if self._grapher is not None:
            self._grapher.numbers[mark] = 0
        self.log.begin_level()
        self.log.extend([0], [0])
        self.frontier = [state]
        _append(self.latest, [mark], [0], [0])
        self.report(self.judging.begin(state))

    def report(self, findings: Sequence[Finding]) -> None:
        """Turn findings into violations, with the actions that lead to them, each property once."""
        for finding in findings:
            if any(kept.property == finding.property for kept, _ in self.kept):
                continue
            choices = self.log.choices_to(finding.source)
            choices += [] if finding.choice < 0 else [finding.choice]
            violation = attrs.evolve(
                LABEL,
                property=finding.property,
                kind=finding.kind,
                witness=finding.witness,
                actions=tuple(action for action, _ in walk(self.space.system, choices)),
            )
            self.keep(violation, choices)

    def _report(self, expansion: Expansion) -> None:
        """Report what an expansion found; what an interruption leaves can be reported again."""
        self.report(expansion.findings)
        expansion.findings = []

    def keep(self, violation: Violation, choices: list[int]) -> None:
        """Keep a violation at the end of the path of these choices, and tell of it."""
        self.kept.append((violation, choices))
        self.tell(violation)

    def tell(self, violation: Violation) -> None:
        if self.limits.on_violation is not None:
            self.limits.on_violation(violation)

    def _judge_quiescence(self, index: int) -> None:
        if self._grapher is not None and not self.limits.stop_at_first:
            return  # the graph will tell, with the shortest way
        waiting = self.judging.liveness
        asked = [prop for prop in self.space.plain_properties if prop.name in waiting]
        if asked:
            choices = self.log.choices_to(index)
            actions = [action for action, _ in walk(self.space.system, choices)]
            for violation in judge_quiescence(self.space.plain, asked, actions, LABEL):
                self.judging.violate(violation.property)
                self.keep(violation, choices)

    @property
    def is_over(self) -> bool:
        """Is there a reason to stop before the space is exhausted?"""
        if self.limit:
            return True
        if self.judging.is_settled or (self.limits.stop_at_first and self.kept):
            self.limit = SETTLED
        return bool(self.limit)

    def level(self) -> bool:
        """Expand the frontier and make the next one; False where it was cut short at a limit."""
        following: list[Any] = []
        latest = _new_level()
        self.log.begin_level()
        end = len(self.log)
        try:
            for expansion in self._expansions():
                self._add(expansion)
                following += expansion.states
                _append(latest, expansion.marks, expansion.sources, expansion.choices)
                if self.limits.on_progress is not None:
                    self.limits.on_progress(self.transitions, len(self.log), self.depth)
                if self.is_over:
                    break
        finally:
            self._report(self.expander.underway)
        self.frontier, self.latest, self.first = following, latest, end
        self.depth += bool(following)
        if not following:
            self.log.levels.pop()
        return not self.limit

    def _expansions(self) -> Iterator[Expansion]:
        done = 0
        while done < len(self.frontier):
            size = min(CHUNK_MOST, max(CHUNK_LEAST, len(self.log) // CHUNK_SHARE))
            entries = enumerate(self.frontier[done : done + size], self.first + done)
            if self._grapher is not None:
                yield self._grapher.expand(entries)
            else:
                yield self.expander.expand(entries, self.visited.table)
            done += size

    def _add(self, expansion: Expansion) -> None:
        """Count and report an expansion; number, judge and log what is new in it."""
        self.transitions += expansion.transitions
        self.was_cut |= expansion.was_cut
        self._report(expansion)
        for index in expansion.quiescent:
            self._judge_quiescence(index)
        if self._grapher is not None:
            self.limit = self._full if self._grapher.is_full else self.limit
        elif self.visited.is_table:
            self.visited.settle()
        else:
            expansion.keep(self.visited.add(expansion.marks))
        self._cut(expansion)
        self.expander.judge(expansion)
        self._report(expansion)
        self.log.extend(expansion.sources, expansion.choices)
        self._measure()

    def _cut(self, expansion: Expansion) -> None:
        room = max(0, self.limits.max_states - len(self.log))
        if len(expansion.states) > room:
            expansion.cut(room)
            self.limit = self._full

    @property
    def _full(self) -> str:
        return f"stopped by the limit of {self.limits.max_states:,} states"

    def _measure(self) -> None:
        visited, log, peak = self.visited, self.log, self._peak
        numbers = 0 if self._grapher is None else len(self._grapher.numbers)
        use = MemoryUse(
            visited_bytes=visited.memory_bytes + numbers * NUMBER_BYTES,
            log_bytes=log.memory_bytes,
            file_bytes=visited.file_bytes + log.file_bytes,
        )
        self._peak = max(peak, use, key=lambda use: use.visited_bytes + use.log_bytes)
        if self._peak.file_bytes < use.file_bytes:
            self._peak = attrs.evolve(self._peak, file_bytes=use.file_bytes)

    def outcome(self) -> Exploration:
        """What was covered and found; exhausted where nothing stopped it and no bound hid any."""
        bound = self.bound or (self.space.bound if self.was_cut else "")
        return Exploration(
            properties=frozenset(prop.name for prop in self.space.properties),
            steps=self.transitions,
            states=len(self.log),
            transitions=self.transitions,
            depth=self.depth,
            runs={"bfs": 1},
            violations=self.violations,
            witnessed=self.judging.witnessed,
            antecedents=self.judging.antecedents,
            unfinished={p.name: UNJUDGED for p in self.space.properties if p.kind in LIVENESS},
            exhausted=not self.limit and not bound,
            bound="" if self.limit else bound,
            limit=self.limit,
            interrupted=self.interrupted,
            memory=attrs.evolve(
                self._peak,
                memo_entries=peak_memo_entries(),
                process_bytes=peak_process_bytes(),
            ),
        )


def _new_level() -> Level:
    return Level(array(MARK), array(PARENT), array(CHOICE))


def _append(
    level: Level, marks: Sequence[int], parents: Sequence[int], choices: Sequence[int]
) -> None:
    try:
        level.marks.extend(marks)
    except (OverflowError, TypeError) as error:
        raise BadMark("the mark of a state is no whole number of 64 bits") from error
    level.parents.extend(parents)
    level.choices.extend(choices)
