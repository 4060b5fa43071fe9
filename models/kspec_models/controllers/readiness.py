"""Readiness that depends on another pod: who sets a readiness gate by what the other pod shows.

Not part of Kubernetes: it stands for an application whose pods ask each other before they say that
they are ready, as a replica asks its primary. A pod says on whom it depends by the annotation
`kspec.dev/ready-after: <pod>` (itself is ignored, so that a template may carry it), and its spec
names the gate `kspec.dev/ready-after`. The gate is True while that pod is ready. KEP-580 and
kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-readiness-gate say what a kubelet
makes of it.

Left out: the seconds between two probes; the gate follows as soon as the change is seen.
"""

from __future__ import annotations

from typing import Final

from kspec_models.controllers.pods import is_ready
from kspec_models.controllers.worker import Worked, stop_on_error
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.objects import Pod, condition, freeze
from kspec_models.requests import NOT_FOUND, Patch, Request, Response

READY_AFTER: Final = "kspec.dev/ready-after"


class ReadinessController:
    """Keys are those of pods that depend on another; there is nothing to remember."""

    name = "readiness-dependency"
    watches = (Watch("pods"),)

    def initial(self) -> None:
        return None

    def handle(self, memory: None, event: Notification, view: View) -> tuple[None, tuple[str, ...]]:
        """Enqueue the pod and those that depend on it."""
        namespace, _, name = event.key.rpartition("/")
        keys = [event.key] if event.new is not None and _depends(event.new.value) else []
        for entry in view.caches["pods"].entries():
            pod: Pod = entry.value
            if pod.namespace == namespace and _depends(pod) == name and pod.key not in keys:
                keys.append(pod.key)
        return memory, tuple(keys)

    def reconcile(self, memory: None, key: str, view: View) -> Worked:
        """Set the gate of one pod where it is to change."""
        entry = view.caches["pods"].get(f"pods/{key}")
        if entry is None or entry.value.is_terminating:
            return Worked(memory)
        pod: Pod = entry.value
        wanted = "True" if _may_be_ready(pod, view) else "False"
        known = condition(pod.status.conditions, READY_AFTER)
        if known is not None and known.status == wanted:
            return Worked(memory)
        body = freeze({"status": {"conditions": [{"type": READY_AFTER, "status": wanted}]}})
        return Worked(memory, (Patch("pods", key, body, "status", pod.uid),))

    def answer(
        self, memory: None, call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        """A pod that is gone needs no gate."""
        if response.reason == NOT_FOUND:
            return Worked(memory)
        return stop_on_error(memory, call, response)


def _depends(pod: Pod) -> str:
    """The name of the pod that this one depends on; "" for none."""
    gates = (gate.get("conditionType") for gate in pod.spec.readiness_gates)
    return pod.metadata.annotations.get(READY_AFTER, "") if READY_AFTER in gates else ""


def _may_be_ready(pod: Pod, view: View) -> bool:
    other = _depends(pod)
    if other in ("", pod.name):
        return True
    entry = view.caches["pods"].get(f"pods/{pod.namespace}/{other}")
    return entry is not None and is_ready(entry.value) and not entry.value.is_terminating
