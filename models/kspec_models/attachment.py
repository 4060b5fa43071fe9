"""Attachable volumes: what they are called, and who wants them where.

After pkg/volume/csi (unique volume names, names of VolumeAttachments) and
pkg/controller/volume/attachdetach/util/util.go at Kubernetes 1.36.

Left out: in-tree volumes, inline CSI volumes, and CSIDriver.attachRequired: every CSI volume has to
be attached in a world that has the component at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kspec_models.objects import Node, PersistentVolume, Pod, VolumeAttachment, condition
from kspec_models.objects.meta import ObjectMeta
from kspec_models.objects.storage import VolumeAttachmentSource, VolumeAttachmentSpec
from kspec_models.store import Snapshot
from kspec_models.volumes import CLAIMS, VOLUMES, claim_names, entry_of

ATTACHMENTS: Final = "volumeattachments"
OUT_OF_SERVICE: Final = "node.kubernetes.io/out-of-service"
_OVER: Final = ("Succeeded", "Failed")
_SHARED: Final = ("ReadWriteMany", "ReadOnlyMany")

Caches = Mapping[str, Snapshot]


def unique_name(volume: PersistentVolume) -> str:
    """The volume as Node statuses call it; "" where it is not attachable."""
    csi = volume.spec.csi
    return f"kubernetes.io/csi/{csi.driver}^{csi.volume_handle}" if csi is not None else ""


def is_shared(volume: PersistentVolume) -> bool:
    """Whether the volume may be attached to several nodes."""
    return any(mode in _SHARED for mode in volume.spec.access_modes)


def is_terminated(pod: Pod) -> bool:
    """IsPodTerminated: ended, or being deleted with no container left."""
    if pod.status.phase in _OVER:
        return True
    return pod.is_terminating and all(
        "terminated" in status.state or "waiting" in status.state
        for status in pod.status.container_statuses
    )


def volumes_of(pod: Pod, caches: Caches) -> tuple[PersistentVolume, ...]:
    """The attachable volumes that the pod's claims are bound to, as far as the caches go."""
    found = []
    for name, _ in claim_names(pod):
        claim = entry_of(caches, CLAIMS, f"{pod.namespace}/{name}")
        bound = claim.value.spec.volume_name if claim is not None else ""
        entry = entry_of(caches, VOLUMES, bound) if bound else None
        if entry is not None and unique_name(entry.value):
            found.append(entry.value)
    return tuple(found)


def attachment(volume: PersistentVolume, node: str) -> VolumeAttachment:
    """The request to attach a volume to a node. Upstream's name is a hash of the same parts."""
    assert volume.spec.csi is not None
    return VolumeAttachment(
        metadata=ObjectMeta(name=f"csi-{volume.name}-{node}"),
        spec=VolumeAttachmentSpec(
            attacher=volume.spec.csi.driver,
            node_name=node,
            source=VolumeAttachmentSource(persistent_volume_name=volume.name),
        ),
    )


def attached_volume(obj: VolumeAttachment, caches: Caches) -> str:
    """The unique name of the volume that an attachment is about.

    Where the cache lacks the volume its handle is taken to be its name, as provisioners make it.
    """
    name = obj.spec.source.persistent_volume_name or ""
    entry = entry_of(caches, VOLUMES, name)
    known = unique_name(entry.value) if entry is not None else ""
    return known or f"kubernetes.io/csi/{obj.spec.attacher}^{name}"


def is_healthy(node: Node) -> bool:
    """Whether the node says that it is ready."""
    found = condition(node.status.conditions, "Ready")
    return found is not None and found.status == "True"


def is_out_of_service(node: Node) -> bool:
    """Whether somebody vouches for it that nothing runs there any more."""
    return any(t.key == OUT_OF_SERVICE and t.effect == "NoExecute" for t in node.spec.taints)


def uses_claims(obj: Any) -> bool:
    """Whether a pod, as an event shows it, can have volumes at all."""
    return bool(obj.spec.volumes) and bool(claim_names(obj))
