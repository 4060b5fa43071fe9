"""The cells of the report: what the explorations and the failures say of each property."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from kspec.check.failures import Failure
from kspec.check.plan import FAULT_FREE, Column, Plan
from kspec.explore import Exploration, judge
from kspec.property import Property
from kspec.result import Answer, Result

Failures = Mapping[tuple[str, str], Failure]
"""By property and column."""

NOTHING = Exploration(properties=frozenset())


def cells(
    plan: Plan, explorations: Mapping[str, Exploration], failures: Failures
) -> tuple[Result, ...]:
    """One result for each row and column, the rows first."""
    return tuple(
        _cell(plan, prop, column, explorations.get(column.name), failures)
        for prop in plan.rows
        for column in plan.columns
    )


def counts(plan: Plan, prop: Property, column: Column) -> bool:
    """Does a violation of it count as a failure?"""
    is_meant = prop.name in plan.asked or not prop.known_false
    return is_meant and plan.is_judged(prop, column)


def _cell(
    plan: Plan, prop: Property, column: Column, seen: Exploration | None, failures: Failures
) -> Result:
    cell = judge(prop, seen or NOTHING, column.name, always=plan.is_always)
    if prop.name in plan.absent:
        reason = "what it is about cannot occur in this world"
        is_row = cell.verdict is not Answer.NOT_PROMISED
        return attrs.evolve(cell, verdict=Answer.VACUOUS, reason=reason) if is_row else cell
    failure = failures.get((prop.name, column.name))
    implied = failures.get((prop.name, FAULT_FREE))
    if failure is not None:
        return _of_failure(cell, failure, _reason(cell, failure))
    if seen is None and cell.verdict is Answer.UNKNOWN:
        return attrs.evolve(cell, reason="the check ended before it was explored")
    if seen is None or implied is None:
        return cell
    is_judged = plan.is_judged(prop, column)
    verdict = Answer.FAILS if is_judged else Answer.NOT_PROMISED
    limit = attrs.evolve(implied, known_limit=not counts(plan, prop, column))
    return attrs.evolve(
        _of_failure(cell, limit, "it fails without faults already"), verdict=verdict
    )


def _of_failure(cell: Result, failure: Failure, reason: str) -> Result:
    return attrs.evolve(
        cell,
        reason=reason,
        trace=failure.path,
        actions=len(failure.trace.actions),
        witness=failure.trace.witness,
        known_limit=failure.known_limit,
    )


def _reason(cell: Result, failure: Failure) -> str:
    if failure.problem:
        return f"its trace does not replay: {failure.problem}"
    if cell.verdict is Answer.NOT_PROMISED:
        return cell.reason
    suffix = failure.trace.suffix
    after = f"after {len(failure.trace.actions)} actions"
    if failure.trace.cycle:
        return f"{after} and then a fair cycle of {len(failure.trace.cycle)} that repeats for ever"
    if suffix is None:
        return after
    cycle = f"the last {suffix.cycle} repeat for ever" if suffix.cycle else "then nothing happens"
    return f"{after} and a fair suffix of {suffix.actions}; {cycle}"
