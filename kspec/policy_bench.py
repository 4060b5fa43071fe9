"""How fast scheduler policies are: scheduling in bulk, a trial, and a comparison on a trace.

The comparison is timed by the wall clock, because it runs on all cores; all else by processor time.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from kspec.bench import Numbers, Spawn, require
from kspec.suite import Suite

PLACED, PLACED_TWICE = (1_000, 10_000), (150, 600)
"""Nodes and pods: how many are scheduled, and how many in both forms."""
COMPARED = ("random", "dot-product", "gpu-clustering", "gpu-packing", "best-fit", "fgd")
SEEDS = 10


def schedule(suite: Suite, seed: int) -> Numbers:
    """Pods through the whole cycle of the default policy; the fast form against the plain one."""
    fast, _ = suite.schedule(*PLACED_TWICE, time.process_time)
    plain, slow = suite.schedule(*PLACED_TWICE, time.process_time, is_plain=True)
    require(fast == plain, "the vectorised form places pods otherwise than the plain one")
    nodes, pods = PLACED
    placed, seconds = suite.schedule(nodes, pods, time.process_time)
    require(len(placed) == pods, "the scheduler left pods pending on a cluster with room")
    return {"pods": pods, "seconds": seconds, "plain": len(plain) / slow}


def check(suite: Suite, seed: int) -> Numbers:
    """The whole report card of the default policy, and its slowest proof."""
    with tempfile.TemporaryDirectory() as out:
        given = {"clock": time.process_time, "seed": seed, "out": Path(out)}
        (trial,) = suite.trials(("default",), **given)  # type: ignore[arg-type]
        began = time.process_time()
        card = trial(lambda text: None)
        seconds = time.process_time() - began
    require(not card.has_failed, "the default policy is convicted: check that first")
    proofs = next(section for section in card.sections if section.name == "proofs")
    return {"seconds": seconds, "proof": max(row["seconds"] for row in proofs.rows)}


MEASURES: Mapping[str, Callable[[Suite, int], Numbers]] = {
    "policy.schedule": schedule,
    "policy.check": check,
}


def compare(trace: Path) -> float:
    """Seconds of the wall clock for the six policies of a trace's table, with all rules of ties."""
    command = [sys.executable, "-c", "from kspec.cli import main; main(prog_name='kspec')"]
    command += ["policy", "compare", *COMPARED, "--trace", str(trace), "--seeds", str(SEEDS)]
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    lines = done.stderr.strip().splitlines() or ["no output"]
    require(done.returncode == 0, f"kspec policy compare ended with {done.returncode}: {lines[-1]}")
    return seconds


def run(seed: int, spawn: Spawn, trace: Path | None) -> list[dict[str, str | float]]:
    """All of them, each with its name, value and unit; the comparison where there is a trace."""
    bulk, card = (spawn(name, seed) for name in MEASURES)
    measures = [
        ("policy.schedule_pods_per_second", round(bulk["pods"] / bulk["seconds"]), "pods/s"),
        ("policy.schedule_plain_pods_per_second", round(bulk["plain"]), "pods/s on 150 nodes"),
        ("policy.check_seconds", round(card["seconds"], 1), "s"),
        ("policy.slowest_proof_seconds", round(card["proof"], 2), "s"),
    ]
    if trace is not None:
        measures.append(("policy.compare_seconds", round(compare(trace), 1), "s on all cores"))
    return [{"name": name, "value": value, "unit": unit} for name, value, unit in measures]
