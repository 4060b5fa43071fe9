"""Mutants of the ReplicaSet and Deployment controllers."""

from __future__ import annotations

from typing import Any

from kspec_models.controllers.deployment import DeploymentController
from kspec_models.controllers.replicaset import ReplicaSetController
from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, Notification, View
from kspec_models.objects import Deployment, ReplicaSet
from kspec_models.requests import Request, Response
from kspec_models.world import World
from kspec_models.worlds import delete, deployment, set_image
from kspec_properties.mutants.mutant import (
    ModelMutant,
    Withholding,
    misreading,
    replacing_controller,
)


def _replica_set(name: str, replicas: int) -> dict[str, Any]:
    body = deployment(name, replicas)
    body["kind"] = "ReplicaSet"
    del body["spec"]["strategy"]
    return body


_PAIR = World(name="one-replicaset", nodes=1, objects=(_replica_set("web", 2),))
_ROLLOUT = World(
    name="rollout",
    nodes=1,
    objects=(deployment("web", 2, surge=1, unavailable=0),),
    operations=(set_image("web", "app:2"),),
)


class ForgetsExpectations(ReplicaSetController):
    def reconcile(self, memory: Any, key: str, view: View) -> Worked:
        return super().reconcile(self.initial(), key, view)


class IgnoresDeletions(ReplicaSetController):
    def handle(self, memory: Any, event: Notification, view: View) -> Any:
        gone = event.new is None or event.new.value.is_terminating
        if event.resource == "pods" and gone:
            return memory, ()
        return super().handle(memory, event, view)


class _Misreads(DeploymentController):
    """A Deployment controller that sees something wrong in every pass."""

    def _wrong(self, view: View) -> View:
        raise TypeError("a mutant says what it misreads")

    def reconcile(self, memory: Any, key: str, view: View) -> Worked:
        return super().reconcile(memory, key, self._wrong(view))

    def answer(
        self, memory: Any, call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        return super().answer(memory, call, request, response, self._wrong(view))


class SurgesByOneMore(_Misreads):
    def _wrong(self, view: View) -> View:
        return misreading(view, "deployments", _with_more_surge)


def _with_more_surge(obj: Deployment) -> Deployment:
    rolling = obj.spec.strategy.rolling_update
    if rolling is None or not isinstance(rolling.max_surge, int):
        return obj
    wrong = obj.spec.strategy.replace(
        rolling_update=rolling.replace(max_surge=rolling.max_surge + 1)
    )
    return obj.replace(spec=obj.spec.replace(strategy=wrong))


class IgnoresAvailability(_Misreads):
    def _wrong(self, view: View) -> View:
        return misreading(view, "replicasets", _as_if_available)


def _as_if_available(obj: ReplicaSet) -> ReplicaSet:
    replicas = obj.spec.replicas or 0
    status = obj.status.replace(available_replicas=replicas, ready_replicas=replicas)
    return obj.replace(status=status)


class WritesNoStatus(Withholding):
    def is_withheld(self, request: Request, view: View) -> bool:
        return getattr(request, "subresource", "") == "status"


MUTANTS = (
    ModelMutant(
        name="replicaset-forgets-expectations",
        description="the ReplicaSet controller does not wait for its own writes to be seen",
        property="a-replicaset-does-not-over-create",
        world=_PAIR,
        change=replacing_controller("replicaset", lambda _: ForgetsExpectations()),
    ),
    ModelMutant(
        name="replicaset-ignores-deletions",
        description="the ReplicaSet controller does not notice that a pod is deleted",
        property="replicasets-converge",
        world=World(
            name="one-replicaset-loses-a-pod",
            nodes=1,
            objects=(_replica_set("web", 2),),
            operations=(delete("Pod", "web-1"),),
        ),
        change=replacing_controller("replicaset", lambda _: IgnoresDeletions()),
    ),
    ModelMutant(
        name="rollout-surges-by-one-more",
        description="a rolling update reads maxSurge one too large",
        property="a-rollout-stays-below-its-surge",
        world=_ROLLOUT,
        change=replacing_controller("deployment", lambda _: SurgesByOneMore()),
    ),
    ModelMutant(
        name="rollout-ignores-availability",
        description="a rolling update takes every replica that it asked for as available",
        property="a-rollout-keeps-enough-available",
        world=_ROLLOUT,
        change=replacing_controller("deployment", lambda _: IgnoresAvailability()),
    ),
    ModelMutant(
        name="deployment-status-is-not-written",
        description="the Deployment controller does not write the status of a Deployment",
        property="deployments-report-the-truth",
        world=_ROLLOUT,
        change=replacing_controller("deployment", lambda _: WritesNoStatus()),
    ),
)
