"""CronJob controller: create a Job for each scheduled time.

After pkg/controller/cronjob/cronjob_controllerv2.go at Kubernetes 1.36. A pass (`cronjob_pass`)
ends with a wait until the schedule is due again, so that an hour costs its scheduled times and not
its seconds. A CronJob that is not suspended therefore never rests: its schedule is input from the
environment, and what it promises is judged for each scheduled time.

Left out: time zones. A CronJob whose schedule changes is looked at at once, where upstream waits
until the new schedule is due: a time that the new one made due before may be served earlier.
"""

from __future__ import annotations

from kspec_models.controllers.cronjob_jobs import jobs_of, surplus_jobs
from kspec_models.controllers.cronjob_pass import CronJobPass, Moved, Step, begin
from kspec_models.controllers.pods import resolve_controller
from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.objects import CronJob, Job, controller_of
from kspec_models.requests import Request, Response, Update

Memory = tuple[()]


class CronJobController(CronJobPass):
    """The cronjob controller of kube-controller-manager; it remembers nothing."""

    name = "cronjob"
    watches: tuple[Watch, ...] = (Watch("cronjobs"), Watch("jobs"))

    def initial(self) -> Memory:
        return ()

    def concerns(self, event: Notification) -> bool:
        """Whether a handler may do anything: not for Jobs that no CronJob controls."""
        if event.resource == "cronjobs":
            return True
        owners = (controller_of(e.value) for e in (event.old, event.new) if e is not None)
        return any(owner is not None and owner.kind == CronJob.KIND for owner in owners)

    def handle(
        self, memory: Memory, event: Notification, view: View
    ) -> tuple[Memory, tuple[str, ...]]:
        """Enqueue the CronJob, or those that control a Job before and after its change."""
        if event.resource == "cronjobs":
            return memory, (event.key,)
        old, new = event.old, event.new
        if old is not None and new is not None and old.mod_revision == new.mod_revision:
            return memory, ()
        jobs: list[Job] = [entry.value for entry in (old, new) if entry is not None]
        owners = [
            resolve_controller(view.caches, CronJob, job.namespace, controller_of(job))
            for job in jobs
        ]
        return memory, tuple(dict.fromkeys(owner.key for owner in owners if owner is not None))

    def reconcile(self, memory: Memory, key: str, view: View) -> Worked:
        """Begin a pass over a CronJob as the cache shows it."""
        entry = view.caches["cronjobs"].get(f"cronjobs/{key}")
        if entry is None:
            return Worked(memory)
        cronjob: CronJob = entry.value
        jobs = jobs_of(cronjob, view)
        at = begin(cronjob, entry.resource_version, jobs, surplus_jobs(cronjob, jobs))
        return self._moved(memory, self.advance(at, view.now))

    def answer(
        self, memory: Memory, call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        """Take the step that follows the one that was answered."""
        at: Step = call.phase
        if isinstance(request, Update):
            if not response.ok:
                return Worked(memory, failed=True)
            return Worked(memory, failed=at.has_failed, requeue_after=at.requeue_after)
        return self._moved(memory, self.answered(at, response, view.now))

    def _moved(self, memory: Memory, moved: Moved) -> Worked:
        at, request = moved
        if request is not None:
            return Worked(memory, (request,), at)
        if at.updated:
            return Worked(memory, (Update(at.to_write, at.version, "status"),), at)
        return Worked(memory, failed=at.has_failed, requeue_after=at.requeue_after)
