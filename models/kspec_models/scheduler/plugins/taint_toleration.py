"""TaintToleration: taints keep pods away that do not tolerate them.

After pkg/scheduler/framework/plugins/tainttoleration/taint_toleration.go at 1.36. A taint of effect
NoSchedule or NoExecute filters; PreferNoSchedule lowers the score by how many such taints are not
tolerated.
"""

from __future__ import annotations

from collections.abc import Sequence

from kspec_models.objects import Node
from kspec_models.objects.core import PodSpec
from kspec_models.scheduler.framework import SUCCESS, UNRESOLVABLE, Status, default_normalize
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.tolerations import is_tolerated, tolerates

__all__ = ["NAME", "TaintToleration", "accepts", "tolerates"]

NAME = "TaintToleration"
_FILTERING = ("NoSchedule", "NoExecute")
_REJECTED = Status(UNRESOLVABLE, ("node(s) had untolerated taint(s)",), NAME)


class TaintToleration:
    name = NAME
    is_relative = True

    def filter(self, spec: PodSpec, node_info: NodeInfo) -> Status:
        assert node_info.node is not None
        return SUCCESS if accepts(spec, node_info.node) else _REJECTED

    def score(self, spec: PodSpec, node_info: NodeInfo) -> int:
        """How many PreferNoSchedule taints the pod does not tolerate; fewer is better."""
        assert node_info.node is not None
        taints = [t for t in node_info.node.spec.taints if t.effect == "PreferNoSchedule"]
        if not taints:
            return 0
        tolerations = [t for t in spec.tolerations if t.effect in ("", "PreferNoSchedule")]
        return sum(not is_tolerated(taint, tolerations) for taint in taints)

    def normalize(self, scores: Sequence[int]) -> Sequence[int]:
        return default_normalize(scores, reverse=True)


def accepts(spec: PodSpec, node: Node) -> bool:
    """Whether the pod tolerates every taint of the node that keeps pods away."""
    return all(
        is_tolerated(taint, spec.tolerations)
        for taint in node.spec.taints
        if taint.effect in _FILTERING
    )
