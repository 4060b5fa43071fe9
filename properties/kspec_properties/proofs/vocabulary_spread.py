"""Topology spread constraints of DoNotSchedule: pods counted on a node, beside it and far away."""

from typing import Any

from kspec_models.objects import Node, Pod
from kspec_models.scheduler.nodeinfo import NodeInfo, node_info
from kspec_properties.proofs.hard_spread import spreads
from kspec_properties.proofs.kept import kept
from kspec_properties.proofs.vocabulary import Chosen, Scene, Vocabulary, node_of, pod_of
from kspec_properties.proofs.vocabulary_pods import HOSTNAME, ZONE

OPTIONS: dict[str, tuple[Any, ...]] = {
    "max_skew": (1, 2),
    "min_domains": (None, 3),
    "spread_over": (ZONE, HOSTNAME, "rack"),
    "counted_here": (0, 1, 2),
    "counted_near": (0, 1),
    "counted_far": (0, 2),
    "counts_itself": (True, False),
    "far_taint": (None, "Ignore", "Honor"),
}
"""far_taint: the far node is tainted, and the constraint's nodeTaintsPolicy."""


def scene(of: Chosen) -> Scene:
    """The objects of one combination."""
    rule = (of["max_skew"], of["min_domains"], of["spread_over"], of["far_taint"])
    pending = _pending(*rule, of["counts_itself"])
    is_tainted = of["far_taint"] > 0
    infos = (
        _node("node", "a", False, OPTIONS["counted_here"][of["counted_here"]]),
        _node("near", "a", False, OPTIONS["counted_near"][of["counted_near"]]),
        _node("far", "b", is_tainted, OPTIONS["counted_far"][of["counted_far"]]),
    )
    placed = [(info.node, info.pods) for info in infos if info.node is not None]
    is_even = spreads(pending, placed[0][0], placed)
    return Scene(pending, infos, () if is_even else ("topologySpreadConstraints",))


@kept
def _node(name: str, zone: str, is_tainted: bool, pods: int) -> NodeInfo:
    taints = [{"key": "dedicated", "effect": "NoSchedule"}] if is_tainted else []
    node: Node = node_of(name, {HOSTNAME: name, ZONE: zone}, taints=taints)
    counted = [pod_of(f"{name}-{k}", {"nodeName": name}, {"app": "a"}) for k in range(pods)]
    return node_info(node, tuple(counted))


@kept
def _pending(skew: int, domains: int, key: int, taint: int, itself: int) -> Pod:
    constraint = {
        "maxSkew": OPTIONS["max_skew"][skew],
        "topologyKey": OPTIONS["spread_over"][key],
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "a"}},
    }
    if OPTIONS["min_domains"][domains]:
        constraint["minDomains"] = OPTIONS["min_domains"][domains]
    if OPTIONS["far_taint"][taint]:
        constraint["nodeTaintsPolicy"] = OPTIONS["far_taint"][taint]
    labels = {"app": "a" if OPTIONS["counts_itself"][itself] else "b"}
    return pod_of("pending", {"topologySpreadConstraints": [constraint]}, labels)


VOCABULARY = Vocabulary("topology spread", OPTIONS, scene)
