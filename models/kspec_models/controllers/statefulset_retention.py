"""Which owners a StatefulSet's claims have, and so when the garbage collector takes them.

After the claim functions of pkg/controller/statefulset/stateful_set_utils.go at Kubernetes 1.36
(isClaimOwnerUpToDate, updateClaimOwnerRefForSetAndPod). By the retention policy a claim is owned by
its StatefulSet (whenDeleted: Delete), by its pod once that is scaled down (whenScaled: Delete), or
by nobody (Retain).

Left out: the event about a claim that another controller manages.
"""

from __future__ import annotations

from typing import NamedTuple

from kspec_models.controllers.pods import owner_reference
from kspec_models.controllers.statefulset_identity import ordinal_of, ordinals_of
from kspec_models.controllers.statefulset_steps import DELETE
from kspec_models.objects import (
    ApiObject,
    OwnerReference,
    PersistentVolumeClaim,
    PersistentVolumeClaimRetentionPolicy,
    Pod,
    StatefulSet,
)

_RETAIN_ALL = PersistentVolumeClaimRetentionPolicy()


class _Wanted(NamedTuple):
    """Who shall own a claim: its StatefulSet, its pod."""

    by_set: bool
    by_pod: bool


def deletes_when_scaled(stateful_set: StatefulSet) -> bool:
    return _policy(stateful_set).when_scaled == DELETE


def _policy(stateful_set: StatefulSet) -> PersistentVolumeClaimRetentionPolicy:
    return stateful_set.spec.persistent_volume_claim_retention_policy or _RETAIN_ALL


def _wanted(stateful_set: StatefulSet, pod: Pod) -> _Wanted:
    policy = _policy(stateful_set)
    is_scaled_down = ordinal_of(pod) not in ordinals_of(stateful_set)
    by_pod = policy.when_scaled == DELETE and is_scaled_down
    return _Wanted(policy.when_deleted == DELETE and not by_pod, by_pod)


def _refers_by_name(reference: OwnerReference, owner: ApiObject) -> bool:
    return (reference.api_version, reference.kind, reference.name) == (
        owner.API_VERSION,
        owner.KIND,
        owner.name,
    )


def _owned_by(claim: PersistentVolumeClaim, owner: ApiObject) -> bool:
    return any(r.uid == owner.uid for r in claim.metadata.owner_references)


def has_stale_owner(claim: PersistentVolumeClaim, owner: ApiObject) -> bool:
    """Whether the claim is owned by an earlier object of that name, which the collector follows."""
    for reference in claim.metadata.owner_references:
        if _refers_by_name(reference, owner):
            return reference.uid != owner.uid
    return False


def _is_managed_by_others(
    claim: PersistentVolumeClaim, stateful_set: StatefulSet, pod: Pod
) -> bool:
    policy = _policy(stateful_set)
    if DELETE not in (policy.when_scaled, policy.when_deleted):
        return False
    for reference in claim.metadata.owner_references:
        for owner in (stateful_set, pod):
            if _refers_by_name(reference, owner):
                if reference.uid != owner.uid:
                    return True
                break
        else:
            if reference.controller:
                return True
    return False


def is_up_to_date(claim: PersistentVolumeClaim, stateful_set: StatefulSet, pod: Pod) -> bool:
    """isClaimOwnerUpToDate: whether the claim has the owners that the policy wants."""
    if has_stale_owner(claim, stateful_set) or has_stale_owner(claim, pod):
        return True
    owned = _Wanted(_owned_by(claim, stateful_set), _owned_by(claim, pod))
    if _is_managed_by_others(claim, stateful_set, pod):
        return not any(owned)
    ours = (stateful_set.uid, pod.uid)
    if any(r.uid in ours and not r.controller for r in claim.metadata.owner_references):
        return False
    return owned == _wanted(stateful_set, pod)


def with_owners(
    claim: PersistentVolumeClaim, stateful_set: StatefulSet, pod: Pod
) -> PersistentVolumeClaim:
    """updateClaimOwnerRefForSetAndPod: the claim with the owners that the policy wants."""
    owners = (stateful_set, pod)
    kept = tuple(
        reference
        for reference in claim.metadata.owner_references
        if not any(_refers_by_name(reference, owner) for owner in owners)
    )
    if not _is_managed_by_others(claim, stateful_set, pod):
        wanted = _wanted(stateful_set, pod)
        kept += tuple(owner_reference(o) for o, is_to in zip(owners, wanted, strict=True) if is_to)
    return claim.with_metadata(owner_references=kept)
