"""Which nodes the filters of the default profile let a pod go to, for simulations of scheduling.

The cluster autoscaler and others ask this of the scheduler's framework, with the default plugins
(cluster-autoscaler/simulator/clustersnapshot of kubernetes/autoscaler at 1.36), whatever policy the
scheduler of the cluster has.
"""

from __future__ import annotations

from kspec.values import Memo
from kspec_models.objects import Node, Pod
from kspec_models.scheduler.cycle import find
from kspec_models.scheduler.framework import Context
from kspec_models.scheduler.nodeinfo import NodeInfo, node_info
from kspec_models.scheduler.policies.default import default_policy

_info: Memo[tuple[Node, tuple[Pod, ...]], NodeInfo] = Memo(
    "simulated nodes", lambda machine: node_info(*machine)
)


def feasible_nodes(pod: Pod, machines: tuple[tuple[Node, tuple[Pod, ...]], ...]) -> tuple[str, ...]:
    """The names of the nodes, given with their pods, that can take the pod."""
    infos = sorted((_info(machine) for machine in machines), key=lambda info: info.name)
    fresh = pod.replace(status=pod.status.replace(nominated_node_name=""))
    found = find(default_policy(), fresh, Context(nodes=tuple(infos)))
    return tuple(info.name for info in found.feasible)
