"""NodeUnschedulable: a cordoned node takes only pods that tolerate the taint of the cordon.

After pkg/scheduler/framework/plugins/nodeunschedulable/node_unschedulable.go at 1.36. Nothing
left out.
"""

from __future__ import annotations

from kspec_models.objects import Node, Taint
from kspec_models.objects.core import PodSpec
from kspec_models.scheduler.framework import SUCCESS, UNRESOLVABLE, Status
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.plugins.taint_toleration import tolerates

NAME = "NodeUnschedulable"
CORDON = Taint(key="node.kubernetes.io/unschedulable", effect="NoSchedule")
_REJECTED = Status(UNRESOLVABLE, ("node(s) were unschedulable",), NAME)


class NodeUnschedulable:
    name = NAME

    def filter(self, spec: PodSpec, node_info: NodeInfo) -> Status:
        assert node_info.node is not None
        return SUCCESS if accepts(spec, node_info.node) else _REJECTED


def accepts(spec: PodSpec, node: Node) -> bool:
    """Whether the node is open to the pod."""
    return not node.spec.unschedulable or any(tolerates(t, CORDON) for t in spec.tolerations)
