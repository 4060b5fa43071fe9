"""A ReplicaSet counted its pods before it looked at its expectations.

Between the two an event could settle the expectation for a pod that the list did not hold yet. So
the list was too short, the expectations were met, and one pod too many was made. Since #8138 the
expectations come first. The two reads are two moments; a live read here makes the time between them
to be seen.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from kspec_models.controllers.replicaset import ReplicaSetController
from kspec_models.controllers.replicaset_pods import observe
from kspec_models.controllers.replicaset_status import Counted
from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, View
from kspec_models.requests import Get, Request, Response
from kspec_models.store import Entry
from kspec_models.world import World
from kspec_models.worlds_disruption import replica_set
from kspec_properties.bugs.bug import Bug
from kspec_properties.mutants.mutant import replacing_controller


class Listed(NamedTuple):
    """The pods are counted, the expectations not yet looked at."""

    replica_set: Entry
    counted: Counted


class ListsFirst(ReplicaSetController):
    """As it was until #8138: pods, then expectations."""

    def reconcile(self, memory: Any, key: str, view: View) -> Worked:
        entry = view.caches["replicasets"].get(f"replicasets/{key}")
        if entry is None:
            return super().reconcile(memory, key, view)
        counted = observe(entry.value, view).counted
        return Worked(memory, (Get("replicasets", key),), Listed(entry, counted))

    def answer(
        self, memory: Any, call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        listed = call.phase
        if not isinstance(listed, Listed):
            return super().answer(memory, call, request, response, view)
        is_satisfied = memory.expectations.are_satisfied(call.key, view.now)
        return self._manage(memory, listed.replica_set, listed.counted, is_satisfied, view)


BUG = Bug(
    id="k8s-8138",
    title="Check expectations before filtering through active pods.",
    url="https://github.com/kubernetes/kubernetes/pull/8138",
    property="a-replicaset-does-not-over-create",
    world=World(
        name="a-pod-appears-while-pods-are-counted",
        nodes=1,
        objects=(replica_set("web", 1),),
        granularity="request",
        active_nodes=(),
        controllers=("replicaset-controller",),
    ),
    estimate=4,
    change=replacing_controller("replicaset", lambda _: ListsFirst()),
)
