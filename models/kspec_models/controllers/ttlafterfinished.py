"""TTL-after-finished controller: delete Jobs some time after they have ended.

After pkg/controller/ttlafterfinished/ttlafterfinished_controller.go at Kubernetes 1.36. A Job whose
time has come by the cache is read live before it is deleted, with its uid as a precondition: its
ttlSecondsAfterFinished may have changed, or another Job may have its name.

Left out: a Job that finished without a time, which validation of the status does not let through.
"""

from __future__ import annotations

import attrs

from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.job_conditions import COMPLETE, FAILED
from kspec_models.objects import Job
from kspec_models.requests import NOT_FOUND, Delete, Get, Request, Response


def finish_time(job: Job) -> int | None:
    """When the Job finished, None if it has not."""
    for c in job.status.conditions:
        if c.type in (COMPLETE, FAILED) and c.status == "True":
            return c.last_transition_time
    return None


def expiry(job: Job) -> int | None:
    """When the Job is to be deleted, None if it is not."""
    time, seconds = finish_time(job), job.spec.ttl_seconds_after_finished
    if time is None or seconds is None or job.is_terminating:
        return None
    return time + seconds


@attrs.frozen
class TTLAfterFinishedController:
    """The ttl-after-finished controller of kube-controller-manager; it remembers nothing."""

    name: str = "ttl-after-finished"
    watches: tuple[Watch, ...] = (Watch("jobs"),)

    def initial(self) -> tuple[()]:
        return ()

    def expiry(self, job: Job) -> int | None:
        """When the Job is to be deleted, None if it is not."""
        return expiry(job)

    def concerns(self, event: Notification) -> bool:
        return event.new is not None and self.expiry(event.new.value) is not None

    def handle(
        self, memory: tuple[()], event: Notification, view: View
    ) -> tuple[tuple[()], tuple[str, ...]]:
        """Enqueue a finished Job that has a time to live."""
        return memory, (event.key,) if self.concerns(event) else ()

    def reconcile(self, memory: tuple[()], key: str, view: View) -> Worked:
        """Wait until the time has come, by the cache; then make sure."""
        entry = view.caches["jobs"].get(f"jobs/{key}")
        time = self.expiry(entry.value) if entry is not None else None
        if time is None:
            return Worked(memory)
        if time > view.now:
            return Worked(memory, requeue_after=time - view.now)
        return Worked(memory, (Get("jobs", key),))

    def answer(
        self, memory: tuple[()], call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        """Delete the Job if the live read shows that its time has come as well."""
        if isinstance(request, Delete) or response.entry is None or not response.ok:
            is_gone = isinstance(request, Get) and response.reason == NOT_FOUND
            return Worked(memory, failed=not response.ok and not is_gone)
        job: Job = response.entry.value
        time = self.expiry(job)
        if time is None:
            return Worked(memory)
        if time > view.now:
            return Worked(memory, requeue_after=time - view.now)
        policy = "Foreground"
        return Worked(memory, (Delete("jobs", job.key, job.uid, propagation_policy=policy),))
