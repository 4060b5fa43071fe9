"""NodeName: a pod with spec.nodeName goes there and nowhere else.

After pkg/scheduler/framework/plugins/nodename/node_name.go at 1.36. Nothing left out.
"""

from __future__ import annotations

from kspec_models.objects.core import PodSpec
from kspec_models.scheduler.framework import SUCCESS, UNRESOLVABLE, Status
from kspec_models.scheduler.nodeinfo import NodeInfo

NAME = "NodeName"
_REJECTED = Status(UNRESOLVABLE, ("node(s) didn't match the requested node name",), NAME)


class NodeName:
    name = NAME

    def filter(self, spec: PodSpec, node_info: NodeInfo) -> Status:
        matches = not spec.node_name or spec.node_name == node_info.name
        return SUCCESS if matches else _REJECTED
