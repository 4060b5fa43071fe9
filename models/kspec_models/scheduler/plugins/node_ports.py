"""NodePorts: the host ports that a pod asks for must be free on the node.

After pkg/scheduler/framework/plugins/nodeports/node_ports.go at 1.36. Nothing left out.
"""

from __future__ import annotations

from kspec_models.objects.core import PodSpec
from kspec_models.scheduler.framework import SKIP, SUCCESS, UNSCHEDULABLE, Status
from kspec_models.scheduler.nodeinfo import NodeInfo, conflicts, host_ports

NAME = "NodePorts"
_REJECTED = Status(
    UNSCHEDULABLE, ("node(s) didn't have free ports for the requested pod ports",), NAME
)


class NodePorts:
    name = NAME

    def pre_filter(self, spec: PodSpec) -> Status:
        return SUCCESS if host_ports(spec) else Status(SKIP)

    def filter(self, spec: PodSpec, node_info: NodeInfo) -> Status:
        return SUCCESS if is_free(spec, node_info) else _REJECTED


def is_free(spec: PodSpec, node_info: NodeInfo) -> bool:
    """Whether no host port of the pod is taken on the node."""
    return not any(conflicts(port, node_info.ports) for port in host_ports(spec))
