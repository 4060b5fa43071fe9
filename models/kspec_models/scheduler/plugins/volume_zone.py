"""VolumeZone: a pod runs in the zone and region of the volumes that its claims are bound to.

After pkg/scheduler/framework/plugins/volumezone/volume_zone.go at 1.36. It looks at the zone and
region labels of a volume, the stable ones and those of failure-domain.beta.kubernetes.io; the value
may name several zones, joined by `__`. A node without any such label takes every pod.

Left out: nothing of the filter.
"""

from __future__ import annotations

from typing import NamedTuple

from kspec_models.objects import PersistentVolume, PersistentVolumeClaim, Pod, StorageClass
from kspec_models.scheduler.events import (
    ADD,
    NODE,
    UPDATE,
    UPDATE_NODE_LABEL,
    ClusterEvent,
    Hint,
)
from kspec_models.scheduler.framework import (
    SKIP,
    SUCCESS,
    UNRESOLVABLE,
    Context,
    PreFilterResult,
    Status,
)
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.volume_events import CLAIM, CLASS, VOLUME, uses
from kspec_models.volumes import (
    CLAIMS,
    CLASSES,
    VOLUMES,
    WAIT_FOR_FIRST_CONSUMER,
    claim_names,
    class_of,
    entry_of,
)

NAME = "VolumeZone"
ZONE, REGION = "topology.kubernetes.io/zone", "topology.kubernetes.io/region"
_STABLE = {
    "failure-domain.beta.kubernetes.io/zone": ZONE,
    "failure-domain.beta.kubernetes.io/region": REGION,
}
_LABELS = (*_STABLE, ZONE, REGION)
_DELIMITER = "__"
_REJECTED = Status(UNRESOLVABLE, ("node(s) had no available volume zone",), NAME)


class Topology(NamedTuple):
    """One label of a volume, and the values that a node may have for it."""

    key: str
    values: frozenset[str]


class _Missing(Exception):
    """Why no node can take the pod: `args[0]` is upstream's reason."""


class VolumeZone:
    """Filters by the zones of bound volumes."""

    name = NAME
    resources = (CLAIMS, VOLUMES, CLASSES)

    def pre_filter(self, pod: Pod, context: Context) -> PreFilterResult:
        """The topologies of the pod's volumes; no node will do where a claim cannot be followed."""
        if not pod.spec.volumes:
            return PreFilterResult(Status(SKIP))
        try:
            found = tuple(
                topology
                for name, is_ephemeral in claim_names(pod)
                if not is_ephemeral
                for topology in _of_claim(pod.namespace, name, context)
            )
        except _Missing as missing:
            return PreFilterResult(Status(UNRESOLVABLE, missing.args, NAME))
        return PreFilterResult(state=found) if found else PreFilterResult(Status(SKIP))

    def filter_with(self, state: tuple[Topology, ...], pod: Pod, node_info: NodeInfo) -> Status:
        """The node has one of the values of each topology, or no zone or region at all."""
        assert node_info.node is not None
        labels = node_info.node.metadata.labels
        if not any(key in labels for key in _LABELS):
            return SUCCESS
        for key, values in state:
            value = labels.get(key)
            if value is None:
                value = labels.get(_STABLE.get(key, key))
            if value not in values:
                return _REJECTED
        return SUCCESS

    def add_pod(
        self, state: tuple[Topology, ...], pod: Pod, added: Pod, node_info: NodeInfo
    ) -> tuple[Topology, ...]:
        """Other pods do not matter."""
        return state

    def remove_pod(
        self, state: tuple[Topology, ...], pod: Pod, removed: Pod, node_info: NodeInfo
    ) -> tuple[Topology, ...]:
        """Other pods do not matter."""
        return state


def _of_claim(namespace: str, name: str, context: Context) -> tuple[Topology, ...]:
    """The topologies of the volume of a claim; none while the claim waits for its first pod."""
    if not name:
        raise _Missing("PersistentVolumeClaim had no name")
    entry = entry_of(context.caches, CLAIMS, f"{namespace}/{name}")
    if entry is None:
        raise _Missing(f'persistentvolumeclaim "{name}" not found')
    claim: PersistentVolumeClaim = entry.value
    if not claim.spec.volume_name:
        _refuse_unless_waiting(claim, context)
        return ()
    entry = entry_of(context.caches, VOLUMES, claim.spec.volume_name)
    if entry is None:
        raise _Missing(f'persistentvolume "{claim.spec.volume_name}" not found')
    return topologies(entry.value)


def _refuse_unless_waiting(claim: PersistentVolumeClaim, context: Context) -> None:
    name = class_of(claim)
    if not name:
        raise _Missing("PersistentVolumeClaim had no pv name and storageClass name")
    entry = entry_of(context.caches, CLASSES, name)
    if entry is None:
        raise _Missing(f'storageclass.storage.k8s.io "{name}" not found')
    storage_class: StorageClass = entry.value
    if not storage_class.volume_binding_mode:
        raise _Missing(f'VolumeBindingMode not set for StorageClass "{name}"')
    if storage_class.volume_binding_mode != WAIT_FOR_FIRST_CONSUMER:
        raise _Missing("PersistentVolume had no name")


def topologies(volume: PersistentVolume) -> tuple[Topology, ...]:
    """The zone and region labels of a volume, without those that name an empty zone."""
    labels = volume.metadata.labels
    given = ((key, labels[key].split(_DELIMITER)) for key in _LABELS if key in labels)
    trimmed = ((key, [value.strip() for value in values]) for key, values in given)
    return tuple(Topology(key, frozenset(values)) for key, values in trimmed if all(values))


def _always(pod: Pod, event: ClusterEvent) -> bool:
    return True


def _after_class_added(pod: Pod, event: ClusterEvent) -> bool:
    return bool(event.new.volume_binding_mode == WAIT_FOR_FIRST_CONSUMER)


def _after_claim_change(pod: Pod, event: ClusterEvent) -> bool:
    return uses(pod, event.new, with_ephemeral=False)


def _after_volume_change(pod: Pod, event: ClusterEvent) -> bool:
    return event.old is None or topologies(event.old) != topologies(event.new)


EVENTS: dict[tuple[str, str], Hint] = {
    (CLASS, ADD): _after_class_added,
    (NODE, ADD): _always,
    (NODE, UPDATE_NODE_LABEL): _always,
    (CLAIM, ADD): _after_claim_change,
    (CLAIM, UPDATE): _after_claim_change,
    (VOLUME, ADD): _after_volume_change,
    (VOLUME, UPDATE): _after_volume_change,
}
"""The queueing hints of this plugin."""
