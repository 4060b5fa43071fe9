"""Dry runs of preemption: for each node, whose eviction would make room for the pod.

After pkg/scheduler/framework/plugins/defaultpreemption/default_preemption.go (SelectVictimsOnNode)
and pkg/scheduler/framework/preemption/preemption.go (DryRunPreemption) at 1.36.

Left out: that upstream tries up to 16 nodes side by side and may so find a few candidates more
than it needs; here nodes are tried one after the other. Also left out: customised eligibility and
order of victims, which upstream offers to plugins that embed this one, and groups of pods.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kspec_models.objects import Pod, PodDisruptionBudget
from kspec_models.scheduler.filtering import filter_with_nominated
from kspec_models.scheduler.framework import (
    ERROR,
    SUCCESS,
    UNRESOLVABLE,
    Context,
    PluginError,
    Policy,
    Status,
)
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.plugins.default_preemption.victims import (
    filter_pods_with_pdb_violation,
    importance,
    may_be_preempted,
    told,
)

NO_VICTIMS = "No preemption victims found for incoming pod"


class Candidate(NamedTuple):
    """A node where the pod fits once the victims are gone.

    victims: the most important first, with their status as far as it is known. violations: how
    many of them a PodDisruptionBudget protects.
    """

    node: str
    victims: tuple[Pod, ...]
    violations: int = 0


class Victims(NamedTuple):
    """What a dry run on one node found; of use where the status is a success."""

    pods: tuple[Pod, ...] = ()
    violations: int = 0
    status: Status = SUCCESS


class _Trial(NamedTuple):
    """A node, and the states of PreFilter, as if some of its pods had left."""

    policy: Policy
    pod: Pod
    info: NodeInfo
    context: Context

    def without(self, other: Pod) -> _Trial:
        info = self.info.without_pod(other.uid)
        return self._replace(info=info, context=self._told("without_pod", other, info))

    def with_back(self, other: Pod) -> _Trial:
        info = self.info.with_pod(other)
        return self._replace(info=info, context=self._told("with_pod", other, info))

    def _told(self, change: str, other: Pod, info: NodeInfo) -> Context:
        tell: Any = getattr(self.policy, change, None)
        if tell is None:
            return self.context
        context: Context = tell(self.pod, self.context, other, info)
        return context

    def status(self) -> Status:
        return filter_with_nominated(self.policy, self.pod, self.info, self.context)


def select_victims_on_node(
    policy: Policy,
    pod: Pod,
    info: NodeInfo,
    context: Context,
    budgets: Sequence[PodDisruptionBudget] = (),
) -> Victims:
    """As few pods of lower priority as must leave the node for the pod to fit.

    All leave; then those whose eviction would violate a budget come back first, and in both
    groups the most important, each if the pod still fits beside it. The context is one in which
    PreFilter has run.
    """
    try:
        return _select(_Trial(policy, pod, info, context), budgets)
    except PluginError as error:
        return Victims(status=Status(ERROR, (str(error),)))


def _select(trial: _Trial, budgets: Sequence[PodDisruptionBudget]) -> Victims:
    potential = [other for other in trial.info.pods if may_be_preempted(other, trial.pod)]
    for other in potential:
        trial = trial.without(other)
    if not potential:
        return Victims(status=Status(UNRESOLVABLE, (NO_VICTIMS,)))
    status = trial.status()
    if not status.ok:
        return Victims(status=status)
    rank = importance(trial.context)
    protected, others = filter_pods_with_pdb_violation(sorted(potential, key=rank), budgets)
    victims: list[Pod] = []
    violations = 0
    for index, other in enumerate((*protected, *others)):
        beside = trial.with_back(other)
        if beside.status().ok:
            trial = beside
            continue
        victims.append(other)
        violations += index < len(protected)
    chosen = tuple(told(victim, trial.context) for victim in sorted(victims, key=rank))
    return Victims(chosen, violations)


def dry_run(
    policy: Policy,
    pod: Pod,
    nodes: Sequence[NodeInfo],
    context: Context,
    budgets: Sequence[PodDisruptionBudget] = (),
    *,
    offset: int = 0,
    enough: int = sys.maxsize,
) -> tuple[tuple[Candidate, ...], Mapping[str, Status]]:
    """The candidates among the nodes, and why the other nodes that were tried are none.

    offset: the index of the node to start with. enough: how many candidates end the search, if
    one of them violates no budget. Those that violate none come first.
    """
    good: list[Candidate] = []
    violating: list[Candidate] = []
    statuses: dict[str, Status] = {}
    for index in range(len(nodes)):
        info = nodes[(offset + index) % len(nodes)]
        victims, violations, status = select_victims_on_node(policy, pod, info, context, budgets)
        if not status.ok:
            statuses[info.name] = status
        elif not victims:
            problem = f'expected at least one victim pod on node "{info.name}"'
            statuses[info.name] = Status(ERROR, (problem,))
        else:
            found = violating if violations else good
            if len(found) < enough:
                found.append(Candidate(info.name, victims, violations))
            if good and len(good) + len(violating) >= enough:
                break
    return (*good, *violating), statuses
