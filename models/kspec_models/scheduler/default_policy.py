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

from kspec_models.scheduler.plugin_policy import DEFAULT_FILTERS, PluginPolicy
from kspec_models.scheduler.plugins import pod_topology_spread
from kspec_models.scheduler.plugins.node_affinity import NodeAffinity
from kspec_models.scheduler.plugins.node_resources_balanced_allocation import (
    NodeResourcesBalancedAllocation,
)
from kspec_models.scheduler.plugins.node_resources_fit import NodeResourcesFit
from kspec_models.scheduler.plugins.taint_toleration import TaintToleration


@cache
def default_policy() -> PluginPolicy:
    """Upstream's default profile."""
    return PluginPolicy(
        "default",
        DEFAULT_FILTERS,
        (
            (TaintToleration(), 3),
            (NodeAffinity(), 2),
            (NodeResourcesFit(), 1),
            (NodeResourcesBalancedAllocation(), 1),
        ),
        (pod_topology_spread.scores, 2),
    )
