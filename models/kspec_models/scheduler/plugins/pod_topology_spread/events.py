"""Queueing hints: which events may make a pod schedulable that a constraint kept away.

After pkg/scheduler/framework/plugins/podtopologyspread/plugin.go (EventsToRegister,
isSchedulableAfterPodChange, isSchedulableAfterNodeChange) at 1.36.

A pod without constraints of its own was kept away by default constraints of DoNotSchedule, which
a configuration may list. Their selector comes from caches that a hint does not see: such a pod is
retried after every event that is registered, more often than upstream does and never less.

Upstream's hints miss one help: a node that ceases to match the pod's own node affinity takes its
domain, and perhaps the lowest count, out of the reckoning. So do these; the flush of the
unschedulable pods retries such a pod.
"""

from __future__ import annotations

from typing import Any

from kspec_models.objects import Node, Pod
from kspec_models.scheduler.events import (
    ADD,
    DELETE,
    NODE,
    POD,
    UPDATE_NODE_LABEL,
    UPDATE_NODE_TAINT,
    UPDATE_POD_LABEL,
    UPDATE_POD_TOLERATION,
    ClusterEvent,
    Hint,
)
from kspec_models.scheduler.plugins.pod_topology_spread.common import (
    DO_NOT_SCHEDULE,
    HONOR,
    Constraint,
    constraints_of,
    has_every_key,
)
from kspec_models.selectors import SelectorError


def _constraints(pod: Pod) -> tuple[Constraint, ...] | None:
    """The pod's own constraints of DoNotSchedule; None where they are not known."""
    given = pod.spec.topology_spread_constraints
    try:
        return constraints_of(given, pod.metadata.labels, DO_NOT_SCHEDULE) if given else None
    except SelectorError:
        return None


def _is_involved(other: Pod, pod: Pod) -> bool:
    if other.metadata.uid == pod.metadata.uid:
        return True
    return bool(other.spec.node_name) and other.metadata.namespace == pod.metadata.namespace


def after_pod_change(pod: Pod, event: ClusterEvent) -> bool:
    """Whether a pod came, went or changed its labels that a constraint counts.

    Also whether the pod itself tolerates other taints, where a constraint heeds taints.
    """
    old, new = event.old, event.new
    if any(other is not None and not _is_involved(other, pod) for other in (old, new)):
        return False
    constraints = _constraints(pod)
    if constraints is None:
        return True
    if old is not None and new is not None:
        return _is_of_use(pod, old, new, constraints)
    labels = (new or old).metadata.labels
    return any(constraint.selector.matches(labels) for constraint in constraints)


def _is_of_use(pod: Pod, old: Pod, new: Pod, constraints: tuple[Constraint, ...]) -> bool:
    if (
        pod.metadata.uid == new.metadata.uid
        and old.spec.tolerations != new.spec.tolerations
        and any(constraint.node_taints_policy == HONOR for constraint in constraints)
    ):
        return True
    before, after = old.metadata.labels, new.metadata.labels
    return before != after and any(
        constraint.selector.matches(before) != constraint.selector.matches(after)
        for constraint in constraints
    )


def after_node_change(pod: Pod, event: ClusterEvent) -> bool:
    """Whether a domain came or went, or a node that counts has other taints or another domain."""
    constraints = _constraints(pod)
    if constraints is None:
        return True
    old, new = event.old, event.new
    did_count, counts = _counts(old, constraints), _counts(new, constraints)
    if old is None or new is None:
        return did_count or counts
    if did_count != counts:
        return True
    return counts and (
        old.spec.taints != new.spec.taints
        or any(_domain(old, constraint) != _domain(new, constraint) for constraint in constraints)
    )


def _counts(node: Node | None, constraints: tuple[Constraint, ...]) -> bool:
    return node is not None and has_every_key(node.metadata.labels, constraints)


def _domain(node: Node, constraint: Constraint) -> Any:
    return node.metadata.labels.get(constraint.topology_key)


EVENTS: dict[tuple[str, str], Hint] = {
    (POD, ADD): after_pod_change,
    (POD, DELETE): after_pod_change,
    (POD, UPDATE_POD_LABEL): after_pod_change,
    (POD, UPDATE_POD_TOLERATION): after_pod_change,
    (NODE, ADD): after_node_change,
    (NODE, DELETE): after_node_change,
    (NODE, UPDATE_NODE_LABEL): after_node_change,
    (NODE, UPDATE_NODE_TAINT): after_node_change,
}
"""What this plugin registers for."""
