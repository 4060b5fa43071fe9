"""VolumeRestrictions: no two pods may use one disk, or one claim, that only a single pod may use.

After pkg/scheduler/framework/plugins/volumerestrictions/volume_restrictions.go at 1.36. A volume of
GCE, AWS, iSCSI or Ceph RBD in a pod's own spec conflicts with that of a pod on the node, unless
both only read (AWS: always). A claim of mode ReadWriteOncePod conflicts on every node, so that
the count of such conflicts in the cluster is kept, and followed where preemption adds or removes
pods. As upstream, that count compares the names of claims and not their namespaces.

Left out: nothing of the filter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from kspec_models.objects import PersistentVolumeClaim, Pod
from kspec_models.objects.record import EMPTY
from kspec_models.scheduler.events import ADD, DELETE, NODE, POD, ClusterEvent, Hint
from kspec_models.scheduler.framework import (
    SKIP,
    SUCCESS,
    UNRESOLVABLE,
    UNSCHEDULABLE,
    Context,
    PreFilterResult,
    Status,
)
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.volume_events import CLAIM, uses
from kspec_models.volumes import CLAIMS, READ_WRITE_ONCE_POD, entry_of

NAME = "VolumeRestrictions"
_DISKS = ("gcePersistentDisk", "awsElasticBlockStore", "rbd", "iscsi")
_DISK_CONFLICT = Status(UNSCHEDULABLE, ("node(s) had no available disk",), NAME)
_CLAIM_CONFLICT = Status(
    UNSCHEDULABLE,
    (
        "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode "
        "already in-use by another pod",
    ),
    NAME,
)


class State(NamedTuple):
    """claims: names of the pod's claims of ReadWriteOncePod. conflicts: how often pods use them."""

    claims: frozenset[str] = frozenset()
    conflicts: int = 0

    def changed(self, pod: Pod, sign: int) -> State:
        """The state with the conflicts of one more (1) or one less (-1) pod."""
        if not self.claims:
            return self
        own = sum(name in self.claims for name in _direct_claims(pod))
        return self._replace(conflicts=self.conflicts + sign * own)


class VolumeRestrictions:
    """Filters by disks and claims that other pods use."""

    name = NAME
    resources = (CLAIMS,)

    def pre_filter(self, pod: Pod, context: Context) -> PreFilterResult:
        """Which of the pod's claims are ReadWriteOncePod, and whether pods use them."""
        if not pod.spec.volumes:
            return PreFilterResult(Status(SKIP))
        claims = set()
        for name in _direct_claims(pod):
            entry = entry_of(context.caches, CLAIMS, f"{pod.namespace}/{name}")
            if entry is None:
                reason = f'persistentvolumeclaim "{name}" not found'
                return PreFilterResult(Status(UNRESOLVABLE, (reason,), NAME))
            claim: PersistentVolumeClaim = entry.value
            if READ_WRITE_ONCE_POD in claim.spec.access_modes:
                claims.add(name)
        used = _used(tuple(sorted(claims)), pod.namespace, context)
        if not used and not any(_is_disk(volume) for volume in pod.spec.volumes):
            return PreFilterResult(Status(SKIP))
        return PreFilterResult(state=State(frozenset(claims), used))

    def filter_with(self, state: State, pod: Pod, node_info: NodeInfo) -> Status:
        """No disk of the pod is used by a pod on the node, and no claim by any."""
        if _have_conflict(pod, node_info.pods):
            return _DISK_CONFLICT
        return _CLAIM_CONFLICT if state.conflicts > 0 else SUCCESS

    def add_pod(self, state: State, pod: Pod, added: Pod, node_info: NodeInfo) -> State:
        """One more pod may use the claims."""
        return state.changed(added, 1)

    def remove_pod(self, state: State, pod: Pod, removed: Pod, node_info: NodeInfo) -> State:
        """One pod less may use the claims."""
        return state.changed(removed, -1)


def _direct_claims(pod: Pod) -> list[str]:
    """The claims that the pod names; those of ephemeral volumes are its own."""
    volumes = (volume.get("persistentVolumeClaim") for volume in pod.spec.volumes)
    return [claim.get("claimName", "") for claim in volumes if claim is not None]


def _used(claims: tuple[str, ...], namespace: str, context: Context) -> int:
    """How many of the claims pods in the snapshot use."""
    return sum(
        any(
            other.namespace == namespace and name in _direct_claims(other)
            for info in context.nodes
            for other in info.pods
            if other.spec.volumes
        )
        for name in claims
    )


def _is_disk(volume: Mapping[str, Any]) -> bool:
    return any(kind in volume for kind in _DISKS)


def _have_conflict(pod: Pod, others: tuple[Pod, ...]) -> bool:
    disks = [volume for volume in pod.spec.volumes if _is_disk(volume)]
    return bool(disks) and any(
        _is_conflict(disk, existing)
        for other in others
        for existing in other.spec.volumes
        for disk in disks
    )


def _is_conflict(volume: Mapping[str, Any], existing: Mapping[str, Any]) -> bool:
    for kind in _DISKS:
        if kind in volume and kind in existing:
            disk, other = volume[kind] or EMPTY, existing[kind] or EMPTY
            is_shared = kind != "awsElasticBlockStore" and (
                disk.get("readOnly", False) and other.get("readOnly", False)
            )
            if not is_shared and _SAME[kind](disk, other):
                return True
    return False


def _same(field: str, disk: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return bool(disk.get(field, "") == other.get(field, ""))


def _same_image(disk: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """One image of one pool, and a monitor in common."""
    monitors = set(disk.get("monitors", ())) & set(other.get("monitors", ()))
    return bool(monitors) and _same("pool", disk, other) and _same("image", disk, other)


_SAME: dict[str, Any] = {
    "gcePersistentDisk": lambda disk, other: _same("pdName", disk, other),
    "awsElasticBlockStore": lambda disk, other: _same("volumeID", disk, other),
    "iscsi": lambda disk, other: _same("iqn", disk, other),
    "rbd": _same_image,
}


def _after_pod_deleted(pod: Pod, event: ClusterEvent) -> bool:
    """A pod of the same namespace that used a disk or a claim of this one is gone."""
    gone: Pod = event.old
    if gone.namespace != pod.namespace:
        return False
    return _have_conflict(pod, (gone,)) or not set(_direct_claims(pod)).isdisjoint(
        _direct_claims(gone)
    )


def _after_claim_added(pod: Pod, event: ClusterEvent) -> bool:
    return uses(pod, event.new, with_ephemeral=False)


def _always(pod: Pod, event: ClusterEvent) -> bool:
    return True


EVENTS: dict[tuple[str, str], Hint] = {
    (POD, DELETE): _after_pod_deleted,
    (NODE, ADD): _always,
    (CLAIM, ADD): _after_claim_added,
}
"""The queueing hints of this plugin."""
