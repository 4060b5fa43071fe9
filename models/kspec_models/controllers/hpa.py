"""HorizontalPodAutoscaler controller: scale a target so that its metrics meet their goals.

After pkg/controller/podautoscaler/horizontal.go at Kubernetes 1.36 (reconcileAutoscaler). A pass
reads the scale of the target live, computes a replica count from the metrics and the cached pods,
writes the scale at the resourceVersion that it read, and reports in the status. Passes are made at
multiples of the sync period, and only where one could decide something else than the last
(`hpa_wakes`). What fails is tried again a period later, as upstream's fixed-interval queue does.

Left out: scale to zero (HPAScaleToZero is alpha and off: minReplicas is at least 1); pod filters by
owner (HPASelectionStrategy, alpha); targets of custom kinds; events.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import attrs

from kspec_models.controllers import hpa_status, hpa_wakes
from kspec_models.controllers.hpa_behavior import Behavior, behavior_of
from kspec_models.controllers.hpa_calculator import Target
from kspec_models.controllers.hpa_limits import (
    Bounds,
    Sample,
    continued,
    expiries,
    normalize,
    normalize_with,
    stored,
)
from kspec_models.controllers.hpa_memory import HpaMemory, Known, Settings
from kspec_models.controllers.hpa_metrics import Computed, Seen, compute, trusts_age
from kspec_models.controllers.hpa_scale import replicas_of, resized, selector_of, target_of
from kspec_models.controllers.hpa_seen import controlling, selected, tolerances_of
from kspec_models.controllers.hpa_status import ABLE, ACTIVE, LIMITED, with_told
from kspec_models.controllers.hpa_wakes import HPAS, LOADS, PODS
from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.objects import HorizontalPodAutoscaler
from kspec_models.objects.autoscaling import HorizontalPodAutoscalerStatus
from kspec_models.requests import NOT_FOUND, Get, Request, Response
from kspec_models.store import Entry

NOT_POSSIBLE: Final = "no matches for kind"


class Reading(NamedTuple):
    """The scale of the target is being read."""

    hpa: Entry


class Pass(NamedTuple):
    """One pass after the scale was read. wake: when to look again; desired: what it decided."""

    hpa: Entry
    status: HorizontalPodAutoscalerStatus
    current: int
    desired: int
    metrics: tuple[Any, ...] = ()
    wake: int | None = None
    has_failed: bool = False


@attrs.frozen
class HorizontalPodAutoscalerController:
    """The horizontal-pod-autoscaler-controller of kube-controller-manager.

    targets: the resources in a world that can be scaled.
    """

    targets: tuple[str, ...] = ("deployments", "replicasets")
    settings: Settings = attrs.field(factory=Settings)
    name: str = "hpa"

    @property
    def watches(self) -> tuple[Watch, ...]:
        return tuple(map(Watch, (HPAS, PODS, LOADS, *self.targets)))

    def initial(self) -> HpaMemory:
        return HpaMemory()

    def relative(self, memory: HpaMemory, now: int) -> HpaMemory:
        return memory.relative(now, self.settings.sync_period)

    def concerns(self, event: Notification) -> bool:
        return hpa_wakes.is_news(event)

    def handle(
        self, memory: HpaMemory, event: Notification, view: View
    ) -> tuple[HpaMemory, tuple[str, ...]]:
        """Enqueue the autoscalers that read what changed, save those that wait for their period."""
        if not hpa_wakes.is_news(event):
            return memory, ()
        keys = dict.fromkeys(hpa_wakes.concerned(event, view))
        return memory, tuple(key for key in keys if not self._waits(memory, key, view.now))

    def _waits(self, memory: HpaMemory, key: str, now: int) -> bool:
        own = memory.of(key)
        return own.next_pass is not None and now < own.next_pass <= self._due(own, now)

    def _due(self, own: Known, now: int) -> int:
        """The first end of a sync period at which the next pass can be made."""
        period = self.settings.sync_period
        if not period:
            return now
        due = -(-now // period) * period
        if own.last_pass is not None and due <= own.last_pass:
            due = (own.last_pass // period + 1) * period
        return due

    def reconcile(self, memory: HpaMemory, key: str, view: View) -> Worked:
        """Wait for the end of the sync period, then read the scale of the target."""
        entry = view.caches[HPAS].get(f"{HPAS}/{key}")
        if entry is None:
            return Worked(memory._replace(known=memory.known.without(key)))
        own = memory.of(key)
        due = self._due(own, view.now)
        if view.now < due:
            own = own._replace(next_pass=due)
            return Worked(memory.noting(key, own), requeue_after=due - view.now)
        last = own.last_pass
        history = continued(own.history, last, view.now, self.settings.sync_period)
        memory = memory.noting(key, Known(history, view.now))
        target = target_of(entry.value)
        if target is None or target[0] not in self.targets:
            kind = entry.value.spec.scale_target_ref.kind
            return self._unscalable(memory, entry, f'{NOT_POSSIBLE} "{kind}"', view.now)
        return Worked(memory, (Get(*target),), Reading(entry))

    def _unscalable(
        self, memory: HpaMemory, entry: Entry, why: str, now: int, *, retry: bool = False
    ) -> Worked:
        status = hpa_status.unable_to_get_scale(entry.value.status, why, now)
        wake = now + self.settings.sync_period if retry else None
        return self._report(memory, Pass(entry, status, 0, 0, wake=wake), now)

    def answer(
        self, memory: HpaMemory, call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        """The scale was read or written, or the status was written."""
        if isinstance(call.phase, Reading):
            entry = call.phase.hpa
            if response.entry is None:
                why, retry = response.message or response.reason, response.reason != NOT_FOUND
                return self._unscalable(memory, entry, why, view.now, retry=retry)
            return self._decide(memory, entry, response.entry, view)
        ongoing: Pass = call.phase
        if getattr(request, "subresource", "") == "status":
            wake = ongoing.wake if response.ok else view.now + self.settings.sync_period
            return self._ended(memory, ongoing.hpa, wake, view.now)
        return self._rescaled(memory, ongoing, response, view.now)

    def _decide(self, memory: HpaMemory, entry: Entry, scale: Entry, view: View) -> Worked:
        """reconcileAutoscaler from the scale on."""
        hpa: HorizontalPodAutoscaler = entry.value
        now, current = view.now, replicas_of(scale.value)
        key, minimum, maximum = hpa.key, hpa.spec.min_replicas or 1, hpa.spec.max_replicas
        told = "the HPA controller was able to get the target's current scale"
        status = with_told(hpa.status, ABLE, True, ("SucceededGetScale", told), now)
        own = memory.known[key]
        if not own.history.recommendations:
            started = own.history._replace(recommendations=(Sample(current, now),))
            memory = memory.noting(key, own._replace(history=started))
        desired = current
        if current == 0:
            told = "scaling is disabled since the replica count of the target is zero"
            status = with_told(status, ACTIVE, False, ("ScalingDisabled", told), now)
        elif current > maximum or current < minimum:
            desired = maximum if current > maximum else minimum
        else:
            return self._by_metrics(memory, entry, scale, status, view)
        ongoing = Pass(entry, status, current, desired)
        return self._rescale(memory, ongoing, scale, now)

    def _by_metrics(
        self,
        memory: HpaMemory,
        entry: Entry,
        scale: Entry,
        status: HorizontalPodAutoscalerStatus,
        view: View,
    ) -> Worked:
        """Compute what the metrics ask for and bring it within what is allowed."""
        hpa: HorizontalPodAutoscaler = entry.value
        now, current, key = view.now, replicas_of(scale.value), hpa.key
        behavior = behavior_of(hpa.spec.behavior, self.settings.downscale_stabilization)
        seen = self.seen(hpa, scale.value, behavior, view)
        found = self._computed(hpa, seen, scale.value, view)
        status = with_told(status, ACTIVE, not found.is_failed, found.active, now)
        wakes = list(hpa_wakes.times(seen, trusts_age(hpa.spec.metrics)))
        if found.replicas is None:
            ongoing = Pass(entry, status, current, hpa.status.desired_replicas, found.statuses)
            status = hpa_status.counted(status, current, ongoing.desired, found.statuses)
            wake = self._next(wakes, now)
            return self._report(memory, ongoing._replace(status=status, wake=wake), now)
        bounds = Bounds(current, hpa.spec.min_replicas or 1, hpa.spec.max_replicas)
        own, window = memory.known[key], self.settings.downscale_stabilization
        if behavior is None:
            made = normalize(own.history, bounds, found.replicas, now, window)
        else:
            made = normalize_with(own.history, bounds, found.replicas, now, behavior)
        memory = memory.noting(key, own._replace(history=made.history))
        status = with_told(status, ABLE, True, made.able, now)
        status = with_told(status, LIMITED, made.is_limited, made.limited, now)
        wakes += expiries(made.history, behavior, window, is_limited=made.is_limited)
        wake = self._next(wakes, now)
        ongoing = Pass(entry, status, current, made.replicas, found.statuses, wake)
        return self._rescale(memory, ongoing, scale, now)

    def seen(
        self, hpa: HorizontalPodAutoscaler, scale: Any, behavior: Behavior | None, view: View
    ) -> Seen:
        """What the metrics are computed from: the size is the one that the spec asks for."""
        loads = (entry.value for entry in view.caches[LOADS].entries())
        target = Target(
            replicas_of(scale),
            selected(scale, view),
            view.now,
            tolerances_of(behavior, self.settings.tolerance),
            self.settings.patience,
        )
        mine = tuple(load for load in loads if load.namespace == hpa.namespace)
        return Seen(target, scale.status.replicas, mine)

    def _computed(
        self, hpa: HorizontalPodAutoscaler, seen: Seen, scale: Any, view: View
    ) -> Computed:
        """computeReplicasForMetrics, unless another autoscaler controls the same pods."""
        others = controlling(seen.target.pods, hpa, view)
        if others:
            which = f"{selector_of(scale)} are controlled by multiple HPAs: {others}"
            told = f"pods by selector {which}"
            return Computed(None, ("AmbiguousSelector", told), True, ())
        return compute(hpa.spec.metrics, seen)

    def _next(self, wakes: list[int], now: int) -> int | None:
        """The end of the sync period of the first time that is still to come."""
        period = self.settings.sync_period
        first = min((time for time in wakes if time > now), default=None)
        if first is None or not period:
            return first
        return -(-first // period) * period

    def _rescale(self, memory: HpaMemory, ongoing: Pass, scale: Entry, now: int) -> Worked:
        if ongoing.desired == ongoing.current:
            done = hpa_status.counted(
                ongoing.status, ongoing.current, ongoing.current, ongoing.metrics
            )
            return self._report(memory, ongoing._replace(status=done), now)
        return Worked(memory, (resized(scale, ongoing.desired),), ongoing)

    def _rescaled(self, memory: HpaMemory, ongoing: Pass, response: Response, now: int) -> Worked:
        """The scale was written, or not: report it."""
        hpa: HorizontalPodAutoscaler = ongoing.hpa.value
        current, desired, metrics = ongoing.current, ongoing.desired, ongoing.metrics
        if not response.ok:
            why = response.message or response.reason
            told = f"the HPA controller was unable to update the target scale: {why}"
            status = with_told(ongoing.status, ABLE, False, ("FailedUpdateScale", told), now)
            status = hpa_status.counted(status, current, hpa.status.desired_replicas, metrics)
            later = now + self.settings.sync_period
            return self._report(memory, ongoing._replace(status=status, wake=later), now)
        told = f"the HPA controller was able to update the target scale to {desired}"
        status = with_told(ongoing.status, ABLE, True, ("SucceededRescale", told), now)
        status = hpa_status.counted(status, current, desired, metrics, now)
        behavior = behavior_of(hpa.spec.behavior, self.settings.downscale_stabilization)
        own = memory.known[hpa.key]
        bounds = Bounds(current, 0, 0)
        own = own._replace(history=stored(own.history, behavior, bounds, desired, now))
        memory = memory.noting(hpa.key, own)
        # The next pass has conditions to set that are no longer about this change.
        wake = self._next([*([ongoing.wake] if ongoing.wake else []), now + 1], now)
        return self._report(memory, ongoing._replace(status=status, wake=wake), now)

    def _report(self, memory: HpaMemory, ongoing: Pass, now: int) -> Worked:
        update = hpa_status.status_update(ongoing.hpa, ongoing.status)
        if update is not None:
            return Worked(memory, (update,), ongoing)
        return self._ended(memory, ongoing.hpa, ongoing.wake, now)

    def _ended(self, memory: HpaMemory, entry: Entry, wake: int | None, now: int) -> Worked:
        key = entry.value.key
        own = memory.of(key)._replace(next_pass=wake)
        after = None if wake is None else wake - now
        return Worked(memory.noting(key, own), requeue_after=after)
