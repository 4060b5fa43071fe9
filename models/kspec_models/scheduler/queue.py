"""The scheduling queue: pods to try now, to try after a backoff, and to try after an event.

After pkg/scheduler/backend/queue/{scheduling_queue,active_queue,backoff_queue}.go at 1.36, with
queueing hints and SchedulerPopFromBackoffQ (both on by default). A pod is in one of

    active          to be tried, by priority, then by how long it waits;
    backoff         rejected before and moved by an event, waiting for its backoff to end;
    error_backoff   the same after an error, or while there were no nodes;
    unschedulable   rejected, until an event that a rejecting plugin asks for, or five minutes;
    gated           has scheduling gates (the plugin SchedulingGates);
    in flight       taken by a cycle. Events of the meantime are kept for it.

While `active` is empty, pods are taken from `backoff` (never `error_backoff`) ahead of time.

Left out: pod groups; nominations are in `nominator`. Upstream looks for pods to flush every 30 s
and at the end of each second; here they move at the first second at which they may. Gated pods are
not flushed: their gates send them straight back.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from kspec_models.objects import Pod
from kspec_models.scheduler.events import (
    SCHEDULING_GATES,
    TIMEOUT,
    AnyHints,
    ClusterEvent,
    is_of_interest,
    is_worth_requeuing,
    pod_events,
)
from kspec_models.scheduler.line import BACKOFF, Backoff, Line, QueuedPod, Rank

MAX_IN_UNSCHEDULABLE = 300
"""Virtual seconds after which a pod leaves `unschedulable` without any event."""


def _by_priority(queued: QueuedPod) -> Rank:
    return (-queued.priority, queued.timestamp)


def _by_backoff(queued: QueuedPod) -> Rank:
    return (queued.backoff_until, -queued.priority, queued.timestamp)


def _by_age(queued: QueuedPod) -> Rank:
    return (queued.timestamp,)


class InFlight(NamedTuple):
    """A pod that a cycle has taken."""

    uid: str


class Queue(NamedTuple):
    """in_flight: pods taken and events that came after them, oldest first. limits: of backoffs."""

    active: Line = Line(_by_priority)
    backoff: Line = Line(_by_backoff)
    error_backoff: Line = Line(_by_backoff)
    unschedulable: Line = Line(_by_age)
    gated: Line = Line(_by_age)
    in_flight: tuple[InFlight | ClusterEvent, ...] = ()
    limits: Backoff = BACKOFF

    def get(self, key: str) -> QueuedPod | None:
        """The pod of that key, wherever it waits."""
        for line in (self.active, self.backoff, self.error_backoff, self.unschedulable, self.gated):
            found = line.get(key)
            if found is not None:
                return found
        return None

    def head(self, pops_from_backoff: bool = True) -> QueuedPod | None:
        """The pod that the next cycle takes."""
        head = self.active.head
        return self.backoff.head if head is None and pops_from_backoff else head

    def add(self, pod: Pod, now: int) -> Queue:
        """A pod that is not scheduled yet appeared."""
        return self._activate(QueuedPod(pod, now, backoff=self.limits))

    def pop(self, key: str) -> tuple[Queue, QueuedPod]:
        """Take a pod from `active` or `backoff` into a cycle."""
        queued = self.active.get(key) or self.backoff.get(key)
        assert queued is not None, f"{key} is not ready to be scheduled"
        queue = self._without(key)
        return queue._replace(
            in_flight=(*queue.in_flight, InFlight(queued.pod.metadata.uid))
        ), queued.popped()

    def done(self, uid: str) -> Queue:
        """A cycle is over for a pod: drop the events that only it was kept for."""
        if InFlight(uid) not in self.in_flight:
            return self
        rest = [each for each in self.in_flight if each != InFlight(uid)]
        while rest and isinstance(rest[0], ClusterEvent):
            rest.pop(0)
        return self._replace(in_flight=tuple(rest))

    def is_in_flight(self, uid: str) -> bool:
        return InFlight(uid) in self.in_flight

    def add_unschedulable(
        self,
        queued: QueuedPod,
        rejectors: tuple[str, ...],
        pod: Pod,
        now: int,
        hints: AnyHints | None,
        preempting: tuple[str, ...] = (),
    ) -> Queue:
        """AddUnschedulableIfNotPresent: a pod comes back from a cycle that failed.

        rejectors: the plugins that rejected it, () after an error. pod: its newest version. It
        backs off where nothing says what to wait for, or an event of the meantime may help, but for
        a pod of which victims are still to be deleted.
        """
        uid = queued.pod.metadata.uid
        if self.get(pod.key) is not None:
            return self.done(uid).done(pod.metadata.uid)
        back = queued.failed(rejectors, pod, now)
        events = self._events_since(uid)
        retries = not rejectors or events is None
        retries = retries or any(is_worth_requeuing(hints, rejectors, pod, e) for e in events or ())
        retries = retries and uid not in preempting
        queue = self.done(uid).done(pod.metadata.uid)
        return queue._requeue(back, now) if retries else queue._wait(back)

    def _events_since(self, uid: str) -> tuple[ClusterEvent, ...] | None:
        if InFlight(uid) not in self.in_flight:
            return None
        later = self.in_flight[self.in_flight.index(InFlight(uid)) + 1 :]
        return tuple(each for each in later if isinstance(each, ClusterEvent))

    def move(
        self,
        event: ClusterEvent,
        now: int,
        hints: AnyHints | None,
        spared: tuple[str, ...] = (),
        most: int | None = None,
    ) -> Queue:
        """MoveAllToActiveOrBackoffQueue: retry the pods that the event may help.

        spared: the uids of pods that the event must not move. most: the highest priority of a pod
        that it may move, None for any.
        """
        if hints is not None and not is_of_interest(hints, event):
            return self
        queue = self
        for queued in self.unschedulable:
            is_left = queued.pod.metadata.uid in spared or (
                most is not None and queued.priority > most
            )
            if not is_left and is_worth_requeuing(hints, queued.rejectors, queued.pod, event):
                queue = queue._requeue(queued, now)
        return queue._note(event) if queue.in_flight else queue

    def activated(self, key: str) -> Queue:
        """Activate: a pod is tried again at once, whatever it waits for."""
        waiting = self.unschedulable.get(key) or self.backoff.get(key)
        waiting = waiting or self.error_backoff.get(key)
        return self._activate(waiting) if waiting is not None else self

    def update(
        self,
        old: Pod,
        new: Pod,
        now: int,
        hints: AnyHints | None,
        spared: tuple[str, ...] = (),
    ) -> Queue:
        """A pod that is not scheduled yet changed. spared: as of `move`."""
        events = pod_events(old, new)
        if self.is_in_flight(new.metadata.uid):
            return self._note(*events)
        if (found := self.active.get(old.key)) is not None:
            return self._replace(active=self.active.replaced(found.with_pod(new)))
        if (found := self.backoff.get(old.key)) is not None:
            return self._replace(backoff=self.backoff.replaced(found.with_pod(new)))
        if (found := self.error_backoff.get(old.key)) is not None:
            return self._replace(error_backoff=self.error_backoff.replaced(found.with_pod(new)))
        waiting = self.unschedulable.get(new.key) or self.gated.get(new.key)
        if waiting is None:
            return self.add(new, now)
        queued = waiting.with_pod(new)
        rejectors = queued.rejectors or (SCHEDULING_GATES,)
        if new.metadata.uid not in spared and any(
            is_worth_requeuing(hints, rejectors, new, event) for event in events
        ):
            return self._requeue(queued, now)
        return self._wait(queued)

    def delete(self, key: str) -> Queue:
        """A pod is gone, or was bound by someone else. A pod in flight stays in flight."""
        return self._without(key)

    def flushed(self, now: int) -> Queue:
        """What time alone moves: backoffs that ended, pods that waited for five minutes."""
        deadline = self.deadline
        if deadline is None or deadline > now:
            return self
        queue = self
        for line in (self.backoff, self.error_backoff):
            for queued in line:
                if queued.backoff_until > now:
                    break
                queue = queue._activate(queued)
        return queue._flush_unschedulable(now)

    def _flush_unschedulable(self, now: int) -> Queue:
        queue = self
        for queued in self.unschedulable:
            if queued.timestamp + MAX_IN_UNSCHEDULABLE >= now:
                break
            queue = queue._requeue(queued, now)
        return queue._note(TIMEOUT) if queue is not self and queue.in_flight else queue

    @property
    def deadline(self) -> int | None:
        """The next virtual second at which `flushed` moves something."""
        heads = [line.head for line in (self.backoff, self.error_backoff)]
        times = [head.backoff_until for head in heads if head is not None]
        oldest = self.unschedulable.head
        if oldest is not None:
            times.append(oldest.timestamp + MAX_IN_UNSCHEDULABLE + 1)
        return min(times) if times else None

    def ages(self, now: int) -> tuple[Any, ...]:
        """Each line's pods in order with how long they wait, to compare states of other times."""
        return tuple(
            tuple(
                (queued.at(0).fingerprint, min(now - queued.timestamp, MAX_IN_UNSCHEDULABLE + 2))
                for queued in line
            )
            for line in (
                self.active,
                self.backoff,
                self.error_backoff,
                self.unschedulable,
                self.gated,
            )
        )

    def _note(self, *events: ClusterEvent) -> Queue:
        return self._replace(in_flight=(*self.in_flight, *events))

    def _requeue(self, queued: QueuedPod, now: int) -> Queue:
        return self._activate(queued) if queued.backoff_until <= now else self._back_off(queued)

    def _activate(self, queued: QueuedPod) -> Queue:
        if queued.pod.spec.scheduling_gates:
            return self._gate(queued)
        queue = self._without(queued.key)
        return queue._replace(active=queue.active.with_pod(queued))

    def _back_off(self, queued: QueuedPod) -> Queue:
        if queued.pod.spec.scheduling_gates:
            return self._gate(queued)
        queue = self._without(queued.key)
        if queued.rejectors:
            return queue._replace(backoff=queue.backoff.with_pod(queued))
        return queue._replace(error_backoff=queue.error_backoff.with_pod(queued))

    def _wait(self, queued: QueuedPod) -> Queue:
        if queued.pod.spec.scheduling_gates:
            return self._gate(queued)
        queue = self._without(queued.key)
        return queue._replace(unschedulable=queue.unschedulable.with_pod(queued))

    def _gate(self, queued: QueuedPod) -> Queue:
        queue = self._without(queued.key)
        return queue._replace(gated=queue.gated.with_pod(queued))

    def _without(self, key: str) -> Queue:
        if self.active.get(key) is not None:
            return self._replace(active=self.active.without(key))
        return Queue(
            self.active,
            self.backoff.without(key),
            self.error_backoff.without(key),
            self.unschedulable.without(key),
            self.gated.without(key),
            self.in_flight,
            self.limits,
        )


EMPTY_QUEUE = Queue()
