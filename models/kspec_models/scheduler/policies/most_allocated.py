"""Bin packing: the default filters and preemption, and the fullest node that still fits.

After the scoring strategy MostAllocated of NodeResourcesFit
(pkg/scheduler/framework/plugins/noderesources/most_allocated.go at 1.36), with the taints and
preferred affinities of the default profile, and without what spreads pods.
"""

from __future__ import annotations

from functools import cache

from kspec_models.scheduler.plugins.node_affinity import NodeAffinity
from kspec_models.scheduler.plugins.node_resources_fit import NodeResourcesFit
from kspec_models.scheduler.plugins.node_resources_fit import most_allocated as strategy
from kspec_models.scheduler.plugins.taint_toleration import TaintToleration
from kspec_models.scheduler.policies.default import default_with_scores
from kspec_models.scheduler.profile import Profile


@cache
def most_allocated() -> Profile:
    """The default profile with MostAllocated in the place of LeastAllocated and of spreading."""
    scorers = ((TaintToleration(), 3), (NodeAffinity(), 2), (NodeResourcesFit(strategy), 1))
    return default_with_scores("most-allocated", scorers)
