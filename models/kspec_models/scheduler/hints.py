"""Cluster events and queueing hints: which events may make a rejected pod schedulable.

After pkg/scheduler/framework/events.go and the EventsToRegister of each plugin at 1.36.

Left out: hints of plugins that are not modelled, and hints for the pod's own label changes, which
no modelled plugin registers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from kspec_models.objects import Node, Pod
from kspec_models.resources import Requests, amounts_of, amounts_of_spec
from kspec_models.scheduler.nodeinfo import allocatable_of, conflicts, host_ports, node_info
from kspec_models.scheduler.plugins import (
    node_affinity,
    node_name,
    node_ports,
    node_resources_fit,
    node_unschedulable,
    taint_toleration,
)

NODE, POD, ANY = "Node", "Pod", "*"
ADD: Final = "Add"
UPDATE: Final = "Update"
DELETE: Final = "Delete"
UPDATE_NODE_ALLOCATABLE: Final = "UpdateNodeAllocatable"
UPDATE_NODE_LABEL: Final = "UpdateNodeLabel"
UPDATE_NODE_TAINT: Final = "UpdateNodeTaint"
UPDATE_NODE_CONDITION: Final = "UpdateNodeCondition"
UPDATE_NODE_ANNOTATION: Final = "UpdateNodeAnnotation"
UPDATE_POD_LABEL: Final = "UpdatePodLabel"
UPDATE_POD_SCALE_DOWN: Final = "UpdatePodScaleDown"
UPDATE_POD_GATES_ELIMINATED: Final = "UpdatePodSchedulingGatesEliminated"
UPDATE_POD_TOLERATION: Final = "UpdatePodToleration"
SCHEDULING_GATES: Final = "SchedulingGates"


class ClusterEvent(NamedTuple):
    """Something happened to a Node or Pod; old and new are the objects, as far as known."""

    resource: str
    action: str
    old: Any = None
    new: Any = None


TIMEOUT = ClusterEvent(ANY, ANY)
"""A pod stayed unschedulable for too long; retries it whatever had rejected it."""

Hint = Callable[[Pod, ClusterEvent], bool]
"""Whether the event may make the pod schedulable that the plugin had rejected."""

Hints = Mapping[str, Mapping[tuple[str, str], Hint]]
"""By plugin, the (resource, action) it registers for."""


def _always(pod: Pod, event: ClusterEvent) -> bool:
    return True


def _of_the_pod_itself(pod: Pod, event: ClusterEvent) -> bool:
    return event.new is not None and event.new.metadata.uid == pod.metadata.uid


def _after_uncordon(pod: Pod, event: ClusterEvent) -> bool:
    return node_unschedulable.accepts(pod.spec, event.new)


def _after_taint(pod: Pod, event: ClusterEvent) -> bool:
    accepted = event.old is not None and taint_toleration.accepts(pod.spec, event.old)
    return taint_toleration.accepts(pod.spec, event.new) and not accepted


def _after_label(pod: Pod, event: ClusterEvent) -> bool:
    accepted = event.old is not None and node_affinity.accepts(pod.spec, event.old)
    return node_affinity.accepts(pod.spec, event.new) and not accepted


def _after_port_freed(pod: Pod, event: ClusterEvent) -> bool:
    if not event.old.spec.node_name:
        return False
    freed = host_ports(event.old.spec)
    return any(conflicts(port, freed) for port in host_ports(pod.spec))


def _after_pod_deleted(pod: Pod, event: ClusterEvent) -> bool:
    return bool(event.old.spec.node_name)


def _after_scale_down(pod: Pod, event: ClusterEvent) -> bool:
    if event.new.metadata.uid == pod.metadata.uid:
        return True
    if not event.new.spec.node_name:
        return False
    before, after = amounts_of(event.old).requests, amounts_of(event.new).requests
    return any(before.amount(r) > after.amount(r) for r in _requested(pod))


def _requested(pod: Pod) -> list[str]:
    requests: Requests = amounts_of_spec(pod.spec).requests
    names = ("cpu", "memory", "ephemeral-storage", *(name for name, _ in requests.scalar))
    return [name for name in names if requests.amount(name)]


def _after_allocatable(pod: Pod, event: ClusterEvent) -> bool:
    if not node_resources_fit.has_room(pod.spec, node_info(event.new)):
        return False
    if event.old is None:
        return True
    (before, pods_before), (after, pods_after) = (
        allocatable_of(event.old),
        allocatable_of(event.new),
    )
    more = any(after.amount(r) > before.amount(r) for r in _requested(pod))
    return more or pods_after > pods_before


IN_TREE: Hints = {
    SCHEDULING_GATES: {(POD, UPDATE_POD_GATES_ELIMINATED): _of_the_pod_itself},
    node_name.NAME: {(NODE, ADD): _always},
    node_unschedulable.NAME: {
        (NODE, ADD): _after_uncordon,
        (NODE, UPDATE_NODE_TAINT): _after_uncordon,
        (POD, UPDATE_POD_TOLERATION): _of_the_pod_itself,
    },
    taint_toleration.NAME: {
        (NODE, ADD): _after_taint,
        (NODE, UPDATE_NODE_TAINT): _after_taint,
        (POD, UPDATE_POD_TOLERATION): _of_the_pod_itself,
    },
    node_affinity.NAME: {(NODE, ADD): _after_label, (NODE, UPDATE_NODE_LABEL): _after_label},
    node_ports.NAME: {(NODE, ADD): _always, (POD, DELETE): _after_port_freed},
    node_resources_fit.NAME: {
        (NODE, ADD): _after_allocatable,
        (NODE, UPDATE_NODE_ALLOCATABLE): _after_allocatable,
        (POD, DELETE): _after_pod_deleted,
        (POD, UPDATE_POD_SCALE_DOWN): _after_scale_down,
    },
}
"""The hints of the in-tree plugins."""


def is_worth_requeuing(
    hints: Hints | None, rejectors: tuple[str, ...], pod: Pod, event: ClusterEvent
) -> bool:
    """Whether one of the plugins that rejected the pod asks to retry it after the event.

    A rejector without an entry in the hints, as of a user's policy, asks for it always.
    """
    if not rejectors or event.resource == ANY:
        return True
    for plugin in rejectors:
        registered = hints.get(plugin) if hints is not None else None
        if registered is None:
            return True
        hint = registered.get((event.resource, event.action))
        if hint is not None and hint(pod, event):
            return True
    return False


def is_of_interest(hints: Hints, event: ClusterEvent) -> bool:
    """Whether any plugin registers for such events."""
    kind = (event.resource, event.action)
    return any(kind in registered for registered in hints.values())


def node_events(old: Node, new: Node) -> tuple[ClusterEvent, ...]:
    """NodeSchedulingPropertiesChange: the events that an update of a node stands for."""
    uncordoned = old.spec.unschedulable and not new.spec.unschedulable
    changes = (
        (uncordoned, UPDATE_NODE_TAINT),
        (old.status.allocatable != new.status.allocatable, UPDATE_NODE_ALLOCATABLE),
        (old.metadata.labels != new.metadata.labels, UPDATE_NODE_LABEL),
        (old.spec.taints != new.spec.taints, UPDATE_NODE_TAINT),
        (_conditions(old) != _conditions(new), UPDATE_NODE_CONDITION),
        (old.metadata.annotations != new.metadata.annotations, UPDATE_NODE_ANNOTATION),
    )
    return tuple(ClusterEvent(NODE, action, old, new) for changed, action in changes if changed)


def _conditions(node: Node) -> dict[str, str]:
    return {c.type: c.status for c in node.status.conditions}


def pod_events(old: Pod, new: Pod) -> tuple[ClusterEvent, ...]:
    """PodSchedulingPropertiesChange: the events that an update of a pod stands for."""
    spec, before = new.spec, old.spec
    changes = (
        (old.metadata.labels != new.metadata.labels, UPDATE_POD_LABEL),
        (_is_scaled_down(old, new), UPDATE_POD_SCALE_DOWN),
        (before.scheduling_gates and not spec.scheduling_gates, UPDATE_POD_GATES_ELIMINATED),
        (len(before.tolerations) != len(spec.tolerations), UPDATE_POD_TOLERATION),
    )
    found = tuple(ClusterEvent(POD, action, old, new) for changed, action in changes if changed)
    return found or (ClusterEvent(POD, UPDATE, old, new),)


def _is_scaled_down(old: Pod, new: Pod) -> bool:
    before, after = amounts_of(old).requests, amounts_of(new).requests
    if before is after:
        return False
    names = ("cpu", "memory", "ephemeral-storage", *(name for name, _ in before.scalar))
    return any(before.amount(name) > after.amount(name) for name in names)
