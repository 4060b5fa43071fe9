"""What a check found: one result per property and column, the failures, and what was covered."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from kspec import __version__
from kspec.check.failures import Failure
from kspec.check.options import EXHAUSTIVE
from kspec.check.plan import Plan
from kspec.coverage import Coverage
from kspec.errors import (
    EXIT_HOLDS,
    EXIT_INTERRUPTED,
    EXIT_UNFINISHED,
    EXIT_VIOLATION,
)
from kspec.explain import Group, group
from kspec.explore import Exploration, statistics
from kspec.result import Answer, Result

SCHEMA = "kspec.dev/report/v1"


@attrs.frozen(kw_only=True)
class Report:
    """The whole outcome.

    explorations: by column, those explored only. exercised: only where `--coverage` asked for it.
    out: the folder of its traces. seconds: the time that was given for it, if any.
    """

    plan: Plan
    seed: int
    strategy: str
    results: tuple[Result, ...]
    explorations: Mapping[str, Exploration]
    failures: tuple[Failure, ...] = ()
    remarks: tuple[str, ...] = ()
    is_interrupted: bool = False
    exercised: Coverage | None = None
    out: Path = Path("kspec-out")
    seconds: float | None = None

    @property
    def world_name(self) -> str:
        return str((self.plan.world.get("metadata") or {}).get("name", "world"))

    @property
    def steps(self) -> int:
        return sum(seen.steps for seen in self.explorations.values())

    @property
    def states(self) -> int:
        return sum(seen.states for seen in self.explorations.values())

    @property
    def has_failed(self) -> bool:
        """Did something fail that was promised, or that the user asked for?"""
        return any(r.verdict is Answer.FAILS and not r.known_limit for r in self.results)

    @property
    def exit_status(self) -> int:
        if self.has_failed:
            return EXIT_VIOLATION
        if self.is_interrupted:
            return EXIT_INTERRUPTED
        return EXIT_UNFINISHED if self._unfinished() else EXIT_HOLDS

    def _unfinished(self) -> bool:
        """Did an exhaustive search leave undecided what a limit cut off, or what was asked for?"""
        return any(r.verdict is Answer.UNKNOWN and self._is_cut(r) for r in self.results)

    def _is_cut(self, result: Result) -> bool:
        seen, is_asked = self.explorations.get(result.faults), result.property in self.plan.asked
        if seen is None:
            return is_asked or self.strategy in EXHAUSTIVE
        return seen.is_exhaustive and (bool(seen.limit) or is_asked)

    @property
    def groups(self) -> tuple[Group, ...]:
        """The failures by cause."""
        return group(self.failures)

    def result(self, prop: str, faults: str) -> Result:
        return next(r for r in self.results if (r.property, r.faults) == (prop, faults))

    def to_json(self) -> dict[str, Any]:
        """The report for machines; `kspec schema report` prints its schema."""
        return {
            "schema": SCHEMA,
            "kspec": __version__,
            "world": self.world_name,
            "mutant": self.plan.parts.mutant,
            "seed": self.seed,
            "strategy": self.strategy,
            "steps": self.steps,
            "states": self.states,
            "groups": [group.to_json() for group in self.groups],
            "results": [_result(result) for result in self.results],
            "coverage": [self._coverage(column.name) for column in self.plan.columns],
            "remarks": list(self.remarks),
            "interrupted": self.is_interrupted,
        }

    def _coverage(self, column: str) -> dict[str, Any]:
        seen = self.explorations.get(column) or Exploration(properties=frozenset())
        companions = [p.name for p in self.plan.companions if p.name in seen.properties]
        return {
            "faults": column,
            "explored": column in self.explorations,
            "steps": seen.steps,
            "states": seen.states,
            "runs": dict(sorted(seen.runs.items())),
            "strategies": statistics.to_json(seen.statistics),
            "exhausted": seen.exhausted,
            "limit": seen.limit,
            "witnessed": {n: seen.witnessed[n] for n in companions if n in seen.witnessed},
            "unwitnessed": [n for n in companions if n not in seen.witnessed],
        }


def _result(result: Result) -> dict[str, Any]:
    return {**attrs.asdict(result), "verdict": result.verdict.value}
