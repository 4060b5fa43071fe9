"""What a search says of each of its strategies."""

from __future__ import annotations

import json

import pytest
import toys

from kspec.explore import search
from kspec.explore.statistics import (
    HEADERS,
    StrategyStatistics,
    Tally,
    rows,
    to_json,
    violations_per_minute,
)

MIX = (("fifo", 1), ("walk", 1), ("pct", 1))


def tally_of(*news: int) -> Tally:
    """Runs of one strategy that each took 10 steps, visited 5 states, and showed so many first."""
    tally = Tally()
    for new in news:
        tally.take("walk", steps=10, states=5, new=new)
    return tally


def test_statistics_count_runs_steps_and_the_states_seen_first():
    (one,) = tally_of(5, 3, 0).statistics()
    assert (one.strategy, one.runs, one.steps, one.states) == ("walk", 3, 30, 8)


def test_statistics_judge_the_end_by_the_last_tenth_of_the_runs():
    (one,) = tally_of(*[5] * 18, 1, 2).statistics()
    assert (one.late_states, one.late_new, one.late_share) == (10, 3, 0.3)


def test_statistics_round_the_last_tenth_up_to_whole_runs():
    (one,) = tally_of(*[5] * 10, 0).statistics()
    assert (one.late_states, one.late_new) == (10, 5)


def test_statistics_of_a_strategy_that_never_visited_anything_are_zero():
    tally = Tally()
    tally.take("walk", steps=0, states=0, new=0)
    (one,) = tally.statistics()
    assert one.late_share == one.violations_per_million_steps == 0.0
    assert violations_per_minute(one, [one], 60.0) == 0.0


def test_statistics_come_in_the_order_in_which_strategies_first_ran():
    tally = Tally()
    for name in ("pct", "walk", "pct"):
        tally.take(name, steps=1, states=1, new=1)
    assert [one.strategy for one in tally.statistics()] == ["pct", "walk"]
    assert tally.runs == {"pct": 2, "walk": 1}


def test_violations_per_minute_charge_a_strategy_its_share_of_the_steps():
    tally = Tally()
    tally.take("pct", steps=100, states=1, new=1)
    tally.take("walk", steps=300, states=1, new=1)
    tally.violated("pct")
    pct, walk = tally.statistics()
    assert pct.violations_per_million_steps == 10_000.0
    assert violations_per_minute(pct, (pct, walk), 120.0) == pytest.approx(2.0)
    assert violations_per_minute(walk, (pct, walk), 120.0) == 0.0


def test_search_says_what_each_strategy_brought():
    seen = search(toys.binding(3), [toys.within_capacity(1)], seed=1, steps=2_000, strategies=MIX)
    every = seen.statistics
    assert {one.strategy: one.runs for one in every} == seen.runs
    assert every[0].strategy == "fifo"
    assert sum(one.steps for one in every) == seen.steps
    assert sum(one.states for one in every) == seen.states
    assert sum(one.violations for one in every) == len(seen.violations) == 1


def test_search_of_a_small_system_finds_nothing_new_at_the_end():
    seen = search(toys.livelock(), [], seed=1, steps=5_000, strategies=(("walk", 1),))
    (walk,) = seen.statistics
    assert (walk.states, walk.late_new) == (4, 0)


def test_statistics_are_a_function_of_the_seed():
    def run(seed: int) -> tuple[StrategyStatistics, ...]:
        return search(toys.binding(3), [], seed=seed, steps=2_000).statistics

    assert run(1) == run(1) != run(2)


def test_statistics_read_as_json_and_as_a_table():
    tally = tally_of(5, 5)
    tally.violated("walk")
    (found,) = to_json(tally.statistics())
    assert json.loads(json.dumps(found)) == {
        "strategy": "walk",
        "runs": 2,
        "steps": 20,
        "states": 10,
        "late_states": 5,
        "late_new": 5,
        "violations": 1,
        "late_share": 1.0,
        "violations_per_million_steps": 50_000.0,
    }
    (row,) = rows(tally.statistics())
    assert row == ("walk", "2", "20", "10", "100%", "1 (50,000.0 per million steps)")
    (row,) = rows(tally.statistics(), seconds=30.0)
    assert row[-1] == "1 (2.0 per minute)"
    assert len(row) == len(HEADERS)
