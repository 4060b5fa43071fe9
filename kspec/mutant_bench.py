"""How soon each mutant is found, and how short its trace gets: each strategy alone, and the mix.

Times are processor seconds of one process, from before the system is built to the first violation,
with empty memo tables. Run as a module (`python -m kspec.mutant_bench MUTANT ...`) it measures one
mutant and prints its rows as JSON: that is what `run` starts, a few side by side.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs

from kspec.bench import WrongAnswer, require
from kspec.check.failures import Scene, make_small
from kspec.check.options import Options
from kspec.check.plan import Plan, make_plan
from kspec.errors import InputError
from kspec.explore import Violation, search
from kspec.explore.strategies.registry import DEFAULT, STRATEGIES, Weights
from kspec.property import Property
from kspec.suite import Suite, load_suite
from kspec.values import MEMOS

PORTFOLIO = "portfolio"
SEEDS = 5
LIMIT = 30_000
"""Steps after which a search is given up."""

Row = dict[str, Any]
Tell = Callable[[str], None]


@attrs.frozen
class Hunt:
    """One search for one mutant: processor seconds and steps to its first violation.

    actions: of its minimized trace; shrinking: the processor seconds that took. None where nothing
    was found.
    """

    seconds: float
    steps: int
    actions: int | None = None
    shrinking: float | None = None


def weights_of(strategy: str) -> Weights:
    return DEFAULT if strategy == PORTFOLIO else ((strategy, 1),)


def hunt(suite: Suite, plan: Plan, prop: Property, strategy: str, seed: int, limit: int) -> Hunt:
    """Look for one mutant's violation and make its trace small."""
    for memo in MEMOS:
        memo.table.clear()
    began = time.process_time()
    scene = Scene.of(suite, plan, plan.columns[0])
    seen = search(
        scene.system,
        [prop],
        seed=seed,
        steps=limit,
        strategies=weights_of(strategy),
        stop_at_first=True,
    )
    seconds = time.process_time() - began
    violation = seen.violation_of(prop.name)
    if violation is None:
        return Hunt(seconds, seen.steps)
    length, shrinking = _shrunk(scene, prop, violation)
    return Hunt(seconds, seen.steps, length, shrinking)


def _shrunk(scene: Scene, prop: Property, violation: Violation) -> tuple[int, float]:
    began = time.process_time()
    _, small, *_ = make_small(scene, prop, violation)
    return len(small.actions), time.process_time() - began


def rows_of(suite: Suite, mutant: str, seeds: Sequence[int], limit: int) -> Iterator[Row]:
    """One row for each strategy alone and one for the portfolio."""
    plan = make_plan(suite, Options(mutant=mutant))
    target = plan.mutant.property if plan.mutant is not None else ""
    prop = next(p for p in plan.rows if p.name == target)
    for strategy in (*STRATEGIES, PORTFOLIO):
        hunts = [hunt(suite, plan, prop, strategy, seed, limit) for seed in seeds]
        yield {"mutant": mutant, "property": target, "strategy": strategy, **summary(hunts)}


def summary(hunts: Sequence[Hunt]) -> Row:
    """Medians over the seeds; a search that found nothing counts as slower than any that did."""
    found = [hunt for hunt in hunts if hunt.actions is not None]
    is_known = 2 * len(found) > len(hunts)

    def median(values: Sequence[float], missing: float) -> float | None:
        padded = [*values, *[missing] * (len(hunts) - len(found))]
        return statistics.median_low(padded) if is_known else None

    return {
        "found": len(found),
        "seeds": len(hunts),
        "seconds": median([hunt.seconds for hunt in found], float("inf")),
        "steps": median([hunt.steps for hunt in found], float("inf")),
        "actions": median([hunt.actions or 0 for hunt in found], float("inf")),
        "shrink_seconds": median([hunt.shrinking or 0.0 for hunt in found], float("inf")),
    }


def _measure(suite: str, mutant: str, seeds: Sequence[int], limit: int) -> list[Row]:
    command = [sys.executable, "-m", "kspec.mutant_bench", mutant, suite, str(limit)]
    done = subprocess.run([*command, *map(str, seeds)], capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no output"]
        raise WrongAnswer(f"bench: {mutant} ended with status {done.returncode}: {lines[-1]}")
    found: list[Row] = json.loads(done.stdout)
    return found


def run(
    suite: Suite,
    seed: int,
    *,
    seeds: int = SEEDS,
    limit: int = LIMIT,
    only: Sequence[str] = (),
    tell: Tell = lambda mutant: None,
) -> list[Row]:
    """All rows, mutant by mutant; as many processes as there are cores.

    only: names of mutants, all where it is empty. Raises InputError for a name that no mutant has,
    and WrongAnswer where the portfolio does not find a mutant in most of its runs.
    """
    known = [mutant.name for mutant in suite.mutants()]
    for name in only:
        if name not in known:
            raise InputError(f"no mutant {name!r}", expected=" or ".join(known))
    names = [name for name in known if not only or name in only]
    chosen = [seed + number for number in range(seeds)]

    def one(name: str) -> list[Row]:
        rows = _measure(suite.name, name, chosen, limit)
        tell(name)
        return rows

    # the threads only wait for the processes
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        rows = [row for found in pool.map(one, names) for row in found]
    missed = [r["mutant"] for r in rows if r["strategy"] == PORTFOLIO and r["seconds"] is None]
    require(not missed, f"the portfolio misses {', '.join(missed)} within {limit:,} steps")
    return rows


def measures(rows: Sequence[Row]) -> list[dict[str, str | float]]:
    """What the table comes to: medians over the mutants, by strategy."""
    found: list[dict[str, str | float]] = []
    for strategy in dict.fromkeys(row["strategy"] for row in rows):
        mine = [row for row in rows if row["strategy"] == strategy]
        known = [row for row in mine if row["seconds"] is not None]
        name = f"mutants.{strategy}"
        found.append({"name": f"{name}.found", "value": len(known), "unit": f"of {len(mine)}"})
        for field, unit in (("seconds", "s"), ("actions", "actions"), ("shrink_seconds", "s")):
            if known:
                value = round(statistics.median(row[field] for row in known), 2)
                found.append({"name": f"{name}.{field}", "value": value, "unit": unit})
    return found


def table(rows: Sequence[Row]) -> Iterator[tuple[str, ...]]:
    """A line for each mutant: seconds to the violation and actions of its trace, by strategy."""
    strategies = tuple(dict.fromkeys(row["strategy"] for row in rows))
    yield ("seconds / actions", *strategies)
    for mutant in dict.fromkeys(row["mutant"] for row in rows):
        mine = {row["strategy"]: row for row in rows if row["mutant"] == mutant}
        yield (mutant, *(_cell(mine[strategy]) for strategy in strategies))


def _cell(row: Row) -> str:
    if row["seconds"] is None:
        return f"{row['found']} of {row['seeds']}"
    return f"{row['seconds']:.2f} / {row['actions']}"


def main(arguments: Sequence[str]) -> None:
    """The rows of one mutant, as JSON on standard output."""
    mutant, suite, limit, *seeds = arguments
    rows = rows_of(load_suite(suite), mutant, [int(seed) for seed in seeds], int(limit))
    print(json.dumps(list(rows)))


if __name__ == "__main__":
    main(sys.argv[1:])
