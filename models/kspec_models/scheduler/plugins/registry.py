"""The in-tree plugins by name: at which extension points each runs, and how it is made.

After pkg/scheduler/framework/plugins/registry.go and the interfaces that each plugin implements at
1.36.

Part of the scheduler itself here, and not made: SchedulingGates and PrioritySort (the queue) and
DefaultBinder. Not modelled: DynamicResources, which concerns pods with resourceClaims, and
NodeDeclaredFeatures, which concerns pods that need a feature of the kubelet; both are part of the
default profile and have no say about any other pod. The plugins of pod groups (GangScheduling and
others) need gates that are off by default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, Final, NamedTuple

from kspec_models.objects.record import freeze
from kspec_models.scheduler.plugins.default_preemption import DefaultPreemption
from kspec_models.scheduler.plugins.image_locality import ImageLocality
from kspec_models.scheduler.plugins.inter_pod_affinity import InterPodAffinity
from kspec_models.scheduler.plugins.node_affinity import NodeAffinity
from kspec_models.scheduler.plugins.node_name import NodeName
from kspec_models.scheduler.plugins.node_ports import NodePorts
from kspec_models.scheduler.plugins.node_resources_balanced_allocation import (
    NodeResourcesBalancedAllocation,
)
from kspec_models.scheduler.plugins.node_resources_fit import (
    NodeResourcesFit,
    Weight,
    least_allocated,
    most_allocated,
)
from kspec_models.scheduler.plugins.node_unschedulable import NodeUnschedulable
from kspec_models.scheduler.plugins.node_volume_limits import NodeVolumeLimits
from kspec_models.scheduler.plugins.pod_topology_spread import PodTopologySpread
from kspec_models.scheduler.plugins.requested_to_capacity_ratio import (
    Point,
    RequestedToCapacityRatio,
)
from kspec_models.scheduler.plugins.taint_toleration import TaintToleration
from kspec_models.scheduler.plugins.volume_binding import VolumeBinding
from kspec_models.scheduler.plugins.volume_restrictions import VolumeRestrictions
from kspec_models.scheduler.plugins.volume_zone import VolumeZone

Arguments = Mapping[str, Any]
"""The arguments of a plugin as its configuration gives them, with all defaults filled in."""

FILTER: Final = ("preFilter", "filter")
SCORE: Final = ("preScore", "score")


class Registered(NamedTuple):
    """An in-tree plugin.

    points: the extension points that it implements. make: the plugin from its arguments, None for
    one that is not made. needs: the points whose part without the one before it (preFilter of
    filter, preScore of score) fails every cycle.
    """

    points: tuple[str, ...]
    make: Callable[[Arguments], Any] | None = None
    needs: tuple[str, ...] = ()


def _fit(arguments: Arguments) -> NodeResourcesFit:
    strategy = arguments["scoringStrategy"]
    ignored = (*arguments["ignoredResources"], *arguments["ignoredResourceGroups"])
    return NodeResourcesFit(_strategy(strategy), _weights(strategy), frozenset(ignored))


def _strategy(given: Arguments) -> Callable[[int, int], int]:
    if given["type"] == "RequestedToCapacityRatio":
        shape = given["requestedToCapacityRatio"]["shape"]
        points = (Point(p.get("utilization", 0), p.get("score", 0)) for p in shape)
        return RequestedToCapacityRatio(tuple(points))
    return least_allocated if given["type"] == "LeastAllocated" else most_allocated


def _weights(given: Arguments) -> tuple[Weight, ...]:
    return tuple(Weight(resource["name"], resource["weight"]) for resource in given["resources"])


def _inter_pod_affinity(arguments: Arguments) -> InterPodAffinity:
    return InterPodAffinity(
        arguments["hardPodAffinityWeight"], arguments["ignorePreferredTermsOfExistingPods"]
    )


def _pod_topology_spread(arguments: Arguments) -> PodTopologySpread:
    return PodTopologySpread(
        arguments["defaultingType"], tuple(freeze(arguments["defaultConstraints"]))
    )


def _default_preemption(arguments: Arguments) -> DefaultPreemption:
    return DefaultPreemption(
        arguments["minCandidateNodesPercentage"], arguments["minCandidateNodesAbsolute"]
    )


PLUGINS: dict[str, Registered] = {
    "DefaultBinder": Registered(("bind",)),
    "DefaultPreemption": Registered(("preEnqueue", "postFilter"), _default_preemption),
    "DynamicResources": Registered(
        ("preEnqueue", *FILTER, "postFilter", "score", "reserve", "preBind")
    ),
    "ImageLocality": Registered(("score",), lambda _: ImageLocality()),
    "InterPodAffinity": Registered((*FILTER, *SCORE), _inter_pod_affinity, ("filter", "score")),
    "NodeAffinity": Registered(
        (*FILTER, *SCORE), lambda given: NodeAffinity(freeze(given["addedAffinity"]))
    ),
    "NodeDeclaredFeatures": Registered(FILTER),
    "NodeName": Registered(("filter",), lambda _: NodeName()),
    "NodePorts": Registered(FILTER, lambda _: NodePorts(), ("filter",)),
    "NodeResourcesBalancedAllocation": Registered(
        SCORE, lambda given: NodeResourcesBalancedAllocation(_weights(given))
    ),
    "NodeResourcesFit": Registered((*FILTER, *SCORE), _fit, ("filter",)),
    "NodeUnschedulable": Registered(("filter",), lambda _: NodeUnschedulable()),
    "NodeVolumeLimits": Registered(FILTER, lambda _: NodeVolumeLimits()),
    "PodTopologySpread": Registered((*FILTER, *SCORE), _pod_topology_spread, ("filter", "score")),
    "PrioritySort": Registered(("queueSort",)),
    "SchedulingGates": Registered(("preEnqueue",)),
    "TaintToleration": Registered(("filter", *SCORE), lambda _: TaintToleration(), ("score",)),
    "VolumeBinding": Registered(
        (*FILTER, "reserve", *SCORE, "preBind"), lambda _: VolumeBinding(), ("filter",)
    ),
    "VolumeRestrictions": Registered(FILTER, lambda _: VolumeRestrictions(), ("filter",)),
    "VolumeZone": Registered(FILTER, lambda _: VolumeZone()),
}
"""The plugins that a configuration may enable."""

GATED: Final = ("GangScheduling", "PodGroupPodsCount", "TopologyPlacementGenerator")
"""In-tree plugins whose feature gate is off by default."""

REMOVED: Final = ("AzureDiskLimits", "CinderLimits", "EBSLimits", "GCEPDLimits")
"""In-tree plugins of earlier releases, which a configuration may still disable."""


def nearest(name: str) -> str:
    """The in-tree plugins with a name like this one, as an expectation; or where they are named."""
    near = get_close_matches(name, PLUGINS, 2)
    return " or ".join(near) if near else "the name of an in-tree plugin"
