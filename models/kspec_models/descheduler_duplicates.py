"""RemoveDuplicates: evict what several pods of one owner on one node have too many.

After pkg/framework/plugins/removeduplicates/removeduplicates.go of sigs.k8s.io/descheduler at 0.35.
The nodes over which the pods are averaged are those whose taints and labels would take them: room
is not asked for (issue #1237). Left out: the arguments namespaces and excludeOwnerKinds.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from kspec_models.descheduler_evictor import Cluster, Evictor, tolerates_node
from kspec_models.node_affinity import accepts
from kspec_models.objects import Node, OwnerReference, Pod


class Owner(NamedTuple):
    """Who the duplicates belong to, and which images they run."""

    namespace: str
    kind: str
    name: str
    images: str


def _owner(pod: Pod, reference: OwnerReference) -> Owner:
    images = "#".join(sorted(container.image for container in pod.spec.containers))
    return Owner(pod.namespace, reference.kind, reference.name, images)


def balance(evictor: Evictor) -> None:
    """Balance: spread the pods of each owner evenly over the nodes that would take them."""
    cluster = evictor.cluster
    occurrences, duplicates = _duplicates(evictor, cluster)
    for owner, by_node in duplicates.items():
        targets = target_nodes(by_node, cluster.nodes)
        if len(targets) < 2:
            continue
        average = -(-occurrences[owner] // len(targets))
        for pods in by_node.values():
            for pod in pods[average - 1 :] if len(pods) + 1 > average else ():
                if evictor.is_over:
                    return
                if evictor.fits_elsewhere(pod) and not evictor.evict(pod):
                    break


def _duplicates(
    evictor: Evictor, cluster: Cluster
) -> tuple[Counter[Owner], dict[Owner, dict[str, list[Pod]]]]:
    """How often each owner occurs, and on each node its pods beyond the first."""
    occurrences: Counter[Owner] = Counter()
    found: dict[Owner, dict[str, list[Pod]]] = {}
    for node in cluster.nodes:
        seen: set[tuple[Owner, ...]] = set()
        for pod in filter(evictor.may_go, cluster.pods.get(node.name, ())):
            owners = tuple(sorted(_owner(pod, r) for r in pod.metadata.owner_references))
            occurrences.update(owners)
            if owners in seen:
                for owner in owners:
                    found.setdefault(owner, {}).setdefault(node.name, []).append(pod)
            seen.add(owners)
    return occurrences, found


def target_nodes(by_node: dict[str, list[Pod]], nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """getTargetNodes: those whose taints, selector and affinity suit one of the pods."""
    pods = [pod for pods in by_node.values() for pod in pods]
    distinct = {(p.spec.tolerations, p.spec.node_selector, p.spec.affinity): p for p in pods}
    return tuple(
        node
        for node in nodes
        if any(tolerates_node(p, node) and accepts(p.spec, node) for p in distinct.values())
    )
