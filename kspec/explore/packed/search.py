"""Breadth-first search of a packed system, a whole level at a time: exact, because the word that is
kept is the state itself.

Each action is evaluated on the whole frontier (in parts that fit the processor's cache), what it
leads to is sorted, and what was seen before is taken away. No parents are kept: the path to a
counterexample is found by going back through the levels, which are. 16 bytes for each state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from random import Random

import numpy as np

from kspec.explore.exploration import Exploration
from kspec.explore.packed.columns import Words, successors
from kspec.explore.packed.judging import Judge, Path
from kspec.explore.packed.paths import path_to
from kspec.explore.packed.symmetry import canonical_form, check_symmetry
from kspec.explore.packed.system import PackedSystem
from kspec.explore.packed.visited import Visited, distinct
from kspec.property import Property

MAX_STATES = 100_000_000
PART, SCRATCH = 1 << 17, 256 << 20
"""States expanded at once, fewer where that could need more than SCRATCH bytes, or more than an
eighth of the memory that is allowed."""


class _Search:
    """levels[d]: the states first met after d actions, ascending."""

    def __init__(
        self, system: PackedSystem, properties: tuple[Property, ...], memory: int | None
    ) -> None:
        self.system, self.properties = system, properties
        self.canonical = canonical_form(system)
        self.judge = Judge(system, properties, self.path_to)
        self.visited = Visited()
        self.levels: list[Words] = []
        self.transitions = 0
        self.limit = ""
        self.interrupted = False
        self.memory = memory
        # Of each state: its successors three times over, its fields, and what guards compute.
        self.state_bytes = 8 * (3 * len(system.actions) + len(system.layout.fields) + 8)
        scratch = SCRATCH if memory is None else min(SCRATCH, memory // 8)
        self.part = max(1, min(PART, scratch // self.state_bytes))

    def path_to(self, word: np.uint64) -> Path:
        return path_to(self.system, self.canonical, self.levels, word)

    def exceeds_memory(self, new: int) -> bool:
        """Would it, once `new` states have been added? Counts also what is needed beside them: a
        copy for the next merge, and the expansion of a part."""
        states = 8 * (3 * len(self.visited) + 3 * new)
        return self.memory is not None and states + self.part * self.state_bytes > self.memory

    def parts(self, words: Words) -> Iterator[Words]:
        return (words[at : at + self.part] for at in range(0, len(words), self.part))

    def start(self) -> Words:
        first = np.array([self.system.first], np.uint64)
        return self.keep(first if self.canonical is None else self.canonical(first))

    def keep(self, level: Words) -> Words:
        """Make these new states a level, and judge each."""
        if not len(level):
            return level
        self.levels.append(level)
        self.visited.add(level)
        asked = [(prop.name, prop.predicate) for prop in self.judge.of_states]
        self.judge.states(self.parts(level))
        if self.canonical is not None:
            check_symmetry(self.system, self.canonical, level, Random(len(self.levels)), asked)
        return level

    def expand(self, part: Words) -> Words:
        """What follows from some states, each once, ascending; counts and judges every edge."""
        following = []
        for enabled, after in successors(self.system, part):
            self.transitions += len(after)
            following.append(after)
            if self.judge.of_edges:
                self.judge.edges(part[enabled], after)
        words = distinct(following)
        return words if self.canonical is None else distinct([self.canonical(words)])

    def following(self, frontier: Words, stop: Callable[[int], str]) -> Words:
        """The next level; cut short, with `limit` set, where `stop` says why."""
        level = Visited()
        for part in self.parts(frontier):
            found = self.visited.without(self.expand(part))
            level.add(level.without(found))
            self.limit = stop(len(level))
            if self.limit:
                break
        return level.merged()

    def outcome(self, bound: str) -> Exploration:
        unjudged = "needs the liveness search: breadth-first search sees no fair cycles"
        return Exploration(
            properties=frozenset(prop.name for prop in self.properties),
            steps=self.transitions,
            states=len(self.visited),
            transitions=self.transitions,
            depth=max(0, len(self.levels) - 1),
            runs={"packed": 1},
            violations=tuple(self.judge.violations),
            witnessed=self.judge.witnessed,
            unfinished={prop.name: unjudged for prop in self.judge.liveness},
            exhausted=not self.limit and not bound,
            bound=bound,
            limit=self.limit,
            interrupted=self.interrupted,
            is_exact=True,
            is_symmetric=self.canonical is not None,
        )


def packed_bfs(
    system: PackedSystem,
    properties: Iterable[Property] = (),
    *,
    max_states: int = MAX_STATES,
    max_depth: int | None = None,
    memory: int | None = None,
    stop_at_first: bool = False,
    is_out_of_time: Callable[[], bool] | None = None,
    on_progress: Callable[[int, int, int], None] | None = None,
) -> Exploration:
    """Explore every state, level by level, and judge every property; as `kspec.explore.bfs` does.

    States are counted up to the system's symmetry, where it declares one. A level is finished
    before anything that was found in it stops the search. memory: how many bytes may be used.
    is_out_of_time: asked now and then whether to give up. on_progress: told (transitions, states,
    depth) after each level.

    Raises InputError for a property that cannot be evaluated on whole levels, BrokenSymmetry where
    something tells apart what was declared interchangeable.
    """
    work = _Search(system, tuple(properties), memory)

    def stop(new: int) -> str:
        if len(work.visited) + new > max_states:
            return f"stopped by the limit of {max_states:,} states"
        if memory is not None and work.exceeds_memory(new):
            return f"stopped by the limit of {memory / 2**20:,.1f} MiB of memory"
        is_late = is_out_of_time is not None and is_out_of_time()
        return "stopped by the limit of time" if is_late else ""

    bound = ""
    try:
        frontier = work.start()
        while len(frontier) and not work.limit:
            if work.judge.is_settled or (stop_at_first and work.judge.violations):
                work.limit = "stopped because nothing was left to find"
            elif max_depth is not None and len(work.levels) > max_depth:
                bound = f"all schedules of up to {max_depth:,} actions"
                break
            else:
                following = work.following(frontier, stop)
                frontier = work.keep(following[: max_states - len(work.visited)])
                if on_progress is not None:
                    on_progress(work.transitions, len(work.visited), len(work.levels) - 1)
    except KeyboardInterrupt:
        work.interrupted, work.limit = True, "interrupted"
    except MemoryError:
        work.limit = "stopped because the machine has no more memory"
    return work.outcome(bound)
