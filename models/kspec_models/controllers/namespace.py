"""Namespace controller: empty a Namespace that is being deleted, then remove its finalizer.

After pkg/controller/namespace/namespace_controller.go and
deletion/namespaced_resources_deleter.go at 1.36. A pass reads the namespace live, marks it
Terminating, empties pods first (OrderedNamespaceDeletion: no other resource is touched while pods
remain), then every other resource by DeleteCollection and a live List of what is left, reports in
the conditions, and either looks again later or removes the finalizer. Each request is answered
before the next is made, so whatever else happens in the cluster may fall between them.

The grace of five seconds after an event is a delayed add upstream. A handler here cannot delay, so
the key is enqueued at once, remembered as held, and its first pass only asks to be called again.

The finalizer is removed at the revision that the report of the conditions returned; upstream keeps
the one before it, meets a conflict each time, reads again and removes it then: two steps more to
the same end.

Left out: discovery (the resources are given), resources without deletecollection, and the upper
limit of one minute on the backoff, which only delays.
"""

from __future__ import annotations

from typing import NamedTuple

from kspec_models.controllers.namespace_status import Findings, added, reported
from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.objects import Namespace, Pod
from kspec_models.requests import (
    CONFLICT,
    NOT_FOUND,
    DeleteCollection,
    Get,
    List,
    Request,
    Response,
    Update,
)
from kspec_models.store import Entry

FINALIZER = "kubernetes"
EVENT_GRACE_SECONDS = 5
FINALIZER_ESTIMATE_SECONDS = 15

READ, READ_AGAIN, MARK = "read", "read again", "mark"
ESTIMATE, DELETE, VERIFY, REPORT = "estimate", "delete", "verify", "report"
FINALIZE, FINALIZE_AGAIN = "finalize", "finalize again"

Held = tuple[str, ...]


class Progress(NamedTuple):
    """Where a pass stands: the step whose answer is awaited, and what was found so far.

    namespace: as last read or written. todo: the resources still to empty, the current one first.
    grace: the longest termination grace of the pods that were there.
    """

    step: str
    namespace: Entry
    todo: tuple[str, ...] = ()
    grace: int = 0
    findings: Findings = Findings()

    @property
    def value(self) -> Namespace:
        found: Namespace = self.namespace.value
        return found

    def failed(self) -> Progress:
        """The current resource could not be emptied: hold on to that and go on with the next."""
        findings = self.findings._replace(
            estimate=max(self.findings.estimate, self.grace),
            failures=(*self.findings.failures, self.todo[0]),
        )
        return self._replace(findings=findings, todo=self.todo[1:], grace=0)


def _ask(memory: Held, progress: Progress, step: str, request: Request) -> Worked:
    return Worked(memory, (request,), progress._replace(step=step))


class NamespaceController:
    """`resources` are the namespaced resources that it discovers, in the order it empties them."""

    name = "namespace"
    watches = (Watch("namespaces"),)

    def __init__(self, resources: tuple[str, ...]) -> None:
        others = tuple(r for r in resources if r != "pods")
        self.resources = ("pods", *others) if "pods" in resources else others

    def initial(self) -> Held:
        return ()

    def concerns(self, event: Notification) -> bool:
        return event.new is not None and event.new.value.is_terminating

    def handle(self, memory: Held, event: Notification, view: View) -> tuple[Held, tuple[str, ...]]:
        """Enqueue a namespace that is being deleted, held for the grace."""
        if event.new is None or not event.new.value.is_terminating:
            return memory, ()
        if event.key in memory:
            return memory, (event.key,)
        return tuple(sorted((*memory, event.key))), (event.key,)

    def reconcile(self, memory: Held, key: str, view: View) -> Worked:
        """Begin a pass by reading the namespace live."""
        if key in memory:
            held = tuple(k for k in memory if k != key)
            return Worked(held, requeue_after=EVENT_GRACE_SECONDS)
        entry = view.caches["namespaces"].get(f"namespaces/{key}")
        if entry is None:
            return Worked(memory)
        return _ask(memory, Progress(READ, entry), READ, Get("namespaces", key))

    def answer(
        self, memory: Held, call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        """Take the step that follows the one that was answered."""
        progress: Progress = call.phase
        if progress.step in (ESTIMATE, DELETE, VERIFY):
            return self._emptying(memory, progress, response, view.now)
        if progress.step == REPORT:
            if response.entry is not None:
                progress = progress._replace(namespace=response.entry)
            return self._concluded(memory, progress)
        if response.reason == NOT_FOUND:
            return Worked(memory)
        if response.reason == CONFLICT and progress.step in (MARK, FINALIZE):
            again = READ_AGAIN if progress.step == MARK else FINALIZE_AGAIN
            return _ask(memory, progress, again, Get("namespaces", progress.value.name))
        if not response.ok:
            return Worked(memory, failed=True)
        if progress.step == FINALIZE or response.entry is None:
            return Worked(memory)
        return self._read(memory, progress, response.entry, view.now)

    def _read(self, memory: Held, progress: Progress, entry: Entry, now: int) -> Worked:
        """The namespace as it is stored now: mark it, empty it, or finalize it."""
        step = progress.step
        if step in (READ_AGAIN, FINALIZE_AGAIN) and entry.value.uid != progress.value.uid:
            return Worked(memory, failed=True)
        progress = progress._replace(namespace=entry)
        if step == FINALIZE_AGAIN:
            return self._finalize(memory, progress)
        namespace = progress.value
        if not namespace.is_terminating:
            return Worked(memory)
        if namespace.status.phase != "Terminating":
            marked = namespace.replace(status=namespace.status.replace(phase="Terminating"))
            return _ask(memory, progress, MARK, Update(marked, entry.resource_version, "status"))
        if not namespace.spec.finalizers:
            return Worked(memory)
        return self._next(memory, progress._replace(todo=self.resources), now)

    def _next(self, memory: Held, progress: Progress, now: int) -> Worked:
        if not progress.todo:
            return self._report(memory, progress, now)
        resource, name = progress.todo[0], progress.value.name
        if resource == "pods":
            return _ask(memory, progress, ESTIMATE, List(resource, name))
        return _ask(memory, progress, DELETE, DeleteCollection(resource, name))

    def _emptying(self, memory: Held, progress: Progress, response: Response, now: int) -> Worked:
        """One answer about the current resource."""
        if not response.ok:
            return self._next(memory, progress.failed(), now)
        resource, name = progress.todo[0], progress.value.name
        if progress.step == ESTIMATE:
            progress = progress._replace(grace=_grace_of(response.entries, progress.value, now))
            return _ask(memory, progress, DELETE, DeleteCollection(resource, name))
        if progress.step == DELETE:
            return _ask(memory, progress, VERIFY, List(resource, name))
        progress = _verified(progress, response.entries)
        if resource == "pods" and response.entries:
            return self._report(memory, progress, now)
        return self._next(memory, progress, now)

    def _report(self, memory: Held, progress: Progress, now: int) -> Worked:
        new = reported(progress.value, progress.findings, now)
        if new is progress.value:
            return self._concluded(memory, progress)
        update = Update(new, progress.namespace.resource_version, "status")
        return _ask(memory, progress, REPORT, update)

    def _concluded(self, memory: Held, progress: Progress) -> Worked:
        findings = progress.findings
        if findings.failures:
            return Worked(memory, failed=True)
        if findings.estimate > 0:
            return Worked(memory, requeue_after=findings.estimate // 2 + 1)
        return self._finalize(memory, progress)

    def _finalize(self, memory: Held, progress: Progress) -> Worked:
        namespace = progress.value
        rest = tuple(sorted({*namespace.spec.finalizers} - {FINALIZER}))
        final = namespace.replace(spec=namespace.spec.replace(finalizers=rest))
        update = Update(final, progress.namespace.resource_version, "finalize")
        return _ask(memory, progress, FINALIZE, update)


def _grace_of(pods: tuple[Entry, ...], namespace: Namespace, now: int) -> int:
    """The longest grace of the pods still running; 0 once the deletion is older than that."""
    running: list[Pod] = [
        e.value for e in pods if e.value.status.phase not in ("Succeeded", "Failed")
    ]
    grace = max((p.spec.termination_grace_period_seconds or 0 for p in running), default=0)
    return 0 if now - (namespace.metadata.deletion_timestamp or 0) >= grace else grace


def _verified(progress: Progress, left: tuple[Entry, ...]) -> Progress:
    """What is left of the current resource after its deletion.

    Something without a finalizer and without grace should have been gone: a failure.
    """
    resource, findings = progress.todo[0], progress.findings
    following = progress._replace(todo=progress.todo[1:], grace=0)
    if not left:
        return following
    finalizers: dict[str, int] = {}
    for entry in left:
        for finalizer in entry.value.metadata.finalizers:
            finalizers[finalizer] = finalizers.get(finalizer, 0) + 1
    wait = progress.grace or (FINALIZER_ESTIMATE_SECONDS if finalizers else 0)
    return following._replace(
        findings=Findings(
            estimate=max(findings.estimate, wait),
            remaining=added(findings.remaining, {resource: len(left)}),
            finalizers=added(findings.finalizers, finalizers),
            failures=findings.failures if wait else (*findings.failures, resource),
        )
    )
