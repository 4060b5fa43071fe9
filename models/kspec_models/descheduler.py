"""The descheduler: evict pods that would be better placed elsewhere, and leave the rest to others.

After sigs.k8s.io/descheduler at 0.35 (pkg/descheduler/descheduler.go, its profile runner and the
two balance plugins RemoveDuplicates and RemovePodsViolatingTopologySpreadConstraint). A process of
its own, that runs where a world names it among its components, in the form of a DeschedulerPolicy:

    descheduler:
      deschedulingIntervalSeconds: 300
      maxNoOfPodsToEvictPerNode: 1
      profiles:
      - name: default
        pluginConfig:
        - {name: DefaultEvictor, args: {nodeFit: true}}
        plugins:
          balance: {enabled: [RemoveDuplicates]}

A round is due at every multiple of the interval; one that would see nothing new is not made. What
cannot be evicted now is left to the next round, an interval later.

Left out: every other plugin, leader election, and the order of Go's maps, which is that of names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import attrs

from kspec_models import descheduler_duplicates as duplicates
from kspec_models import descheduler_spread as spread
from kspec_models.controllers.worker import Worked
from kspec_models.descheduler_evictor import Cluster, Evictor, Limits, observed
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.objects import Pod, controller_of
from kspec_models.requests import NOT_FOUND, Evict, Request, Response

INTERVAL_SECONDS = 300
ROUND = "round"
DUPLICATES = "RemoveDuplicates"
SPREAD = "RemovePodsViolatingTopologySpreadConstraint"


class Profile(NamedTuple):
    """One profile: its balance plugins in order, and the arguments of what it is made of."""

    plugins: tuple[str, ...]
    limits: Limits = Limits()
    spread: spread.SpreadArgs = spread.SpreadArgs()


class DeschedulerMemory(NamedTuple):
    """last: when the last round was. due: when the next one is, where one is to come.

    evicted: the owners and nodes of the last round's evictions, with how many pods each had there.
    phase: where in an interval it is, known only in memories of relative times.
    """

    last: int | None = None
    due: int | None = None
    evicted: tuple[tuple[tuple[str, str], int], ...] = ()
    phase: int = 0


@attrs.frozen
class Descheduler:
    """The descheduler, as a controller with one key."""

    profiles: tuple[Profile, ...]
    interval: int = INTERVAL_SECONDS
    name: str = "descheduler"
    watches: tuple[Watch, ...] = (Watch("pods"), Watch("nodes"))

    def initial(self) -> DeschedulerMemory:
        return DeschedulerMemory()

    def relative(self, memory: DeschedulerMemory, now: int) -> DeschedulerMemory:
        last = None if memory.last is None else max(memory.last - now, -self.interval)
        due = None if memory.due is None else max(memory.due - now, 0)
        return DeschedulerMemory(last, due, memory.evicted, now % self.interval)

    def concerns(self, event: Notification) -> bool:
        """Whether an event changes what a round reads."""
        if event.old is None or event.new is None:
            return True
        return _facts(event.old.value) != _facts(event.new.value)

    def handle(
        self, memory: DeschedulerMemory, event: Notification, view: View
    ) -> tuple[DeschedulerMemory, tuple[str, ...]]:
        is_coming = memory.due is not None and memory.due > view.now
        return memory, () if is_coming or not self.concerns(event) else (ROUND,)

    def reconcile(self, memory: DeschedulerMemory, key: str, view: View) -> Worked:
        """Wait for the end of the interval, then choose what to evict."""
        now, last = view.now, memory.last
        due = -(-now // self.interval) * self.interval
        if last is not None and due <= last:
            due = (last // self.interval + 1) * self.interval
        if now < due:
            return Worked(memory._replace(due=due), requeue_after=due - now)
        cluster = observed(view)
        chosen = self._chosen(cluster)
        requests = tuple(Evict(pod.key, uid=pod.uid) for pod in chosen)
        return Worked(DeschedulerMemory(now, evicted=_counted(cluster, chosen)), requests)

    def _chosen(self, cluster: Cluster) -> tuple[Pod, ...]:
        if len(cluster.nodes) < 2:
            return ()  # an eviction could only bring the pod back to where it was
        found: dict[str, Pod] = {}
        for profile in self.profiles:
            for plugin in profile.plugins:
                evictor = Evictor(profile.limits, cluster)
                _RUN[plugin](evictor, profile)
                for pod in evictor.chosen:
                    found.setdefault(pod.key, pod)
        return tuple(found.values())

    def answer(
        self,
        memory: DeschedulerMemory,
        call: Call,
        request: Request,
        response: Response,
        view: View,
    ) -> Worked:
        """An eviction that failed is not repeated; the next round decides anew."""
        is_to_repeat = not response.ok and response.reason != NOT_FOUND
        after = self.interval - view.now % self.interval if is_to_repeat else None
        return Worked(memory, call.requests, requeue_after=after)


def _duplicates(evictor: Evictor, profile: Profile) -> None:
    duplicates.balance(evictor)


def _spread(evictor: Evictor, profile: Profile) -> None:
    spread.balance(evictor, profile.spread)


_RUN: Mapping[str, Any] = {DUPLICATES: _duplicates, SPREAD: _spread}


def _counted(cluster: Cluster, chosen: tuple[Pod, ...]) -> tuple[tuple[tuple[str, str], int], ...]:
    """How many pods each owner has on each node that it loses one from."""
    found = {}
    for pod in chosen:
        uid, node = _owner(pod), pod.spec.node_name
        there = [p for p in cluster.pods[node] if _owner(p) == uid and not p.is_terminating]
        found[uid, node] = len(there)
    return tuple(sorted(found.items()))


def _owner(pod: Pod) -> str:
    owner = controller_of(pod)
    return "" if owner is None else owner.uid


def _facts(obj: Any) -> tuple[Any, ...]:
    meta = obj.metadata
    if obj.resource == "nodes":
        ready = [c.status for c in obj.status.conditions if c.type == "Ready"]
        return meta.labels, obj.spec, obj.status.allocatable, *ready
    is_over = obj.status.phase in ("Succeeded", "Failed")
    return meta.labels, obj.spec, meta.deletion_timestamp, is_over, meta.owner_references
