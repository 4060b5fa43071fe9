"""What takes minutes to measure: the exhaustive search that is asked for, and two workers to one.

The search's seconds are processor time; those of workers are of the wall clock, because what they
save is waiting, so a busy machine shows less.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from kspec.bench import Numbers, Spawn, require, safety
from kspec.distribute.places import on_workers
from kspec.distribute.recipe import SceneRecipe
from kspec.explore import Exploration, search
from kspec.explore.reduction.exhaust import exhaust
from kspec.suite import Parts, Suite

MOST_STATES = 200_000
STEPS, WARM_STEPS = 200_000, 10_000
SIZE = (5, 20)


def fused(suite: Suite, seed: int) -> Numbers:
    """All schedules of two schedulers, two nodes with kubelets and three pods, up to symmetry."""
    system = suite.build(suite.exhaustible_world(), Parts())
    began = time.process_time()
    seen = exhaust(system, safety(suite), seed=seed, max_states=MOST_STATES)
    seconds = time.process_time() - began
    require(seen.exhausted and not seen.violations, f"the search did not end well: {seen.limit}")
    return {"states": seen.states, "transitions": seen.transitions, "seconds": seconds}


def workers(suite: Suite, seed: int) -> Numbers:
    """The same random search by one worker and by two; they must find the same."""
    world = suite.bench_world(*SIZE)
    names = tuple(prop.name for prop in safety(suite))
    recipe = SceneRecipe(suite=suite.name, world=world, parts=Parts(), properties=names)
    (one, slow), (two, fast) = (_timed(recipe, seed, count) for count in (1, 2))
    require(one == two, "two workers found something else than one")
    return {"steps": one.steps, "one": slow, "two": fast}


def _timed(recipe: SceneRecipe, seed: int, count: int) -> tuple[Exploration, float]:
    """What so many workers find once they are warm, and the seconds it takes them."""
    system, properties, _ = recipe()
    with on_workers(count) as place:
        search(system, properties, seed=seed, steps=WARM_STEPS, executor=place.executor(recipe))
        began = time.perf_counter()
        found = search(system, properties, seed=seed, steps=STEPS, executor=place.executor(recipe))
        return found, time.perf_counter() - began


MEASURES: Mapping[str, Callable[[Suite, int], Numbers]] = {
    "exhaustive.fused": fused,
    "workers.speedup": workers,
}


def run(seed: int, spawn: Spawn) -> list[dict[str, str | float]]:
    """All of them, each with its name, value and unit."""
    search, pair = spawn("exhaustive.fused", seed), spawn("workers.speedup", seed)
    measures = (
        ("exhaustive.fused.seconds", round(search["seconds"], 1), "s"),
        ("exhaustive.fused.states", search["states"], "states up to symmetry"),
        ("exhaustive.fused.transitions", search["transitions"], "transitions"),
        ("workers.speedup", round(pair["one"] / pair["two"], 2), "ratio"),
        ("workers.one", round(pair["steps"] / pair["one"]), "steps/s"),
        ("workers.two", round(pair["steps"] / pair["two"]), "steps/s"),
    )
    return [{"name": name, "value": value, "unit": unit} for name, value, unit in measures]
