"""The sections of the card that explore: safety and liveness.

A policy runs in the worlds of the trial and in a user's own, with one scheduler and with two,
without faults and under fault classes; only what is promised there is judged. A trace that breaks
a promise is made small and written like any other, so `kspec replay` shows it.

The fault classes are dealt out over the worlds, `CLASSES` to each, so that each strikes in several
of them. What a policy does wrong in one world it does in others: a property that failed in `ENOUGH`
worlds is looked for no further, nor is one under a harder condition in a world where it fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import attrs

from kspec.check import Options, Report, explore_plan, plan_of_world
from kspec.check.failures import Failure
from kspec.explore.strategies.registry import PORTFOLIO
from kspec.result import Answer, Result
from kspec.trial import Charge, Finding, Section
from kspec.trial.card import FAILS, NO_VIOLATION, UNKNOWN
from kspec_models.world import World
from kspec_properties.faults import COLUMNS, FAULT_CLASSES, NONE
from kspec_properties.trial.evictions import preemption_loops
from kspec_properties.trial.retried import REFERENCE, a_pod_that_fits_is_retried
from kspec_properties.trial.worlds import LIVENESS, LOOPS, SAFETY

SAFE = (
    "no-over-committed-binding",
    "a-pod-is-assumed-where-it-fits",
    "a-bound-pod-is-never-rebound",
    "only-lower-priority-is-preempted",
    "victims-help",
    "no-kubelet-runs-too-much",
)
LIVE = ("eventual-binding", a_pod_that_fits_is_retried.name, "scheduler-caches-settle")
REFERENCES = {a_pod_that_fits_is_retried.name: REFERENCE}
NOT_WITH_TWO = ("no-over-committed-binding",)
"""What two schedulers break, whatever their policy: each assumes only its own pods."""
REPLICAS = (1, 2)
CLASSES, ENOUGH = 2, 3
MORE = 8
"""How many times the steps where a fair suffix, which may take a column's share, did not end."""
WITH_FAULTS = "pct=5,guided=2,pos=1,swarm=1,walk=1"
"""The strategies under fault classes: first in first out takes no fault."""

CHARGES = {
    "unbound": "starvation",
    "assumed": "cache-never-settles",
    "charged": "cache-never-settles",
    "missing": "cache-never-settles",
    "overload": "over-commit",
}
"""What a policy is charged with, where the kind of a violation has a name of its own."""

Say = Callable[[str], None]


class Explored(NamedTuple):
    """One world with so many schedulers, without faults or under some classes."""

    world: str
    schedulers: int
    report: Report


class Seen(NamedTuple):
    """All that a section explored."""

    properties: tuple[str, ...]
    parts: list[Explored]

    def results(self, prop: str, schedulers: int | None = None) -> list[Result]:
        return [
            result
            for part in self.parts
            for result in part.report.results
            if result.property == prop and schedulers in (None, part.schedulers)
        ]

    def failures(self, prop: str) -> list[tuple[int, Failure]]:
        """The failures of a property with the number of schedulers, the shortest first."""
        found = [
            (part.schedulers, failure)
            for part in self.parts
            for failure in part.report.failures
            if failure.property.name == prop and not failure.known_limit
        ]
        return sorted(found, key=lambda each: len(each[1].trace.actions))


@attrs.frozen(kw_only=True)
class Exploring:
    """What a section explores. steps: per world and number of schedulers. own: a user's worlds."""

    suite: Any
    policy: str
    steps: int
    seed: int
    out: Path
    say: Say
    own: tuple[World, ...] = ()

    def explore(self, name: str, worlds: tuple[World, ...], properties: tuple[str, ...]) -> Seen:
        """Every world with every number of schedulers, as far as something is left to find."""
        seen = Seen(properties, [])
        for number, world in enumerate((*worlds, *self.own)):
            done: set[str] = set()
            for count in REPLICAS:
                self.say(f"{name}: {world.name}, {count} scheduler{'s' if count > 1 else ''}")
                for faults in ((NONE,), _dealt(number + count)):
                    enough = {p for p in properties if len(seen.failures(p)) >= ENOUGH}
                    left = [p for p in properties if p not in done and p not in enough]
                    left = [p for p in left if count == 1 or p not in NOT_WITH_TWO]
                    if left:
                        report = self.run(world, tuple(left), count, faults)
                        seen.parts.append(Explored(world.name, count, report))
                        done |= {failure.property.name for failure in report.failures}
        return seen

    def run(
        self, world: World, properties: tuple[str, ...], schedulers: int, faults: tuple[str, ...]
    ) -> Report:
        """Explore one world in some columns, half of the steps for the fault-free one."""
        given = attrs.evolve(world, policy=self.policy, schedulers=schedulers)
        options = Options(
            properties=tuple(REFERENCES.get(name, name) for name in properties),
            strategy=PORTFOLIO if faults == (NONE,) else WITH_FAULTS,
            steps=self.steps // 2,
            seed=self.seed,
            out=self.out / self.folder,
        )
        plan = plan_of_world(self.suite, options, given.to_json())
        columns = tuple(column for column in plan.columns if column.name in faults)
        plan = attrs.evolve(plan, columns=columns)
        report = explore_plan(self.suite, plan, options)
        is_open = any(result.verdict is Answer.UNKNOWN for result in report.results)
        if is_open and not report.is_interrupted:
            more = attrs.evolve(options, steps=MORE * self.steps)
            report = explore_plan(self.suite, plan, more)
        if report.is_interrupted:  # a search returns what it has; the trial is to end
            raise KeyboardInterrupt
        return report

    @property
    def folder(self) -> str:
        return "".join(c if c.isalnum() or c in "-." else "-" for c in self.policy)


def _dealt(number: int) -> tuple[str, ...]:
    """The fault classes of the number-th exploration."""
    first = number * CLASSES
    return tuple(FAULT_CLASSES[(first + i) % len(FAULT_CLASSES)] for i in range(CLASSES))


def safety(exploring: Exploring, worlds: tuple[World, ...] = SAFETY) -> Section:
    """Decisions that must never be taken, in every world and with any number of schedulers."""
    seen = exploring.explore("safety", worlds, SAFE)
    return Section("safety", tuple(_findings("safety", seen)), _rows(seen), 0.0, True, _text(seen))


def liveness(
    exploring: Exploring, worlds: tuple[World, ...] = LIVENESS, loops: tuple[World, ...] = LOOPS
) -> Section:
    """What must come in the end: a pod that fits is bound, a preemption leads to a binding."""
    seen = exploring.explore("liveness", worlds, LIVE)
    exploring.say("liveness: preemption loops")
    found = preemption_loops(exploring.suite, exploring.policy, loops)
    findings = (*_findings("liveness", seen), *found)
    return Section("liveness", findings, _rows(seen), 0.0, True, _text(seen))


def _text(seen: Seen) -> str:
    """What all findings rest on."""
    steps = sum(part.report.steps for part in seen.parts)
    worlds = len({part.world for part in seen.parts})
    counts = " and ".join(str(count) for count in REPLICAS)
    columns = {c for part in seen.parts for c in part.report.explorations} - {NONE}
    return (
        f"{steps:,} random steps in {worlds} small worlds, with {counts} schedulers, "
        f"without faults and under {len(columns)} fault classes"
    )


def _findings(section: str, seen: Seen) -> Iterable[Finding]:
    """One finding for a property; where it fails, one for each charge."""
    for prop in seen.properties:
        failures, charged = seen.failures(prop), list[str]()
        for count, failure in failures:
            charge = _charge(section, count, failure)
            if charge.name not in charged:
                charged.append(charge.name)
                yield Finding(prop, FAILS, failure.trace.witness, charge)
        if not failures:
            yield _kept(prop, seen)


def _kept(prop: str, seen: Seen) -> Finding:
    results = seen.results(prop)
    unknown = [r for r in results if r.verdict is Answer.UNKNOWN]
    if unknown:
        return Finding(prop, UNKNOWN, unknown[0].reason)
    broken = {r.faults for r in results if r.verdict is Answer.NOT_PROMISED}
    notes = [f"not promised under {', '.join(c for c in COLUMNS if c in broken)}"] if broken else []
    if prop in NOT_WITH_TWO:
        notes.append("nor with two schedulers" if notes else "not promised with two schedulers")
    if not any(r.verdict is Answer.NO_VIOLATION for r in results):
        notes.append("what it is about never came up")
    return Finding(prop, NO_VIOLATION, ", ".join(notes))


def _charge(section: str, count: int, failure: Failure) -> Charge:
    """The charge of a violation: its kind is the property's signature where it has one."""
    trace = failure.trace
    schedulers = f", {count} schedulers" if count > 1 else ""
    faults = "" if failure.faults == NONE else f", fault: {failure.faults}"
    world = (trace.world.get("metadata") or {}).get("name", "world")
    unsure = f"; the trace does not replay: {failure.problem}" if failure.problem else ""
    return Charge(
        section=section,
        name=CHARGES.get(trace.kind or "", trace.kind or failure.property.name),
        text=f"{trace.witness} (world {world}{schedulers}{faults}){unsure}",
        trace=failure.path,
        actions=len(trace.actions),
    )


def _rows(seen: Seen) -> tuple[dict[str, Any], ...]:
    """The matrix: a row per property and number of schedulers, a column per fault class.

    None where nothing was looked for any more.
    """
    rows: list[dict[str, Any]] = []
    used = {result.faults for prop in seen.properties for result in seen.results(prop)}
    for prop in seen.properties:
        for count in REPLICAS:
            cells: dict[str, str] = {}
            for result in seen.results(prop, count):
                cells[result.faults] = _worst(cells.get(result.faults), result.verdict.value)
            if cells:
                ordered = {column: cells.get(column) for column in COLUMNS if column in used}
                rows.append({"property": prop, "schedulers": count, **ordered})
    return tuple(rows)


_ORDER = ("Fails", "Unknown", "NoViolation", "Holds", "Vacuous", "NotPromised")


def _worst(old: str | None, new: str) -> str:
    """The verdict to show for a cell over several worlds."""
    return new if old is None else min(old, new, key=_ORDER.index)
