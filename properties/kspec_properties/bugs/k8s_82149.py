"""The disruption controller wrote an old status over an eviction that had been approved meanwhile.

Its update of the status was a retry loop: after a conflict it read the budget again, only for the
new resourceVersion, and wrote the status that it had computed before. Since then the controller
queues the key again and computes anew.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from kspec_models.controllers.disruption import DisruptionController, Writing
from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, View
from kspec_models.requests import CONFLICT, Get, Request, Response, Update
from kspec_models.world import World
from kspec_models.worlds import node
from kspec_models.worlds_disruption import budget, evict, running
from kspec_properties.bugs.bug import Bug
from kspec_properties.mutants.mutant import replacing_controller


class Retried(NamedTuple):
    """The status that is written again, over whatever is read."""

    writing: Writing
    budget: Any


class RetriesBlindly(DisruptionController):
    """As it was until #82152: on a conflict the old status goes over what is read."""

    def answer(
        self, memory: None, call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        phase = call.phase
        if isinstance(phase, Retried) and isinstance(request, Get) and response.entry is not None:
            entry = response.entry
            again = entry.value.replace(status=phase.budget.status)
            update = Update(again, entry.resource_version, "status")
            return Worked(memory, (update,), phase.writing)
        is_conflict = isinstance(phase, Writing) and response.reason == CONFLICT
        if is_conflict and isinstance(request, Update):
            read = Get("poddisruptionbudgets", call.key)
            return Worked(memory, (read,), Retried(phase, request.object))
        return super().answer(memory, call, request, response, view)


_ALLOWS_ONE = {
    "observedGeneration": 1,
    "disruptionsAllowed": 1,
    "currentHealthy": 2,
    "desiredHealthy": 1,
    "expectedPods": 2,
}

BUG = Bug(
    id="k8s-82149",
    title="PodDisruptionBudget can be violated by disruption controller",
    url="https://github.com/kubernetes/kubernetes/issues/82149",
    property="approved-evictions-stay-counted",
    world=World(
        name="an-eviction-meets-a-status-update",
        objects=(
            node("n1"),
            *(running(f"web-{i}", "n1", app="web") for i in (1, 2, 3)),
            {**budget("web", min_available=1), "status": _ALLOWS_ONE},
        ),
        operations=(evict("web-1"), evict("web-2"), evict("web-3")),
        granularity="reconcile",
        keep_status=True,
        controllers=("disruption-controller",),
    ),
    estimate=6,
    change=replacing_controller("disruption", lambda made: RetriesBlindly(made.owners)),
)
