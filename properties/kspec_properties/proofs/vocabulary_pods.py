"""Required affinity and anti-affinity between pods: over three nodes in two zones, one pod there.

The node that is judged, one in the same zone and one in another; the pod is on any of them or
nowhere; the term is the pending pod's, or anti-affinity of the pod that is there.
"""

from typing import Any

from kspec_models.objects import Pod
from kspec_models.scheduler.nodeinfo import NodeInfo, node_info
from kspec_properties.proofs.hard_pods import REQUIRED, broken_by_pods
from kspec_properties.proofs.kept import kept
from kspec_properties.proofs.vocabulary import Chosen, Scene, Vocabulary, node_of, pod_of

HOSTNAME, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"
NODES = {"node": "a", "near": "a", "far": "b"}
"""The zone of each node."""
OPTIONS: dict[str, tuple[Any, ...]] = {
    "rule": ("", "affinity", "anti-affinity", "anti-affinity of the other"),
    "topology": (HOSTNAME, ZONE, "rack"),
    "place": ("", *NODES),
    "other_label": ("a", "b"),
    "own_label": ("a", "b"),
    "other_namespace": ("default", "other"),
    "of_namespaces": ({}, {"namespaces": ["other"]}, {"namespaceSelector": {}}),
}


def scene(of: Chosen) -> Scene:
    """The objects of one combination."""
    rule = OPTIONS["rule"][of["rule"]]
    is_others = rule.endswith("other")
    term = (of["topology"], of["of_namespaces"])
    own_term, other_term = ((), term) if is_others else (term, ())
    pending = _pod("pending", of["own_label"], 0, rule if not is_others else "", own_term)
    kind = "anti-affinity" if is_others else ""
    other = _pod("other", of["other_label"], of["other_namespace"], kind, other_term)
    infos = _nodes(other, OPTIONS["place"][of["place"]])
    placed = [(info.node, info.pods) for info in infos if info.node is not None]
    refused_by = broken_by_pods(pending, placed[0][0], placed)
    return Scene(pending, infos, refused_by)


@kept
def _nodes(other: Pod, place: str) -> tuple[NodeInfo, ...]:
    return tuple(
        node_info(
            node_of(name, {HOSTNAME: name, ZONE: zone}),
            (other.replace(spec=other.spec.replace(node_name=name)),) if name == place else (),
        )
        for name, zone in NODES.items()
    )


@kept
def _pod(name: str, label: int, space: int, rule: str, term: tuple[int, ...]) -> Pod:
    spec: dict[str, Any] = {}
    if rule:
        topology, namespaces = term
        given = {
            "topologyKey": OPTIONS["topology"][topology],
            "labelSelector": {"matchLabels": {"app": "a"}},
            **OPTIONS["of_namespaces"][namespaces],
        }
        kind = "podAffinity" if rule == "affinity" else "podAntiAffinity"
        spec["affinity"] = {kind: {REQUIRED: [given]}}
    labels = {"app": OPTIONS["own_label"][label]}
    return pod_of(name, spec, labels, OPTIONS["other_namespace"][space])


VOCABULARY = Vocabulary("affinity between pods", OPTIONS, scene)
