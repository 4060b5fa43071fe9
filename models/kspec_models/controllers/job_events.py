"""The event handlers of the Job controller.

After addPod, updatePod, deletePod, addJob, updateJob, deleteJob and cleanupPodFinalizers in
pkg/controller/job/job_controller.go at Kubernetes 1.36. Pods that carry the tracking finalizer and
that no Job will count any more go to a queue of their own upstream; here their keys bear a prefix
in the one queue.

Left out: the second by which upstream delays a sync that a pod or a status caused, so that events
join; here a pass follows each event that it has not seen, which a second with one event shows too.
"""

from __future__ import annotations

from typing import Final

from kspec_models.controllers.job_expectations import JobExpectations
from kspec_models.controllers.job_facts import has_finalizer
from kspec_models.controllers.pods import resolve_controller, selecting
from kspec_models.host import Notification, View
from kspec_models.indexes import controlled_by
from kspec_models.job_conditions import is_finished
from kspec_models.objects import Job, Pod, controller_of

ORPHAN: Final = "orphan pod "
"""Prefix of the keys of pods whose finalizer no pass over a Job will remove."""

Handled = tuple[JobExpectations, tuple[str, ...]]


def concerns(event: Notification) -> bool:
    """Whether a handler may do anything: not for pods of other controllers, before and after."""
    if event.resource == "jobs":
        return True
    entries = (event.old, event.new)
    return any(entry is not None and _is_ours(entry.value) for entry in entries)


def _is_ours(pod: Pod) -> bool:
    owner = controller_of(pod)
    return owner is None or owner.kind == Job.KIND or has_finalizer(pod)


def on_job(expectations: JobExpectations, event: Notification, view: View) -> Handled:
    """Enqueue it; one that is gone or finished leaves finalizers to clean up."""
    keys: tuple[str, ...] = (event.key,)
    old, new = event.old, event.new
    if old is not None and new is None:
        keys += _finalizers_of(old.value, view)
    if old is not None and new is not None and is_finished(new.value):
        keys += _finalizers_of(new.value, view)
    return expectations, keys


def _finalizers_of(job: Job, view: View) -> tuple[str, ...]:
    owned = controlled_by(view.caches["pods"], job.uid)
    return tuple(ORPHAN + entry.value.key for entry in owned if has_finalizer(entry.value))


def on_pod(expectations: JobExpectations, event: Notification, view: View) -> Handled:
    """Dispatch to added, updated or deleted; a resync of an unchanged pod is no event."""
    old, new = event.old, event.new
    if new is None:
        assert old is not None
        return _deleted(expectations, old.value, view, is_final=True)
    if new.value.is_terminating and (old is None or old.mod_revision != new.mod_revision):
        return _deleted(expectations, new.value, view, is_final=False)
    if old is None:
        return _added(expectations, new.value, view)
    if old.mod_revision == new.mod_revision:
        return expectations, ()
    return _updated(expectations, old.value, new.value, view)


def _job_of(pod: Pod, view: View) -> Job | None:
    found: Job | None = resolve_controller(view.caches, Job, pod.namespace, controller_of(pod))
    return found


def _orphan(pod: Pod) -> tuple[str, ...]:
    return (ORPHAN + pod.key,) if has_finalizer(pod) else ()


def _adopters(pod: Pod, view: View) -> tuple[str, ...]:
    return tuple(job.key for job in selecting(view.caches, "jobs", pod))


def _added(expectations: JobExpectations, pod: Pod, view: View) -> Handled:
    if controller_of(pod) is None:
        return expectations, (*_orphan(pod), *_adopters(pod, view))
    job = _job_of(pod, view)
    if job is None:
        return expectations, ()
    return expectations.creation_observed(job.key), (job.key,)


def _updated(expectations: JobExpectations, old: Pod, new: Pod, view: View) -> Handled:
    is_removed = not has_finalizer(new)
    has_new_owner = controller_of(old) != controller_of(new)
    keys: tuple[str, ...] = ()
    former = _job_of(old, view) if has_new_owner else None
    for job in (former, _job_of(new, view)):
        if job is not None:
            keys += (job.key,)
            if is_removed:
                expectations = expectations.removal_observed(job.key, new.uid)
    if controller_of(new) is not None:
        return expectations, keys
    keys += _orphan(new)
    if has_new_owner or old.metadata.labels != new.metadata.labels:
        keys += _adopters(new, view)
    return expectations, keys


def _deleted(expectations: JobExpectations, pod: Pod, view: View, *, is_final: bool) -> Handled:
    """The pod is gone, or an update says that it is being deleted."""
    if controller_of(pod) is None:
        return expectations, _orphan(pod)
    job = _job_of(pod, view)
    if job is None or is_finished(job):
        return expectations, _orphan(pod)
    expectations = expectations.deletion_observed(job.key)
    if is_final or not has_finalizer(pod):
        expectations = expectations.removal_observed(job.key, pod.uid)
    return expectations, (job.key,)
