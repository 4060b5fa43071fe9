"""How volumes and claims belong together, for all who bind them.

After k8s.io/component-helpers/storage/volume (pv_helpers.go, helpers.go) and storage/ephemeral at
1.36. Left out: the resourceVersion within a claim reference, which nothing compares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from kspec_models.objects import (
    ApiObject,
    ObjectReference,
    PersistentVolume,
    PersistentVolumeClaim,
    Pod,
    StorageClass,
    controller_of,
)
from kspec_models.objects.record import Resources
from kspec_models.quantity import Quantity, parse
from kspec_models.selectors import EVERYTHING, label_selector
from kspec_models.store import Entry

CLAIMS: Final = "persistentvolumeclaims"
VOLUMES: Final = "persistentvolumes"
CLASSES: Final = "storageclasses"

BIND_COMPLETED: Final = "pv.kubernetes.io/bind-completed"
BOUND_BY_CONTROLLER: Final = "pv.kubernetes.io/bound-by-controller"
PROVISIONED_BY: Final = "pv.kubernetes.io/provisioned-by"
SELECTED_NODE: Final = "volume.kubernetes.io/selected-node"
STORAGE_PROVISIONER: Final = "volume.kubernetes.io/storage-provisioner"
BETA_STORAGE_PROVISIONER: Final = "volume.beta.kubernetes.io/storage-provisioner"
IS_DEFAULT_CLASS: Final = "storageclass.kubernetes.io/is-default-class"
_BETA_IS_DEFAULT_CLASS: Final = "storageclass.beta.kubernetes.io/is-default-class"
_BETA_CLASS: Final = "volume.beta.kubernetes.io/storage-class"

NO_PROVISIONER: Final = "kubernetes.io/no-provisioner"
WAIT_FOR_FIRST_CONSUMER: Final = "WaitForFirstConsumer"
READ_WRITE_ONCE_POD: Final = "ReadWriteOncePod"
FILESYSTEM: Final = "Filesystem"
STORAGE: Final = "storage"
_ZERO: Final = Quantity()


class ClaimName(NamedTuple):
    """A claim that a pod uses. is_ephemeral: it is made for this pod, and must be the pod's own."""

    name: str
    is_ephemeral: bool = False


def claim_names(pod: Pod) -> tuple[ClaimName, ...]:
    """The claims that the volumes of a pod use, in order."""
    found = []
    for volume in pod.spec.volumes:
        if "persistentVolumeClaim" in volume:
            found.append(ClaimName(volume["persistentVolumeClaim"].get("claimName", "")))
        elif "ephemeral" in volume:
            found.append(ClaimName(f"{pod.name}-{volume.get('name', '')}", is_ephemeral=True))
    return tuple(found)


def is_for_pod(claim: PersistentVolumeClaim, pod: Pod) -> bool:
    """VolumeIsForPod: whether the claim was made for an ephemeral volume of this very pod."""
    owner = controller_of(claim)
    return claim.namespace == pod.namespace and owner is not None and owner.uid == pod.uid


def entry_of(caches: Mapping[str, Any], resource: str, key: str) -> Entry | None:
    """What the cache of a resource has under a key; None where there is no such cache either."""
    cache = caches.get(resource)
    found: Entry | None = cache.get(f"{resource}/{key}") if cache is not None else None
    return found


def class_of(obj: PersistentVolume | PersistentVolumeClaim) -> str:
    """The storage class of a volume or a claim; "" for none. The beta annotation goes first."""
    given = obj.metadata.annotations.get(_BETA_CLASS)
    return given if given is not None else obj.spec.storage_class_name or ""


def has_class(claim: PersistentVolumeClaim) -> bool:
    """Whether the user said anything about the class, be it that there is to be none."""
    return _BETA_CLASS in claim.metadata.annotations or claim.spec.storage_class_name is not None


def default_class(classes: Iterable[StorageClass]) -> StorageClass | None:
    """The class of claims that name none: the newest of those so marked, then the lowest name."""
    marked = [c for c in classes if _is_default(c)]
    return min(marked, key=lambda c: (-(c.metadata.creation_timestamp or 0), c.name), default=None)


def _is_default(storage_class: StorageClass) -> bool:
    marks = storage_class.metadata.annotations
    return "true" in (marks.get(IS_DEFAULT_CLASS), marks.get(_BETA_IS_DEFAULT_CLASS))


def is_delayed(storage_class: StorageClass | None) -> bool:
    """IsDelayBindingMode: whether claims of the class wait for a pod that uses them."""
    return storage_class is not None and (
        storage_class.volume_binding_mode == WAIT_FOR_FIRST_CONSUMER
    )


def is_fully_bound(claim: PersistentVolumeClaim) -> bool:
    """Whether both sides of a binding are settled, as far as the claim shows."""
    return bool(claim.spec.volume_name) and BIND_COMPLETED in claim.metadata.annotations


def refers_to(volume: PersistentVolume, claim: PersistentVolumeClaim) -> bool:
    """IsVolumeBoundToClaim: whether the volume is bound to the claim or set aside for it."""
    ref = volume.spec.claim_ref
    if ref is None or (ref.name, ref.namespace) != (claim.name, claim.namespace):
        return False
    return ref.uid in ("", claim.uid)


def bound_to(volume: PersistentVolume, claim: PersistentVolumeClaim) -> PersistentVolume:
    """GetBindVolumeToClaim: the volume with a reference to the claim; itself where it has it."""
    ref, is_set_aside = volume.spec.claim_ref, refers_to(volume, claim)
    if ref is None or not is_set_aside or ref.uid != claim.uid:
        volume = volume.replace(spec=volume.spec.replace(claim_ref=_reference(claim)))
    if not is_set_aside and BOUND_BY_CONTROLLER not in volume.metadata.annotations:
        volume = annotated(volume, BOUND_BY_CONTROLLER, "yes")
    return volume


def _reference(claim: PersistentVolumeClaim) -> ObjectReference:
    return ObjectReference(
        api_version=claim.API_VERSION,
        kind=claim.KIND,
        namespace=claim.namespace,
        name=claim.name,
        uid=claim.uid,
    )


def annotated(obj: Any, key: str, value: str) -> Any:
    """The object with an annotation set."""
    known: ApiObject = obj
    return known.with_metadata(annotations=known.metadata.annotations.set(key, value))


def requested(claim: PersistentVolumeClaim) -> Quantity:
    """How much storage the claim asks for, in bytes."""
    return _storage(claim.spec.resources.requests)


def capacity(volume: PersistentVolume) -> Quantity:
    """How much storage the volume has, in bytes."""
    return _storage(volume.spec.capacity)


def _storage(resources: Resources) -> Quantity:
    text = resources.get(STORAGE)
    return parse(text) if text else _ZERO


def have_other_modes(claim: PersistentVolumeClaim, volume: PersistentVolume) -> bool:
    """CheckVolumeModeMismatches; no mode is Filesystem."""
    return (claim.spec.volume_mode or FILESYSTEM) != (volume.spec.volume_mode or FILESYSTEM)


def has_access_modes(volume: PersistentVolume, claim: PersistentVolumeClaim) -> bool:
    """CheckAccessModes: whether the volume offers all that the claim asks for."""
    return set(claim.spec.access_modes) <= set(volume.spec.access_modes)


def satisfies(volume: PersistentVolume, claim: PersistentVolumeClaim) -> bool:
    """checkVolumeSatisfyClaim: whether a volume that the claim names fits it."""
    return (
        capacity(volume).cmp(requested(claim)) >= 0
        and class_of(volume) == class_of(claim)
        and not have_other_modes(claim, volume)
        and has_access_modes(volume, claim)
        and volume.spec.volume_attributes_class_name == claim.spec.volume_attributes_class_name
    )


def find_matching_volume(
    claim: PersistentVolumeClaim,
    volumes: Iterable[PersistentVolume],
    is_near: Callable[[PersistentVolume], bool] | None = None,
    excluded: frozenset[str] = frozenset(),
    delayed: bool = False,
) -> PersistentVolume | None:
    """FindMatchingVolume: one set aside for the claim, else the smallest that fits.

    volumes: in the order of names, in which the first of equals counts. is_near: of the scheduler,
    whether a node may use a volume; it checks access modes too. excluded: names of volumes that
    other claims of the pod have taken. delayed: with no node, only volumes set aside are given.
    Raises SelectorError for a selector that cannot be parsed.
    """
    selector = EVERYTHING
    if claim.spec.selector is not None:
        selector = label_selector(claim.spec.selector)
    fitting: list[PersistentVolume] = []
    for volume in volumes:
        if volume.name in excluded or not _is_candidate(volume, claim):
            continue
        if refers_to(volume, claim):
            return volume if is_near is None or is_near(volume) else None
        if is_near is None and delayed:
            continue
        if volume.status.phase != "Available" or class_of(volume) != class_of(claim):
            continue
        if not selector.matches(volume.metadata.labels):
            continue
        if is_near is None or (has_access_modes(volume, claim) and is_near(volume)):
            fitting.append(volume)
    return _smallest(fitting)


def _is_candidate(volume: PersistentVolume, claim: PersistentVolumeClaim) -> bool:
    """What even a volume that was set aside for the claim must have."""
    if volume.spec.claim_ref is not None and not refers_to(volume, claim):
        return False
    return (
        capacity(volume).cmp(requested(claim)) >= 0
        and not have_other_modes(claim, volume)
        and volume.spec.volume_attributes_class_name == claim.spec.volume_attributes_class_name
        and not volume.is_terminating
    )


def _smallest(volumes: list[PersistentVolume]) -> PersistentVolume | None:
    found: PersistentVolume | None = None
    for volume in volumes:
        if found is None or capacity(found).cmp(capacity(volume)) > 0:
            found = volume
    return found


def matches_topologies(topologies: Iterable[Mapping[str, Any]], labels: Mapping[str, str]) -> bool:
    """MatchTopologySelectorTerms: one term whose labels a node all has; none restrict nothing."""
    terms = tuple(topologies)
    return not terms or any(_matches_term(term, labels) for term in terms)


def _matches_term(term: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """A term without a label matches no node."""
    expressions = term.get("matchLabelExpressions", ())
    return bool(expressions) and all(
        labels.get(each.get("key", "")) in each.get("values", ()) for each in expressions
    )
