"""Mutants of the attach/detach controller."""

from __future__ import annotations

from typing import Any

from kspec_models.attachment import uses_claims
from kspec_models.controllers.attachdetach import AttachDetachController
from kspec_models.controllers.attachdetach_pass import Memory, Pass
from kspec_models.controllers.worker import Worked
from kspec_models.host import Notification
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
from kspec_properties.mutants.mutant import ModelMutant, replacing_controller


class AsksNoKubelet(AttachDetachController):
    def verified(self, memory: Memory, progress: Pass) -> Worked:
        return super().verified(memory, progress._replace(verify=False))


class IgnoresThatPodsGo(AttachDetachController):
    def concerns(self, event: Notification) -> bool:
        is_gone = event.new is None and event.old is not None and event.resource == "pods"
        if event.resource == "nodes" or (is_gone and uses_claims(event.old.value)):  # type: ignore[union-attr]
            return False
        return super().concerns(event)


def attached_world(*operations: Any, granularity: str = "reconcile") -> World:
    """A volume is attached to the node where a pod uses it."""
    return World(
        name="a-volume-is-attached",
        objects=(
            attachable(node("n1"), "disk"),
            claim("data", volume="disk", protected=True),
            volume("disk", claim_name="data", protected=True),
            attached("disk", "n1"),
            using(running("a", "n1"), "data"),
        ),
        operations=operations,
        granularity=granularity,
        keep_status=True,
        controllers=("persistentvolume-attach-detach-controller", "csi-attacher"),
        components={"attachdetach": {}},
    )


AGAIN = {"apply": using(pod("b", nodeName="n1"), "data")}

MUTANTS = (
    ModelMutant(
        name="detach-asks-no-kubelet",
        description="a volume is detached though the kubelet says that it is in use",
        property="nothing-is-detached-under-a-mount",
        world=attached_world(force_delete("a"), AGAIN),
        change=replacing_controller("attachdetach", lambda _: AsksNoKubelet()),
    ),
    ModelMutant(
        name="detach-waits-for-ever",
        description="the attach/detach controller does not notice that a pod is gone",
        property="volumes-follow-their-pods",
        world=attached_world(force_delete("a")),
        change=replacing_controller("attachdetach", lambda _: IgnoresThatPodsGo()),
    ),
)
