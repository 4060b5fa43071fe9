"""Mutants of the protection of claims and volumes."""

from __future__ import annotations

from typing import Any

from kspec_models.controllers.pvcprotection import PVCProtectionController, without_finalizer
from kspec_models.controllers.pvprotection import PVProtectionController
from kspec_models.controllers.worker import Worked
from kspec_models.host import Notification
from kspec_models.objects import PersistentVolume
from kspec_models.store import Entry
from kspec_models.world import World
from kspec_models.worlds import delete, node, pod
from kspec_models.worlds_disruption import running
from kspec_models.worlds_volumes import claim, force_delete, using, volume
from kspec_properties.mutants.mutant import ModelMutant, replacing_controller

PROTECTION = "persistentvolumeclaim-protection-controller"


class TrustsItsCache(PVCProtectionController):
    def unused_in_cache(self, entry: Entry) -> Worked:
        return Worked(None, (without_finalizer(entry),))


class IgnoresPods(PVCProtectionController):
    def released(self, event: Notification) -> tuple[str, ...]:
        return ()


class IgnoresBinding(PVProtectionController):
    def is_used(self, volume: PersistentVolume) -> bool:
        return False


def world(name: str, *objects: Any, operations: tuple[Any, ...], controllers: str) -> World:
    """A world in which one controller of volumes runs alone."""
    return World(
        name=name,
        objects=(node("n1"), *objects),
        operations=operations,
        controllers=(controllers,),
        granularity="reconcile",
        keep_status=True,
    )


MUTANTS = (
    ModelMutant(
        name="pvcprotection-trusts-its-cache",
        description="a claim loses its protection when the cache of pods shows no user",
        property="a-claim-in-use-is-protected",
        world=world(
            "a-claim-is-deleted-as-a-pod-starts",
            claim("data", protected=True),
            operations=(
                {"apply": using(pod("a", nodeName="n1"), "data")},
                delete("PersistentVolumeClaim", "data"),
            ),
            controllers=PROTECTION,
        ),
        change=replacing_controller("pvcprotection", lambda _: TrustsItsCache()),
    ),
    ModelMutant(
        name="pvcprotection-ignores-pods",
        description="nobody looks at a deleted claim again when its pod goes",
        property="unused-claims-go",
        world=world(
            "a-claim-and-its-pod-are-deleted",
            claim("data", protected=True),
            using(running("a", "n1"), "data"),
            operations=(delete("PersistentVolumeClaim", "data"), force_delete("a")),
            controllers=PROTECTION,
        ),
        change=replacing_controller("pvcprotection", lambda _: IgnoresPods()),
    ),
    ModelMutant(
        name="pvprotection-ignores-binding",
        description="a volume loses its protection whatever its status says",
        property="a-bound-volume-is-protected",
        world=world(
            "a-bound-volume-is-deleted",
            claim("data", volume="disk", protected=True),
            volume("disk", claim_name="data", protected=True),
            operations=(delete("PersistentVolume", "disk"),),
            controllers="persistentvolume-protection-controller",
        ),
        change=replacing_controller("pvprotection", lambda _: IgnoresBinding()),
    ),
)
