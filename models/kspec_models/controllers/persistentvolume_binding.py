"""What the PersistentVolume controller writes next for one claim or one volume.

After syncClaim, syncVolume, bind and unbindVolume of
pkg/controller/volume/persistentvolume/pv_controller.go, and findByClaim of index.go, at 1.36.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from kspec_models.objects import PersistentVolume, PersistentVolumeClaim, StorageClass
from kspec_models.objects.record import EMPTY
from kspec_models.requests import Get, Request, Update
from kspec_models.store import Entry, Snapshot
from kspec_models.volumes import (
    BETA_STORAGE_PROVISIONER,
    BIND_COMPLETED,
    BOUND_BY_CONTROLLER,
    CLAIMS,
    NO_PROVISIONER,
    PROVISIONED_BY,
    SELECTED_NODE,
    STORAGE_PROVISIONER,
    VOLUMES,
    annotated,
    bound_to,
    class_of,
    default_class,
    find_matching_volume,
    has_access_modes,
    has_class,
    is_delayed,
    refers_to,
    satisfies,
)

PENDING, BOUND, LOST = "Pending", "Bound", "Lost"
AVAILABLE, RELEASED, FAILED = "Available", "Released", "Failed"
_SETTLED: Final = (RELEASED, FAILED)


def claim_step(
    claim: Entry, volumes: Snapshot, classes: tuple[StorageClass, ...]
) -> Request | None:
    """syncClaim: the next write for a claim, None where all is done."""
    if BIND_COMPLETED in claim.value.metadata.annotations:
        return _bound_claim(claim, volumes)
    if claim.value.spec.volume_name:
        return _asking_claim(claim, volumes)
    return _unbound_claim(claim, volumes, classes)


def _unbound_claim(
    entry: Entry, volumes: Snapshot, classes: tuple[StorageClass, ...]
) -> Request | None:
    """syncUnboundClaim of a claim that takes any volume that fits."""
    claim: PersistentVolumeClaim = entry.value
    name = class_of(claim)
    storage_class = next((c for c in classes if c.name == name), None) if name else None
    delayed = is_delayed(storage_class)
    volume = best_match(claim, [e.value for e in volumes.entries()], delayed)
    if volume is not None:
        found = volumes.get(f"{VOLUMES}/{volume.name}")
        assert found is not None
        return _bind(found, entry)
    default = default_class(classes) if not has_class(claim) else None
    if default is not None:
        spec = claim.spec.replace(storage_class_name=default.name)
        return Update(claim.replace(spec=spec), entry.resource_version)
    if delayed and SELECTED_NODE not in claim.metadata.annotations:
        return _claim_status(entry, PENDING)
    if name:
        return _to_provisioner(entry, storage_class)
    return _claim_status(entry, PENDING)


def best_match(
    claim: PersistentVolumeClaim, volumes: Iterable[PersistentVolume], delayed: bool
) -> PersistentVolume | None:
    """findByClaim: among volumes of the fewest access modes that suffice, as far as any matches."""
    groups: dict[tuple[int, tuple[str, ...]], list[PersistentVolume]] = {}
    for volume in volumes:
        if has_access_modes(volume, claim):
            modes = tuple(sorted(set(volume.spec.access_modes)))
            groups.setdefault((len(modes), modes), []).append(volume)
    for key in sorted(groups):
        found = find_matching_volume(claim, groups[key], delayed=delayed)
        if found is not None:
            return found
    return None


def _to_provisioner(entry: Entry, storage_class: StorageClass | None) -> Request | None:
    """provisionClaim: tell the provisioner of the class that the claim is for it."""
    if storage_class is None or storage_class.provisioner in ("", NO_PROVISIONER):
        return None
    claim: PersistentVolumeClaim = entry.value
    for key in (BETA_STORAGE_PROVISIONER, STORAGE_PROVISIONER):
        claim = annotated(claim, key, storage_class.provisioner)
    return Update(claim, entry.resource_version) if claim != entry.value else None


def _asking_claim(entry: Entry, volumes: Snapshot) -> Request | None:
    """syncUnboundClaim of a claim that names a volume."""
    claim: PersistentVolumeClaim = entry.value
    found = volumes.get(f"{VOLUMES}/{claim.spec.volume_name}")
    if found is None:
        return _claim_status(entry, PENDING)
    volume: PersistentVolume = found.value
    if volume.spec.claim_ref is None:
        is_fit = satisfies(volume, claim)
        return _bind(found, entry) if is_fit else _claim_status(entry, PENDING)
    if refers_to(volume, claim):
        return _bind(found, entry)
    # A claim that the controller itself bound cannot get here unless somebody took the mark away.
    is_own = BOUND_BY_CONTROLLER in claim.metadata.annotations
    return None if is_own else _claim_status(entry, PENDING)


def _bound_claim(entry: Entry, volumes: Snapshot) -> Request | None:
    """syncBoundClaim: finish the binding, or say that the claim has lost its volume."""
    claim: PersistentVolumeClaim = entry.value
    name = claim.spec.volume_name
    volume = volumes.get(f"{VOLUMES}/{name}") if name else None
    if volume is not None:
        ref = volume.value.spec.claim_ref
        if ref is None or ref.uid == claim.uid:
            return _bind(volume, entry)
    return _claim_status(entry, LOST) if claim.status.phase != LOST else None


def _bind(volume: Entry, claim: Entry) -> Request | None:
    """bind: the volume, its phase, the claim, its status, each where it is not yet so."""
    new = bound_to(volume.value, claim.value)
    if new is not volume.value:
        return Update(new, volume.resource_version)
    if volume.value.status.phase != BOUND:
        return _phase(volume, BOUND)
    bound = _bound(claim.value, volume.value)
    if bound != claim.value:
        return Update(bound, claim.resource_version)
    return _claim_status(claim, BOUND, volume.value)


def _bound(claim: PersistentVolumeClaim, volume: PersistentVolume) -> PersistentVolumeClaim:
    """bindClaimToVolume."""
    if claim.spec.volume_name != volume.name:
        claim = claim.replace(spec=claim.spec.replace(volume_name=volume.name))
        if BOUND_BY_CONTROLLER not in claim.metadata.annotations:
            claim = annotated(claim, BOUND_BY_CONTROLLER, "yes")
    if BIND_COMPLETED not in claim.metadata.annotations:
        claim = annotated(claim, BIND_COMPLETED, "yes")
    return claim


def _claim_status(
    entry: Entry, phase: str, volume: PersistentVolume | None = None
) -> Request | None:
    """updateClaimStatus: capacity follows the volume only as the claim becomes bound."""
    claim: PersistentVolumeClaim = entry.value
    if volume is None:
        status = claim.status.replace(phase=phase, access_modes=(), capacity=EMPTY)
    else:
        status = claim.status.replace(phase=phase, access_modes=volume.spec.access_modes)
        if claim.status.phase != phase:
            status = status.replace(capacity=volume.spec.capacity)
    if status == claim.status:
        return None
    return Update(claim.replace(status=status), entry.resource_version, "status")


def _phase(volume: Entry, phase: str) -> Request | None:
    """updateVolumePhase."""
    obj: PersistentVolume = volume.value
    if obj.status.phase == phase:
        return None
    status = obj.status.replace(phase=phase, message="")
    return Update(obj.replace(status=status), volume.resource_version, "status")


def volume_step(volume: Entry, claim: Entry | None, is_live: bool) -> Request | None:
    """syncVolume: the next write for a volume, None where all is done.

    claim: the one of the name that the volume refers to, if known. is_live: it was read from the
    API server; a claim that seems to be gone is looked up there before its volume is released.
    """
    obj: PersistentVolume = volume.value
    ref = obj.spec.claim_ref
    if ref is None or not ref.uid:
        return _phase(volume, AVAILABLE)
    is_another = claim is not None and claim.value.uid != ref.uid
    if claim is None or is_another:
        if not is_live and (is_another or obj.status.phase not in _SETTLED):
            return Get(CLAIMS, f"{ref.namespace}/{ref.name}")
        return None if obj.status.phase in _SETTLED else _phase(volume, RELEASED)
    bound_elsewhere = claim.value.spec.volume_name
    if not bound_elsewhere:
        return None  # the claim's own pass binds it
    if bound_elsewhere == obj.name:
        return _phase(volume, BOUND)
    if _is_disposable(obj):
        return None if obj.status.phase in _SETTLED else _phase(volume, RELEASED)
    return _unbind(volume)


def _is_disposable(volume: PersistentVolume) -> bool:
    """Whether the volume was made for a claim and may go with it."""
    policy = volume.spec.persistent_volume_reclaim_policy
    return policy == "Delete" and PROVISIONED_BY in volume.metadata.annotations


def _unbind(volume: Entry) -> Request:
    """unbindVolume: a volume that the controller bound is free, one that a user set aside stays."""
    obj: PersistentVolume = volume.value
    ref = obj.spec.claim_ref
    assert ref is not None
    if BOUND_BY_CONTROLLER in obj.metadata.annotations:
        rest = obj.metadata.annotations.without(BOUND_BY_CONTROLLER)
        obj = obj.with_metadata(annotations=rest).replace(spec=obj.spec.replace(claim_ref=None))
    else:
        obj = obj.replace(spec=obj.spec.replace(claim_ref=ref.replace(uid="")))
    return Update(obj, volume.resource_version)
