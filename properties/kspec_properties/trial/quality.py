"""Quality of a policy: the share of pods it places, against the best possible placement.

A measurement: placing fewer pods than can be placed is no defect. What is one, and is charged, is
a pod that fits a node as the cluster stands in the end, by every hard constraint, and that the
policy leaves waiting all the same.

Each pod that is left is either unschedulable in truth (no node takes it even alone, or the best
placement has no more pods of its kind than the policy placed) or missed by the policy. Where the
best placement is not known, or leaves constraints out, that stays undecided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import attrs

from kspec.trial import Charge, Finding, Section
from kspec.trial.card import FAILS, NO_VIOLATION, UNKNOWN
from kspec_models.objects import Pod
from kspec_models.scheduler.cycle import find
from kspec_models.scheduler.policies.default import default_policy
from kspec_models.scheduler.profile import Profile
from kspec_properties.trial.counts import Optimum, Problem, Template, problem_of
from kspec_properties.trial.guard import Guarded
from kspec_properties.trial.guarded_plugins import is_foreign
from kspec_properties.trial.instances import Instance, bind
from kspec_properties.trial.optimum import EFFORT, solve
from kspec_properties.trial.placement import Placed, place
from kspec_properties.trial.places import line_of_definition
from kspec_properties.trial.samples import samples

NAME = "quality"
NAMES = 2
"""How many pods a row names at most; of more it names the first."""
UNSCHEDULABLE, MISSED, UNDECIDED = "unschedulable", "missed", "undecided"


class Left(NamedTuple):
    """A pod that was not placed. verdict: unschedulable, missed or undecided."""

    pod: Pod
    verdict: str
    why: str


class Measured(NamedTuple):
    """What a policy made of an instance. refused: a pod that was left, and a node that fits it."""

    name: str
    pods: int
    placed: Placed
    optimum: Optimum
    left: tuple[Left, ...]
    refused: tuple[Pod, str] | None

    @property
    def row(self) -> dict[str, Any]:
        """The measurement as a line of a table."""
        best, count = self.optimum, len(self.placed.bound)
        return {
            "instance": self.name,
            "pods": self.pods,
            "placed": count,
            "best": best.placed if best.is_solved else f"{best.placed}..{best.upper}",
            "best_is": _kind(best),
            "percent": round(100 * count / best.upper, 1) if best.upper else 100.0,
            **{verdict: self._named(verdict) for verdict in (MISSED, UNSCHEDULABLE)},
            **({UNDECIDED: self._named(UNDECIDED)} if self._named(UNDECIDED) else {}),
        }

    def _named(self, verdict: str) -> str:
        keys = [each.pod.key for each in self.left if each.verdict == verdict]
        if len(keys) <= NAMES:
            return ", ".join(keys)
        return f"{keys[0]} and {len(keys) - 1} more"


def section(
    policy: Any,
    clock: Callable[[], float],
    *,
    instances: Mapping[str, Instance] | None = None,
    solver: str = "auto",
    effort: int = EFFORT,
) -> Section:
    """The policy on the samples, and on the given instances by name."""
    start = clock()
    guarded = Guarded(policy)
    cases = {**samples(), **(instances or {})}
    measured = [measure(name, guarded, case, solver, effort) for name, case in cases.items()]
    rows = tuple(each.row for each in measured)
    return Section(NAME, tuple(_findings(policy, measured, cases)), rows, clock() - start)


def measure(
    name: str, policy: Any, instance: Instance, solver: str = "auto", effort: int = EFFORT
) -> Measured:
    """Place the pods of an instance, and compare."""
    placed = place(policy, instance)
    problem = problem_of(instance)
    best = solve(problem, solver=solver, effort=effort, floor=len(placed.bound))
    left = tuple(_judged(problem, best, instance, placed))
    return Measured(name, len(instance.pending), placed, best, left, _refused(policy, placed))


def _kind(best: Optimum) -> str:
    if not best.is_solved:
        return f"unknown: {best.how}"
    return f"an upper bound, without {', '.join(best.couplings)}" if best.couplings else "optimum"


def _judged(problem: Problem, best: Optimum, instance: Instance, placed: Placed) -> Iterator[Left]:
    alone, is_best = instance.context(), best.placed == len(placed.bound)
    own = {pod.key for pod in placed.bound}
    more: dict[int, int] = {}
    for pod in placed.waiting:
        at = next(i for i, t in enumerate(problem.templates) if _has(t, pod))
        template = problem.templates[at]
        if not template.nodes or not find(reference(default_policy(), pod), pod, alone).feasible:
            yield Left(pod, UNSCHEDULABLE, "no node takes it, even alone")
        elif best.is_solved and is_best:
            yield Left(pod, UNSCHEDULABLE, "no placement has more pods in all")
        elif best.couplings or not best.is_solved:
            yield Left(pod, UNDECIDED, f"the best placement is {_kind(best)}")
        else:
            placed_of_kind = sum(each.key in own for each in template.pods)
            left = more.setdefault(at, sum(best.counts[at]) - placed_of_kind)
            more[at] = left - 1
            verdict = MISSED if left > 0 else UNSCHEDULABLE
            there = "more" if left > 0 else "no more"
            yield Left(pod, verdict, f"a placement of {best.placed} has {there} pods of its kind")


def _has(template: Template, pod: Pod) -> bool:
    return any(each.key == pod.key for each in template.pods)


def reference(policy: Any, pod: Pod) -> Any:
    """The hard constraints that hold for a policy: those of its own in-tree filters, if any."""
    own = policy
    if hasattr(policy, "profile"):
        own = policy.profile(pod) if callable(policy.profile) else policy.profile
    if isinstance(own, Profile):
        filters = tuple(plugin for plugin in own.filters if not is_foreign(plugin))
        return Profile("hard constraints", filters, resources=own.resources)
    return default_policy()


def _refused(policy: Any, placed: Placed) -> tuple[Pod, str] | None:
    """A pod that waits though it fits a node by the hard constraints, and the node."""
    own = policy.policy if isinstance(policy, Guarded) else policy
    if hasattr(own, "extenders"):
        return None  # an extender may know constraints that nothing else says
    for pod in placed.waiting:
        found = find(reference(own, pod), pod, placed.context)
        if found.feasible:
            return pod, found.feasible[0].name
    return None


def _findings(
    policy: Any, measured: list[Measured], cases: Mapping[str, Instance]
) -> Iterator[Finding]:
    placed = sum(len(each.placed.bound) for each in measured)
    upper = sum(each.optimum.upper for each in measured)
    share = f"{100 * placed / upper:.1f} %" if upper else "all"
    missed = sum(left.verdict == MISSED for each in measured for left in each.left)
    is_solved = all(each.optimum.is_solved for each in measured)
    text = f"placed {placed} of {upper} pods ({share} of the best possible); {missed} missed"
    if not is_solved:
        text += "; of some instances only bounds of the best placement are known"
    yield Finding("placed", NO_VIOLATION if is_solved else UNKNOWN, text)
    yield _fitting(policy, measured, cases)


def _fitting(policy: Any, measured: list[Measured], cases: Mapping[str, Instance]) -> Finding:
    name = "no-fitting-pod-waits"
    for each in measured:
        if each.refused is None:
            continue
        pod, node = each.refused
        text = f"{pod.key} waits though it fits {node} by every hard constraint, in {each.name}"
        place_ = line_of_definition(policy, "filter")
        shown = _at_the_end(cases[each.name], each.placed, pod).to_yaml()
        charge = Charge(NAME, "leaves-a-fitting-pod", text, shown, place_)
        return Finding(name, FAILS, text, charge)
    return Finding(name, NO_VIOLATION, f"{len(measured)} instances")


def _at_the_end(instance: Instance, placed: Placed, pod: Pod) -> Instance:
    """The instance with what was placed, and of the others only this pod."""
    bound = (*instance.bound, *(bind(p, p.spec.node_name) for p in placed.bound))
    return attrs.evolve(instance, bound=bound, pending=(pod,))
