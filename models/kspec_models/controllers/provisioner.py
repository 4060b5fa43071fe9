"""The provisioner: make a volume for each claim that asks for one, and delete it when released.

After controller/controller.go (syncClaim, syncVolume) of sig-storage-lib-external-provisioner v11,
which runs beside every CSI driver. One provisioner here answers to every name that a class gives,
and making or deleting a volume succeeds at once. The volume can be used on the nodes that share the
topology keys of its driver's CSINode with the selected node, or everywhere where there are none.

Left out: failures of the storage, and capacity; finalizers of volumes; cloning and snapshots. A
claim that waits for no pod gets the topology of the first node that its class allows, where a
driver picks any.
"""

from __future__ import annotations

import re
from typing import Any

from kspec_models.controllers.worker import Worked, stop_on_error
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.objects import (
    Node,
    ObjectMeta,
    PersistentVolume,
    PersistentVolumeClaim,
    StorageClass,
    freeze,
)
from kspec_models.objects.record import EMPTY, FrozenMap
from kspec_models.objects.storage import CSIPersistentVolumeSource, PersistentVolumeSpec
from kspec_models.requests import (
    ALREADY_EXISTS,
    NOT_FOUND,
    Create,
    Delete,
    Request,
    Response,
    Update,
)
from kspec_models.store import Entry
from kspec_models.volumes import (
    BETA_STORAGE_PROVISIONER,
    CLAIMS,
    CLASSES,
    PROVISIONED_BY,
    SELECTED_NODE,
    STORAGE,
    STORAGE_PROVISIONER,
    VOLUMES,
    bound_to,
    class_of,
    entry_of,
    is_delayed,
    matches_topologies,
)

NODES, CSI_NODES = "nodes", "csinodes"
_NOT_IN_NAMES = re.compile(r"[^a-z0-9.-]")


class ProvisionerController:
    """Keys are the resource and the name of a claim or a volume; there is nothing to remember."""

    name = "provisioner"
    watches = tuple(map(Watch, (CLAIMS, VOLUMES, CLASSES, NODES, CSI_NODES)))

    def initial(self) -> None:
        return None

    def handle(self, memory: None, event: Notification, view: View) -> tuple[None, tuple[str, ...]]:
        """Enqueue claims and volumes; after a new class the claims that it is for."""
        if event.new is None or event.resource in (NODES, CSI_NODES):
            return memory, ()
        if event.resource == CLASSES:
            claims = [e for e in view.caches[CLAIMS].entries() if class_of(e.value) == event.key]
            return memory, tuple(entry.key for entry in claims)
        return memory, (f"{event.resource}/{event.key}",)

    def reconcile(self, memory: None, key: str, view: View) -> Worked:
        """Create the volume of a claim, or delete a released volume."""
        resource = key.partition("/")[0]
        entry = view.caches[resource].get(key)
        if entry is None:
            return Worked(memory)
        request = _delete(entry) if resource == VOLUMES else _provision(entry, view)
        return Worked(memory, (request,) if request is not None else ())

    def answer(
        self, memory: None, call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        """A volume that exists already, or is gone already, needs no retry."""
        if response.reason in (ALREADY_EXISTS, NOT_FOUND):
            return Worked(memory)
        return stop_on_error(memory, call, response)


def _delete(entry: Entry) -> Request | None:
    """shouldDelete: a released volume that was provisioned and is not to be kept."""
    volume: PersistentVolume = entry.value
    is_own = PROVISIONED_BY in volume.metadata.annotations
    is_to_go = volume.spec.persistent_volume_reclaim_policy == "Delete"
    if not is_own or not is_to_go or volume.status.phase != "Released" or volume.is_terminating:
        return None
    return Delete(VOLUMES, volume.name, uid=volume.uid)


def _provision(entry: Entry, view: View) -> Request | None:
    """shouldProvision and provisionClaimOperation."""
    claim: PersistentVolumeClaim = entry.value
    marks = claim.metadata.annotations
    if claim.spec.volume_name or not marks.get(
        STORAGE_PROVISIONER, marks.get(BETA_STORAGE_PROVISIONER)
    ):
        return None
    found = entry_of(view.caches, CLASSES, class_of(claim))
    if found is None or entry_of(view.caches, VOLUMES, volume_name(claim)) is not None:
        return None
    storage_class: StorageClass = found.value
    selected = marks.get(SELECTED_NODE, "")
    if not selected:
        if is_delayed(storage_class):
            return None
        return Create(_volume(claim, storage_class, _first_allowed(storage_class, view), view))
    node = entry_of(view.caches, NODES, selected)
    if node is None:
        # The node is gone: hand the claim back to the scheduler (rescheduleProvisioning).
        rest = marks.without(SELECTED_NODE)
        return Update(claim.with_metadata(annotations=rest), entry.resource_version)
    return Create(_volume(claim, storage_class, node.value, view))


def volume_name(claim: PersistentVolumeClaim) -> str:
    """The name of the volume that is made for a claim: `pvc-` and its uid."""
    uid = claim.uid.removeprefix(f"{CLAIMS}/")
    return "pvc-" + _NOT_IN_NAMES.sub(".", uid.lower())


def _first_allowed(storage_class: StorageClass, view: View) -> Node | None:
    nodes = (entry.value for entry in view.caches[NODES].entries())
    allowed = storage_class.allowed_topologies
    return next((n for n in nodes if matches_topologies(allowed, n.metadata.labels)), None)


def _volume(
    claim: PersistentVolumeClaim, storage_class: StorageClass, node: Node | None, view: View
) -> PersistentVolume:
    name, driver = volume_name(claim), storage_class.provisioner
    requests = claim.spec.resources.requests
    volume = PersistentVolume(
        metadata=ObjectMeta(name=name, annotations=FrozenMap({PROVISIONED_BY: driver})),
        spec=PersistentVolumeSpec(
            capacity=FrozenMap({STORAGE: requests[STORAGE]}) if STORAGE in requests else EMPTY,
            access_modes=claim.spec.access_modes,
            persistent_volume_reclaim_policy=storage_class.reclaim_policy,
            storage_class_name=storage_class.name,
            volume_attributes_class_name=claim.spec.volume_attributes_class_name,
            volume_mode=claim.spec.volume_mode,
            node_affinity=_affinity(driver, node, view),
            csi=CSIPersistentVolumeSource(driver=driver, volume_handle=name),
        ),
    )
    # The reference alone: only the binder marks what it bound.
    return volume.replace(spec=bound_to(volume, claim).spec)


def _affinity(driver: str, node: Node | None, view: View) -> Any:
    """Node affinity to the nodes that share the driver's topology with this one."""
    entry = entry_of(view.caches, CSI_NODES, node.name) if node is not None else None
    if node is None or entry is None:
        return None
    drivers = [each for each in entry.value.spec.drivers if each.name == driver]
    keys = [key for each in drivers for key in each.topology_keys]
    labels = node.metadata.labels
    terms = [{"key": k, "operator": "In", "values": [labels[k]]} for k in keys if k in labels]
    if not terms:
        return None
    return freeze({"required": {"nodeSelectorTerms": [{"matchExpressions": terms}]}})
