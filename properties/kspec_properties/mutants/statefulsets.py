"""Mutants of the StatefulSet controller."""

from __future__ import annotations

from typing import Any

from kspec_models.controllers.statefulset import StatefulSetController
from kspec_models.controllers.worker import Worked
from kspec_models.host import Notification, View
from kspec_models.objects import Condition, Pod, StatefulSet
from kspec_models.requests import Delete, Request
from kspec_models.world import World
from kspec_models.worlds import delete
from kspec_models.worlds_statefulset import (
    resize_set,
    stateful_set,
    storage_class,
    update_set,
)
from kspec_properties.mutants.mutant import (
    Change,
    ModelMutant,
    misreading,
    replacing_controller,
)

_PAIR = World(
    name="one-statefulset",
    nodes=2,
    granularity="reconcile",
    objects=(stateful_set("db", 2),),
)
_SHRINKING = World(
    name="a-statefulset-shrinks",
    nodes=1,
    granularity="reconcile",
    objects=(stateful_set("db", 2),),
    operations=(resize_set("db", 0),),
)
_UPDATED = World(
    name="a-statefulset-is-updated",
    nodes=2,
    granularity="reconcile",
    objects=(stateful_set("db", 2),),
    operations=(update_set("db", "app:2"),),
)
_PARTITIONED = World(
    name="a-statefulset-is-updated-in-part",
    nodes=1,
    granularity="reconcile",
    objects=(
        stateful_set(
            "db", 2, updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}
        ),
    ),
    operations=(update_set("db", "app:2"),),
)
_WITH_CLAIMS = World(
    name="a-statefulset-with-claims-shrinks",
    nodes=1,
    granularity="reconcile",
    objects=(storage_class(), stateful_set("db", 2, claims=True)),
    operations=(resize_set("db", 1),),
)


class _Rewriting(StatefulSetController):
    """A StatefulSet controller that sends its requests otherwise."""

    def _sent(self, request: Request) -> Request:
        raise TypeError("a mutant says what it sends")

    def _continue(self, memory: Any, phase: Any) -> Worked:
        worked = super()._continue(memory, phase)
        return worked._replace(requests=tuple(self._sent(r) for r in worked.requests))


class ForcesDeletions(_Rewriting):
    def _sent(self, request: Request) -> Request:
        if isinstance(request, Delete) and request.resource == "pods":
            return request._replace(grace_period_seconds=0)
        return request


class WritesNoStatus(StatefulSetController):
    def _continue(self, memory: Any, phase: Any) -> Worked:
        worked = super()._continue(memory, phase)
        kept = tuple(r for r in worked.requests if getattr(r, "subresource", "") != "status")
        return worked._replace(requests=kept)


class IgnoresDeletions(StatefulSetController):
    def handle(self, memory: Any, event: Notification, view: View) -> Any:
        if event.resource == "pods" and (event.new is None or event.new.value.is_terminating):
            return memory, ()
        return super().handle(memory, event, view)


class _Misreads(StatefulSetController):
    """A StatefulSet controller that sees something wrong in every pass."""

    def _wrong(self, view: View) -> View:
        raise TypeError("a mutant says what it misreads")

    def reconcile(self, memory: Any, key: str, view: View) -> Worked:
        return super().reconcile(memory, key, self._wrong(view))


class BurstsAlways(_Misreads):
    def _wrong(self, view: View) -> View:
        return misreading(view, "statefulsets", _as_parallel)


def _as_parallel(obj: StatefulSet) -> StatefulSet:
    return obj.replace(spec=obj.spec.replace(pod_management_policy="Parallel"))


class TakesAllAsReady(_Misreads):
    def _wrong(self, view: View) -> View:
        return misreading(view, "pods", _as_ready)


def _as_ready(obj: Pod) -> Pod:
    ready = Condition(type="Ready", status="True")
    status = obj.status.replace(phase="Running", conditions=(ready,))
    return obj.replace(status=status)


class IgnoresPartition(_Misreads):
    def _wrong(self, view: View) -> View:
        return misreading(view, "statefulsets", _without_partition)


def _without_partition(obj: StatefulSet) -> StatefulSet:
    strategy = obj.spec.update_strategy
    if strategy.rolling_update is None:
        return obj
    whole = strategy.replace(rolling_update=strategy.rolling_update.replace(partition=0))
    return obj.replace(spec=obj.spec.replace(update_strategy=whole))


class OwnsClaims(_Misreads):
    def _wrong(self, view: View) -> View:
        return misreading(view, "statefulsets", _as_deleting)


def _as_deleting(obj: StatefulSet) -> StatefulSet:
    policy = obj.spec.persistent_volume_claim_retention_policy
    assert policy is not None, "the API server gives every StatefulSet one"
    wrong = policy.replace(when_scaled="Delete", when_deleted="Delete")
    spec = obj.spec.replace(persistent_volume_claim_retention_policy=wrong)
    return obj.replace(spec=spec)


def _instead(mutant: type[StatefulSetController]) -> Change:
    def make(right: StatefulSetController) -> StatefulSetController:
        return mutant(has_claims=right.has_claims, stale_check=right.stale_check)

    return replacing_controller("statefulset", make)


MUTANTS = (
    ModelMutant(
        name="statefulset-forces-deletions",
        description="the StatefulSet controller deletes pods with a grace period of 0",
        property="one-pod-runs-per-statefulset-identity",
        world=_UPDATED,
        change=_instead(ForcesDeletions),
    ),
    ModelMutant(
        name="statefulset-ignores-deletions",
        description="the StatefulSet controller does not notice that a pod is deleted",
        property="a-missing-statefulset-pod-is-created",
        world=World(
            name="a-statefulset-loses-a-pod",
            nodes=1,
            granularity="reconcile",
            objects=(stateful_set("db", 2),),
            operations=(delete("Pod", "db-0"),),
        ),
        change=_instead(IgnoresDeletions),
    ),
    ModelMutant(
        name="statefulset-writes-no-status",
        description="the StatefulSet controller does not write the status of a StatefulSet",
        property="statefulsets-converge",
        world=_PAIR,
        change=_instead(WritesNoStatus),
    ),
    ModelMutant(
        name="statefulset-creates-all-at-once",
        description="the StatefulSet controller takes every policy for Parallel",
        property="statefulset-pods-are-created-in-order",
        world=_PAIR,
        change=_instead(BurstsAlways),
    ),
    ModelMutant(
        name="statefulset-deletes-all-at-once",
        description="the StatefulSet controller takes every policy for Parallel",
        property="statefulset-pods-are-deleted-in-order",
        world=_SHRINKING,
        change=_instead(BurstsAlways),
    ),
    ModelMutant(
        name="statefulset-updates-all-at-once",
        description="the StatefulSet controller takes every pod as running and ready",
        property="a-statefulset-update-takes-one-pod-at-a-time",
        world=_UPDATED,
        change=_instead(TakesAllAsReady),
    ),
    ModelMutant(
        name="statefulset-ignores-its-partition",
        description="the StatefulSet controller reads every partition as 0",
        property="a-statefulset-update-stops-at-its-partition",
        world=_PARTITIONED,
        change=_instead(IgnoresPartition),
    ),
    ModelMutant(
        name="statefulset-owns-its-claims",
        description="the StatefulSet controller reads every retention policy as Delete",
        property="statefulset-claims-outlive-their-pods",
        world=_WITH_CLAIMS,
        change=_instead(OwnsClaims),
    ),
)
