"""Mutants of the controllers of endpoints, of kube-proxy, and of a rollout's end."""

from __future__ import annotations

from typing import Any

from kspec_models.controllers.endpoints import EndpointsController
from kspec_models.controllers.endpointslice import EndpointSliceController
from kspec_models.host import Notification, View
from kspec_models.kubeproxy import KubeProxy
from kspec_models.objects import ReplicaSet
from kspec_models.requests import Request, Update
from kspec_models.world import World
from kspec_models.worlds import deployment, service, set_image
from kspec_properties.mutants.mutant import (
    ModelMutant,
    Withholding,
    replacing,
    replacing_controller,
)

_SERVED = World(name="one-service", nodes=1, objects=(deployment("web", 1), service("web")))
_REPLACED = World(
    name="served-rollout",
    nodes=1,
    objects=(deployment("web", 1), service("web")),
    operations=(set_image("web", "app:2"),),
)
_LISTED = World(
    name="one-listed-service",
    nodes=1,
    objects=(deployment("web", 1), service("web")),
    controllers=("deployment-controller", "replicaset-controller", "endpoints-controller"),
)


class IgnoresReadiness(EndpointSliceController):
    """Only the creation and the removal of a pod count, not what becomes of it between."""

    def handle(self, memory: Any, event: Notification, view: View) -> Any:
        if event.resource == "pods" and event.old is not None and event.new is not None:
            return memory, ()
        return super().handle(memory, event, view)


class IgnoresPods(EndpointsController):
    """Only the Service itself makes the controller look at it."""

    def concerns(self, event: Notification) -> bool:
        return event.resource != "pods" and super().concerns(event)


class IgnoresEndpointUpdates(KubeProxy):
    def handle(self, memory: Any, notification: Notification, view: View) -> Any:
        is_update = notification.old is not None and notification.new is not None
        if notification.resource == "endpointslices" and is_update:
            return memory
        return super().handle(memory, notification, view)


class KeepsOldReplicaSets(Withholding):
    """Never asks a ReplicaSet for fewer replicas."""

    def is_withheld(self, request: Request, view: View) -> bool:
        if not isinstance(request, Update) or not isinstance(request.object, ReplicaSet):
            return False
        entry = view.caches["replicasets"].get(f"replicasets/{request.object.key}")
        before = (entry.value.spec.replicas or 0) if entry is not None else 0
        return (request.object.spec.replicas or 0) < before


MUTANTS = (
    ModelMutant(
        name="endpoints-ignore-readiness",
        description="the EndpointSlice controller does not notice that a pod changed",
        property="endpoints-follow-readiness",
        world=_SERVED,
        change=replacing_controller("endpointslice", lambda _: IgnoresReadiness()),
    ),
    ModelMutant(
        name="endpoints-ignore-pods",
        description="the Endpoints controller does not notice that a pod changed",
        property="endpoints-objects-follow-readiness",
        world=_LISTED,
        change=replacing_controller("endpoints", lambda _: IgnoresPods()),
    ),
    ModelMutant(
        name="proxy-ignores-endpoint-updates",
        description="kube-proxy does not notice that an EndpointSlice changed",
        property="proxies-converge",
        world=_SERVED,
        change=replacing(proxy=IgnoresEndpointUpdates),
    ),
    ModelMutant(
        name="old-replicasets-are-kept",
        description="a rollout never scales old ReplicaSets down",
        property="a-finished-rollout-routes-only-to-new-pods",
        world=_REPLACED,
        change=replacing_controller("deployment", lambda _: KeepsOldReplicaSets()),
    ),
)
