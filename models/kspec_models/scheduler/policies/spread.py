"""Even spreading: the default filters and preemption, and the emptiest node, far from its equals.

NodeResourcesFit by LeastAllocated (weight 1) and PodTopologySpread with its default constraints
(2), as upstream's default profile weighs the two, with that profile's taints and preferred
affinities, and without what weighs against spreading: balanced allocation and image locality.
"""

from __future__ import annotations

from functools import cache

from kspec_models.scheduler.plugins.node_affinity import NodeAffinity
from kspec_models.scheduler.plugins.node_resources_fit import NodeResourcesFit
from kspec_models.scheduler.plugins.pod_topology_spread import PodTopologySpread
from kspec_models.scheduler.plugins.taint_toleration import TaintToleration
from kspec_models.scheduler.policies.default import default_with_scores
from kspec_models.scheduler.profile import Profile


@cache
def spread() -> Profile:
    """The default profile with what spreads pods alone."""
    scorers = (
        (TaintToleration(), 3),
        (NodeAffinity(), 2),
        (PodTopologySpread(), 2),
        (NodeResourcesFit(), 1),
    )
    return default_with_scores("spread", scorers)
