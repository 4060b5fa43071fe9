"""The same seed gives the same bytes, in every process and under every hash seed."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest
import toys

from kspec.explore import Nondeterministic, bfs, check_determinism, search
from kspec.explore.determinism import Twice

HERE = Path(__file__).parent
SCRIPT = """
import toys
from kspec import trace
from kspec.explore import bfs, search
from kspec.shrink import shrink

cases = [
    (toys.binding(4), toys.within_capacity()),
    (toys.stale_cache(), toys.acts_on_fresh()),
    (toys.service(heals=False), toys.submitted_leads_to_served),
    (toys.livelock(), toys.gets_to_four),
    (toys.two_phase_commit(3), toys.consistent),
]
for system, prop in cases:
    for outcome in (search(system, [prop], seed=5, steps=4_000), bfs(system, [prop])):
        print(outcome.coverage, outcome.rounds)
        for found in outcome.violations:
            small = shrink(system, prop, found)
            print(small.replays, trace.to_text(trace.record(system, found)))
            print(trace.to_text(trace.record(system, small.violation)))
"""


def test_same_seed_gives_the_same_bytes_under_every_hash_seed():
    outputs = []
    for hash_seed in ("1", "2"):
        path = os.pathsep.join([str(HERE), str(HERE.parent)])
        env = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": path}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=env, capture_output=True, check=True
        )
        outputs.append(done.stdout)
    assert outputs[0] == outputs[1]
    assert outputs[0].count(b"schema: kspec.dev/trace/v1") > 8


@pytest.mark.parametrize("system", [toys.die_hard(), toys.two_phase_commit(3), toys.service()])
def test_deterministic_system_passes_the_check(system):
    check_determinism(system, steps=300)


def counting_system():
    """It counts in a global: each call of step gives another state."""
    counter = itertools.count()

    def moves(s):
        yield toys.Act("counter", "Count"), next(counter)

    return toys.toy(0, moves)


def test_check_names_the_first_difference_between_two_runs():
    with pytest.raises(Nondeterministic, match=r"step 1: two runs differ in the state: \w{16}"):
        check_determinism(counting_system())


def test_every_explorer_runs_on_a_system_that_compares_with_itself():
    twice = Twice(toys.binding(2))
    assert bfs(twice).states == 169
    assert search(twice, [], seed=1, steps=500) == search(toys.binding(2), [], seed=1, steps=500)


def test_explorer_on_a_nondeterministic_system_stops_at_the_first_difference():
    with pytest.raises(Nondeterministic, match=r"the state after Count\(counter\)"):
        search(Twice(counting_system()), [], seed=1, steps=500)
