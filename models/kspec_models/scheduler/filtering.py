"""Filter with nominated pods: a node must take the pod whether or not they arrive there.

After pkg/scheduler/framework/runtime/framework.go (RunFilterPluginsWithNominatedPods) at 1.36.
Nominated pods of at least the pod's priority are counted as if they ran on the node. The pod must
also fit without them, since they may never come (and a pod may need them, by affinity).
"""

from __future__ import annotations

from typing import Any

from kspec_models.objects import Pod
from kspec_models.scheduler.framework import (
    ERROR,
    Context,
    PluginError,
    Policy,
    Status,
)
from kspec_models.scheduler.nodeinfo import NodeInfo


def priority_of(pod: Pod) -> int:
    """The pod's priority; 0 where none is set."""
    return pod.spec.priority or 0


def filter_with_nominated(policy: Policy, pod: Pod, info: NodeInfo, context: Context) -> Status:
    """What the policy says of a node, with the pods nominated to it and without them."""
    counted = [
        other
        for other in context.nominated.get(info.name, ())
        if priority_of(other) >= priority_of(pod) and other.uid != pod.uid
    ]
    if counted:
        try:
            changed, crowded = _crowded(policy, pod, info, context, counted)
        except PluginError as error:
            return Status(ERROR, (str(error),))
        status = policy.filter(pod, changed, crowded)
        if not status.ok:
            return status
    return policy.filter(pod, info, context)


def _crowded(
    policy: Policy, pod: Pod, info: NodeInfo, context: Context, others: list[Pod]
) -> tuple[NodeInfo, Context]:
    """The node and the context as if the others ran there."""
    add: Any = getattr(policy, "with_pod", None)
    for other in others:
        info = info.with_pod(other)
        if add is not None:
            context = add(pod, context, other, info)
    return info, context
