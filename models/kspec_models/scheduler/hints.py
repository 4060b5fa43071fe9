"""Queueing hints of the in-tree plugins: which events may make a pod schedulable that one rejected.

After the EventsToRegister of each plugin at 1.36. Plugins that look at the whole cluster keep their
hints in their own module, as `EVENTS`.

Left out: hints for the pod's own label changes, which no plugin here registers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kspec_models.objects import Pod
from kspec_models.resources import Requests, amounts_of, amounts_of_spec
from kspec_models.scheduler.events import (
    ADD,
    DELETE,
    EVERY_EVENT,
    NODE,
    POD,
    SCHEDULING_GATES,
    UPDATE_NODE_ALLOCATABLE,
    UPDATE_NODE_LABEL,
    UPDATE_NODE_TAINT,
    UPDATE_POD_GATES_ELIMINATED,
    UPDATE_POD_SCALE_DOWN,
    UPDATE_POD_TOLERATION,
    ClusterEvent,
    Hints,
)
from kspec_models.scheduler.nodeinfo import allocatable_of, conflicts, host_ports, node_info
from kspec_models.scheduler.plugins import (
    default_preemption,
    inter_pod_affinity,
    node_affinity,
    node_name,
    node_ports,
    node_resources_fit,
    node_unschedulable,
    node_volume_limits,
    pod_topology_spread,
    taint_toleration,
    volume_binding,
    volume_restrictions,
    volume_zone,
)


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
    return bool(event.old.spec.node_name or event.old.status.nominated_node_name)


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
    default_preemption.NAME: default_preemption.EVENTS,
    inter_pod_affinity.NAME: inter_pod_affinity.EVENTS,
    pod_topology_spread.NAME: pod_topology_spread.EVENTS,
    node_volume_limits.NAME: node_volume_limits.EVENTS,
    volume_binding.NAME: volume_binding.EVENTS,
    volume_restrictions.NAME: volume_restrictions.EVENTS,
    volume_zone.NAME: volume_zone.EVENTS,
}
"""The hints of the in-tree plugins."""


def hints_of(plugins: Iterable[Any]) -> Hints:
    """The hints of the plugins of a profile, and of the gates that every profile has.

    A plugin that has none of its own (an attribute `events`) and is not in-tree asks for every
    event, as upstream treats a plugin without EventsToRegister.
    """
    found = {SCHEDULING_GATES: IN_TREE[SCHEDULING_GATES]}
    for plugin in plugins:
        own = getattr(plugin, "events", None)
        found[plugin.name] = IN_TREE.get(plugin.name, EVERY_EVENT) if own is None else own
    return found
