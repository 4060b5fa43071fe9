"""What the cluster autoscaler promises: room in the end, within the sizes of its groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kspec.logic import HOLDS, Verdict, fails
from kspec.property import eventually_stable, invariant, sometimes, transition
from kspec_models.cluster_autoscaler import ClusterAutoscaler
from kspec_models.cluster_autoscaler_groups import COMPONENT, NodeGroup
from kspec_models.cluster_autoscaler_simulation import (
    Machine,
    is_empty,
    is_unschedulable,
    utilisation_percent,
)
from kspec_models.objects import Pod
from kspec_models.requests import Delete
from kspec_models.state import State
from kspec_properties.faults import all_but
from kspec_properties.reading import fresh, newest, nodes, on_node, pods, written

_FAQ = "https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/FAQ.md"
_LAGGING = ("pause", "partition", "failover")


def autoscaler(state: State) -> ClusterAutoscaler | None:
    """The autoscaler of the world, None where there is none."""
    slot = state.layout.by_host.get(COMPONENT)
    if slot is None:
        return None
    found: Any = state.layout.slots[slot].host
    return found.controller  # type: ignore[no-any-return]


def _members(state: State, group: NodeGroup) -> list[str]:
    """The nodes that are called after the group and a number."""
    prefix = f"{group.name}-"
    every = (node.name for node in nodes(state))
    return [n for n in every if n.startswith(prefix) and n.removeprefix(prefix).isdigit()]


def _machines(state: State) -> tuple[Machine, ...]:
    return tuple((n, tuple(e.value for e in on_node(state, n.name))) for n in nodes(state))


@invariant(
    reads=("nodes",),
    source=_FAQ + "#what-are-the-parameters-to-ca",
    faults=all_but(),
    companion="a-machine-joins",
    mutants=("autoscaler-exceeds-its-groups",),
)
def node_groups_keep_within_their_size(state: State) -> Verdict:
    """A node group never has more machines than its largest size."""
    found = autoscaler(state)
    for group in found.groups if found is not None else ():
        count = len(_members(state, group))
        if count > group.max_size:
            return fails(f"{group.name} has {count} machines of {group.max_size}", "size")
    return HOLDS


def _everybody_has_room(state: State) -> Verdict:
    found = autoscaler(state)
    pending = [pod for pod in pods(state) if is_unschedulable(pod)] if found is not None else []
    if found is None or not pending:
        return HOLDS
    machines = _machines(state)
    for group in found.groups:
        taken = {node.name for node, _ in machines}
        free = [name for name in group.names if name not in taken]
        for pod in pending if free else ():
            if free[0] in found.fits(pod, (*machines, (group.machine(free[0]), ()))):
                return fails(f"{pod.key} would fit a new machine of {group.name}", "room")
    return HOLDS


pending_pods_get_a_machine = eventually_stable(
    "pending-pods-get-a-machine",
    promise="In the end no pod stays pending that a new machine of some group would take.",
    conditions="Within the largest sizes of the groups, where the cluster autoscaler runs.",
    source=_FAQ + "#how-does-scale-up-work",
    when=lambda state: any(is_unschedulable(pod) for pod in fresh(state, "pods")),
    then=_everybody_has_room,
    reads=("pods", "nodes"),
    faults=all_but(),
    companion="a-machine-joins",
    mutants=("autoscaler-ignores-pods",),
)


def _nobody_idles(state: State) -> Verdict:
    found = autoscaler(state)
    machines = dict((node.name, (node, pods)) for node, pods in _machines(state))
    for group in found.groups if found is not None else ():
        members = _members(state, group)
        for name in members if len(members) > group.min_size else ():
            node, placed = machines[name]
            limit = found.times.utilisation_threshold if found is not None else 0
            is_idle = is_empty(placed) and utilisation_percent((node, placed)) < limit
            if is_idle and not node.metadata.finalizers:
                return fails(f"{name} is idle and {group.name} has machines to spare", "idle")
    return HOLDS


idle_machines_go = eventually_stable(
    "idle-machines-go",
    promise="In the end a group above its smallest size has no machine on which only daemons run.",
    conditions="Unless those use much of it; after it was idle for ten minutes.",
    source=_FAQ + "#how-does-scale-down-work",
    when=lambda state: autoscaler(state) is not None and any(True for _ in fresh(state, "nodes")),
    then=_nobody_idles,
    reads=("pods", "nodes"),
    faults=all_but(),
    companion="a-machine-is-removed",
    mutants=("autoscaler-keeps-idle-machines",),
)


def _removed(state: State) -> Iterator[str]:
    """The nodes that the autoscaler removed in the last step."""
    for answered in state.answered:
        request = answered.request
        if answered.host == COMPONENT and isinstance(request, Delete) and answered.response.ok:
            yield request.key


@transition(
    reads=("nodes", "requests"),
    source=_FAQ + "#how-does-scale-down-work",
    faults=all_but(*_LAGGING),
    companion="a-machine-is-removed",
    mutants=("autoscaler-takes-machines-for-empty",),
)
def only_idle_machines_are_removed(before: State, after: State) -> Verdict:
    """A machine that the autoscaler removes has no pods but those of daemons.

    The taint and five seconds see to it that no scheduler puts a pod there meanwhile; a pod that
    names its node itself may still come.
    """
    for name in _removed(after):
        bound: tuple[Pod, ...] = tuple(entry.value for entry in on_node(before, name))
        if not is_empty(tuple(pod for pod in bound if not pod.is_terminating)):
            return fails(f"{name} is removed with pods on it", "removed")
    return HOLDS


@sometimes(reads=("nodes",), source="companion")
def a_machine_joins(state: State) -> bool:
    """A machine of a node group joins."""
    found = autoscaler(state)
    groups = found.groups if found is not None else ()
    every = {name for group in groups for name in group.names}
    return any(
        change.previous is None and change.key.partition("/")[2] in every
        for change in written(state, "nodes")
    )


@sometimes(reads=("nodes", "requests"), source="companion")
def a_machine_is_removed(state: State) -> bool:
    """The autoscaler removes a machine."""
    return any(True for _ in _removed(state)) and not all(
        newest(state, "nodes").get(f"nodes/{name}") for name in _removed(state)
    )


PROPERTIES = (
    node_groups_keep_within_their_size,
    pending_pods_get_a_machine,
    idle_machines_go,
    only_idle_machines_are_removed,
    a_machine_joins,
    a_machine_is_removed,
)
