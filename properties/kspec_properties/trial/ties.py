"""How much of a policy's quality is the choice among nodes that it rates alike.

The same instances, the same order of pods, and the share of pods placed where the lowest name wins,
the highest name, or one drawn at random, by several seeds.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from typing import Any

from kspec.trial import Finding, Section
from kspec.trial.card import NO_VIOLATION
from kspec_properties.trial.guard import Guarded
from kspec_properties.trial.instances import Instance
from kspec_properties.trial.placement import Choice, at_random, highest, lowest, place
from kspec_properties.trial.samples import samples

NAME = "ties"
SEEDS = 10


def section(
    policy: Any,
    clock: Callable[[], float],
    *,
    instances: Mapping[str, Instance] | None = None,
    seeds: int = SEEDS,
) -> Section:
    """Placed percent of each sample, and of the given instances, under each tie rule."""
    start = clock()
    guarded = Guarded(policy)
    cases = {**samples(), **(instances or {})}
    rows = tuple(_row(name, guarded, case, seeds) for name, case in cases.items())
    return Section(NAME, (_finding(rows, seeds),), rows, clock() - start)


def _row(name: str, policy: Any, instance: Instance, seeds: int) -> dict[str, Any]:
    drawn = [placed_percent(policy, instance, at_random(seed)) for seed in range(seeds)]
    return {
        "instance": name,
        "lowest_name": round(placed_percent(policy, instance, lowest), 1),
        "highest_name": round(placed_percent(policy, instance, highest), 1),
        "random_mean": round(statistics.fmean(drawn), 1),
        "random_sd": round(statistics.stdev(drawn), 1) if seeds > 1 else 0.0,
        "spread": round(max(drawn) - min(drawn), 1),
    }


def placed_percent(policy: Any, instance: Instance, choose: Choice) -> float:
    """The share of the waiting pods that is placed under a tie rule."""
    if not instance.pending:
        return 100.0
    return 100 * len(place(policy, instance, choose).bound) / len(instance.pending)


def _finding(rows: tuple[dict[str, Any], ...], seeds: int) -> Finding:
    columns = ("lowest_name", "highest_name", "random_mean")
    differing = [row["instance"] for row in rows if len({row[c] for c in columns}) > 1]
    means = {c: statistics.fmean(row[c] for row in rows) for c in columns}
    listed = ", ".join(f"{c.replace('_', ' ')} {mean:.1f} %" for c, mean in means.items())
    text = f"placed on average: {listed} ({seeds} seeds)"
    text += f"; the tie rule matters on {', '.join(differing)}" if differing else ""
    return Finding("tie-break", NO_VIOLATION, text)
