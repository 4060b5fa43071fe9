"""The default profile of kube-scheduler, as far as it is modelled.

After pkg/scheduler/apis/config/v1/default_plugins.go at 1.36: the default filters, and the scores
TaintToleration (weight 3), NodeAffinity (2), PodTopologySpread (2), NodeResourcesFit (1) and
NodeResourcesBalancedAllocation (1).

Left out: the volume plugins, InterPodAffinity, DynamicResources, and PodTopologySpread beyond its
default constraints. A pod that uses none of these is treated as upstream treats it. ImageLocality
(1) is left out too: the model's nodes report no images, so it would score every node the same.
"""

from __future__ import annotations

from functools import cache

from kspec_models.scheduler.plugins.node_affinity import NodeAffinity
from kspec_models.scheduler.plugins.node_resources_balanced_allocation import (
    NodeResourcesBalancedAllocation,
)
from kspec_models.scheduler.plugins.node_resources_fit import NodeResourcesFit
from kspec_models.scheduler.plugins.pod_topology_spread import PodTopologySpread
from kspec_models.scheduler.plugins.taint_toleration import TaintToleration
from kspec_models.scheduler.profile import LOCAL_FILTERS, Profile


@cache
def default_policy() -> Profile:
    """Upstream's default profile."""
    return Profile(
        "default",
        LOCAL_FILTERS,
        (
            (TaintToleration(), 3),
            (NodeAffinity(), 2),
            (NodeResourcesFit(), 1),
            (NodeResourcesBalancedAllocation(), 1),
            (PodTopologySpread(), 2),
        ),
        resources=("services", "replicasets"),
    )
