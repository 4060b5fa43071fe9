"""PersistentVolume, PersistentVolumeClaim, StorageClass, CSINode and VolumeAttachment.

After k8s.io/api/core/v1/types.go and k8s.io/api/storage/v1/types.go at 1.36. Left out: every
field that no modelled component reads, such as the volume sources of storage that is not CSI.
Those are kept in `extra` untouched. A claim's selector, a volume's node affinity and a class's
topologies stay frozen JSON, which the one function that reads each of them parses.
"""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from kspec_models.objects.core import ObjectReference, ResourceRequirements
from kspec_models.objects.meta import ApiObject, ObjectMeta
from kspec_models.objects.record import EMPTY, FrozenMap, Record, Resources, api_type


@api_type
class StorageClass(ApiObject):
    API_VERSION: ClassVar[str] = "storage.k8s.io/v1"
    KIND: ClassVar[str] = "StorageClass"
    RESOURCE: ClassVar[str] = "storageclasses"
    NAMESPACED: ClassVar[bool] = False

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    provisioner: str = ""
    reclaim_policy: str = ""
    volume_binding_mode: str = ""
    allowed_topologies: Any = ()
    extra: FrozenMap[Any] = EMPTY


@api_type
class VolumeNodeResources(Record):
    count: int | None = None
    extra: FrozenMap[Any] = EMPTY


@api_type
class CSINodeDriver(Record):
    name: str = ""
    topology_keys: tuple[str, ...] = ()
    allocatable: VolumeNodeResources | None = None
    extra: FrozenMap[Any] = EMPTY


@api_type
class CSINodeSpec(Record):
    drivers: tuple[CSINodeDriver, ...] = ()
    extra: FrozenMap[Any] = EMPTY


@api_type
class CSINode(ApiObject):
    """What the CSI drivers of one node report; it has the node's name."""

    API_VERSION: ClassVar[str] = "storage.k8s.io/v1"
    KIND: ClassVar[str] = "CSINode"
    RESOURCE: ClassVar[str] = "csinodes"
    NAMESPACED: ClassVar[bool] = False

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    spec: CSINodeSpec = attrs.field(factory=CSINodeSpec)
    extra: FrozenMap[Any] = EMPTY


@api_type
class CSIPersistentVolumeSource(Record):
    driver: str = ""
    volume_handle: str = ""
    extra: FrozenMap[Any] = EMPTY


@api_type
class PersistentVolumeSpec(Record):
    capacity: Resources = EMPTY
    access_modes: tuple[str, ...] = ()
    claim_ref: ObjectReference | None = None
    persistent_volume_reclaim_policy: str = ""
    storage_class_name: str = ""
    volume_attributes_class_name: str = ""
    volume_mode: str = ""
    node_affinity: Any = None
    csi: CSIPersistentVolumeSource | None = None
    extra: FrozenMap[Any] = EMPTY


@api_type
class PersistentVolumeStatus(Record):
    phase: str = ""
    message: str = ""
    reason: str = ""
    extra: FrozenMap[Any] = EMPTY


@api_type
class PersistentVolume(ApiObject):
    API_VERSION: ClassVar[str] = "v1"
    KIND: ClassVar[str] = "PersistentVolume"
    RESOURCE: ClassVar[str] = "persistentvolumes"
    NAMESPACED: ClassVar[bool] = False

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    spec: PersistentVolumeSpec = attrs.field(factory=PersistentVolumeSpec)
    status: PersistentVolumeStatus = attrs.field(factory=PersistentVolumeStatus)
    extra: FrozenMap[Any] = EMPTY


@api_type
class PersistentVolumeClaimSpec(Record):
    """storage_class_name None: the user says nothing, so a default may be given; "": no class."""

    access_modes: tuple[str, ...] = ()
    selector: Any = None
    resources: ResourceRequirements = attrs.field(factory=ResourceRequirements)
    volume_name: str = ""
    storage_class_name: str | None = None
    volume_attributes_class_name: str = ""
    volume_mode: str = ""
    extra: FrozenMap[Any] = EMPTY


@api_type
class PersistentVolumeClaimStatus(Record):
    phase: str = ""
    access_modes: tuple[str, ...] = ()
    capacity: Resources = EMPTY
    extra: FrozenMap[Any] = EMPTY


@api_type
class PersistentVolumeClaim(ApiObject):
    API_VERSION: ClassVar[str] = "v1"
    KIND: ClassVar[str] = "PersistentVolumeClaim"
    RESOURCE: ClassVar[str] = "persistentvolumeclaims"

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    spec: PersistentVolumeClaimSpec = attrs.field(factory=PersistentVolumeClaimSpec)
    status: PersistentVolumeClaimStatus = attrs.field(factory=PersistentVolumeClaimStatus)
    extra: FrozenMap[Any] = EMPTY


@api_type
class VolumeAttachmentSource(Record):
    persistent_volume_name: str | None = None
    extra: FrozenMap[Any] = EMPTY


@api_type
class VolumeAttachmentSpec(Record):
    attacher: str = ""
    node_name: str = ""
    source: VolumeAttachmentSource = attrs.field(factory=VolumeAttachmentSource)
    extra: FrozenMap[Any] = EMPTY


@api_type
class VolumeAttachmentStatus(Record):
    attached: bool = False
    extra: FrozenMap[Any] = EMPTY


@api_type
class VolumeAttachment(ApiObject):
    API_VERSION: ClassVar[str] = "storage.k8s.io/v1"
    KIND: ClassVar[str] = "VolumeAttachment"
    RESOURCE: ClassVar[str] = "volumeattachments"
    NAMESPACED: ClassVar[bool] = False

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    spec: VolumeAttachmentSpec = attrs.field(factory=VolumeAttachmentSpec)
    status: VolumeAttachmentStatus = attrs.field(factory=VolumeAttachmentStatus)
    extra: FrozenMap[Any] = EMPTY
