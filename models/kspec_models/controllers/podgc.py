"""PodGC: delete the pods that nobody else would ever delete.

After pkg/controller/podgc/gc_controller.go at 1.36. One pass, in upstream's order: terminated pods
above a threshold (evicted ones first, then the oldest), terminating pods on nodes that are not
ready and out of service, pods of nodes that do not exist, and terminating pods that were never
scheduled. All of them are chosen from the caches as the pass found them. A node that the cache
lacks is quarantined for 40 seconds, and then read live before its pods are given up. A pod that is
not over is first marked Failed (an orphan with the DisruptionTarget condition), then deleted
without grace and, as upstream does it, by name alone.

Upstream polls every 20 seconds. Here a pass runs when something happened that could give it
something to do, when a quarantine ends, and 20 seconds after a write failed. Sound, because a poll
may come at any time and a pass that finds nothing does nothing.

Left out: metrics and events; that upstream deletes in parallel, which no order of its own adds to
what lost and failing requests show; the observed generation of the condition.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import attrs

from kspec.values import recurring
from kspec_models.controllers.podgc_choice import (
    Choice,
    Victim,
    choose,
    is_interesting,
)
from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.objects import Time, freeze
from kspec_models.objects.record import encode_time
from kspec_models.requests import CONFLICT, NOT_FOUND, Delete, Get, Patch, Request, Response

QUARANTINE_SECONDS: Final = 40
CHECK_PERIOD_SECONDS: Final = 20
TERMINATED_POD_THRESHOLD: Final = 12_500
PASS: Final = "gc"
_ORPHANED: Final = {
    "type": "DisruptionTarget",
    "status": "True",
    "reason": "DeletionByPodGC",
    "message": "PodGC: node no longer exists",
}


@recurring
class Quarantine(NamedTuple):
    """The nodes that the cache lacks, each with the second at which it is looked at again."""

    until: tuple[tuple[int, str], ...] = ()

    def relative(self, now: int) -> Quarantine:
        """With distances for times."""
        return Quarantine(tuple((when - now, node) for when, node in self.until))

    def adding(self, nodes: tuple[str, ...], now: int) -> Quarantine:
        """With these nodes; one that is in already keeps its time."""
        known = {node for _, node in self.until}
        new = [(now + QUARANTINE_SECONDS, n) for n in nodes if n not in known]
        return Quarantine(tuple(sorted((*self.until, *new)))) if new else self

    def over(self, now: int) -> tuple[str, ...]:
        """The nodes whose time has come."""
        return tuple(node for when, node in self.until if when <= now)

    def after(self, now: int) -> Quarantine:
        """Without the nodes whose time has come."""
        return Quarantine(tuple(item for item in self.until if item[0] > now))


class Pass(NamedTuple):
    """A pass whose first requests are being answered: what was chosen, which nodes are gone."""

    choice: Choice
    gone: tuple[str, ...] = ()
    has_failed: bool = False
    is_ending: bool = False


@attrs.frozen
class PodGCController:
    """The key is always the same: every pass looks at all pods."""

    terminated_pod_threshold: int = TERMINATED_POD_THRESHOLD
    name: str = "podgc"
    watches: tuple[Watch, ...] = (Watch("pods"), Watch("nodes"))

    def initial(self) -> Quarantine:
        return Quarantine()

    def relative(self, memory: Quarantine, now: int) -> Quarantine:
        return memory.relative(now)

    def concerns(self, event: Notification) -> bool:
        """Whether an event could give a pass something to do."""
        return is_interesting(event)

    def handle(
        self, memory: Quarantine, event: Notification, view: View
    ) -> tuple[Quarantine, tuple[str, ...]]:
        """Ask for a pass where it would find something, or start a quarantine."""
        if not is_interesting(event):
            return memory, ()
        is_bare = event.resource == "pods" and not _is_ending(event)
        if is_bare and self._has_node(event, view):
            return memory, ()
        return memory, (PASS,)

    def _has_node(self, event: Notification, view: View) -> bool:
        assert event.new is not None
        return view.caches["nodes"].get(f"nodes/{event.new.value.spec.node_name}") is not None

    def reconcile(self, memory: Quarantine, key: str, view: View) -> Worked:
        """One pass: what can be decided at once, and the live reads of nodes."""
        choice = choose(view.caches, self.terminated_pod_threshold)
        memory = memory.adding(choice.missing, view.now)
        asked = tuple(node for node in memory.over(view.now) if node in choice.missing)
        memory = memory.after(view.now)
        requests = (
            *_deletions(choice.first, view.now),
            *(Get("nodes", node) for node in asked),
        )
        return self._go_on(memory, Pass(choice), requests, view)

    def answer(
        self, memory: Quarantine, call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        """A pod that could not be marked is not deleted; the others are."""
        progress: Pass = call.phase
        rest = call.requests
        if isinstance(request, Get):
            if response.reason == NOT_FOUND:
                progress = progress._replace(gone=(*progress.gone, request.key))
            elif not response.ok:
                progress = progress._replace(has_failed=True)
        elif not response.ok:
            rest = rest[1:] if isinstance(request, Patch) else rest
            has_failed = response.reason not in (NOT_FOUND, CONFLICT)
            progress = progress._replace(has_failed=progress.has_failed or has_failed)
        return self._go_on(memory, progress, rest, view)

    def _go_on(
        self, memory: Quarantine, progress: Pass, requests: tuple[Request, ...], view: View
    ) -> Worked:
        """After the live reads the orphans of the nodes that are gone, and then the unscheduled."""
        if not requests and not progress.is_ending:
            choice, gone = progress.choice, progress.gone
            orphans = tuple(v for v in choice.orphans if v.node in gone)
            progress = progress._replace(is_ending=True)
            requests = _deletions((*orphans, *choice.unscheduled), view.now)
        if requests:
            return Worked(memory, requests, progress)
        waits = [max(when - view.now, 0) for when, _ in memory.until[:1]]
        if progress.has_failed:
            waits.append(CHECK_PERIOD_SECONDS)
        return Worked(memory, requeue_after=min(waits, default=None))


def _is_ending(event: Notification) -> bool:
    """Whether the pod is terminating or over, so that more than its node matters."""
    assert event.new is not None
    pod = event.new.value
    return pod.is_terminating or pod.status.phase in ("Succeeded", "Failed")


def _deletions(victims: tuple[Victim, ...], now: int) -> tuple[Request, ...]:
    """markFailedAndDeletePod for each of them."""
    requests: list[Request] = []
    for victim in victims:
        if not victim.is_over:
            requests.append(_mark(victim, now))
        requests.append(Delete("pods", victim.key, grace_period_seconds=0))
    return tuple(requests)


def _mark(victim: Victim, now: int) -> Patch:
    status: dict[str, Any] = {"phase": "Failed"}
    if victim.node and not victim.is_marked:
        condition = {**_ORPHANED, "lastTransitionTime": encode_time(Time(now))}
        status["conditions"] = (condition,)
    return Patch("pods", victim.key, freeze({"status": status}), "status", victim.uid)
