"""Storage capacity tracking: whether a CSI driver says that a node can get a volume of some size.

After pkg/scheduler/framework/plugins/volumebinding/binder.go (hasEnoughCapacity) at 1.36. CSIDriver
and CSIStorageCapacity are passive kinds here: nothing keeps their capacity up to date, so what a
world says of it holds throughout.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kspec_models.objects import Node, PersistentVolumeClaim, StorageClass, Unstructured
from kspec_models.objects.record import EMPTY
from kspec_models.quantity import QuantityError, whole
from kspec_models.selectors import SelectorError, label_selector
from kspec_models.volumes import STORAGE, entry_of, requested

CSI_DRIVERS: Final = "csidrivers"
CSI_CAPACITIES: Final = "csistoragecapacities"


def has_enough_capacity(
    claim: PersistentVolumeClaim,
    storage_class: StorageClass,
    node: Node,
    caches: Mapping[str, Any],
) -> bool:
    """Whether a volume for the claim can be made where the node reaches it.

    Yes for all that a driver does not track.
    """
    if STORAGE not in claim.spec.resources.requests:
        return True
    driver = entry_of(caches, CSI_DRIVERS, storage_class.provisioner)
    if driver is None or not (driver.value.extra.get("spec") or EMPTY).get("storageCapacity"):
        return True
    cache = caches.get(CSI_CAPACITIES)
    size = requested(claim).value()
    return any(
        entry.value.extra.get("storageClassName") == storage_class.name
        and _is_sufficient(volume_limit(entry.value), size)
        and _is_reached(node, entry.value)
        for entry in (cache.entries() if cache is not None else ())
    )


def _is_sufficient(limit: int | None, size: int) -> bool:
    return limit is not None and limit >= size


def volume_limit(tracked: Unstructured) -> int | None:
    """The size of the largest volume that can be made, in bytes; None where that is not said."""
    text = tracked.extra.get("maximumVolumeSize", tracked.extra.get("capacity"))
    try:
        return whole(text) if text is not None else None
    except QuantityError:
        return None


def _is_reached(node: Node, tracked: Unstructured) -> bool:
    """Whether the node is in the topology; no node is in one that is absent."""
    topology = tracked.extra.get("nodeTopology")
    try:
        return topology is not None and label_selector(topology).matches(node.metadata.labels)
    except SelectorError:
        return False
