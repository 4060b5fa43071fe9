"""Mutants of rollouts and of the ReplicationController controller."""

from __future__ import annotations

from typing import Any

from kspec_models.controllers.replicaset_adapter import ReplicationControllerController
from kspec_models.host import Notification, View
from kspec_models.objects import ReplicaSet
from kspec_models.requests import Request, Update
from kspec_models.world import World
from kspec_models.worlds import delete, deployment, set_image
from kspec_models.worlds_daemonset import replication_controller
from kspec_properties.mutants.mutant import ModelMutant, Withholding, replacing_controller


class KeepsOldReplicas(Withholding):
    """Never asks a ReplicaSet for fewer replicas."""

    def is_withheld(self, request: Request, view: View) -> bool:
        if not isinstance(request, Update) or not isinstance(request.object, ReplicaSet):
            return False
        known = view.caches["replicasets"].get(f"replicasets/{request.object.key}")
        return known is not None and (request.object.spec.replicas or 0) < known.value.spec.replicas


class IgnoresDeletions(ReplicationControllerController):
    def handle(self, memory: Any, event: Notification, view: View) -> Any:
        gone = event.new is None or event.new.value.is_terminating
        if event.resource == "pods" and gone:
            return memory, ()
        return super().handle(memory, event, view)


MUTANTS = (
    ModelMutant(
        name="rollout-keeps-old-replicas",
        description="the Deployment controller never scales an old ReplicaSet down",
        property="a-rolling-update-completes",
        world=World(
            name="one-rollout",
            nodes=1,
            objects=(deployment("web", 1),),
            operations=(set_image("web", "app:2"),),
        ),
        change=replacing_controller("deployment", lambda _: KeepsOldReplicas()),
    ),
    ModelMutant(
        name="replicationcontroller-ignores-deletions",
        description="the ReplicationController controller does not notice that a pod is deleted",
        property="replicationcontrollers-converge",
        world=World(
            name="one-replicationcontroller-loses-a-pod",
            nodes=1,
            objects=(replication_controller("web", 1),),
            operations=(delete("Pod", "web-1"),),
        ),
        change=replacing_controller("replicationcontroller", lambda _: IgnoresDeletions()),
    ),
)
