"""ReplicaSet controller: keep spec.replicas active pods per ReplicaSet.

After pkg/controller/replicaset/replica_set.go at Kubernetes 1.36 (syncReplicaSet, manageReplicas,
claimPods and the event handlers). Expectations are checked before the cache is listed, and what was
decided then still holds when the answers to adoptions have come in between.

Left out: the delayed enqueue when a pod turns ready: the pass that the same event causes asks to be
called again when the pod becomes available. Events, metrics.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import attrs

from kspec.values import EMPTY_MAP, FingerprintedMap
from kspec_models.controllers.claims import claim_requests
from kspec_models.controllers.concerns import concerns_owner
from kspec_models.controllers.expectations import ControllerExpectations
from kspec_models.controllers.replicaset_events import Seen, on_pod, on_replica_set
from kspec_models.controllers.replicaset_manage import is_error, manage, unmade
from kspec_models.controllers.replicaset_pods import Claiming, claimed, observe
from kspec_models.controllers.replicaset_status import Counted, calculate_status, requeue_after
from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.objects import ReplicaSet, ReplicaSetStatus
from kspec_models.requests import Create, Get, Request, Response, Update
from kspec_models.store import Entry

BURST_REPLICAS = 500

HasSeen = Callable[[View, str, int], bool]
"""Whether the cache of a resource has reached a revision: the hook of the stale check."""


class ReplicaSetMemory(NamedTuple):
    """Everything in memory, so everything that a restart loses.

    written: by key, the newest revision per resource that the controller wrote; only kept with a
    stale check.
    """

    expectations: ControllerExpectations = ControllerExpectations()
    written: FingerprintedMap[str, tuple[tuple[str, int], ...]] = EMPTY_MAP


class Managing(NamedTuple):
    """Creates or deletes are being answered; failure is the first error's text.

    batches: creates still to be sent, batch by batch. unmade: creates that failed.
    """

    replica_set: Entry
    counted: Counted
    batches: tuple[tuple[Request, ...], ...] = ()
    unmade: int = 0
    failure: str = ""


class Reporting(NamedTuple):
    """The status is being written; after a failure it is tried once more on a live read."""

    status: ReplicaSetStatus
    requeue_after: int | None
    has_failed: bool
    is_retry: bool = False


@attrs.frozen
class ReplicaSetController:
    """The replicaset controller of kube-controller-manager.

    stale_check: with it, a key waits until the caches have seen what was last written for it.
    kind: what is controlled, a ReplicaSet or what looks like one. with_terminating: its status
    counts terminating pods.
    """

    burst_replicas: int = BURST_REPLICAS
    stale_check: HasSeen | None = None
    name: str = "replicaset"
    watches: tuple[Watch, ...] = (Watch("replicasets"), Watch("pods"))
    kind: type[ReplicaSet] = ReplicaSet
    with_terminating: bool = True

    def initial(self) -> ReplicaSetMemory:
        return ReplicaSetMemory()

    def relative(self, memory: ReplicaSetMemory, now: int) -> ReplicaSetMemory:
        return memory._replace(expectations=memory.expectations.relative(now))

    def concerns(self, event: Notification) -> bool:
        is_own = event.resource == self.kind.RESOURCE
        return is_own or concerns_owner(event, self.kind.KIND)

    def handle(
        self, memory: ReplicaSetMemory, event: Notification, view: View
    ) -> tuple[ReplicaSetMemory, tuple[str, ...]]:
        """Settle the expectations that the event fulfils; enqueue the ReplicaSets it concerns."""
        if event.resource == self.kind.RESOURCE:
            expectations, keys = on_replica_set(memory.expectations, event)
        else:
            seen = Seen(self.kind, view)
            expectations, keys = on_pod(memory.expectations, event, seen)
        if expectations is memory.expectations:
            return memory, keys
        return memory._replace(expectations=expectations), keys

    def reconcile(self, memory: ReplicaSetMemory, key: str, view: View) -> Worked:
        """One syncReplicaSet: claim pods, create or delete, report."""
        entry = view.caches[self.kind.RESOURCE].get(f"{self.kind.RESOURCE}/{key}")
        if self.stale_check is not None and not self._is_ready(memory, key, view):
            return Worked(memory, failed=True)
        if entry is None:
            forgotten = memory.expectations.forget(key)
            return Worked(ReplicaSetMemory(forgotten, memory.written.without(key)))
        is_satisfied = memory.expectations.are_satisfied(key, view.now)
        found = observe(entry.value, view)
        if found.claims.in_order:
            phase = Claiming(entry, found.claims, found.counted.terminating, is_satisfied)
            return Worked(memory, claim_requests(entry.value, found.claims), phase)
        return self._manage(memory, entry, found.counted, is_satisfied, view)

    def answer(
        self,
        memory: ReplicaSetMemory,
        call: Call,
        request: Request,
        response: Response,
        view: View,
    ) -> Worked:
        """One request was answered: lower expectations on failure, and go on."""
        if isinstance(call.phase, Claiming):
            return self._claimed(memory, call, request, response, view)
        memory = self._record(memory, call.key, request, response)
        if isinstance(call.phase, Managing):
            return self._managed(memory, call, request, response, view)
        return self._reported(memory, call, request, response)

    def _claimed(
        self,
        memory: ReplicaSetMemory,
        call: Call,
        request: Request,
        response: Response,
        view: View,
    ) -> Worked:
        phase: Claiming = call.phase
        phase, requests = claimed(phase, call.requests, request, response)
        if requests:
            return Worked(memory, requests, phase)
        if phase.has_failed:
            return Worked(memory, failed=True)
        return self._manage(memory, phase.replica_set, phase.counted, phase.is_satisfied, view)

    def _manage(
        self,
        memory: ReplicaSetMemory,
        entry: Entry,
        counted: Counted,
        is_satisfied: bool,
        view: View,
    ) -> Worked:
        if not is_satisfied or entry.value.is_terminating:
            return self._report(memory, entry, counted, "", view.now)
        expectations, batches = manage(
            memory.expectations, entry.value, counted, self.burst_replicas, view
        )
        if not batches:
            return self._report(memory, entry, counted, "", view.now)
        memory = memory._replace(expectations=expectations)
        return Worked(memory, batches[0], Managing(entry, counted, batches[1:]))

    def _managed(
        self,
        memory: ReplicaSetMemory,
        call: Call,
        request: Request,
        response: Response,
        view: View,
    ) -> Worked:
        phase: Managing = call.phase
        if not response.ok:
            if isinstance(request, Create):
                phase = phase._replace(unmade=phase.unmade + is_error(request, response))
            else:
                gone = memory.expectations.deletion_observed(call.key, request.key)  # type: ignore[union-attr]
                memory = memory._replace(expectations=gone)
            if is_error(request, response) and not phase.failure:
                phase = phase._replace(failure=response.message or response.reason)
        if call.requests:
            return Worked(memory, call.requests, phase)
        if phase.batches and not phase.unmade:
            return Worked(memory, phase.batches[0], phase._replace(batches=phase.batches[1:]))
        if phase.unmade:
            left = unmade(memory.expectations, call.key, phase.unmade, phase.batches)
            memory = memory._replace(expectations=left)
        return self._report(memory, phase.replica_set, phase.counted, phase.failure, view.now)

    def _report(
        self, memory: ReplicaSetMemory, entry: Entry, counted: Counted, failure: str, now: int
    ) -> Worked:
        replica_set: ReplicaSet = entry.value
        if not self.with_terminating:
            counted = counted._replace(terminating=None)
        status = calculate_status(replica_set, counted, failure, now)
        requeue = None if failure else requeue_after(replica_set, status, counted, now)
        if status == replica_set.status:
            return Worked(memory, failed=bool(failure), requeue_after=requeue)
        phase = Reporting(status, requeue, bool(failure))
        return Worked(memory, (_status_update(entry, status),), phase)

    def _reported(
        self, memory: ReplicaSetMemory, call: Call, request: Request, response: Response
    ) -> Worked:
        phase: Reporting = call.phase
        if isinstance(request, Get):
            if not response.ok or response.entry is None:
                return Worked(memory, failed=True)
            again = _status_update(response.entry, phase.status)
            return Worked(memory, (again,), phase._replace(is_retry=True))
        if response.ok:
            return Worked(memory, failed=phase.has_failed, requeue_after=phase.requeue_after)
        if phase.is_retry:
            return Worked(memory, failed=True)
        return Worked(memory, (Get(self.kind.RESOURCE, call.key),), phase)

    def _is_ready(self, memory: ReplicaSetMemory, key: str, view: View) -> bool:
        assert self.stale_check is not None
        return all(self.stale_check(view, *write) for write in memory.written.get(key, ()))

    def _record(
        self, memory: ReplicaSetMemory, key: str, request: Request, response: Response
    ) -> ReplicaSetMemory:
        """Note the revision of an own write, for the stale check."""
        entry = response.entry
        if self.stale_check is None or entry is None or not isinstance(request, Create | Update):
            return memory
        newest = dict(memory.written.get(key, ()))
        newest[request.object.resource] = entry.mod_revision
        return memory._replace(written=memory.written.set(key, tuple(sorted(newest.items()))))


def _status_update(entry: Entry, status: ReplicaSetStatus) -> Update:
    return Update(entry.value.replace(status=status), entry.resource_version, "status")
