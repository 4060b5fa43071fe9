"""Whether a pod may go to a node, by the hard constraints, given what else is in the cluster.

The rules between pods are those of `proofs.hard_pods` and `proofs.hard_spread`, which are written
for selectors of matchLabels. A pod that they are not written for is not `is_judged`: a safety
property says nothing of its rules between pods, and a liveness property nothing of the pod.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kspec_models.kubelet_admission import Usage, allocatable_of
from kspec_models.objects import Node, Pod
from kspec_models.resources import amounts_of
from kspec_properties.proofs.hard_constraints import broken
from kspec_properties.proofs.hard_pods import REQUIRED, broken_by_pods
from kspec_properties.proofs.hard_spread import spreads
from kspec_properties.usage import excess

Placed = Sequence[tuple[Node, Sequence[Pod]]]
"""Every node with the pods that count there."""

_BETWEEN = ("podAffinity", "podAntiAffinity")
_KNOWN_TERM = {"labelSelector", "topologyKey", "namespaces"}
_KNOWN_SPREAD = {"maxSkew", "minDomains", "topologyKey", "whenUnsatisfiable", "labelSelector"}
_SIMPLE_VOLUMES = {"name", "emptyDir", "configMap", "secret", "projected", "downwardAPI"}


def usage_of(pods: Sequence[Pod]) -> Usage:
    """What pods request, added up afresh."""
    total = Usage()
    for pod in pods:
        total = total.plus(amounts_of(pod).requests)
    return total


def over_commitment(pod: Pod, node: Node, there: Sequence[Pod]) -> str:
    """What the node would hold too much of with the pod; "" where there is room.

    A resource that the pod does not ask for cannot forbid it, even on an over-committed node.
    """
    asked, have = amounts_of(pod).requests, allocatable_of(node)
    used = usage_of(there).plus(asked)
    found = excess(used, have)
    if not found or used.pods > have.pods:
        return found
    names = ("cpu", "memory", "ephemeral-storage", *(name for name, _ in asked.scalar))
    total, room = used.requests, have.requests
    return found if any(asked.amount(n) and total.amount(n) > room.amount(n) for n in names) else ""


def forbidden(pod: Pod, node: Node, there: Sequence[Pod], placed: Placed) -> tuple[str, ...]:
    """The constraints besides resources that keep the pod off the node, as far as `is_judged`."""
    free = pod.replace(spec=pod.spec.replace(node_name="")) if pod.spec.node_name else pod
    found = broken(free, node, tuple(there))
    if not has_rules_between(pod, placed) or not is_judged(pod, placed):
        return found
    spread = () if spreads(free, node, placed) else ("topologySpreadConstraints",)
    return (*found, *broken_by_pods(free, node, placed), *spread)


def has_rules_between(pod: Pod, placed: Placed) -> bool:
    """Whether any rule between pods can concern this one."""
    if pod.spec.topology_spread_constraints or any(_terms(pod)):
        return True
    return any(_anti(other) for _, pods in placed for other in pods if other.spec.affinity)


def is_judged(pod: Pod, placed: Placed) -> bool:
    """Whether all rules between pods that concern this one are written down in `proofs`."""
    terms = [*_terms(pod)]
    terms += (term for _, pods in placed for other in pods for term in _anti(other))
    spread = pod.spec.topology_spread_constraints
    if spread and (pod.spec.affinity or pod.spec.node_selector):
        return False
    known = all(_is_known(term, _KNOWN_TERM) for term in terms)
    return known and all(_is_known(constraint, _KNOWN_SPREAD) for constraint in spread)


def uses_volumes(pod: Pod) -> bool:
    """Whether the pod has volumes that may keep it off nodes."""
    return any(not _SIMPLE_VOLUMES.issuperset(volume) for volume in pod.spec.volumes)


def _terms(pod: Pod) -> Iterator[Mapping[str, Any]]:
    for kind in _BETWEEN:
        yield from ((pod.spec.affinity or {}).get(kind) or {}).get(REQUIRED, ())


def _anti(pod: Pod) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = (
        (pod.spec.affinity or {}).get("podAntiAffinity") or {}
    ).get(REQUIRED, ())
    return found


def _is_known(rule: Mapping[str, Any], fields: set[str]) -> bool:
    selector = rule.get("labelSelector")
    return fields.issuperset(rule) and selector is not None and set(selector) == {"matchLabels"}
