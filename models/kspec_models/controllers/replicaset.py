"""ReplicaSet controller: keep spec.replicas active pods per ReplicaSet.

After pkg/controller/replicaset/replica_set.go at Kubernetes 1.36 (syncReplicaSet, manageReplicas,
claimPods and the event handlers). Expectations are checked before the cache is listed, and what was
decided then still holds when the answers to adoptions have come in between.

Left out: slow start, so after a failed create the others of the pass are still tried, where
upstream gives up after the batch (1, 2, 4, ...) that failed; until then more requests fail at once
than upstream would send, and none that it would not send in a later pass. The delayed enqueue when
a pod turns ready: the pass that the same event causes asks to be called again when the pod becomes
available. Events and metrics.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import attrs

from kspec.values import EMPTY_MAP, FingerprintedMap, Memo
from kspec_models.controllers import claims as claiming
from kspec_models.controllers.claims import Claims
from kspec_models.controllers.expectations import ControllerExpectations
from kspec_models.controllers.pods import (
    in_namespace,
    is_active,
    is_terminating,
    next_availability_check,
    pod_from_template,
    selector_of,
)
from kspec_models.controllers.ranking import Ranking, victims
from kspec_models.controllers.replicaset_events import on_pod, on_replica_set
from kspec_models.controllers.replicaset_status import Counted, calculate_status, desired_replicas
from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.indexes import controlled_by, labelled, orphans
from kspec_models.objects import Pod, ReplicaSet, ReplicaSetStatus, controller_of
from kspec_models.requests import (
    NAMESPACE_TERMINATING,
    NOT_FOUND,
    Create,
    Delete,
    Get,
    Request,
    Response,
    Update,
)
from kspec_models.store import Entry, Snapshot

BURST_REPLICAS = 500

HasSeen = Callable[[View, str, int], bool]
"""Whether the cache of a resource has reached a revision: the hook of the stale-controller check."""


class ReplicaSetMemory(NamedTuple):
    """Everything in memory, so everything that a restart loses.

    written: by key, the newest revision per resource that the controller wrote; only kept with a
    stale check.
    """

    expectations: ControllerExpectations = ControllerExpectations()
    written: FingerprintedMap[str, tuple[tuple[str, int], ...]] = EMPTY_MAP


class Claiming(NamedTuple):
    """Adoptions and releases are being answered."""

    replica_set: Entry
    claims: Claims
    terminating: int
    is_satisfied: bool
    has_failed: bool = False


class Managing(NamedTuple):
    """Creates or deletes are being answered; failure is the first error's text."""

    replica_set: Entry
    counted: Counted
    failure: str = ""


class Reporting(NamedTuple):
    """The status is being written; after a failure it is tried once more on a live read."""

    status: ReplicaSetStatus
    requeue_after: int | None
    has_failed: bool
    is_retry: bool = False


class _Candidates(NamedTuple):
    replica_set: ReplicaSet
    owned: tuple[Entry, ...]
    orphans: tuple[Entry, ...]


class _Observed(NamedTuple):
    claims: Claims
    active: tuple[Pod, ...]
    terminating: int


def _observe_candidates(candidates: _Candidates) -> _Observed:
    replica_set, owned, loose = candidates
    selector = selector_of(replica_set.spec.selector)
    everyone = sorted((*owned, *loose), key=lambda entry: entry.key)
    claims = claiming.claim(replica_set, selector, (e for e in everyone if is_active(e.value)))
    ending = [e.value for e in owned if is_terminating(e.value)]
    terminating = sum(selector.matches(pod.metadata.labels) for pod in ending)
    return _Observed(claims, _pods(claims.claimed), terminating)


_observe: Memo[_Candidates, _Observed] = Memo("pods of a replicaset", _observe_candidates)


def _pods(entries: tuple[Entry, ...]) -> tuple[Pod, ...]:
    return tuple(entry.value for entry in entries)


@attrs.frozen
class ReplicaSetController:
    """The replicaset controller of kube-controller-manager.

    stale_check: with it, a key waits until the caches have seen what was last written for it.
    """

    burst_replicas: int = BURST_REPLICAS
    stale_check: HasSeen | None = None
    name: str = "replicaset"
    watches: tuple[Watch, ...] = (Watch("replicasets"), Watch("pods"))

    def initial(self) -> ReplicaSetMemory:
        return ReplicaSetMemory()

    def handle(
        self, memory: ReplicaSetMemory, event: Notification, view: View
    ) -> tuple[ReplicaSetMemory, tuple[str, ...]]:
        """Settle the expectations that the event fulfils; enqueue the ReplicaSets it concerns."""
        on_event = on_replica_set if event.resource == "replicasets" else on_pod
        expectations, keys = on_event(memory.expectations, event, view)
        if expectations is memory.expectations:
            return memory, keys
        return memory._replace(expectations=expectations), keys

    def reconcile(self, memory: ReplicaSetMemory, key: str, view: View) -> Worked:
        """One syncReplicaSet: claim pods, create or delete, report."""
        entry = view.caches["replicasets"].get(f"replicasets/{key}")
        if self.stale_check is not None and not self._is_ready(memory, key, view):
            return Worked(memory, failed=True)
        if entry is None:
            forgotten = memory.expectations.forget(key)
            return Worked(ReplicaSetMemory(forgotten, memory.written.without(key)))
        is_satisfied = memory.expectations.are_satisfied(key, view.now)
        replica_set, pods = entry.value, view.caches["pods"]
        owned, loose = controlled_by(pods, replica_set.uid), orphans(pods, replica_set.namespace)
        found = _observe(_Candidates(replica_set, owned, loose))
        if found.claims.in_order:
            phase = Claiming(entry, found.claims, found.terminating, is_satisfied)
            return Worked(memory, claiming.claim_requests(replica_set, found.claims), phase)
        counted = Counted(found.active, found.terminating)
        return self._manage(memory, entry, counted, is_satisfied, view)

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
        counted = Counted(_pods(phase.claims.claimed), phase.terminating)
        return self._manage(memory, phase.replica_set, counted, phase.is_satisfied, view)

    def _manage(
        self,
        memory: ReplicaSetMemory,
        entry: Entry,
        counted: Counted,
        is_satisfied: bool,
        view: View,
    ) -> Worked:
        replica_set: ReplicaSet = entry.value
        surplus = len(counted.active) - desired_replicas(replica_set)
        if surplus == 0 or not is_satisfied or replica_set.is_terminating:
            return self._report(memory, entry, counted, "", view.now)
        requests: tuple[Request, ...]
        if surplus < 0:
            count = min(-surplus, self.burst_replicas)
            pod = pod_from_template(replica_set, replica_set.spec.template)
            requests = (Create(pod),) * count
            expected = memory.expectations.expect_creations(replica_set.key, count, view.now)
        else:
            count = min(surplus, self.burst_replicas)
            related = related_pods(replica_set, view)
            chosen = victims(counted.active, related, count, Ranking(view.now))
            requests = tuple(Delete("pods", pod.key) for pod in chosen)
            keys = [pod.key for pod in chosen]
            expected = memory.expectations.expect_deletions(replica_set.key, keys, view.now)
        return Worked(memory._replace(expectations=expected), requests, Managing(entry, counted))

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
            memory = memory._replace(expectations=_lowered(memory, call.key, request, response))
            if _is_error(request, response) and not phase.failure:
                phase = phase._replace(failure=response.message or response.reason)
        if call.requests:
            return Worked(memory, call.requests, phase)
        return self._report(memory, phase.replica_set, phase.counted, phase.failure, view.now)

    def _report(
        self, memory: ReplicaSetMemory, entry: Entry, counted: Counted, failure: str, now: int
    ) -> Worked:
        replica_set: ReplicaSet = entry.value
        status = calculate_status(replica_set, counted, failure, now)
        requeue = None if failure else _requeue_after(replica_set, status, counted, now)
        if status is replica_set.status:
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
        return Worked(memory, (Get("replicasets", call.key),), phase)

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


def claimed(
    phase: Claiming, rest: tuple[Request, ...], request: Request, response: Response
) -> tuple[Claiming, tuple[Request, ...]]:
    """The phase and the requests that remain after one claim was answered.

    After a live read that forbids adoption, releases still go on. A pod that is gone is not ours.
    """
    if isinstance(request, Get):
        if claiming.can_adopt(phase.replica_set.value, response):
            return phase, rest
        releases = tuple(r for r in rest if not claiming.is_adoption(r))
        return phase._replace(has_failed=True), releases
    if response.ok:
        return phase, rest
    if not claiming.is_harmless(request, response):
        phase = phase._replace(has_failed=True)
    kept = tuple(e for e in phase.claims.claimed if e.value.key != getattr(request, "key", ""))
    return phase._replace(claims=phase.claims._replace(claimed=kept)), rest


def related_pods(replica_set: ReplicaSet, view: View) -> tuple[Pod, ...]:
    """The pods selected by any ReplicaSet of the same controlling owner, each once."""
    owner = controller_of(replica_set)
    if owner is None:
        return ()
    found: dict[str, Pod] = {}
    for entry in controlled_by(view.caches["replicasets"], owner.uid):
        for pod in _selected(entry.value, view.caches["pods"]):
            found.setdefault(pod.key, pod)
    return tuple(found.values())


def _selected(replica_set: ReplicaSet, pods: Snapshot) -> list[Pod]:
    selector = selector_of(replica_set.spec.selector)
    labels: dict[str, str] = dict((replica_set.spec.selector or {}).get("matchLabels") or {})
    candidates: tuple[Any, ...] = in_namespace(pods, "pods", replica_set.namespace)
    if labels:
        candidates = _pods(labelled(pods, replica_set.namespace, labels))
    return [pod for pod in candidates if selector.matches(pod.metadata.labels)]


def _status_update(entry: Entry, status: ReplicaSetStatus) -> Update:
    return Update(entry.value.replace(status=status), entry.mod_revision, "status")


def _lowered(
    memory: ReplicaSetMemory, key: str, request: Request, response: Response
) -> ControllerExpectations:
    """A failed write causes no event, so nobody else would lower its expectation.

    While its namespace is terminating every create would fail: then the expectation is left to
    expire, which stops the controller from trying again at once.
    """
    if isinstance(request, Delete):
        return memory.expectations.deletion_observed(key, request.key)
    if response.reason == NAMESPACE_TERMINATING:
        return memory.expectations
    return memory.expectations.creation_observed(key)


def _is_error(request: Request, response: Response) -> bool:
    forgiven = NOT_FOUND if isinstance(request, Delete) else NAMESPACE_TERMINATING
    return response.reason != forgiven


def _requeue_after(
    replica_set: ReplicaSet, status: ReplicaSetStatus, counted: Counted, now: int
) -> int | None:
    seconds = replica_set.spec.min_ready_seconds
    if seconds <= 0 or status.ready_replicas == status.available_replicas:
        return None
    check = next_availability_check(counted.active, seconds, now)
    return seconds if check is None else check
