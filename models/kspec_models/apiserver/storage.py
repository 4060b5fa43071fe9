"""Defaults, admission and validation of volumes, claims, storage classes and CSINodes.

After pkg/apis/{core,storage}/v1/defaults.go, pkg/apis/{core,storage}/validation/validation.go, and
plugin/pkg/admission/storage/storageclass/setdefault (DefaultStorageClass) at 1.36.

Left out: volume sources, parameters of classes and quota.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kspec_models.apiserver.shapes import node_selector_shape, topologies_shape
from kspec_models.apiserver.validate_common import immutable, label_selector_problems, unsupported
from kspec_models.objects import (
    CSINode,
    PersistentVolume,
    PersistentVolumeClaim,
    StorageClass,
)
from kspec_models.quantity import parse
from kspec_models.store import Store
from kspec_models.validation import is_dns1123_subdomain
from kspec_models.volumes import (
    CLASSES,
    FILESYSTEM,
    READ_WRITE_ONCE_POD,
    STORAGE,
    WAIT_FOR_FIRST_CONSUMER,
    default_class,
    has_class,
)

PROTECTIONS = {
    "persistentvolumeclaims": "kubernetes.io/pvc-protection",
    "persistentvolumes": "kubernetes.io/pv-protection",
}
"""The finalizer that every new claim and every new volume gets."""
_FIXED_OF_CLASS = {
    "provisioner": "provisioner",
    "reclaim_policy": "reclaimPolicy",
    "volume_binding_mode": "volumeBindingMode",
}
_ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", READ_WRITE_ONCE_POD)


def storage_class(obj: StorageClass) -> StorageClass:
    """SetDefaults_StorageClass."""
    return obj.replace(
        reclaim_policy=obj.reclaim_policy or "Delete",
        volume_binding_mode=obj.volume_binding_mode or "Immediate",
    )


def volume(obj: PersistentVolume) -> PersistentVolume:
    """SetDefaults_PersistentVolume."""
    spec = obj.spec
    return obj.replace(
        spec=spec.replace(
            persistent_volume_reclaim_policy=spec.persistent_volume_reclaim_policy or "Retain",
            volume_mode=spec.volume_mode or FILESYSTEM,
        )
    )


def claim(obj: PersistentVolumeClaim) -> PersistentVolumeClaim:
    """SetDefaults_PersistentVolumeClaim."""
    return obj.replace(spec=obj.spec.replace(volume_mode=obj.spec.volume_mode or FILESYSTEM))


def with_default_class(obj: PersistentVolumeClaim, store: Store) -> PersistentVolumeClaim:
    """DefaultStorageClass: the class that a new claim gets which asks for none."""
    if has_class(obj):
        return obj
    found = default_class(entry.value for entry in store.bucket(CLASSES).entries())
    if found is None:
        return obj
    return obj.replace(spec=obj.spec.replace(storage_class_name=found.name))


def storage_class_problems(obj: StorageClass) -> Iterator[str]:
    """What ValidateStorageClass refuses."""
    if not obj.provisioner:
        yield "provisioner: Required value"
    yield from _one_of(obj.reclaim_policy, ("Delete", "Retain"), "reclaimPolicy")
    modes = ("Immediate", WAIT_FOR_FIRST_CONSUMER)
    yield from _one_of(obj.volume_binding_mode, modes, "volumeBindingMode")
    yield from topologies_shape(obj.allowed_topologies, "allowedTopologies")


def volume_problems(obj: PersistentVolume) -> Iterator[str]:
    """What ValidatePersistentVolume refuses."""
    spec = obj.spec
    yield from _access_modes(spec.access_modes)
    if STORAGE not in spec.capacity:
        yield "spec.capacity: Required value"
    yield from _positive(spec.capacity, "spec.capacity")
    policies = ("Delete", "Recycle", "Retain")
    policy = spec.persistent_volume_reclaim_policy
    yield from _one_of(policy, policies, "spec.persistentVolumeReclaimPolicy")
    yield from _one_of(spec.volume_mode, ("Block", FILESYSTEM), "spec.volumeMode")
    if spec.node_affinity:
        required = spec.node_affinity.get("required")
        yield from node_selector_shape(required, "spec.nodeAffinity.required")


def claim_problems(obj: PersistentVolumeClaim) -> Iterator[str]:
    """What ValidatePersistentVolumeClaim refuses."""
    spec = obj.spec
    yield from _access_modes(spec.access_modes)
    if STORAGE not in spec.resources.requests:
        yield f"spec.resources[{STORAGE}]: Required value"
    yield from _positive(spec.resources.requests, "spec.resources")
    name = spec.storage_class_name
    for error in is_dns1123_subdomain(name) if name else ():
        yield f'spec.storageClassName: Invalid value: "{name}": {error}'
    yield from _one_of(spec.volume_mode, ("Block", FILESYSTEM), "spec.volumeMode")
    if spec.selector is not None:
        yield from label_selector_problems(spec.selector, "spec.selector")


def csi_node_problems(obj: CSINode) -> Iterator[str]:
    """What ValidateCSINode refuses."""
    for i, driver in enumerate(obj.spec.drivers):
        path = f"spec.drivers[{i}]"
        if not driver.name:
            yield f"{path}.name: Required value"
        count = driver.allocatable.count if driver.allocatable is not None else None
        if count is not None and count < 0:
            yield (
                f"{path}.allocatable.count: Invalid value: {count}: "
                "must be greater than or equal to 0"
            )


def _one_of(value: str, supported: tuple[str, ...], path: str) -> Iterator[str]:
    if value and value not in supported:
        yield unsupported(value, path, supported)


def _access_modes(modes: tuple[str, ...]) -> Iterator[str]:
    if not modes:
        yield "spec.accessModes: Required value: at least 1 access mode is required"
    for mode in modes:
        yield from _one_of(mode, _ACCESS_MODES, "spec.accessModes")
    if READ_WRITE_ONCE_POD in modes and len(modes) > 1:
        yield (
            f"spec.accessModes: Forbidden: may not use {READ_WRITE_ONCE_POD} "
            "with other access modes"
        )


def _positive(resources: Mapping[str, str], path: str) -> Iterator[str]:
    for name, text in resources.items():
        try:
            if parse(text).sign <= 0:
                yield f'{path}[{name}]: Invalid value: "{text}": must be greater than zero'
        except ValueError as error:
            yield f'{path}[{name}]: Invalid value: "{text}": {error}'


def changes(old: Any, new: Any) -> Iterator[str]:
    """What an update of one of these kinds may not change."""
    if isinstance(old, PersistentVolumeClaim):
        if _fixed_claim(old, old) != _fixed_claim(new, old):
            yield (
                "spec: Forbidden: spec is immutable after creation except resources.requests and "
                "volumeAttributesClassName for bound claims"
            )
    elif isinstance(old, PersistentVolume):
        before, after = old.spec, new.spec
        if (before.csi, before.extra) != (after.csi, after.extra):
            yield (
                "spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable "
                "after creation"
            )
        if before.volume_mode != after.volume_mode:
            yield immutable(after.volume_mode, "spec.volumeMode")
        if before.node_affinity is not None and before.node_affinity != after.node_affinity:
            yield immutable(after.node_affinity, "spec.nodeAffinity")
    elif isinstance(old, StorageClass):
        for field, name in _FIXED_OF_CLASS.items():
            if getattr(old, field) != getattr(new, field):
                yield f"{name}: Forbidden: updates to {name} are forbidden."


def _fixed_claim(obj: PersistentVolumeClaim, old: PersistentVolumeClaim) -> Any:
    """The claim's spec without what may still change, as it was."""
    before, spec = old.spec, obj.spec
    if not before.volume_name:
        spec = spec.replace(volume_name="")
        if not has_class(old):
            spec = spec.replace(storage_class_name=None)
    if old.status.phase == "Bound":
        spec = spec.replace(resources=before.resources, volume_attributes_class_name="")
    return spec
