"""Disruption controller: keep the status of each PodDisruptionBudget up to date.

After pkg/controller/disruption/disruption.go at Kubernetes 1.36 (trySync, updatePdbStatus,
buildDisruptedPodMap, failSafe and the event handlers). A pod whose eviction was approved is noted
in `disruptedPods` by the API server and does not count as healthy until the cache shows it going,
or two minutes have passed. The status is written with the resourceVersion that it was computed
from; after a conflict the key is queued again and everything is computed anew (#82152).

How many pods there should be comes from the scale of their controllers, see `disruption_scale`.

Left out: events, and pods/status of a stale DisruptionTarget condition (it changes no budget).
The recheck queue is the delayed add of the one queue.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from kspec.errors import InputError
from kspec_models.budgets import (
    BUDGETS,
    covers,
    forgotten_at,
    is_condition_current,
    is_ready,
    with_condition_said,
    with_condition_updated,
)
from kspec_models.controllers.disruption_scale import (
    NoControllerError,
    Scale,
    expected_count,
    live_read,
    needs_scale,
    scale_read,
)
from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.objects import FrozenMap, Pod, PodDisruptionBudget, PodDisruptionBudgetStatus
from kspec_models.requests import CONFLICT, Request, Response, Update
from kspec_models.store import Entry

OWNERS: Final = ("replicationcontrollers", "replicasets", "deployments", "statefulsets")


class Writing(NamedTuple):
    """A status is being written. failure: why it could not be computed, where it is a fail-safe.

    recheck: seconds after which the first noted pod counts again.
    """

    budget: Entry
    recheck: int | None = None
    failure: str = ""


class Reading(NamedTuple):
    """Controllers that the caches do not have are read live, one after the other.

    uid: the one whose answer is awaited. live: what was found, by uid.
    """

    budget: Entry
    uid: str
    live: FrozenMap[Scale] = FrozenMap()


class DisruptionController:
    """`owners` are the resources of the world whose scale counts, of those in `OWNERS`.

    has_budgets: False in a world where no budget can occur, so that no pod is of any interest.
    """

    name = "disruption"

    def __init__(self, owners: tuple[str, ...] = OWNERS, *, has_budgets: bool = True) -> None:
        self.owners, self.has_budgets = owners, has_budgets
        self.watches = tuple(map(Watch, ("pods", BUDGETS, *owners)))

    def initial(self) -> None:
        return None

    def concerns(self, event: Notification) -> bool:
        """The scale of an owner is read, but a change of it wakes nobody."""
        return self.has_budgets and event.resource in ("pods", BUDGETS)

    def handle(self, memory: None, event: Notification, view: View) -> tuple[None, tuple[str, ...]]:
        """Enqueue the budget, or the first budget of the pod."""
        if event.resource == BUDGETS:
            return memory, (event.key,)
        if event.resource != "pods":
            return memory, ()
        entry = event.new or event.old
        assert entry is not None
        budgets = (e for e in view.caches[BUDGETS].entries() if covers(e.value, entry.value))
        return memory, tuple(e.value.key for e in budgets)[:1]

    def reconcile(self, memory: None, key: str, view: View) -> Worked:
        """trySync of one budget."""
        entry = view.caches[BUDGETS].get(f"{BUDGETS}/{key}")
        if entry is None:
            return Worked(memory)
        return self._sync(entry, FrozenMap(), view)

    def _sync(self, entry: Entry, live: FrozenMap[Scale], view: View) -> Worked:
        """trySync, as far as it comes before a controller must be read live."""
        budget: PodDisruptionBudget = entry.value
        pods = pods_of(budget, view)
        try:
            read = live_read(pods, view.caches, live) if needs_scale(budget) else None
            if read is not None:
                return Worked(None, (read[1],), Reading(entry, read[0], live))
            expected, desired = expected_count(budget, pods, view.caches, live)
        except (NoControllerError, InputError) as error:
            return self._fail_safe(entry, str(error), view.now)
        return self._report(entry, pods, expected, desired, view.now)

    def _report(
        self, entry: Entry, pods: tuple[Pod, ...], expected: int, desired: int, now: int
    ) -> Worked:
        """updatePdbStatus, and when to look again."""
        status, recheck = self.status(entry.value, pods, expected, desired, now)
        if status is None:
            return Worked(None, requeue_after=recheck)
        new = with_condition_updated(entry.value.replace(status=status), now)
        return Worked(None, (_update(entry, new),), Writing(entry, recheck))

    def status(
        self,
        budget: PodDisruptionBudget,
        pods: tuple[Pod, ...],
        expected: int,
        desired: int,
        now: int,
    ) -> tuple[PodDisruptionBudgetStatus | None, int | None]:
        """(the status to write, None where it is as it should be; when to look again)."""
        noted, recheck = still_noted(budget, pods, now)
        healthy = sum(is_healthy(pod, noted, now) for pod in pods)
        allowed = max(0, healthy - desired) if expected > 0 else 0
        known = budget.status
        new = known.replace(
            observed_generation=budget.metadata.generation,
            disrupted_pods=noted,
            disruptions_allowed=allowed,
            current_healthy=healthy,
            desired_healthy=desired,
            expected_pods=expected,
        )
        if new == known and is_condition_current(budget):
            return None, recheck
        return new, recheck

    def answer(
        self, memory: None, call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        """A status was answered: a conflict means to compute anew, another error to fail safe."""
        if isinstance(call.phase, Reading):
            return self._read(call.phase, response, view)
        phase: Writing = call.phase
        if response.ok:
            return Worked(memory, requeue_after=None if phase.failure else phase.recheck)
        if response.reason == CONFLICT or phase.failure:
            return Worked(memory, failed=True)
        text = response.message or response.reason
        return self._fail_safe(phase.budget, text, view.now)

    def _read(self, phase: Reading, response: Response, view: View) -> Worked:
        """A controller was read live: go on with its scale."""
        try:
            scale = scale_read(phase.uid, response)
        except NoControllerError as error:
            return self._fail_safe(phase.budget, str(error), view.now)
        return self._sync(phase.budget, phase.live.set(phase.uid, scale), view)

    def _fail_safe(self, entry: Entry, failure: str, now: int) -> Worked:
        """failSafe: allow nothing while the truth is not known."""
        budget: PodDisruptionBudget = entry.value
        new = budget.replace(status=budget.status.replace(disruptions_allowed=0))
        new = with_condition_said(new, "False", "SyncFailed", failure, now)
        if new == budget:
            return Worked(None)
        return Worked(None, (_update(entry, new),), Writing(entry, failure=failure))


def pods_of(budget: PodDisruptionBudget, view: View) -> tuple[Pod, ...]:
    """getPodsForPdb: the cached pods that the budget covers."""
    pods = (entry.value for entry in view.caches["pods"].entries())
    return tuple(pod for pod in pods if covers(budget, pod))


def is_healthy(pod: Pod, noted: FrozenMap[str], now: int) -> bool:
    """countHealthyPods, for one pod: ready, not terminating, and not about to be evicted."""
    if pod.is_terminating:
        return False
    if pod.name in noted and forgotten_at(noted[pod.name]) > now:
        return False
    return is_ready(pod)


def still_noted(
    budget: PodDisruptionBudget, pods: tuple[Pod, ...], now: int
) -> tuple[FrozenMap[str], int | None]:
    """buildDisruptedPodMap: (the notes that still hold, seconds until the first of them ends)."""
    known = budget.status.disrupted_pods
    result: dict[str, str] = {}
    ends: list[int] = []
    for pod in pods:
        if pod.is_terminating or pod.name not in known:
            continue
        end = forgotten_at(known[pod.name])
        if end >= now:
            result[pod.name] = known[pod.name]
            ends.append(end)
    recheck = max(1, min(ends) - now) if ends else None
    return FrozenMap(result), recheck


def _update(entry: Entry, budget: PodDisruptionBudget) -> Update:
    return Update(budget, entry.resource_version, "status")
