"""A StatefulSet did nothing while any of its pods was not running and ready.

Its first pod was gone, the second could not become ready without it, and so the first was not made
again. Since then a pod waits for those of lower ordinals only.
"""

from __future__ import annotations

from kspec_models.controllers.statefulset import StatefulSetController, Written
from kspec_models.controllers.worker import Worked
from kspec_models.host import View
from kspec_models.indexes import controlled_by
from kspec_models.objects import Pod, condition
from kspec_models.world import World
from kspec_models.worlds import node
from kspec_models.worlds_statefulset import (
    force_delete,
    ready_after,
    running_member,
    stateful_set,
)
from kspec_properties.bugs.bug import Bug
from kspec_properties.mutants.mutant import replacing_controller


def _is_running_and_ready(pod: Pod) -> bool:
    ready = condition(pod.status.conditions, "Ready")
    return pod.status.phase == "Running" and ready is not None and ready.status == "True"


class WaitsForEveryPod(StatefulSetController):
    """As it was until #39363: a pod that exists and is not ready blocks all others."""

    def reconcile(self, memory: Written, key: str, view: View) -> Worked:
        entry = view.caches["statefulsets"].get(f"statefulsets/{key}")
        pods = controlled_by(view.caches["pods"], entry.value.uid) if entry is not None else ()
        if not all(_is_running_and_ready(pod.value) for pod in pods):
            return Worked(memory)
        return super().reconcile(memory, key, view)


_DB = ready_after(stateful_set("db", 2), "db-0")

BUG = Bug(
    id="k8s-38418",
    title="StatefulSet does not recreate Pods at a lower ordinal until successor Pods are Running "
    "and Ready",
    url="https://github.com/kubernetes/kubernetes/issues/38418",
    property="a-missing-statefulset-pod-is-created",
    world=World(
        name="a-primary-is-lost-before-its-replica-is-ready",
        objects=(
            {**node("n1"), "spec": {"unschedulable": True}},
            node("n2"),
            _DB,
            running_member(_DB, 0, "n1", is_ready=False),
            running_member(_DB, 1, "n2", is_ready=False),
        ),
        operations=(force_delete("db-0"),),
        granularity="reconcile",
        keep_status=True,
        active_nodes=("n2",),
        controllers=("statefulset-controller", "readiness-dependency"),
    ),
    estimate=4,
    change=replacing_controller(
        "statefulset", lambda right: WaitsForEveryPod(has_claims=right.has_claims)
    ),
)
