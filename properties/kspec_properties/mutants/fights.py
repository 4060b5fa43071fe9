"""Mutants that never let the system come to rest."""

from __future__ import annotations

from typing import Any

from kspec_models.controllers.pods import is_ready
from kspec_models.controllers.replicaset import ReplicaSetController
from kspec_models.controllers.worker import Worked
from kspec_models.host import View
from kspec_models.indexes import controlled_by
from kspec_models.requests import Delete
from kspec_models.world import World
from kspec_models.worlds import deployment
from kspec_properties.mutants.mutant import ModelMutant, replacing_controller


class ReplacesReadyPods(ReplicaSetController):
    """Takes a pod that is ready for one that is done with, and deletes it."""

    def reconcile(self, memory: Any, key: str, view: View) -> Worked:
        worked = super().reconcile(memory, key, view)
        owner = view.caches["replicasets"].get(f"replicasets/{key}")
        if worked.requests or owner is None:
            return worked
        for entry in controlled_by(view.caches["pods"], owner.value.uid):
            if is_ready(entry.value) and not entry.value.is_terminating:
                return worked._replace(requests=(Delete("pods", entry.value.key),))
        return worked

    def answer(self, memory: Any, call: Any, request: Any, response: Any, view: View) -> Worked:
        if isinstance(request, Delete) and call.phase is None:
            return Worked(memory)
        return super().answer(memory, call, request, response, view)


MUTANTS = (
    ModelMutant(
        name="replicaset-replaces-its-ready-pods",
        description="A ReplicaSet with nothing to do deletes a pod that is ready.",
        property="no-fight",
        world=World(name="one-pod", nodes=1, objects=(deployment("web", 1),)),
        change=replacing_controller("replicaset", lambda _: ReplacesReadyPods()),
    ),
)
