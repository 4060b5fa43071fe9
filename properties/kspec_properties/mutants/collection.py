"""Mutants of the garbage collector."""

from __future__ import annotations

from typing import Any

from kspec_models.apiserver.replies import remove
from kspec_models.apiserver.server import ApiServer, Reply
from kspec_models.controllers.garbagecollector import GarbageCollectorController
from kspec_models.controllers.garbagecollector_graph import (
    FOREGROUND_FINALIZER,
    cached,
    key_of_owner,
)
from kspec_models.controllers.garbagecollector_pass import LOOK_LAST, Pass
from kspec_models.controllers.worker import Worked
from kspec_models.host import View
from kspec_models.objects import OwnerReference
from kspec_models.requests import NOT_FOUND, Get, Response
from kspec_models.store import Entry
from kspec_models.world import World
from kspec_models.worlds import delete as kubectl_delete
from kspec_models.worlds import service
from kspec_models.worlds_collection import config_map, delete, owned, owner
from kspec_models.worlds_disruption import replica_set
from kspec_models.worlds_volumes import claim
from kspec_properties.mutants.mutant import Change, ModelMutant, replacing, replacing_controller

_OWNER = config_map("settings")
_OWNED = owned(service("web"), owner(_OWNER))


class IgnoresFinalizers(ApiServer):
    def terminate(self, state: Any, old: Entry, asked: int | None, policy: str, now: int) -> Reply:
        has_any = bool(old.value.metadata.finalizers)
        return remove(state, old) if has_any else super().terminate(state, old, asked, policy, now)


class IgnoresUids(GarbageCollectorController):
    def is_owner(self, reference: OwnerReference, entry: Entry) -> bool:
        return True


class TrustsItsCache(GarbageCollectorController):
    """It asks the caches for an owner, where upstream reads it live."""

    def _classify(self, progress: Pass, view: View) -> Worked:
        if not progress.todo:
            return super()._classify(progress, view)
        place = key_of_owner(progress.todo[0], progress.value.namespace)
        entry = cached(view.caches, "/".join(place)) if place is not None else None
        return self._classified(progress, Response("" if entry else NOT_FOUND, entry), view)


class DoesNotWait(GarbageCollectorController):
    def _wait_for_dependents(self, progress: Pass, entry: Entry, view: View) -> Worked:
        return self._finalize(progress, entry, FOREGROUND_FINALIZER, view)


class FreesNobody(GarbageCollectorController):
    def _orphan(self, key: str, view: View) -> Worked:
        worked = super()._orphan(key, view)
        phase = worked.phase
        if phase is None:
            return worked
        last = phase._replace(step=LOOK_LAST)
        return worked._replace(requests=(Get(*phase.target),), phase=last)


def _collector(cls: type[GarbageCollectorController]) -> Change:
    return replacing_controller("garbagecollector", lambda made: cls(made.resources))


def _deleting(cascade: str, granularity: str = "reconcile") -> World:
    return World(
        name=f"a-replicaset-is-deleted-{cascade}",
        nodes=1,
        objects=(replica_set("web", 1),),
        operations=(delete("ReplicaSet", "web", cascade),),
        granularity=granularity,
    )


def _created(*documents: Any) -> World:
    return World(
        name="an-owner-and-its-dependent",
        nodes=1,
        operations=tuple({"apply": data} for data in documents),
        controllers=("garbage-collector-controller",),
        granularity="reconcile",
    )


MUTANTS = (
    ModelMutant(
        name="deletion-ignores-finalizers",
        description="the API server removes what is deleted, whatever finalizers it has",
        property="finalizers-are-honoured",
        world=World(
            name="a-claim-is-deleted",
            nodes=1,
            objects=(claim("data"),),
            operations=(kubectl_delete("PersistentVolumeClaim", "data"),),
            granularity="reconcile",
        ),
        change=replacing(api_server=IgnoresFinalizers()),
    ),
    ModelMutant(
        name="collector-trusts-its-cache",
        description="the garbage collector takes an owner as gone that its caches do not have",
        property="nothing-with-a-live-owner-is-collected",
        world=_created(_OWNER, _OWNED),
        change=_collector(TrustsItsCache),
    ),
    ModelMutant(
        name="collector-ignores-uids",
        description="the garbage collector takes another object of the same name for the owner",
        property="dependents-go-with-their-owners",
        world=World(
            name="an-owner-comes-again",
            nodes=1,
            objects=(replica_set("web", 1),),
            operations=(
                delete("ReplicaSet", "web", "background"),
                {"apply": replica_set("web", 1)},
            ),
            granularity="reconcile",
        ),
        change=_collector(IgnoresUids),
    ),
    ModelMutant(
        name="foreground-does-not-wait",
        description="the garbage collector lets an owner go before the dependents that block it",
        property="owners-in-the-foreground-go-last",
        world=_deleting("foreground"),
        change=_collector(DoesNotWait),
    ),
    ModelMutant(
        name="orphaning-frees-nobody",
        description="the garbage collector lets an owner go without freeing its dependents",
        property="orphans-are-freed-before-their-owner-goes",
        world=_deleting("orphan"),
        change=_collector(FreesNobody),
    ),
)
