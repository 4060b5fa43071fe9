"""PVC protection looked only at the claims of the new pod of an update.

After a watch gap a Replace joins the deletion of a pod and the creation of another of its name into
one update. The claims of the old pod were not looked at, and stayed Terminating for ever. Since
then the claims of both are, where the uids differ.
"""

from __future__ import annotations

from kspec_models.controllers.pvcprotection import PVCProtectionController
from kspec_models.host import Notification
from kspec_models.world import World
from kspec_models.worlds import delete, node, pod
from kspec_models.worlds_disruption import running
from kspec_models.worlds_volumes import claim, force_delete, using
from kspec_properties.bugs.bug import Bug
from kspec_properties.mutants.mutant import replacing_controller


class LooksAtTheNewPodAlone(PVCProtectionController):
    """As it was until 1.16: an update is about its new object."""

    def released(self, event: Notification) -> tuple[str, ...]:
        return super().released(event if event.new is None else event._replace(old=None))


BUG = Bug(
    id="k8s-80475",
    title="PVC protection controller can fail to remove finalizer though no pod is using the PVC",
    url="https://github.com/kubernetes/kubernetes/issues/80475",
    property="unused-claims-go",
    world=World(
        name="a-pod-comes-again-in-a-watch-gap",
        objects=(node("n1"), claim("data", protected=True), using(running("a", "n1"), "data")),
        operations=(
            delete("PersistentVolumeClaim", "data"),
            force_delete("a"),
            {"apply": pod("a", nodeName="n1")},
        ),
        controllers=("persistentvolumeclaim-protection-controller",),
        granularity="reconcile",
        keep_status=True,
    ),
    faults="disconnect,compaction",
    estimate=6,
    change=replacing_controller("pvcprotection", lambda _: LooksAtTheNewPodAlone()),
)
