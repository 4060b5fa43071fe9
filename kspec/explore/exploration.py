"""What an exploration covered and found, and the verdict that follows for each property."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from kspec.explore.exhaustive.memory_use import MemoryUse
from kspec.explore.statistics import StrategyStatistics
from kspec.property import LIVENESS, Kind, Property
from kspec.result import Answer, Result


@attrs.frozen
class Suffix:
    """How a liveness violation goes on after its actions: fair and FIFO, the heal step first.

    actions: how many more actions, heal included; cycle: how many of the last of them repeat for
    ever, 0 where they end in a quiescent state.
    """

    actions: int
    cycle: int = 0


@attrs.frozen(kw_only=True)
class Violation:
    """One counterexample: the actions from the initial state, and for liveness what follows them.

    That is either a suffix or a cycle: the actions that are repeated for ever after `actions`.
    kind and witness are those of the property's verdict; the rest says which run found it.
    """

    property: str
    kind: str
    witness: str
    actions: tuple[Any, ...]
    suffix: Suffix | None = None
    cycle: tuple[Any, ...] = ()
    strategy: str = ""
    seed: int | None = None
    round: int = 0
    run: int = 0


@attrs.frozen(kw_only=True)
class Exploration:
    """The outcome of one search.

    unfinished: properties that could not be judged, each with why.
    exhausted: every reachable state was seen. bound: what "within bound" means, where a bound of
    depth was met. limit: which limit stopped an exhaustive search. struck: how many faults of each
    class the random runs took. memory: what an exhaustive search took.
    statistics: what each strategy of a random search contributed. is_exact: states were compared
    whole and not by fingerprint. is_symmetric: states that differ only in interchangeable names
    were counted once.
    """

    properties: frozenset[str]
    seed: int | None = None
    steps: int = 0
    states: int = 0
    transitions: int = 0
    depth: int = 0
    rounds: int = 0
    runs: Mapping[str, int] = attrs.field(factory=dict)
    violations: tuple[Violation, ...] = ()
    witnessed: Mapping[str, str] = attrs.field(factory=dict)
    antecedents: frozenset[str] = frozenset()
    unfinished: Mapping[str, str] = attrs.field(factory=dict)
    exhausted: bool = False
    bound: str = ""
    limit: str = ""
    struck: Mapping[str, int] = attrs.field(factory=dict)
    interrupted: bool = False
    memory: MemoryUse | None = None
    statistics: tuple[StrategyStatistics, ...] = ()
    is_exact: bool = False
    is_symmetric: bool = False

    def violation_of(self, name: str) -> Violation | None:
        return next((v for v in self.violations if v.property == name), None)

    @property
    def is_exhaustive(self) -> bool:
        """Was it meant to see everything, even where something stopped it?"""
        return self.exhausted or bool(self.bound or self.limit)

    @property
    def expected_collisions(self) -> float:
        """How many pairs of distinct states share a 64-bit fingerprint, on average."""
        return 0.0 if self.is_exact else self.states * self.states / 2.0**65

    @property
    def coverage(self) -> str:
        """The counts, in words."""
        if self.is_exhaustive:
            merged = " up to symmetry" if self.is_symmetric else ""
            collisions = f"{self.expected_collisions:.1e} fingerprint collisions expected"
            if self.is_exact:
                collisions = "no fingerprint collisions"
            return (
                f"{self.states:,} distinct states{merged}, {self.transitions:,} transitions, depth "
                f"{self.depth:,}, {collisions}"
            )
        runs = ", ".join(f"{name} {count:,}" for name, count in sorted(self.runs.items()))
        faults = ", ".join(f"{name} {count:,}" for name, count in sorted(self.struck.items()))
        runs += f"; faults: {faults}" if faults else ""
        stopped = "; interrupted" if self.interrupted else ""
        return f"{self.steps:,} steps, {self.states:,} distinct states, runs: {runs}{stopped}"


def is_promised(prop: Property, faults: str) -> bool:
    """Is it promised under every fault class of this column?"""
    return all(fault in prop.faults for fault in faults.split(","))


def judge(
    prop: Property, exploration: Exploration, faults: str = "none", *, always: bool = False
) -> Result:
    """The cell of the report: one property, one column of faults.

    `always` judges it under conditions that the user named, promised or not.
    """
    violation = exploration.violation_of(prop.name)
    answer, reason = _answer(prop, exploration, faults)
    known_limit = violation is not None and prop.known_false
    if not always and not is_promised(prop, faults):
        known_limit = violation is not None
        answer = Answer.NOT_PROMISED
        reason = f"not promised under {faults}" + ("; this trace breaks it" if violation else "")
    return Result(
        property=prop.name,
        faults=faults,
        verdict=answer,
        reason=reason,
        steps=exploration.steps,
        states=exploration.states,
        actions=len(violation.actions) if violation else None,
        witness=violation.witness if violation else exploration.witnessed.get(prop.name, ""),
        known_limit=known_limit,
    )


def _answer(prop: Property, seen: Exploration, faults: str) -> tuple[Answer, str]:
    violation = seen.violation_of(prop.name)
    if violation is not None:
        return Answer.FAILS, _failure(violation)
    if prop.name not in seen.properties:
        return Answer.UNKNOWN, "it was not among the properties explored"
    if prop.kind is Kind.SOMETIMES and prop.name in seen.witnessed:
        return Answer.HOLDS, f"witnessed; {seen.coverage}"
    if prop.name in seen.unfinished:
        return Answer.UNKNOWN, seen.unfinished[prop.name]
    vacuous = _vacuity(prop, seen)
    if seen.limit or (seen.interrupted and not seen.states):
        return Answer.UNKNOWN, f"{seen.limit or 'interrupted before the first step'}; " + (
            f"so far {seen.coverage}"
        )
    missing = _missing_faults(faults, seen)
    if missing:
        return Answer.VACUOUS, f"no {missing} ever struck; {seen.coverage}"
    if vacuous:
        return Answer.VACUOUS, f"{vacuous}; {seen.coverage}"
    if seen.exhausted:
        return Answer.HOLDS, seen.coverage
    if seen.bound:
        return Answer.HOLDS_WITHIN_BOUND, f"{seen.bound}; {seen.coverage}"
    return Answer.NO_VIOLATION, seen.coverage


def _missing_faults(faults: str, seen: Exploration) -> str:
    """The fault classes of a column that no random run took, so that it says nothing of them."""
    if faults == "none" or seen.is_exhaustive or "fault" in seen.struck:
        return ""
    return ", ".join(name for name in faults.split(",") if name not in seen.struck)


def _failure(violation: Violation) -> str:
    how = f"after {len(violation.actions)} actions"
    if violation.cycle:
        return f"{how} and then a fair cycle of {len(violation.cycle)} that repeats for ever"
    if violation.suffix is None:
        return how
    more = f"{how} and a fair suffix of {violation.suffix.actions}"
    if violation.suffix.cycle:
        return f"{more}, of which the last {violation.suffix.cycle} repeat for ever"
    return f"{more}, after which nothing more happens"


def _vacuity(prop: Property, seen: Exploration) -> str:
    """Why the absence of a violation says nothing, or nothing where it does say something."""
    if prop.kind is Kind.SOMETIMES:
        return "never witnessed"
    if prop.kind in LIVENESS and prop.when is not None and prop.name not in seen.antecedents:
        return "its antecedent never held"
    if prop.companion and prop.companion not in seen.properties:
        return f"its companion {prop.companion} was not among the properties explored"
    if prop.companion and prop.companion not in seen.witnessed:
        return f"its companion {prop.companion} was never witnessed"
    return "" if seen.steps or seen.transitions else "no action was ever taken"
