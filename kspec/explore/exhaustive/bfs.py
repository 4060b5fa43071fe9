"""Breadth-first search: every reachable state, and the shortest counterexample.

States are kept as 64-bit marks; a path is the list of choices that made it, walked again when it
is needed. Safety is judged on every state and edge, liveness in the end, on the graph. Where
the graph is not kept, because states are merged, left out or put aside, or where the first
violation will do, it is judged against the system at quiescent states as they are met.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import attrs

from kspec.errors import InputError
from kspec.explore.collector import seldom_collecting
from kspec.explore.exhaustive.checkpoint import Checkpoint
from kspec.explore.exhaustive.expand import Graph, Mark
from kspec.explore.exhaustive.log import LogFull, SearchLog
from kspec.explore.exhaustive.memory_use import shares_of
from kspec.explore.exhaustive.resuming import Keeper, identity_of
from kspec.explore.exhaustive.search import Search
from kspec.explore.exhaustive.sorted_marks import StorageError
from kspec.explore.exhaustive.space import Limits, space_of
from kspec.explore.exhaustive.visited import Visited
from kspec.explore.exploration import Exploration, Violation
from kspec.explore.liveness.graph import StateGraph
from kspec.explore.liveness.healing import healing
from kspec.explore.liveness.judging import judge_graph
from kspec.property import LIVENESS, Property
from kspec.system import AnySystem

MAX_STATES = 1_000_000
INTERRUPTED = "interrupted"


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
    on_violation: Callable[[Violation], None] | None = None,
    mark: Mark | None = None,
    graph: Graph | None = None,
    delays: int | None = None,
    faults: int | None = None,
    memory: int | None = None,
    spill: Path | None = None,
    checkpoint: Path | None = None,
    identity: str = "",
) -> Exploration:
    """Explore every state, level by level, and judge every property; counts are exact.

    Stops early where every property was violated or witnessed, or at the first violation if so
    asked. max_depth: look at all schedules of so many actions and no further. is_out_of_time:
    asked now and then whether to give up.
    on_progress: told (transitions, states, depth) now and then. on_violation: told each violation
    at once.
    mark: the key of a state, 64 bits, in place of its fingerprint; states with the same key are
    explored once. graph: told every state and edge; not together with mark. Where liveness is
    judged the end of the faults is an action too, so that there are more states.
    delays, faults: only the schedules with so many delays from FIFO, and so many faults, at most
    (kspec.explore.exhaustive.bounded).
    memory: how many bytes the visited states and the search log may take before they go to files,
    in the directory `spill`.
    checkpoint: a directory that a stopped search goes on from when it is called again; identity:
    what else must be the same for that, such as a checksum of the world.
    Raises InputError where options do not go together, and for a checkpoint that cannot be used.
    """
    _refuse(mark is not None, graph is not None, delays is not None)
    _refuse_with_graph(graph is not None, memory=memory, checkpoint=checkpoint)
    wanted, liveness = tuple(properties), None
    others = (mark, graph, delays, faults, memory, checkpoint)
    if all(other is None for other in others) and any(p.kind in LIVENESS for p in wanted):
        system = healing(system)
        graph = liveness = StateGraph(system, wanted)
    if memory is not None and memory < 0:
        raise InputError(f"memory: {memory} is negative", expected="a number of bytes")
    space = space_of(system, wanted, mark, delays, faults)
    limits = Limits(
        max_states=max_states,
        max_depth=max_depth,
        stop_at_first=stop_at_first,
        is_out_of_time=is_out_of_time,
        on_progress=on_progress,
        on_violation=on_violation,
    )
    stored = None
    if checkpoint is not None:
        stored = Checkpoint(checkpoint, identity_of(space, identity))
    share, rest = shares_of(memory)
    visited, log = Visited(memory=share, directory=spill), SearchLog(rest, spill)
    try:
        search = Search(space, limits, visited, log, graph)
        run(search, None if stored is None else Keeper(search, stored))
        seen = search.outcome()
    finally:
        visited.close()
        log.close()
    return seen if liveness is None else _with_liveness(seen, liveness, on_violation)


def _with_liveness(
    seen: Exploration, graph: StateGraph, on_violation: Callable[[Violation], None] | None
) -> Exploration:
    """The exploration with the liveness of its graph."""
    if seen.interrupted:
        return _interrupted(seen)
    try:
        outcome = judge_graph(
            graph,
            cut=seen.limit or (seen.bound and f"{seen.bound} were explored"),
            violated=frozenset(violation.property for violation in seen.violations),
        )
        seen = attrs.evolve(
            seen,
            violations=(*seen.violations, *outcome.violations),
            antecedents=seen.antecedents | outcome.antecedents,
        )
        for violation in outcome.violations:
            if on_violation is not None:
                on_violation(violation)
    except KeyboardInterrupt:
        return _interrupted(seen)
    return attrs.evolve(seen, unfinished=outcome.unfinished)


def _interrupted(seen: Exploration) -> Exploration:
    """The exploration where its liveness could not be judged to the end; what it found stands."""
    return attrs.evolve(
        seen,
        interrupted=True,
        exhausted=False,
        bound="",
        limit=INTERRUPTED,
        unfinished=dict.fromkeys(seen.unfinished, INTERRUPTED),
    )


def _refuse(has_mark: bool, has_graph: bool, has_delays: bool) -> None:
    if has_mark and has_graph:
        raise InputError("symmetry is refused where the graph is wanted, as for liveness")
    if has_mark and has_delays:
        raise InputError("symmetry is refused where delays are bounded: FIFO tells actors apart")


def _refuse_with_graph(has_graph: bool, **options: object) -> None:
    for name, option in options.items():
        if has_graph and option is not None:
            raise InputError(f"{name} is refused where the graph is wanted: it stays in memory")


def run(search: Search, keeper: Keeper | None) -> None:
    """Level by level to the end or to a limit; the keeper is told of all of it."""
    try:
        _levels(search, keeper)
    except KeyboardInterrupt:
        search.interrupted, search.limit = True, INTERRUPTED
    except (LogFull, StorageError) as error:
        search.limit = f"stopped: {error}"
    finally:
        if keeper is not None:
            with suppress(StorageError):  # it has stopped the search before, or it is complete
                keeper.save()


def _levels(search: Search, keeper: Keeper | None) -> None:
    most = search.limits.max_depth
    search.start() if keeper is None else keeper.begin()
    while search.frontier and not search.is_over:
        if most is not None and search.depth >= most:
            search.bound = f"all schedules of up to {most:,} actions"
            break
        is_whole = search.level()
        if keeper is not None and is_whole:
            keeper.level_is_done()
