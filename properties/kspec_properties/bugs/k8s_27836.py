"""The attach/detach controller detached a volume before the node's status said so.

It began to detach, and took the volume from volumesAttached at the end of its loop. A pod that came
to the same node meanwhile found its volume attached there and mounted it while it was taken away.
Since then the removal is persisted first, and only then is it asked whether the volume is in use.
"""

from __future__ import annotations

from kspec_models.controllers.attachdetach import AttachDetachController
from kspec_models.controllers.attachdetach_pass import Memory, Pass
from kspec_models.controllers.attachdetach_state import Found
from kspec_models.controllers.worker import Worked
from kspec_models.world import World
from kspec_models.worlds import node, pod
from kspec_models.worlds_disruption import running
from kspec_models.worlds_volumes import (
    attachable,
    attached,
    claim,
    force_delete,
    using,
    volume,
)
from kspec_properties.bugs.bug import Bug
from kspec_properties.mutants.mutant import replacing_controller


class DetachesFirst(AttachDetachController):
    """As it was until 1.3.6: the node's status follows the detach."""

    def detach(self, memory: Memory, progress: Pass, now: Found) -> Worked:
        return self.verified(memory, progress)


BUG = Bug(
    id="k8s-27836",
    title="Attach controller should not start detach until the node status has been updated",
    url="https://github.com/kubernetes/kubernetes/issues/27836",
    property="nothing-is-detached-under-a-mount",
    world=World(
        name="a-pod-comes-again-to-its-node",
        objects=(
            attachable(node("n1"), "disk"),
            claim("data", volume="disk", protected=True),
            volume("disk", claim_name="data", protected=True),
            attached("disk", "n1"),
            using(running("a", "n1"), "data"),
        ),
        operations=(force_delete("a"), {"apply": using(pod("b", nodeName="n1"), "data")}),
        granularity="request",
        keep_status=True,
        controllers=("persistentvolume-attach-detach-controller", "csi-attacher"),
        components={"attachdetach": {}},
    ),
    estimate=7,
    change=replacing_controller("attachdetach", lambda _: DetachesFirst()),
)
