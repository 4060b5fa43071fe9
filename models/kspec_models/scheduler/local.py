"""The filters that look at one node, asked in order.

After pkg/scheduler/framework/runtime/framework.go (RunFilterPlugins) and schedule_one.go
(findNodesThatFitPod: the nodes that PreFilter names) at 1.36.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kspec_models.objects.core import PodSpec
from kspec_models.scheduler.framework import SUCCESS, UNRESOLVABLE, FilterPlugin, Status
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.plugins.node_affinity import NodeAffinity
from kspec_models.scheduler.plugins.node_name import NodeName
from kspec_models.scheduler.plugins.node_ports import NodePorts
from kspec_models.scheduler.plugins.node_resources_fit import NodeResourcesFit
from kspec_models.scheduler.plugins.node_unschedulable import NodeUnschedulable
from kspec_models.scheduler.plugins.taint_toleration import TaintToleration

LOCAL_FILTERS: tuple[FilterPlugin, ...] = (
    NodeUnschedulable(),
    NodeName(),
    TaintToleration(),
    NodeAffinity(),
    NodePorts(),
    NodeResourcesFit(),
)
"""The filters of the default profile that look at one node, in its order."""


def not_named(plugins: tuple[str, ...]) -> Status:
    """The status of a node that PreFilter of these plugins does not name."""
    listed = ", ".join(plugins)
    return Status(UNRESOLVABLE, (f"node(s) didn't satisfy plugin(s) [{listed}]",), plugins[0])


def judge_local(plugins: Sequence[Any], spec: PodSpec, info: NodeInfo) -> Status:
    """What plugins that look at one node say of it: the first rejection counts."""
    for plugin in plugins:
        if type(plugin) is NodeAffinity and spec.affinity:
            status, names = plugin.pre_filter(spec)
            if status.is_rejected:
                return status
            if names is not None and info.name not in names:
                return not_named((plugin.name,))
    for plugin in plugins:
        found: Status = plugin.filter(spec, info)
        if not found.ok:
            return found
    return SUCCESS
