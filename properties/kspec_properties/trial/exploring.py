"""The sections of the card that explore: safety and liveness.

A policy runs in the worlds of the trial, with one scheduler and with two, without faults and under
each fault class; only what is promised there is judged. A trace that breaks a promise is made small
and written like any other, so `kspec replay` shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import attrs

from kspec.check import Options, Report, explore_plan, plan_of_world
from kspec.check.failures import Failure
from kspec.result import Answer
from kspec.trial import Charge, Finding, Section
from kspec.trial.card import FAILS, NO_VIOLATION, NOT_PROMISED, UNKNOWN
from kspec_models.world import World
from kspec_properties.trial.worlds import LIVENESS, SAFETY

SAFE = (
    "no-over-committed-binding",
    "a-pod-is-assumed-where-it-fits",
    "a-bound-pod-is-never-rebound",
    "only-lower-priority-is-preempted",
    "victims-help",
    "no-kubelet-runs-too-much",
)
LIVE = ("eventual-binding", "scheduler-caches-settle")
NOT_WITH_TWO = ("no-over-committed-binding",)
"""What two schedulers break, whatever their policy: each assumes only its own pods."""

Say = Callable[[str], None]


@attrs.frozen(kw_only=True)
class Exploring:
    """What a section explores. steps: per world and number of schedulers."""

    suite: Any
    policy: str
    steps: int
    seed: int
    out: Path
    say: Say

    def run(self, world: World, properties: tuple[str, ...], schedulers: int) -> Report:
        """Explore one world under the fault-free column and every class that is promised."""
        given = attrs.evolve(world, policy=self.policy, schedulers=schedulers)
        names = tuple(p for p in properties if schedulers == 1 or p not in NOT_WITH_TWO)
        options = Options(
            properties=names, steps=self.steps, seed=self.seed, out=self.out / self._folder
        )
        return explore_plan(
            self.suite, plan_of_world(self.suite, options, given.to_json()), options
        )

    @property
    def _folder(self) -> str:
        return "".join(c if c.isalnum() or c in "-." else "-" for c in self.policy)


def safety(exploring: Exploring) -> Section:
    """Decisions that must never be taken, in every world, column and number of schedulers."""
    return _section("safety", exploring, SAFETY, SAFE, (1, 2))


def liveness(exploring: Exploring) -> Section:
    """What must come in the end: a pod that fits is bound, a preemption leads to a binding."""
    return _section("liveness", exploring, LIVENESS, LIVE, (1, 2))


def _section(
    name: str,
    exploring: Exploring,
    worlds: Iterable[World],
    properties: tuple[str, ...],
    replicas: tuple[int, ...],
) -> Section:
    reports: dict[tuple[str, int], Report] = {}
    for world in worlds:
        for count in replicas:
            exploring.say(f"{name}: {world.name}, {count} scheduler{'s' if count > 1 else ''}")
            reports[world.name, count] = exploring.run(world, properties, count)
    findings = [
        finding
        for prop in properties
        for count in replicas
        for finding in _findings(name, prop, count, reports)
    ]
    rows = tuple(_rows(properties, replicas, reports))
    return Section(name, tuple(findings), rows, must_decide=True)


def _findings(
    section: str, prop: str, count: int, reports: dict[tuple[str, int], Report]
) -> Iterable[Finding]:
    """One finding for a property with so many schedulers, over all worlds."""
    name = prop if count == 1 else f"{prop}, {count} schedulers"
    mine = {world: r for (world, replicas), r in reports.items() if replicas == count}
    failures = [f for r in mine.values() for f in r.failures if f.property.name == prop]
    if count > 1 and prop in NOT_WITH_TWO:
        yield Finding(name, NOT_PROMISED, "each scheduler assumes only its own pods")
        return
    if failures:
        shortest = min(failures, key=lambda failure: len(failure.trace.actions))
        yield Finding(name, FAILS, shortest.trace.witness, _charge(section, shortest))
        return
    results = [r for report in mine.values() for r in report.results if r.property == prop]
    steps = sum(report.steps for report in mine.values())
    unknown = [r for r in results if r.verdict is Answer.UNKNOWN]
    if unknown:
        yield Finding(name, UNKNOWN, unknown[0].reason)
        return
    columns = dict.fromkeys(r.faults for r in results if r.verdict is not Answer.NOT_PROMISED)
    text = f"{steps:,} steps in {len(mine)} worlds; faults: {', '.join(columns)}"
    yield Finding(name, NO_VIOLATION, text)


def _charge(section: str, failure: Failure) -> Charge:
    """The charge of a violation: its kind is the property's signature where it has one."""
    trace = failure.trace
    return Charge(
        section=section,
        name=trace.kind or failure.property.name,
        text=f"{trace.witness} (world {_world_of(trace)}, faults: {failure.faults})",
        trace=failure.path,
        actions=len(trace.actions),
    )


def _world_of(trace: Any) -> str:
    return str((trace.world.get("metadata") or {}).get("name", "world"))


def _rows(
    properties: tuple[str, ...],
    replicas: tuple[int, ...],
    reports: dict[tuple[str, int], Report],
) -> Iterable[dict[str, Any]]:
    """The matrix: a row per property and number of schedulers, a column per fault class."""
    for prop in properties:
        for count in replicas:
            row: dict[str, Any] = {"property": prop, "schedulers": count}
            for (_, replicas_of), report in reports.items():
                if replicas_of != count:
                    continue
                for result in report.results:
                    if result.property == prop:
                        row[result.faults] = _worst(row.get(result.faults), result.verdict.value)
            yield row


_ORDER = ("Fails", "Unknown", "NoViolation", "Holds", "Vacuous", "NotPromised")


def _worst(old: str | None, new: str) -> str:
    """The verdict to show for a cell over several worlds."""
    return new if old is None else min(old, new, key=_ORDER.index)
