"""`kspec policy compare` for Kubernetes: which runs there are, and what one of them measures.

The placement policies (`kspec_models.placement.policies`) run over arrays on a trace, and through
the scheduling cycle in a world. Every other policy runs through the cycle. All get the same pods in
the same order for a seed, and every placement is checked against a ledger of its own.
"""

from __future__ import annotations

from random import Random
from typing import Any

from kspec.errors import KspecError
from kspec.trial.comparison import (
    ALLOCATION,
    FRAGMENTATION,
    PLACED,
    Asked,
    Job,
    Policy,
    Sample,
)
from kspec_models.placement.cluster import IndexedCluster, Nodes, PlainCluster
from kspec_models.placement.policies import PLACINGS
from kspec_models.placement.policy import AT_RANDOM, LOWEST
from kspec_models.placement.simulate import Run, simulate
from kspec_models.scheduler.policies import load_policy
from kspec_properties.trial.checks import Wrong
from kspec_properties.trial.places import Hung, line_of_error, own_files
from kspec_properties.trial.scheduled import Failed, ScheduledNodes
from kspec_properties.trial.sources import source_of

DRAWS = "draws among all nodes that fit, so no rule for ties matters"
THROUGH_THE_CYCLE = "decided by the whole scheduling cycle: slower"


class PolicyComparison:
    """Implements `kspec.trial.comparison.Comparison`; raises InputError."""

    def __init__(self, asked: Asked) -> None:
        self._asked, self._source = asked, source_of(asked)
        self._typical = self._source.typical
        self._policies = {name: self._load(name) for name in dict.fromkeys(asked.policies)}
        self.policies = tuple(self._policy(name, p) for name, p in self._policies.items())
        self.source = self._source.title
        self.jobs = tuple(
            Job(policy.name, rules, seed)
            for policy in self.policies
            for seed in range(asked.seeds)
            for rules in self._rules(policy)
        )

    def _load(self, name: str) -> Any:
        if self._source.is_trace and name in PLACINGS:
            return PLACINGS[name](self._typical)
        return load_policy(name)

    def _policy(self, name: str, policy: Any) -> Policy:
        if _draws(policy):
            return Policy(name, AT_RANDOM, True, DRAWS)
        is_quick = hasattr(policy, "devices") or not self._source.is_trace
        note = "" if is_quick else THROUGH_THE_CYCLE
        return Policy(name, getattr(policy, "tie_break", LOWEST), False, note)

    def _rules(self, policy: Policy) -> tuple[tuple[str, ...], ...]:
        asked = self._asked.tie_breaks
        if _draws(self._policies[policy.name]):
            return (asked,)
        return tuple((rule,) for rule in asked)

    def _cluster(self, policy: Any) -> Nodes:
        if not hasattr(policy, "devices"):
            return ScheduledNodes(self._source, policy, self._asked.is_plain)
        rooms = [room for _, room in self._source.nodes]
        return (PlainCluster if self._asked.is_plain else IndexedCluster)(rooms, policy)

    def measure(self, job: Job) -> Sample:
        """One run; where the policy raises, the sample says so and holds no value."""
        policy = self._policies[job.policy]
        tie_break = AT_RANDOM if _draws(policy) else job.tie_breaks[0]
        try:
            run = simulate(
                self._source.nodes,
                self._source.workload(job.seed),
                self._cluster(policy),
                self._typical,
                tie_break,
                Random(f"ties of seed {job.seed}"),
            )
        except (Exception, SystemExit, Hung) as error:
            return Sample(job, {}, (_described(policy, error),), 1)
        return Sample(job, values_of(run), tuple(map(str, run.over_commits)), run.over_committed)


def _draws(policy: Any) -> bool:
    """Whether the policy leaves the choice among all nodes that fit to chance."""
    return bool(getattr(policy, "draws", False)) or getattr(policy, "ties", "") == AT_RANDOM


def _described(policy: Any, error: BaseException) -> str:
    if isinstance(error, Failed | KspecError):
        return " ".join(str(error).split())
    if isinstance(error, Hung):
        return f"does not return, at {error.place}"
    place = line_of_error(error, own_files(policy))
    if isinstance(error, Wrong):
        return error.what + (f", at {place}" if place else "")
    where = f" at {place}" if place else ""
    return f"raised {type(error).__name__}{where}: {' '.join(str(error).split())}"


def values_of(run: Run) -> dict[str, dict[int, float]]:
    """What a run measured, by metric and load; no metric of GPUs where there are none."""
    found: dict[str, dict[int, float]] = {ALLOCATION: {}, FRAGMENTATION: {}, PLACED: {}}
    for point in run.points:
        found[PLACED][point.load] = point.placed
        if point.allocation is not None:
            found[ALLOCATION][point.load] = point.allocation
        if point.fragmentation is not None:
            found[FRAGMENTATION][point.load] = point.fragmentation
    return {metric: values for metric, values in found.items() if values}
