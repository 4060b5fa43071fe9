"""Topology spread constraints of DoNotSchedule, from the documentation; see hard_constraints.

Source: https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/. For
selectors of matchLabels, and pods without node affinity.
"""

from collections.abc import Mapping
from typing import Any

from kspec_models.objects import Node, Pod
from kspec_properties.proofs.hard_constraints import tolerates_taints
from kspec_properties.proofs.hard_pods import Placed


def spreads(pod: Pod, node: Node, placed: Placed) -> bool:
    """The pod on the node leaves no domain more than maxSkew above the emptiest."""
    hard = [
        constraint
        for constraint in pod.spec.topology_spread_constraints
        if constraint["whenUnsatisfiable"] == "DoNotSchedule"
    ]
    keys = [constraint["topologyKey"] for constraint in hard]
    return all(_is_even(constraint, keys, pod, node, placed) for constraint in hard)


def _is_even(
    constraint: Mapping[str, Any], keys: list[str], pod: Pod, node: Node, placed: Placed
) -> bool:
    key, domains = constraint["topologyKey"], dict[str, int]()
    if key not in node.metadata.labels:
        return False
    for each, pods in placed:
        labels = each.metadata.labels
        honours = constraint.get("nodeTaintsPolicy", "Ignore") == "Honor"
        if all(k in labels for k in keys) and (not honours or tolerates_taints(pod, each)):
            counted = sum(_selects(constraint, pod, other) for other in pods)
            domains[labels[key]] = domains.get(labels[key], 0) + counted
    least = min(domains.values(), default=0)
    if len(domains) < constraint.get("minDomains", 1):
        least = 0
    there = domains.get(node.metadata.labels[key], 0) + _selects(constraint, pod, pod)
    return bool(there - least <= constraint["maxSkew"])


def _selects(constraint: Mapping[str, Any], pod: Pod, other: Pod) -> bool:
    wanted = constraint["labelSelector"]["matchLabels"]
    labels = other.metadata.labels
    return other.namespace == pod.namespace and all(labels.get(k) == v for k, v in wanted.items())
