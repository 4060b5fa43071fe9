"""How fast the engine runs a suite's model, measured in fresh processes that check their answers.

Times are processor time of one process, so that a busy machine does not change them much; only the
start-up is measured by the wall clock. A benchmark whose answer is wrong raises.

Run as a module (`python -m kspec.bench MEASURE SEED SUITE`) it makes one measurement and prints it
as JSON: that is what `run` starts, once for each.
"""

from __future__ import annotations

import importlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping

from kspec.errors import KspecError
from kspec.explore import Violation, bfs
from kspec.explore.exhaustive.memory_use import peak_process_bytes
from kspec.explore.monitor import Monitor
from kspec.explore.runner import Runner
from kspec.explore.strategies.strategy import Scale, rng_of
from kspec.explore.strategies.walk import Walk
from kspec.property import Kind, Property
from kspec.suite import Parts, Suite, load_suite
from kspec.system import AnySystem, FunctionSystem
from kspec.values import MEMOS

SCHEMA = "kspec.dev/bench/v1"
RUN_LENGTH = 2_000
SMALL, LARGE = (5, 20), (100, 1_000)
SMALL_STEPS, LARGE_STEPS = 60_000, 20_000
HUGE, HUGE_STEPS = (1_000, 10_000), 20_000
BFS_WORLD, BFS_STATES = (2, 3), 10_000
COUNTERS, COUNTS = 4, 6
STARTS = 5
LABEL = Violation(property="", kind="", witness="", actions=(), strategy="walk")

Numbers = dict[str, float]
Spawn = Callable[[str, int], Numbers]


class WrongAnswer(KspecError):
    """A benchmark did not compute what it should have, so its time means nothing."""


def require(condition: object, what: str) -> None:
    if not condition:
        raise WrongAnswer(f"bench: {what}")


def safety(suite: Suite) -> tuple[Property, ...]:
    """What a benchmark judges at every step."""
    kinds = (Kind.INVARIANT, Kind.TRANSITION)
    return tuple(p for p in suite.properties() if p.kind in kinds and not p.known_false)


def walk(
    suite: Suite,
    size: tuple[int, int],
    steps: int,
    seed: int,
    active: tuple[int, int] | None = None,
) -> Numbers:
    """Random runs from the start on a world of so many nodes and pods, after one to warm up.

    active: so many of them take part, the others are only there.
    """
    properties = safety(suite)
    world = suite.bench_world(*size, active) if active else suite.bench_world(*size)
    system = suite.build(world, Parts())
    runner = Runner(system, Monitor(system, properties))
    strategy = Walk(system)

    def one_run(number: int) -> None:
        strategy.begin(rng_of("run", seed, 0, number), Scale(RUN_LENGTH, 1))
        require(runner.run(strategy, RUN_LENGTH, 0, LABEL), "a run took no step")

    one_run(0)
    warm, began, number = runner.steps, time.process_time(), 0
    while runner.steps - warm < steps:
        number += 1
        one_run(number)
    seconds = time.process_time() - began
    broken = [violation.property for violation in runner.violations]
    require(not broken, f"{broken} failed with seed {seed}: check that first")
    require(len(runner.states) > number, "the runs visited hardly any state")
    return {"steps": runner.steps - warm, "seconds": seconds, **_memory()}


def _memory() -> Numbers:
    """Peak memory of this process, and what its memo tables did."""
    hits, misses = sum(m.hits for m in MEMOS), sum(m.misses for m in MEMOS)
    return {
        "hit_rate": hits / max(1, hits + misses),
        "memo_entries": sum(memo.peak for memo in MEMOS),
        "peak_mib": peak_process_bytes() / 2**20,
    }


def counters() -> AnySystem:
    """Counters that wrap around: COUNTS ** COUNTERS states, and from each an edge per counter."""

    def following(state: tuple[int, ...], which: int) -> tuple[int, ...]:
        return tuple((n + (i == which)) % COUNTS for i, n in enumerate(state))

    return FunctionSystem(
        initial=(0,) * COUNTERS,
        enabled_actions=lambda state: range(COUNTERS),
        next_state=following,
    )


def exhaust(suite: Suite, seed: int) -> Numbers:
    """Breadth-first search: exact on a system of known size, and timed on the model."""
    known = bfs(counters())
    expected = (COUNTS**COUNTERS, COUNTERS * COUNTS**COUNTERS)
    require((known.states, known.transitions) == expected, "the search miscounts a known system")
    system = suite.build(suite.bench_world(*BFS_WORLD), Parts())
    began = time.process_time()
    seen = bfs(system, safety(suite), max_states=BFS_STATES)
    seconds = time.process_time() - began
    require(not seen.violations, "the faithful model fails: check that first")
    require(seen.exhausted or seen.states == BFS_STATES, "the search stopped too early")
    return {"states": seen.states, "transitions": seen.transitions, "seconds": seconds}


MEASURES: Mapping[str, Callable[[Suite, int], Numbers]] = {
    "walk.small": lambda suite, seed: walk(suite, SMALL, SMALL_STEPS, seed),
    "walk.large": lambda suite, seed: walk(suite, LARGE, LARGE_STEPS, seed),
    "walk.huge": lambda suite, seed: walk(suite, HUGE, HUGE_STEPS, seed, active=SMALL),
    "bfs": exhaust,
}
SECTIONS = {
    "peers": "kspec.peers.measures",
    "exhaustive": "kspec.large_bench",
    "workers": "kspec.large_bench",
    "policy": "kspec.policy_bench",
}
"""Modules with MEASURES of their own, by the first word of their names: what options ask for."""


def measurement(name: str) -> Callable[[Suite, int], Numbers]:
    """The function behind the name of one measurement."""
    section = SECTIONS.get(name.partition(".")[0])
    measures = MEASURES if section is None else importlib.import_module(section).MEASURES
    found: Callable[[Suite, int], Numbers] = measures[name]
    return found


def spawn_for(suite: str) -> Spawn:
    """Makes one measurement in a process of its own."""

    def spawn(measure: str, seed: int) -> Numbers:
        command = [sys.executable, "-m", "kspec.bench", measure, str(seed), suite]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["no output"]
            raise WrongAnswer(f"bench: {measure} ended with status {done.returncode}: {lines[-1]}")
        found: Numbers = json.loads(done.stdout)
        return found

    return spawn


def startup() -> float:
    """Seconds of the wall clock from nothing to the end of `kspec --help`; the median of some."""
    code = "from kspec.cli import main; main(prog_name='kspec')"
    times = []
    for _ in range(STARTS):
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=False
        )
        times.append(time.perf_counter() - began)
        require(done.returncode == 0 and "Usage" in done.stdout, "`kspec --help` does not work")
    return statistics.median(times)


def run(seed: int, spawn: Spawn) -> list[dict[str, str | float]]:
    """All measures, each with its name, value and unit."""
    small, large, huge, search = (spawn(name, seed) for name in MEASURES)
    walks = (("s", small), ("l", large), ("h", huge))
    cost = {name: of["seconds"] / of["steps"] for name, of in walks}
    measures = (
        ("walk.steps_per_second", round(1 / cost["s"]), "steps/s"),
        ("walk.large_steps_per_second", round(1 / cost["l"]), "steps/s"),
        ("walk.cost_growth", round(cost["l"] / cost["s"], 2), "ratio"),
        ("walk.cost_growth_1000", round(cost["h"] / cost["s"], 2), "ratio"),
        ("walk.steps", small["steps"], "steps"),
        ("bfs.states_per_second", round(search["states"] / search["seconds"]), "states/s"),
        ("bfs.transitions_per_second", round(search["transitions"] / search["seconds"]), "steps/s"),
        ("bfs.states", search["states"], "states"),
        ("startup.seconds", round(startup(), 3), "s"),
        ("memo.hit_rate", round(small["hit_rate"], 4), "ratio"),
        ("memo.peak_entries", small["memo_entries"], "entries"),
        ("memory.peak", round(small["peak_mib"], 1), "MiB"),
        ("memory.large_peak", round(large["peak_mib"], 1), "MiB"),
    )
    return [{"name": name, "value": value, "unit": unit} for name, value, unit in measures]


def main(arguments: list[str]) -> None:
    """One measurement, as JSON on standard output."""
    measure, seed, suite = arguments
    print(json.dumps(measurement(measure)(load_suite(suite), int(seed))))


if __name__ == "__main__":
    main(sys.argv[1:])
