"""What `kspec bench --mutants` promises: medians that count what was missed as slowest."""

from __future__ import annotations

import pytest

from kspec.errors import InputError
from kspec.mutant_bench import Hunt, measures, rows_of, run, summary, table
from kspec.suite import load_suite


def test_a_search_that_found_nothing_counts_as_slower_than_any_that_did():
    found, missed = Hunt(1.0, 10, 3, 0.1), Hunt(9.0, 500)
    assert summary([found, found, missed])["seconds"] == 1.0
    assert summary([found, missed])["seconds"] is None
    assert summary([missed])["found"] == 0


def test_every_strategy_alone_and_the_portfolio_look_for_a_mutant():
    suite = load_suite()
    rows = list(rows_of(suite, "rollout-surges-by-one-more", [1], 2_000))
    by_strategy = {row["strategy"]: row for row in rows}
    assert by_strategy["portfolio"]["found"] == 1 and by_strategy["fifo"]["actions"] > 0
    assert all(row["property"] == "a-rollout-stays-below-its-surge" for row in rows)
    header, line = table(rows)
    assert header[-1] == "portfolio" and line[0] == "rollout-surges-by-one-more"
    names = {measure["name"] for measure in measures(rows)}
    assert {"mutants.portfolio.seconds", "mutants.portfolio.shrink_seconds"} <= names


def test_a_mutant_that_does_not_exist_is_an_input_error():
    with pytest.raises(InputError, match=r"no mutant 'rolout'; expected .*rollout-surges-by"):
        run(load_suite(), 1, only=["rolout"])
