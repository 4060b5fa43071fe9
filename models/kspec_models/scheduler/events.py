"""Cluster events: what happened to a node or pod, and whether it may help a rejected pod.

After pkg/scheduler/framework/events.go and pkg/scheduler/backend/queue (isPodWorthRequeuing) at
1.36. Which events a plugin asks for is said by its hints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from kspec_models.objects import Node, Pod
from kspec_models.resources import amounts_of
from kspec_models.scheduler.framework import DEFAULT_SCHEDULER

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


class _EveryEvent(dict[tuple[str, str], Hint]):
    """Registers for whatever happens."""

    def __contains__(self, key: object) -> bool:
        return True

    def get(self, key: Any, default: Any = None) -> Any:
        return _always


def _always(pod: Pod, event: ClusterEvent) -> bool:
    return True


EVERY_EVENT: Mapping[tuple[str, str], Hint] = _EveryEvent()
"""The hints of a plugin that has none."""


class ProfileHints:
    """The hints of several profiles, by the spec.schedulerName that each serves."""

    def __init__(self, by_name: Mapping[str, Hints | None]) -> None:
        self.by_name = by_name

    def of(self, pod: Pod) -> Hints | None:
        """The hints that count for a pod."""
        return self.by_name.get(pod.spec.scheduler_name or DEFAULT_SCHEDULER)


AnyHints = Hints | ProfileHints


def is_worth_requeuing(
    hints: AnyHints | None, rejectors: tuple[str, ...], pod: Pod, event: ClusterEvent
) -> bool:
    """Whether one of the plugins that rejected the pod asks to retry it after the event.

    A rejector without an entry in the hints, as of a user's policy, asks for it always.
    """
    if not rejectors or event.resource == ANY:
        return True
    if isinstance(hints, ProfileHints):
        hints = hints.of(pod)
    for plugin in rejectors:
        registered = hints.get(plugin) if hints is not None else None
        if registered is None:
            return True
        hint = registered.get((event.resource, event.action))
        if hint is not None and hint(pod, event):
            return True
    return False


def is_of_interest(hints: AnyHints, event: ClusterEvent) -> bool:
    """Whether any plugin registers for such events."""
    if isinstance(hints, ProfileHints):
        each = hints.by_name.values()
        return any(own is None or is_of_interest(own, event) for own in each)
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
