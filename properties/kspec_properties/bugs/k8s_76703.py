"""PVC protection asked its cache of pods alone, and so let go of a claim that a pod had just taken.

The kubelet reads the claim live, sees no deletion and starts the pod; then the claim is deleted,
and the controller's cache does not have the pod yet. Since then a live list follows the cache.
"""

from __future__ import annotations

from kspec_models.controllers.pvcprotection import PVCProtectionController, without_finalizer
from kspec_models.controllers.worker import Worked
from kspec_models.store import Entry
from kspec_models.world import World
from kspec_models.worlds import delete, node, pod
from kspec_models.worlds_volumes import claim, using
from kspec_properties.bugs.bug import Bug
from kspec_properties.mutants.mutant import replacing_controller


class AsksTheCacheAlone(PVCProtectionController):
    """As it was until 1.15: no pod in the cache, no protection."""

    def unused_in_cache(self, entry: Entry) -> Worked:
        return Worked(None, (without_finalizer(entry),))


BUG = Bug(
    id="k8s-76703",
    title="Race condition in PVC protection controller can lead to deletion of PVC used by Pod",
    url="https://github.com/kubernetes/kubernetes/issues/76703",
    property="a-claim-in-use-is-protected",
    world=World(
        name="a-claim-is-deleted-while-its-pod-starts",
        objects=(node("n1"), claim("data", protected=True)),
        operations=(
            {"apply": using(pod("a", nodeName="n1"), "data")},
            delete("PersistentVolumeClaim", "data"),
        ),
        controllers=("persistentvolumeclaim-protection-controller",),
        granularity="reconcile",
        keep_status=True,
    ),
    estimate=5,
    change=replacing_controller("pvcprotection", lambda _: AsksTheCacheAlone()),
)
