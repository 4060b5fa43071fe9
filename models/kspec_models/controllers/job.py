"""Job controller: run pods until enough of them have succeeded, and count each exactly once.

After syncJob in pkg/controller/job/job_controller.go at Kubernetes 1.36. A pass claims pods,
creates or deletes some (`job_manage`), writes the status, removes finalizers, and writes the status
again (`job_tracking`); each request is answered before the next is sent, so that whatever else
happens in the cluster may fall between them.

status.active stays the number of active pods while creations wait for a backoff, as since 1.36.2
(kubernetes/kubernetes#139457); earlier releases wrote 0.

Left out: Jobs managed by other controllers; the workload API of gang scheduling, which is alpha.
"""

from __future__ import annotations

from typing import NamedTuple

import attrs

from kspec_models.controllers.job_backoff import Backoff
from kspec_models.controllers.job_events import ORPHAN, concerns, on_job, on_pod
from kspec_models.controllers.job_facts import has_finalizer, is_elsewhere, without_finalizer
from kspec_models.controllers.job_manage import (
    NOTHING,
    Managing,
    Plan,
    answered,
    end_pods,
    manage,
)
from kspec_models.controllers.job_memory import HasSeen, JobMemory
from kspec_models.controllers.job_pass import Pass, observed
from kspec_models.controllers.job_pods import (
    Claiming,
    claim_requests,
    claimed,
    claimed_pods,
    claims_of,
)
from kspec_models.controllers.job_tracking import (
    Tracking,
    concluded,
    counted,
    finished,
    track,
    without,
)
from kspec_models.controllers.pods import resolve_controller
from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.job_conditions import is_finished
from kspec_models.objects import Job, controller_of
from kspec_models.requests import NOT_FOUND, Get, Request, Response, Update
from kspec_models.store import Entry


class Flushing(NamedTuple):
    """The status is being written, before any finalizer is removed."""

    tracking: Tracking


class Removing(NamedTuple):
    """Finalizers are being removed, the first of `tracking.todo` next."""

    tracking: Tracking
    has_failed: bool = False


class Finishing(NamedTuple):
    """The status is being written for the last time in this pass."""

    has_failed: bool


class Cleaning(NamedTuple):
    """The finalizer of an orphan is being removed."""


@attrs.frozen
class JobController:
    """The job controller of kube-controller-manager.

    stale_check: with it, a key waits until the caches have seen what was last written for it
    (StaleControllerConsistencyJob).
    """

    stale_check: HasSeen | None = None
    name: str = "job"
    watches: tuple[Watch, ...] = (Watch("jobs"), Watch("pods"))

    def initial(self) -> JobMemory:
        return JobMemory()

    def relative(self, memory: JobMemory, now: int) -> JobMemory:
        return memory.relative(now)

    def concerns(self, event: Notification) -> bool:
        return concerns(event)

    def handle(
        self, memory: JobMemory, event: Notification, view: View
    ) -> tuple[JobMemory, tuple[str, ...]]:
        """Settle what the event fulfils; enqueue the Jobs and the orphans that it concerns."""
        on_event = on_job if event.resource == "jobs" else on_pod
        expectations, keys = on_event(memory.expectations, event, view)
        if expectations is memory.expectations:
            return memory, keys
        return memory._replace(expectations=expectations), keys

    def reconcile(self, memory: JobMemory, key: str, view: View) -> Worked:
        """Begin a pass over a Job, or clean up after an orphan."""
        if key.startswith(ORPHAN):
            return self._clean_up(memory, key.removeprefix(ORPHAN), view)
        entry = view.caches["jobs"].get(f"jobs/{key}")
        if self._is_behind(memory, key, view):
            return Worked(memory, failed=True)
        if entry is None:
            return Worked(memory.forgotten(key))
        if is_elsewhere(entry.value):
            return Worked(memory)
        if is_finished(entry.value):
            return Worked(memory.without_backoff(key))
        is_satisfied = memory.expectations.are_satisfied(key, view.now)
        claims = claims_of(entry.value, view)
        phase = Claiming(entry, claims, is_satisfied)
        if claims.in_order:
            return Worked(memory, claim_requests(entry.value, claims), phase)
        return self._manage(memory, phase, view.now)

    def answer(
        self, memory: JobMemory, call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        """One request was answered: take the step that follows."""
        phase, now, entry = call.phase, view.now, response.entry
        if self.stale_check is not None and entry is not None and not isinstance(request, Get):
            memory = memory.noted(call.key, entry.value.resource, entry.mod_revision)
        if isinstance(phase, Claiming):
            return self._claimed(memory, call, request, response, now)
        if isinstance(phase, Managing):
            plan = answered(phase, memory.expectations, call.requests, request, response)
            return self._planned(memory, plan, now)
        if isinstance(phase, Flushing):
            return self._flushed(memory, phase.tracking, response, now)
        if isinstance(phase, Removing):
            return self._removed(memory, phase, call.requests, response, now)
        if isinstance(phase, Cleaning):
            return Worked(memory, failed=not response.ok and response.reason != NOT_FOUND)
        return Worked(memory, failed=phase.has_failed or not response.ok)

    def _is_behind(self, memory: JobMemory, key: str, view: View) -> bool:
        if self.stale_check is None:
            return False
        return not all(self.stale_check(view, *write) for write in memory.written.get(key, ()))

    # claim

    def _claimed(
        self, memory: JobMemory, call: Call, request: Request, response: Response, now: int
    ) -> Worked:
        phase, rest = claimed(call.phase, call.requests, request, response)
        if rest:
            return Worked(memory, rest, phase)
        if phase.has_failed:
            return Worked(memory, failed=True)
        return self._manage(memory, phase, now)

    # manage

    def _manage(self, memory: JobMemory, phase: Claiming, now: int) -> Worked:
        job: Job = phase.entry.value
        found = observed(
            phase.entry,
            claimed_pods(phase.claims),
            memory.expectations,
            memory.backoff.get(job.key, Backoff()),
            is_satisfied=phase.is_satisfied,
            now=now,
        )
        if found.finished is not None:
            plan = end_pods(found, memory.expectations)
        elif phase.is_satisfied and not job.is_terminating:
            plan = manage(found, memory.expectations, now)
        else:
            plan = Plan(Managing(found, NOTHING), memory.expectations)
        worked = self._planned(memory, plan, now)
        return worked._replace(requeue_after=plan.managing.found.requeue_after)

    def _planned(self, memory: JobMemory, plan: Plan, now: int) -> Worked:
        memory = memory._replace(expectations=plan.expectations)
        if plan.requests:
            return Worked(memory, plan.requests, plan.managing)
        found, kind = plan.managing.found, plan.managing.kind
        was_managed = found.is_satisfied and not found.job.is_terminating
        found, has_news = concluded(found, kind, was_managed, now)
        tracking = track(found, has_news, now)
        if not tracking.needs_flush:
            return self._remove(memory, tracking, now)
        return Worked(memory, (_status_update(tracking.found),), Flushing(tracking))

    # track

    def _flushed(
        self, memory: JobMemory, tracking: Tracking, response: Response, now: int
    ) -> Worked:
        if not response.ok or response.entry is None:
            return Worked(memory, failed=True)
        found = _written(tracking.found, response.entry)
        backoff = memory.backoff
        if found.backoff != backoff.get(found.job.key, Backoff()):
            backoff = backoff.set(found.job.key, found.backoff)
        memory = memory._replace(backoff=backoff)
        return self._remove(memory, tracking._replace(found=found), now)

    def _remove(self, memory: JobMemory, tracking: Tracking, now: int) -> Worked:
        if not tracking.todo:
            return self._finish(memory, Removing(tracking), now)
        key, uids = tracking.found.job.key, [pod.uid for pod in tracking.todo]
        memory = memory._replace(expectations=memory.expectations.expect_removals(key, uids))
        requests = tuple(without_finalizer(pod) for pod in tracking.todo)
        return Worked(memory, requests, Removing(tracking))

    def _removed(
        self,
        memory: JobMemory,
        phase: Removing,
        rest: tuple[Request, ...],
        response: Response,
        now: int,
    ) -> Worked:
        """A finalizer is gone, or its removal failed and will cause no event."""
        pod, *others = phase.tracking.todo
        if not response.ok:
            key = phase.tracking.found.job.key
            expectations = memory.expectations.removal_observed(key, pod.uid)
            memory = memory._replace(expectations=expectations)
        tracking = phase.tracking
        if response.ok or response.reason == NOT_FOUND:
            tracking = without(tracking, pod)
        else:
            phase = phase._replace(has_failed=True)
        phase = phase._replace(tracking=tracking._replace(todo=tuple(others)))
        if rest:
            return Worked(memory, rest, phase)
        return self._finish(memory, phase, now)

    def _finish(self, memory: JobMemory, phase: Removing, now: int) -> Worked:
        found, has_news = counted(phase.tracking)
        if not phase.has_failed:
            found, is_over = finished(phase.tracking, found, now)
            has_news = has_news or is_over
        has_failed = phase.has_failed or found.has_failed
        if not has_news:
            return Worked(memory, failed=has_failed)
        return Worked(memory, (_status_update(found),), Finishing(has_failed))

    # orphans

    def _clean_up(self, memory: JobMemory, key: str, view: View) -> Worked:
        """syncOrphanPod: remove the finalizer of a pod that no Job is going to count."""
        entry = view.caches["pods"].get(f"pods/{key}")
        if entry is None or not has_finalizer(entry.value):
            return Worked(memory)
        owner = controller_of(entry.value)
        if owner is not None:
            if owner.kind != Job.KIND:
                return Worked(memory)
            job = resolve_controller(view.caches, Job, entry.value.namespace, owner)
            if job is not None and (is_elsewhere(job) or not is_finished(job)):
                return Worked(memory)
        return Worked(memory, (without_finalizer(entry.value),), Cleaning())


def _status_update(found: Pass) -> Update:
    return Update(found.job, found.version, "status")


def _written(found: Pass, entry: Entry) -> Pass:
    return found._replace(job=entry.value, version=entry.resource_version)
