"""The fault classes as columns of the report, and the budget that each column needs."""

from __future__ import annotations

NONE = "none"
FAULT_CLASSES = (
    "crash",
    "stale-list",
    "disconnect",
    "lost-request",
    "lost-answer",
    "throttle",
    "compaction",
    "node-loss",
    "pause",
    "partition",
    "failover",
)
COLUMNS = (NONE, *FAULT_CLASSES)

_IMPLIED = {"stale-list": {"crash": 1}, "compaction": {"disconnect": 2}}
"""A list is asked for only after a start, and a compaction is noticed only after a break."""


def all_but(*broken: str) -> tuple[str, ...]:
    """Every column but those of the named fault classes."""
    return tuple(column for column in COLUMNS if column not in broken)


def budget_of(faults: dict[str, int]) -> dict[str, int]:
    """The budget with the faults that others need before they can happen."""
    budget = dict(faults)
    for name in faults:
        for implied, count in _IMPLIED.get(name, {}).items():
            budget[implied] = max(budget.get(implied, 0), count)
    return budget
