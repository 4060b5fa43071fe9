"""The timers of taint eviction, and what a taint and the tolerations of a pod make of them.

After pkg/controller/tainteviction/timed_workers.go, and processPodOnNode and getMinTolerationTime
of taint_eviction.go, at 1.36. Kept as upstream has it, because it is real: a timer that runs is
neither shortened nor lengthened when the taints or the tolerations change, as long as the pod still
tolerates them for a limited time only (issues 102993, 108982); and a timer belongs to the name of a
pod, not to its uid.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from kspec.values import EMPTY_MAP, FingerprintedMap
from kspec_models.objects import Node, Taint, Toleration
from kspec_models.tolerations import tolerates

NO_EXECUTE: Final = "NoExecute"
FOR_EVER: Final = -1

Taints = tuple[Taint, ...]


class Timer(NamedTuple):
    """An eviction to come. node: under whose key it fires."""

    pod: str
    node: str
    created_at: int
    fire_at: int


class TaintMemory(NamedTuple):
    """All that the controller remembers.

    taints: the NoExecute taints of the nodes that have some. changed: nodes, and pods with their
    node, that are still to be looked at. firing: evictions that have begun, with their node; they
    are not cancelled any more.
    """

    taints: FingerprintedMap[str, Taints] = EMPTY_MAP
    changed_nodes: tuple[str, ...] = ()
    changed_pods: tuple[tuple[str, str], ...] = ()
    timers: tuple[Timer, ...] = ()
    firing: tuple[tuple[str, str], ...] = ()

    def timer(self, pod: str) -> Timer | None:
        """The timer that runs for a pod."""
        return next((timer for timer in self.timers if timer.pod == pod), None)

    def cancelled(self, pod: str) -> TaintMemory:
        """Without the timer of that pod."""
        if self.timer(pod) is None:
            return self
        return self._replace(timers=tuple(t for t in self.timers if t.pod != pod))

    def with_work(self, timer: Timer) -> TaintMemory:
        """With an eviction to come, or begun if it has no delay; nothing where one is known."""
        if self.timer(timer.pod) is not None or any(p == timer.pod for p, _ in self.firing):
            return self
        if timer.fire_at <= timer.created_at:
            return self._replace(firing=(*self.firing, (timer.pod, timer.node)))
        return self._replace(timers=tuple(sorted((*self.timers, timer))))

    def fired(self, node: str, now: int) -> TaintMemory:
        """The evictions of a node whose time has come have begun."""
        due = [t for t in self.timers if t.node == node and t.fire_at <= now]
        if not due:
            return self
        return self._replace(
            timers=tuple(t for t in self.timers if t not in due),
            firing=(*self.firing, *((t.pod, t.node) for t in due)),
        )

    def next_wait(self, node: str, now: int) -> int | None:
        """Seconds until something is due under the key of a node."""
        if any(other == node for _, other in self.firing):
            return 0
        return min((t.fire_at - now for t in self.timers if t.node == node), default=None)

    def relative(self, now: int) -> TaintMemory:
        """With distances for times."""
        if not self.timers:
            return self
        near = [
            t._replace(created_at=t.created_at - now, fire_at=t.fire_at - now) for t in self.timers
        ]
        return self._replace(timers=tuple(near))


def no_execute_taints(node: Node) -> Taints:
    """The taints of a node that evict, without their times."""
    return tuple(
        taint.replace(time_added=None) for taint in node.spec.taints if taint.effect == NO_EXECUTE
    )


def tolerated_seconds(taints: Taints, tolerations: Sequence[Toleration]) -> int | None:
    """How long all the taints are tolerated: FOR_EVER, seconds, or None if one is not at all.

    For each taint the first toleration that covers it counts, and of all those the shortest.
    """
    limits: list[int] = []
    for taint in taints:
        used = next((t for t in tolerations if tolerates(t, taint)), None)
        if used is None:
            return None
        if used.toleration_seconds is not None:
            limits.append(max(0, used.toleration_seconds))
    return min(limits, default=FOR_EVER)


def process_pod(memory: TaintMemory, pod: Any, taints: Taints, now: int) -> TaintMemory:
    """processPodOnNode: start, keep or cancel the timer of a pod on a node with these taints."""
    seconds = tolerated_seconds(taints, pod.spec.tolerations)
    node = pod.spec.node_name
    if seconds is None:
        return memory.cancelled(pod.key).with_work(Timer(pod.key, node, now, now))
    if seconds == FOR_EVER:
        return memory.cancelled(pod.key)
    running = memory.timer(pod.key)
    start = now if running is None else running.created_at
    if running is not None and start < now:
        return memory
    return memory.cancelled(pod.key).with_work(Timer(pod.key, node, start, now + seconds))
