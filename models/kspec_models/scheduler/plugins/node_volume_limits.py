"""NodeVolumeLimits: no more volumes of a CSI driver on a node than its CSINode allows.

After pkg/scheduler/framework/plugins/nodevolumelimits/{csi,utils}.go and k8s.io/csi-translation-lib
at 1.36. The separate limits of in-tree volumes (EBSLimits, GCEPDLimits, AzureDiskLimits,
CinderLimits) went away in 1.32 (kubernetes/kubernetes#124003): such a volume counts for the driver
that it was migrated to, where the node's CSINode says so, as does that of a claim.

Left out: VolumeAttachments, since nothing here attaches: what a node's pods use stands for what is
attached there; limits in the Node's allocatable, which are no longer read; and
CSIDriver.spec.preventPodSchedulingIfMissing, off by default at 1.36 (VolumeLimitScaling).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from kspec_models.objects import (
    CSINode,
    FrozenMap,
    PersistentVolume,
    PersistentVolumeClaim,
    Pod,
    StorageClass,
)
from kspec_models.objects.record import EMPTY
from kspec_models.scheduler.events import ADD, DELETE, POD, UPDATE, ClusterEvent, Hint
from kspec_models.scheduler.framework import (
    ERROR,
    SKIP,
    SUCCESS,
    UNRESOLVABLE,
    UNSCHEDULABLE,
    Context,
    PreFilterResult,
    Status,
)
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.volume_events import CLAIM, CSI_NODE, uses
from kspec_models.volumes import (
    CLAIMS,
    CLASSES,
    VOLUMES,
    claim_names,
    class_of,
    entry_of,
    is_for_pod,
)

NAME = "NodeVolumeLimits"
CSI_NODES = "csinodes"
MIGRATED_PLUGINS = "storage.alpha.kubernetes.io/migrated-plugins"
_EXCEEDED = Status(UNSCHEDULABLE, ("node(s) exceed max volume count",), NAME)
_MIGRATABLE_INLINE = ("azureFile", "vsphereVolume")
"""Volumes that are migrated as well but have no limit."""

Caches = Mapping[str, Any]
Attached = dict[str, str]
"""By the unique name of a volume, its driver."""


class _Failed(Exception):
    """Counting the volumes of a pod failed: `args[0]` is the status."""


class InTree(NamedTuple):
    """An in-tree plugin, the CSI driver it was migrated to, and the handle of a volume there."""

    plugin: str
    driver: str
    handle: Callable[[Mapping[str, Any]], str]


_IN_TREE = {
    "awsElasticBlockStore": InTree(
        "kubernetes.io/aws-ebs",
        "ebs.csi.aws.com",
        lambda disk: str(disk.get("volumeID", "")).rpartition("/")[2],
    ),
    "gcePersistentDisk": InTree(
        "kubernetes.io/gce-pd",
        "pd.csi.storage.gke.io",
        lambda disk: f"projects/UNSPECIFIED/zones/UNSPECIFIED/disks/{disk.get('pdName', '')}",
    ),
    "azureDisk": InTree(
        "kubernetes.io/azure-disk", "disk.csi.azure.com", lambda disk: str(disk.get("diskURI", ""))
    ),
    "cinder": InTree(
        "kubernetes.io/cinder",
        "cinder.csi.openstack.org",
        lambda disk: str(disk.get("volumeID", "")),
    ),
    "portworxVolume": InTree(
        "kubernetes.io/portworx-volume",
        "pxd.portworx.com",
        lambda disk: str(disk.get("volumeID", "")),
    ),
}
_BY_PLUGIN = {in_tree.plugin: in_tree for in_tree in _IN_TREE.values()}


class NodeVolumeLimits:
    """Filters by the number of volumes per CSI driver. Its state are the caches it reads."""

    name = NAME
    resources = (CLAIMS, VOLUMES, CLASSES, CSI_NODES)

    def pre_filter(self, pod: Pod, context: Context) -> PreFilterResult:
        """Skipped for a pod without a volume that could count."""
        if not pod.spec.volumes or not _may_count(pod):
            return PreFilterResult(Status(SKIP))
        return PreFilterResult(state=context.caches)

    def filter_with(self, state: Caches, pod: Pod, node_info: NodeInfo) -> Status:
        """What is attached and what the pod adds stay within the limit of each driver."""
        entry = entry_of(state, CSI_NODES, node_info.name)
        csi_node: CSINode | None = entry.value if entry is not None else None
        try:
            new = _volumes_of(pod, csi_node, state, is_new=True)
            limits = limits_of(csi_node)
            if not new or not limits:
                return SUCCESS
            attached: Attached = {}
            for other in node_info.pods:
                attached.update(_volumes_of(other, csi_node, state, is_new=False))
        except _Failed as failed:
            status: Status = failed.args[0]
            return status
        used = Counter(attached.values())
        added = Counter(driver for volume, driver in new.items() if volume not in attached)
        for driver, count in added.items():
            if driver in limits and used[driver] + count > limits[driver]:
                return _EXCEEDED
        return SUCCESS

    def add_pod(self, state: Caches, pod: Pod, added: Pod, node_info: NodeInfo) -> Caches:
        """The NodeInfo tells which pods are there."""
        return state

    def remove_pod(self, state: Caches, pod: Pod, removed: Pod, node_info: NodeInfo) -> Caches:
        """The NodeInfo tells which pods are there."""
        return state


def limits_of(csi_node: CSINode | None) -> dict[str, int]:
    """By driver, how many volumes the node can have; a driver that tells no count has no limit."""
    drivers = csi_node.spec.drivers if csi_node is not None else ()
    return {
        driver.name: driver.allocatable.count
        for driver in drivers
        if driver.allocatable is not None and driver.allocatable.count is not None
    }


def _may_count(pod: Pod) -> bool:
    kinds = ("persistentVolumeClaim", "ephemeral", *_IN_TREE, *_MIGRATABLE_INLINE)
    return any(kind in volume for volume in pod.spec.volumes for kind in kinds)


def _volumes_of(pod: Pod, csi_node: CSINode | None, caches: Caches, *, is_new: bool) -> Attached:
    """The volumes of a pod that count. Raises _Failed for a claim that must exist and does not."""
    found: Attached = {}
    if not pod.spec.volumes:
        return found
    for volume in pod.spec.volumes:
        _add(found, _translated(volume, csi_node))
    for name, is_ephemeral in claim_names(pod):
        if not name:
            raise _Failed(Status(ERROR, ("PersistentVolumeClaim had no name",), NAME))
        entry = entry_of(caches, CLAIMS, f"{pod.namespace}/{name}")
        if entry is None:
            if is_new:
                raise _Failed(_not_found(pod.namespace, name))
            continue
        claim: PersistentVolumeClaim = entry.value
        if is_ephemeral and not is_for_pod(claim, pod):
            raise _Failed(Status(ERROR, (not_owner(claim, pod),), NAME))
        _add(found, _of_claim(claim, csi_node, caches))
    return found


def _add(found: Attached, volume: tuple[str, str] | None) -> None:
    if volume is not None and all(volume):
        found["/".join(volume)] = volume[0]


def _not_found(namespace: str, name: str) -> Status:
    reason = f'looking up PVC {namespace}/{name}: persistentvolumeclaim "{name}" not found'
    return Status(UNRESOLVABLE, (reason,), NAME)


def not_owner(claim: PersistentVolumeClaim, pod: Pod) -> str:
    """What upstream says of a claim that has the name of an ephemeral volume's and is another's."""
    return f"PVC {claim.key} was not created for pod {pod.key} (pod is not owner)"


def _of_claim(
    claim: PersistentVolumeClaim, csi_node: CSINode | None, caches: Caches
) -> tuple[str, str] | None:
    """Driver and handle of the volume of a claim, or of the one that will be made for it."""
    entry = entry_of(caches, VOLUMES, claim.spec.volume_name) if claim.spec.volume_name else None
    if entry is None:
        return _of_class(claim, csi_node, caches)
    volume: PersistentVolume = entry.value
    if volume.spec.csi is not None:
        return volume.spec.csi.driver, volume.spec.csi.volume_handle
    return _translated(volume.spec.extra, csi_node)


def _of_class(
    claim: PersistentVolumeClaim, csi_node: CSINode | None, caches: Caches
) -> tuple[str, str] | None:
    entry = entry_of(caches, CLASSES, class_of(claim))
    if entry is None:
        return None
    storage_class: StorageClass = entry.value
    # Upstream's random prefix keeps it apart from real handles; none of those starts like this.
    handle = f"unbound-{claim.key}"
    in_tree = _BY_PLUGIN.get(storage_class.provisioner)
    if in_tree is None:
        return storage_class.provisioner, handle
    return (in_tree.driver, handle) if _is_migrated(in_tree.plugin, csi_node) else None


def _translated(source: Mapping[str, Any], csi_node: CSINode | None) -> tuple[str, str] | None:
    """Driver and handle of an in-tree volume whose plugin was migrated on the node."""
    for field, in_tree in _IN_TREE.items():
        if field in source and _is_migrated(in_tree.plugin, csi_node):
            disk: FrozenMap[Any] = source[field] or EMPTY
            return in_tree.driver, in_tree.handle(disk)
    return None


def _is_migrated(plugin: str, csi_node: CSINode | None) -> bool:
    if csi_node is None:
        return False
    return plugin in csi_node.metadata.annotations.get(MIGRATED_PLUGINS, "").split(",")


def _after_pod_deleted(pod: Pod, event: ClusterEvent) -> bool:
    gone: Pod = event.old
    return bool(gone.spec.volumes and gone.spec.node_name) and _may_count(gone)


def _after_claim_added(pod: Pod, event: ClusterEvent) -> bool:
    return uses(pod, event.new)


def _always(pod: Pod, event: ClusterEvent) -> bool:
    return True


def _after_limit_raised(pod: Pod, event: ClusterEvent) -> bool:
    """Some driver allows more volumes than it did."""
    before, after = limits_of(event.old), limits_of(event.new)
    return any(limit > before.get(driver, 0) for driver, limit in after.items())


EVENTS: dict[tuple[str, str], Hint] = {
    (CSI_NODE, ADD): _always,
    (CSI_NODE, UPDATE): _after_limit_raised,
    (POD, DELETE): _after_pod_deleted,
    (CLAIM, ADD): _after_claim_added,
}
"""The queueing hints of this plugin."""
