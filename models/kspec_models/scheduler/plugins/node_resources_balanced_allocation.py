"""NodeResourcesBalancedAllocation: prefer nodes whose resources would be used up evenly.

After pkg/scheduler/framework/plugins/noderesources/balanced_allocation.go at 1.36: 100 times one
minus the standard deviation of the used shares. Pods that request nothing are not scored, since
kubernetes/kubernetes#129138.

The shares are floating point, upstream and here, and are computed in the same order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from kspec_models.objects.core import PodSpec
from kspec_models.resources import amounts_of_spec
from kspec_models.scheduler.framework import MAX_NODE_SCORE
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.plugins.node_resources_fit import (
    DEFAULT_WEIGHTS,
    Weight,
    checked_weights,
    usage,
)

NAME = "NodeResourcesBalancedAllocation"


def balanced(usages: Sequence[tuple[int, int]]) -> int:
    """0..100 for (taken, offered) per resource; what is not offered does not count."""
    shares = [min(taken / offered, 1.0) for taken, offered in usages if offered]
    deviation = 0.0
    if len(shares) == 2:
        deviation = abs((shares[0] - shares[1]) / 2)
    elif len(shares) > 2:
        total = 0.0
        for share in shares:
            total += share
        mean = total / len(shares)
        squares = 0.0
        for share in shares:
            squares += (share - mean) * (share - mean)
        deviation = math.sqrt(squares / len(shares))
    return int((1 - deviation) * MAX_NODE_SCORE)


class NodeResourcesBalancedAllocation:
    name = NAME
    is_relative = False

    def __init__(self, weights: Sequence[Weight] = DEFAULT_WEIGHTS) -> None:
        self.weights = checked_weights(weights)

    def is_skipped(self, spec: PodSpec) -> bool:
        """Whether the pod requests none of the resources."""
        requests = amounts_of_spec(spec).requests
        return not any(requests.amount(resource) for resource, _ in self.weights)

    def score(self, spec: PodSpec, node_info: NodeInfo) -> int:
        return 0 if self.is_skipped(spec) else self.score_of_any(spec, node_info)

    def score_of_any(self, spec: PodSpec, node_info: NodeInfo) -> int:
        """The score that also pods that request nothing got before they were skipped."""
        return balanced(
            [usage(spec, node_info, resource, non_zero=False) for resource, _ in self.weights]
        )

    def normalize(self, scores: Sequence[int]) -> Sequence[int]:
        return scores
