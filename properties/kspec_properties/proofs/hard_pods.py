"""Required affinity and anti-affinity between pods, from the documentation; see hard_constraints.

Source: https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/
#inter-pod-affinity-and-anti-affinity, with the API reference of PodAffinityTerm. A node without
the topology key is in no domain: affinity cannot be met there, and anti-affinity is.

For selectors of matchLabels, and a namespaceSelector that is empty: it selects every namespace.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kspec_models.objects import Node, Pod

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
Placed = Sequence[tuple[Node, Sequence[Pod]]]
Term = Mapping[str, Any]


def broken_by_pods(pod: Pod, node: Node, placed: Placed) -> tuple[str, ...]:
    """Which of the rules between pods keeps the pod off the node."""
    holds = {
        "podAffinity": affinity_is_met(pod, node, placed),
        "podAntiAffinity": anti_affinity_is_met(pod, node, placed),
        "podAntiAffinity of a pod there": is_welcome(pod, node, placed),
    }
    return tuple(name for name, kept in holds.items() if not kept)


def affinity_is_met(pod: Pod, node: Node, placed: Placed) -> bool:
    """One pod that is there meets all terms in each one's domain.

    The first pod of a group, which would wait for itself for ever, may go to any domain.
    """
    terms = tuple(_terms(pod, "podAffinity"))
    if not all(term["topologyKey"] in node.metadata.labels for term in terms):
        return False
    if all(_is_near(node, placed, terms, term, pod) for term in terms):
        return True
    others = [other for _, pods in placed for other in pods]
    anywhere = any(all(_selects(t, pod, other) for t in terms) for other in others)
    return not anywhere and all(_selects(term, pod, pod) for term in terms)


def anti_affinity_is_met(pod: Pod, node: Node, placed: Placed) -> bool:
    """No pod that a term selects is in the node's domain."""
    return not any(
        _shares(term, node, other_node) and _selects(term, pod, other)
        for term in _terms(pod, "podAntiAffinity")
        for other_node, pods in placed
        for other in pods
    )


def is_welcome(pod: Pod, node: Node, placed: Placed) -> bool:
    """The anti-affinity of no pod that is there forbids it."""
    return not any(
        _shares(term, node, other_node) and _selects(term, other, pod)
        for other_node, pods in placed
        for other in pods
        for term in _terms(other, "podAntiAffinity")
    )


def _is_near(node: Node, placed: Placed, terms: Sequence[Term], term: Term, pod: Pod) -> bool:
    return any(
        _shares(term, node, other_node) and all(_selects(t, pod, other) for t in terms)
        for other_node, pods in placed
        for other in pods
    )


def _terms(pod: Pod, kind: str) -> Iterator[Term]:
    yield from ((pod.spec.affinity or {}).get(kind) or {}).get(REQUIRED, ())


def _shares(term: Term, one: Node, other: Node) -> bool:
    key, labels = term["topologyKey"], one.metadata.labels
    return key in labels and labels[key] == other.metadata.labels.get(key)


def _selects(term: Term, owner: Pod, other: Pod) -> bool:
    """Whether the term of `owner` selects the other pod; its own namespace is the default."""
    names, everywhere = term.get("namespaces", ()), "namespaceSelector" in term
    if not everywhere and other.namespace not in (names or (owner.namespace,)):
        return False
    wanted = term["labelSelector"]["matchLabels"]
    return all(other.metadata.labels.get(key) == value for key, value in wanted.items())
