"""Cluster events about volumes, and the question that hints of several volume plugins ask.

After pkg/scheduler/framework/events.go and pkg/scheduler/eventhandlers.go at 1.36: an event of a
volume, claim, class or CSINode is an Add, an Update or a Delete of the resource named here.
"""

from __future__ import annotations

from typing import Final

from kspec_models.objects import PersistentVolumeClaim, Pod
from kspec_models.volumes import claim_names

CLAIM: Final = "PersistentVolumeClaim"
VOLUME: Final = "PersistentVolume"
CLASS: Final = "StorageClass"
CSI_NODE: Final = "CSINode"
CSI_DRIVER: Final = "CSIDriver"
CSI_CAPACITY: Final = "CSIStorageCapacity"


def uses(pod: Pod, claim: PersistentVolumeClaim, *, with_ephemeral: bool = True) -> bool:
    """Whether a volume of the pod is of that claim."""
    if pod.namespace != claim.namespace:
        return False
    return any(
        name == claim.name and (with_ephemeral or not is_ephemeral)
        for name, is_ephemeral in claim_names(pod)
    )
