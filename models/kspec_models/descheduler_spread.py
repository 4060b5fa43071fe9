"""RemovePodsViolatingTopologySpreadConstraint: evict from the domains that have too many.

After pkg/framework/plugins/removepodsviolatingtopologyspreadconstraint/topologyspreadconstraint.go
of sigs.k8s.io/descheduler at 0.35. Each constraint is balanced on its own; what one evicts, another
may have wanted to stay. Left out: the arguments namespaces and labelSelector.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from kspec_models.descheduler_evictor import Evictor
from kspec_models.objects import Node, Pod
from kspec_models.selectors import label_selector

DO_NOT_SCHEDULE, SCHEDULE_ANYWAY = "DoNotSchedule", "ScheduleAnyway"


class SpreadArgs(NamedTuple):
    """constraints: which of them are looked at, hard ones alone unless told otherwise."""

    constraints: tuple[str, ...] = (DO_NOT_SCHEDULE,)
    topology_balance_node_fit: bool = True


def balance(evictor: Evictor, args: SpreadArgs) -> None:
    """Balance: for each distinct constraint of a namespace, even out its domains."""
    to_go: dict[str, Pod] = {}
    by_namespace: dict[str, list[Pod]] = {}
    for pod in evictor.cluster.everything:
        by_namespace.setdefault(pod.namespace, []).append(pod)
    for pods in by_namespace.values():
        for constraint in _constraints(pods, args):
            domains = _domains(constraint, pods, evictor)
            if not _is_balanced(domains, constraint):
                _even_out(domains, constraint, evictor, args, to_go)
    for pod in to_go.values():
        if evictor.may_go(pod) and evictor.fits_elsewhere(pod):
            evictor.evict(pod)


def _constraints(pods: list[Pod], args: SpreadArgs) -> list[Any]:
    found: dict[Any, None] = {}
    for pod in pods:
        for constraint in pod.spec.topology_spread_constraints or ():
            if constraint.get("whenUnsatisfiable") in args.constraints:
                found[constraint] = None
    return list(found)


Domains = dict[str, list[Pod]]


def _domains(constraint: Any, pods: list[Pod], evictor: Evictor) -> Domains:
    """The pods of each domain, by its value; a domain may have none."""
    key, labels = constraint["topologyKey"], {}
    for node in evictor.cluster.nodes:
        if key in node.metadata.labels:
            labels[node.name] = node.metadata.labels[key]
    domains: Domains = {value: [] for value in labels.values()}
    selector = label_selector(constraint.get("labelSelector"))
    for pod in pods:
        is_counted = not pod.is_terminating and selector.matches(pod.metadata.labels)
        if is_counted and pod.spec.node_name in labels:
            domains[labels[pod.spec.node_name]].append(pod)
    return domains


def _is_balanced(domains: Domains, constraint: Any) -> bool:
    sizes = [len(pods) for pods in domains.values()]
    return not sizes or max(sizes) - min(sizes) <= constraint["maxSkew"]


def _even_out(
    domains: Domains, constraint: Any, evictor: Evictor, args: SpreadArgs, to_go: dict[str, Pod]
) -> None:
    """balanceDomains: move from the largest to the smallest until all are within the skew."""
    skew_allowed = constraint["maxSkew"]
    average = sum(map(len, domains.values())) / len(domains)
    ordered = _sorted(domains, evictor)
    below = _nodes_below(domains, constraint["topologyKey"], average, evictor)
    low, high = 0, len(ordered) - 1
    while low < high:
        if len(ordered[high]) <= average:
            high -= 1
        skew = len(ordered[high]) - len(ordered[low])
        moved = _to_move(len(ordered[high]), len(ordered[low]), average, skew_allowed)
        if skew <= skew_allowed or moved <= 0:
            low += 1
            continue
        leaving = ordered[high][len(ordered[high]) - moved :]
        for pod in leaving:
            others = [n for n in below if n.name != pod.spec.node_name]
            if not args.topology_balance_node_fit or evictor.fits_any(pod, others):
                to_go[pod.key] = pod
        del ordered[high][len(ordered[high]) - moved :]
        ordered[low].extend(leaving)


def _to_move(above: int, under: int, average: float, skew_allowed: int) -> int:
    smallest = min(math.ceil(above - average), math.ceil(average - under))
    return min(smallest, math.ceil((above - under - skew_allowed) / 2))


def _nodes_below(domains: Domains, key: str, average: float, evictor: Evictor) -> list[Node]:
    """filterNodesBelowIdealAvg: the nodes of the domains that have less than the average."""
    return [
        node
        for node in evictor.cluster.nodes
        if len(domains.get(node.metadata.labels.get(key, ""), ())) < average
    ]


def _sorted(domains: Domains, evictor: Evictor) -> list[list[Pod]]:
    """sortDomains: small ones first; in each, what is to go first stands last."""

    def place(pod: Pod) -> tuple[bool, bool, int]:
        affinity = pod.spec.affinity or {}
        is_bound = bool(pod.spec.node_selector) or bool(affinity.get("nodeAffinity"))
        return evictor.may_go(pod), not is_bound, -(pod.spec.priority or 0)

    ordered = [sorted(pods, key=place) for pods in domains.values()]
    return sorted(ordered, key=len)
