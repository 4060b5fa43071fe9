"""The volume binder: which volumes a pod's claims get on a node, and what is to be written for it.

After pkg/scheduler/framework/plugins/volumebinding/binder.go and util/assumecache at 1.36. What was
chosen for one pod is taken for the next one, until the informers show it (`Assumed`).

Left out: translation of in-tree volumes to CSI, which only changes how their zones are written
(VolumeZone looks at those).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

from kspec.values import Memo
from kspec_models.host import Notification
from kspec_models.objects import Node, PersistentVolume, PersistentVolumeClaim, StorageClass
from kspec_models.objects.record import EMPTY
from kspec_models.requests import Request, Update
from kspec_models.scheduler.plugins.node_affinity import REQUIRED, Term, parse_affinity
from kspec_models.scheduler.volume_capacity import has_enough_capacity
from kspec_models.store import Entry
from kspec_models.volumes import (
    CLASSES,
    NO_PROVISIONER,
    SELECTED_NODE,
    VOLUMES,
    annotated,
    bound_to,
    class_of,
    entry_of,
    find_matching_volume,
    matches_topologies,
)

NODE_CONFLICT = "node(s) had volume node affinity conflict"
BIND_CONFLICT = "node(s) didn't find available persistent volumes to bind"
NOT_ENOUGH_SPACE = "node(s) did not have enough free storage"
NO_VOLUME = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"

Caches = Mapping[str, Any]


class PodClaims(NamedTuple):
    """What PreFilter found of a pod's claims.

    bound: the fully bound ones. delayed: those that wait for the pod, the smallest first. caches:
    to look up volumes and classes.
    """

    bound: tuple[PersistentVolumeClaim, ...]
    delayed: tuple[Entry, ...]
    caches: Caches


class PodVolumes(NamedTuple):
    """How a pod's claims are met on one node, or the reasons why they are not.

    static: volume and claim. provisions: claims for which a volume is to be made there.
    """

    static: tuple[tuple[Entry, Entry], ...] = ()
    provisions: tuple[Entry, ...] = ()
    reasons: tuple[str, ...] = ()

    def writes(self, node: str) -> tuple[Request, ...]:
        """bindAPIUpdate: the volumes are given to the claims, the claims to the provisioner."""
        found: list[Request] = []
        for volume, claim in self.static:
            new = bound_to(volume.value, claim.value)
            if new is not volume.value:
                found.append(Update(new, volume.resource_version))
        for claim in self.provisions:
            new_claim = annotated(claim.value, SELECTED_NODE, node)
            if new_claim != claim.value:
                found.append(Update(new_claim, claim.resource_version))
        return tuple(found)


def storage_class_of(claim: PersistentVolumeClaim, caches: Caches) -> StorageClass | None:
    """The class of a claim, where it has one that exists."""
    name = class_of(claim)
    entry = entry_of(caches, CLASSES, name) if name else None
    return entry.value if entry is not None else None


def find_pod_volumes(claims: PodClaims, node: Node) -> PodVolumes:
    """FindPodVolumes: how the claims are met on a node. Raises SelectorError."""
    conflicts, missing = _check_bound(claims, node)
    reasons = (NODE_CONFLICT,) if conflicts else ()
    no_volume = (NO_VOLUME,) if missing else ()
    to_match, to_provision = [], []
    for claim in claims.delayed:
        selected = claim.value.metadata.annotations.get(SELECTED_NODE)
        if selected is None:
            to_match.append(claim)
        elif selected == node.name:
            to_provision.append(claim)
        else:
            return PodVolumes(reasons=(*reasons, BIND_CONFLICT, *no_volume))
    static, unmatched = _match(to_match, claims.caches, node)
    provisions = (*to_provision, *unmatched)
    problem = _check_provisions(provisions, claims.caches, node)
    return PodVolumes(static, provisions, (*reasons, *problem, *no_volume))


def _check_bound(claims: PodClaims, node: Node) -> tuple[bool, bool]:
    """Whether a bound volume's affinity refuses the node, and whether one is missing."""
    for claim in claims.bound:
        entry = entry_of(claims.caches, VOLUMES, claim.spec.volume_name)
        if entry is None:
            return False, True
        if not allows(entry.value, node):
            return True, False
    return False, False


def _terms(required: Any) -> tuple[Term, ...]:
    affinity = parse_affinity(EMPTY.set("nodeAffinity", EMPTY.set(REQUIRED, required)))
    return affinity.required or ()


_TERMS: Memo[Any, tuple[Term, ...]] = Memo("node affinity of a volume", _terms)


def allows(volume: PersistentVolume, node: Node) -> bool:
    """CheckNodeAffinity: whether the labels of a node satisfy a volume's node affinity.

    A term on the node's name matches no node: upstream shows it only the labels.
    """
    required = (volume.spec.node_affinity or EMPTY).get("required")
    if required is None:
        return True
    labels = node.metadata.labels
    return any(
        all(r.matches(labels) for r in term.labels) and all(r.matches({}) for r in term.fields)
        for term in _TERMS(required)
    )


def _match(
    claims: list[Entry], caches: Caches, node: Node
) -> tuple[tuple[tuple[Entry, Entry], ...], list[Entry]]:
    """findMatchingVolumes: volumes for claims, and the claims for which there is none."""
    found: list[tuple[Entry, Entry]] = []
    unmatched = []
    taken: frozenset[str] = frozenset()
    cache = caches.get(VOLUMES)
    entries: tuple[Entry, ...] = cache.entries() if cache is not None and claims else ()
    for claim in claims:
        of_class = [e.value for e in entries if class_of(e.value) == class_of(claim.value)]
        is_near = partial(allows, node=node)
        volume = find_matching_volume(claim.value, of_class, is_near, taken, delayed=True)
        if volume is None:
            unmatched.append(claim)
            continue
        taken |= {volume.name}
        entry = entry_of(caches, VOLUMES, volume.name)
        assert entry is not None
        found.append((entry, claim))
    return tuple(found), unmatched


def _check_provisions(claims: Iterable[Entry], caches: Caches, node: Node) -> tuple[str, ...]:
    """checkVolumeProvisions: why volumes cannot be made for the claims on the node; () if so."""
    for claim in claims:
        storage_class = storage_class_of(claim.value, caches)
        assert storage_class is not None, "only claims of a class are delayed"
        if storage_class.provisioner in ("", NO_PROVISIONER):
            return (BIND_CONFLICT,)
        if not matches_topologies(storage_class.allowed_topologies, node.metadata.labels):
            return (BIND_CONFLICT,)
        if not has_enough_capacity(claim.value, storage_class, node, caches):
            return (NOT_ENOUGH_SPACE,)
    return ()


class Assumed(NamedTuple):
    """A write of PreBind that counts as done, and the uid of the pod that it is for."""

    uid: str
    write: Update


def assume(uid: str, writes: Iterable[Request]) -> tuple[Assumed, ...]:
    """AssumePodVolumes: what PreBind of a pod is about to write."""
    return tuple(Assumed(uid, write) for write in writes if isinstance(write, Update))


def assumed(caches: Caches, writes: Iterable[Assumed]) -> Caches:
    """The caches as if these writes were seen already.

    A write to an object that has changed since counts no more, as in upstream's assume cache.
    """
    changed = {resource: caches[resource] for resource in caches}
    for _, write in writes:
        resource, key = write.object.resource, f"{write.object.resource}/{write.object.key}"
        old: Entry | None = changed[resource].get(key) if resource in changed else None
        if old is not None and old.resource_version == write.resource_version:
            new = Entry(key, write.object, old.create_revision, old.mod_revision, old.version)
            changed[resource] = changed[resource].patched(key, new)
    return changed


def unseen(writes: tuple[Assumed, ...], told: Notification) -> tuple[Assumed, ...]:
    """The writes that an informer has yet to show after a notification."""
    version = told.new.resource_version if told.new is not None else None
    return tuple(
        each
        for each in writes
        if (each.write.object.resource, each.write.object.key) != (told.resource, told.key)
        or each.write.resource_version == version
    )


def reverted(writes: tuple[Assumed, ...], uid: str) -> tuple[Assumed, ...]:
    """RevertAssumedPodVolumes: the writes of the other pods."""
    return tuple(each for each in writes if each.uid != uid)
