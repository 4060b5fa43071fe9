"""What each strategy contributed to a search: counted as outcomes are taken, in their order.

A state counts for the strategy whose run showed it first. Nothing here knows the time, so that two
searches with the same seed and steps have the same statistics; who has a clock asks for minutes.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import attrs

LAST_PART = 10
"""How the end of a strategy's runs is doing is judged by the last tenth of them."""

HEADERS = ("strategy", "runs", "steps", "first seen", "new at the end", "violations")


@attrs.frozen(kw_only=True)
class StrategyStatistics:
    """One strategy in one search.

    states: distinct states that its runs were the first to show. late_states: the states that the
    last tenth of its runs visited, run by run; late_new: how many of them no earlier run of the
    search had shown. violations: those that were kept.
    """

    strategy: str
    runs: int
    steps: int
    states: int
    late_states: int
    late_new: int
    violations: int

    @property
    def late_share(self) -> float:
        """How much of what its last runs saw was new, from 0 (worked out) to 1."""
        return self.late_new / self.late_states if self.late_states else 0.0

    @property
    def violations_per_million_steps(self) -> float:
        return self.violations * 1e6 / self.steps if self.steps else 0.0


class Tally:
    """Counts for each strategy what its runs brought."""

    def __init__(self) -> None:
        self._runs: dict[str, _Runs] = {}

    def take(self, strategy: str, *, steps: int, states: int, new: int) -> None:
        """One run: its steps, the distinct states it visited, and how many of them were new."""
        runs = self._runs.setdefault(strategy, _Runs())
        runs.steps += steps
        runs.states.append(states)
        runs.new.append(new)

    def violated(self, strategy: str) -> None:
        """A violation that a run of this strategy found."""
        self._runs.setdefault(strategy, _Runs()).violations += 1

    @property
    def runs(self) -> dict[str, int]:
        return {name: len(runs.new) for name, runs in self._runs.items()}

    def statistics(self) -> tuple[StrategyStatistics, ...]:
        """In the order in which the strategies first ran."""
        return tuple(runs.statistics(name) for name, runs in self._runs.items())


class _Runs:
    """The runs of one strategy, one number each of what they visited and what was new."""

    def __init__(self) -> None:
        self.steps = self.violations = 0
        self.states, self.new = array("Q"), array("Q")

    def statistics(self, name: str) -> StrategyStatistics:
        count = len(self.new)
        early = count - -(-count // LAST_PART)
        return StrategyStatistics(
            strategy=name,
            runs=count,
            steps=self.steps,
            states=sum(self.new),
            late_states=sum(self.states[early:]),
            late_new=sum(self.new[early:]),
            violations=self.violations,
        )


def violations_per_minute(
    one: StrategyStatistics, every: Sequence[StrategyStatistics], seconds: float
) -> float:
    """Violations per minute of a search that took so many seconds in all.

    A strategy is charged its share of the steps, because runs of all strategies may be under way
    at once.
    """
    steps = sum(other.steps for other in every)
    own = seconds * one.steps / steps if steps else 0.0
    return one.violations * 60.0 / own if own else 0.0


def merged(searches: Iterable[Sequence[StrategyStatistics]]) -> tuple[StrategyStatistics, ...]:
    """The statistics of several searches as of one, strategy by strategy."""
    whole: dict[str, StrategyStatistics] = {}
    for one in chain.from_iterable(searches):
        known = whole.get(one.strategy)
        if known is None:
            whole[one.strategy] = one
            continue
        names = [field.name for field in attrs.fields(StrategyStatistics)][1:]
        sums = {name: getattr(known, name) + getattr(one, name) for name in names}
        whole[one.strategy] = attrs.evolve(known, **sums)
    return tuple(whole.values())


def to_json(statistics: Sequence[StrategyStatistics]) -> list[dict[str, Any]]:
    """One object per strategy, without anything that a clock has measured."""
    return [
        {
            **attrs.asdict(one),
            "late_share": round(one.late_share, 4),
            "violations_per_million_steps": round(one.violations_per_million_steps, 3),
        }
        for one in statistics
    ]


def rows(
    statistics: Sequence[StrategyStatistics], seconds: float | None = None
) -> Iterator[tuple[str, ...]]:
    """The cells under HEADERS, a row per strategy; with the seconds a rate per minute, else per
    million steps.
    """
    for one in statistics:
        if seconds is None:
            rate = f"{one.violations_per_million_steps:,.1f} per million steps"
        else:
            rate = f"{violations_per_minute(one, statistics, seconds):,.1f} per minute"
        yield (
            one.strategy,
            f"{one.runs:,}",
            f"{one.steps:,}",
            f"{one.states:,}",
            f"{one.late_share:.0%}",
            f"{one.violations:,} ({rate})",
        )
