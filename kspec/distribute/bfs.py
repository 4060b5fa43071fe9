"""`bfs` (kspec.explore) on workers: the same question, the same answer."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from kspec.distribute.recipe import Bounding, Recipe
from kspec.explore.collector import seldom_collecting
from kspec.explore.exhaustive.bfs import MAX_STATES, run
from kspec.explore.exhaustive.checkpoint import Checkpoint
from kspec.explore.exhaustive.log import SearchLog
from kspec.explore.exhaustive.memory_use import shares_of
from kspec.explore.exhaustive.resuming import Keeper, identity_of
from kspec.explore.exhaustive.space import Limits, space_of
from kspec.explore.exploration import Exploration, Violation

if TYPE_CHECKING:
    from kspec.distribute.fleet import Fleet

UNJUDGED = "needs the whole graph, which is not kept by workers: explore it without them"
"""Why a liveness property that fails at no quiescent state is not decided."""


@seldom_collecting()
def fleet_bfs(
    make: Callable[[Recipe, int | None, Path | None], Fleet],
    recipe: Recipe,
    *,
    max_states: int = MAX_STATES,
    max_depth: int | None = None,
    stop_at_first: bool = False,
    is_out_of_time: Callable[[], bool] | None = None,
    on_progress: Callable[[int, int, int], None] | None = None,
    on_violation: Callable[[Violation], None] | None = None,
    delays: int | None = None,
    faults: int | None = None,
    memory: int | None = None,
    spill: Path | None = None,
    checkpoint: Path | None = None,
    identity: str = "",
) -> Exploration:
    """As `bfs`, of the system of a recipe, by a fleet: `make` is a place's (distribute.places).

    States, transitions, depth and shortest counterexamples are those of `bfs` where it exhausts
    the space, and the same for any number of workers always; a search that stops early stops at
    the end of a level. Of liveness only quiescent states are judged. A checkpoint may have been
    begun by `bfs` without liveness, and the other way round.
    Raises what `bfs` raises, and KspecError where the same states kill three workers.
    """
    from kspec.distribute.exhaust import FleetSearch

    limits = Limits(
        max_states=max_states,
        max_depth=max_depth,
        stop_at_first=stop_at_first,
        is_out_of_time=is_out_of_time,
        on_progress=on_progress,
        on_violation=on_violation,
    )
    built = recipe()
    space = space_of(built.system, built.properties, built.mark, delays, faults)
    with ExitStack() as stack:
        share, rest = shares_of(memory)
        fleet = make(Bounding(recipe, delays, faults), share, spill)
        stack.callback(fleet.close)
        if checkpoint is None and fleet.may_lose_shards:
            folder = tempfile.TemporaryDirectory(prefix="kspec-", dir=spill)
            checkpoint = Path(stack.enter_context(folder))
        stored = None
        if checkpoint is not None:
            stored = Checkpoint(checkpoint, identity_of(space, identity))
        log = SearchLog(rest, spill)
        stack.callback(log.close)
        search = FleetSearch(space, limits, fleet, log, stored)
        run(search, None if stored is None else Keeper(search, stored))
        seen = search.outcome()
    return attrs.evolve(seen, unfinished=dict.fromkeys(seen.unfinished, UNJUDGED))
