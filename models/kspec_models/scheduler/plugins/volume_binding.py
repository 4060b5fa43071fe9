"""VolumeBinding: a node must reach the volumes of a pod's claims, or some must be found for them.

After pkg/scheduler/framework/plugins/volumebinding/{volume_binding,binder}.go at 1.36. A bound
claim asks for a node that its volume's node affinity allows. A claim whose class waits for the
first consumer gets, for each node, the smallest volume that fits, or is to be provisioned if the
class's topologies allow the node. PreBind writes down what was chosen; the rest is the business
of the PersistentVolume controller and of the provisioner.

Left out: that PreBind waits until all claims are bound; the kubelet would wait for them otherwise,
so no pod runs earlier. And scores by capacity (StorageCapacityScoring, off by default at 1.36).
"""

from __future__ import annotations

from typing import Any

from kspec_models.objects import PersistentVolumeClaim, Pod
from kspec_models.objects.record import EMPTY
from kspec_models.requests import Request
from kspec_models.scheduler.events import (
    ADD,
    NODE,
    UPDATE,
    UPDATE_NODE_LABEL,
    ClusterEvent,
    Hint,
)
from kspec_models.scheduler.framework import (
    ERROR,
    SKIP,
    SUCCESS,
    UNRESOLVABLE,
    Context,
    PreFilterResult,
    Status,
)
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.volume_binder import (
    Caches,
    PodClaims,
    find_pod_volumes,
    storage_class_of,
)
from kspec_models.scheduler.volume_capacity import CSI_CAPACITIES, CSI_DRIVERS, volume_limit
from kspec_models.scheduler.volume_events import (
    CLAIM,
    CLASS,
    CSI_CAPACITY,
    CSI_DRIVER,
    CSI_NODE,
    VOLUME,
    uses,
)
from kspec_models.selectors import SelectorError
from kspec_models.store import Entry
from kspec_models.volumes import (
    CLAIMS,
    CLASSES,
    VOLUMES,
    claim_names,
    entry_of,
    is_delayed,
    is_for_pod,
    is_fully_bound,
    requested,
)

NAME = "VolumeBinding"
CSI_NODES = "csinodes"
IMMEDIATE = "pod has unbound immediate PersistentVolumeClaims"
MIGRATED_PLUGINS = "storage.alpha.kubernetes.io/migrated-plugins"


class _Refused(Exception):
    """PreFilter cannot go on: `args[0]` is the status."""


class VolumeBinding:
    """Filters by the volumes that are, or could be, bound to the pod's claims."""

    name = NAME
    resources = (CLAIMS, VOLUMES, CLASSES, CSI_NODES, CSI_DRIVERS, CSI_CAPACITIES)

    def pre_filter(self, pod: Pod, context: Context) -> PreFilterResult:
        """The pod's claims; a rejection of every node while an immediate one is not bound."""
        names = claim_names(pod) if pod.spec.volumes else ()
        if not names:
            return PreFilterResult(Status(SKIP))
        caches = context.caches
        try:
            claims = [_claim(pod, name, caches, is_ephemeral=own) for name, own in names]
            unbound = [entry for entry in claims if not is_fully_bound(entry.value)]
            waiting = [_waits(entry.value, caches) for entry in unbound]
        except _Refused as refused:
            return PreFilterResult(refused.args[0])
        if not all(waiting):
            return PreFilterResult(Status(UNRESOLVABLE, (IMMEDIATE,), NAME))
        unbound.sort(key=lambda entry: requested(entry.value).as_fraction())
        bound = tuple(entry.value for entry in claims if is_fully_bound(entry.value))
        return PreFilterResult(state=PodClaims(bound, tuple(unbound), caches))

    def filter_with(self, state: PodClaims, pod: Pod, node_info: NodeInfo) -> Status:
        """Whether the claims can be met on the node."""
        assert node_info.node is not None
        try:
            reasons = find_pod_volumes(state, node_info.node).reasons
        except SelectorError as error:
            return Status(ERROR, (str(error),), NAME)
        return Status(UNRESOLVABLE, reasons, NAME) if reasons else SUCCESS

    def add_pod(self, state: PodClaims, pod: Pod, added: Pod, node_info: NodeInfo) -> PodClaims:
        """Other pods do not matter."""
        return state

    def remove_pod(
        self, state: PodClaims, pod: Pod, removed: Pod, node_info: NodeInfo
    ) -> PodClaims:
        """Other pods do not matter."""
        return state

    def pre_bind(self, pod: Pod, node_info: NodeInfo, context: Context) -> tuple[Request, ...]:
        """The writes that bind the pod's claims on its node: volumes first, then claims.

        () where all are bound. context: that of the cycle which chose the node.
        """
        state = (context.states or EMPTY).get(NAME) or self.pre_filter(pod, context).state
        if state is None or node_info.node is None:
            return ()
        return find_pod_volumes(state, node_info.node).writes(node_info.name)


def _claim(pod: Pod, name: str, caches: Caches, *, is_ephemeral: bool) -> Entry:
    """podHasPVCs: a claim that the pod may use. Raises _Refused."""
    entry = entry_of(caches, CLAIMS, f"{pod.namespace}/{name}")
    problem = _problem(pod, name, entry, is_ephemeral=is_ephemeral)
    if problem or entry is None:
        raise _Refused(Status(UNRESOLVABLE, (problem,), NAME))
    return entry


def _problem(pod: Pod, name: str, entry: Entry | None, *, is_ephemeral: bool) -> str:
    quoted = f'persistentvolumeclaim "{name}"'
    if entry is None:
        if is_ephemeral:
            return f"waiting for ephemeral volume controller to create the {quoted}"
        return f"{quoted} not found"
    claim: PersistentVolumeClaim = entry.value
    if claim.status.phase == "Lost":
        return f'{quoted} bound to non-existent persistentvolume "{claim.spec.volume_name}"'
    if claim.is_terminating:
        return f"{quoted} is being deleted"
    if is_ephemeral and not is_for_pod(claim, pod):
        return f"PVC {claim.key} was not created for pod {pod.key} (pod is not owner)"
    return ""


def _waits(claim: PersistentVolumeClaim, caches: Caches) -> bool:
    """Whether the claim is bound with its first pod; one that names a volume is not.

    Raises _Refused for a class that does not say.
    """
    storage_class = storage_class_of(claim, caches)
    if storage_class is not None and not storage_class.volume_binding_mode:
        reason = f'VolumeBindingMode not set for StorageClass "{storage_class.name}"'
        raise _Refused(Status(ERROR, (reason,), NAME))
    return not claim.spec.volume_name and is_delayed(storage_class)


def _always(pod: Pod, event: ClusterEvent) -> bool:
    return True


def _after_claim_change(pod: Pod, event: ClusterEvent) -> bool:
    return uses(pod, event.new)


def _after_class_change(pod: Pod, event: ClusterEvent) -> bool:
    return event.old is None or event.old.allowed_topologies != event.new.allowed_topologies


def _after_csi_node_change(pod: Pod, event: ClusterEvent) -> bool:
    """A new CSINode, or one on which other in-tree plugins are migrated."""
    if event.old is None:
        return True
    before, after = event.old.metadata.annotations, event.new.metadata.annotations
    return bool(before.get(MIGRATED_PLUGINS) != after.get(MIGRATED_PLUGINS))


def _after_driver_change(pod: Pod, event: ClusterEvent) -> bool:
    """The driver of an inline volume no longer tells its capacity."""
    if not _tells_capacity(event.old) or _tells_capacity(event.new):
        return False
    drivers = [(volume.get("csi") or EMPTY).get("driver") for volume in pod.spec.volumes]
    return event.new.name in drivers


def _tells_capacity(driver: Any) -> bool:
    return bool((driver.extra.get("spec") or EMPTY).get("storageCapacity"))


def _after_capacity_change(pod: Pod, event: ClusterEvent) -> bool:
    if event.old is None:
        return True
    before, after = volume_limit(event.old), volume_limit(event.new)
    return after is not None and (before is None or after > before)


EVENTS: dict[tuple[str, str], Hint] = {
    (CLASS, ADD): _after_class_change,
    (CLASS, UPDATE): _after_class_change,
    (CLAIM, ADD): _after_claim_change,
    (CLAIM, UPDATE): _after_claim_change,
    (VOLUME, ADD): _always,
    (VOLUME, UPDATE): _always,
    (NODE, ADD): _always,
    (NODE, UPDATE_NODE_LABEL): _always,
    (CSI_NODE, ADD): _after_csi_node_change,
    (CSI_NODE, UPDATE): _after_csi_node_change,
    (CSI_DRIVER, UPDATE): _after_driver_change,
    (CSI_CAPACITY, ADD): _after_capacity_change,
    (CSI_CAPACITY, UPDATE): _after_capacity_change,
}
"""The queueing hints of this plugin."""
