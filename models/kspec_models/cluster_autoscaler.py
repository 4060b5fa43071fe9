"""The cluster autoscaler: more nodes for pods that fit nowhere, fewer where nobody would miss them.

After cluster-autoscaler/core/{static_autoscaler.go,scaleup/orchestrator,scaledown/{planner,
actuation}} of kubernetes/autoscaler at 1.36. A process of its own, that runs where a world names it
among its components, with its node groups (see `cluster_autoscaler_groups`).

One loop: pods that a scheduler refused, and that would not fit on the nodes there are or that are
about to join, get new machines of the group that helps most of them. Without such pods, nodes of
groups above their smallest size on which only daemons run, with little to do, become unneeded; one
that is so for ten minutes is tainted, looked at once more after five seconds, and removed.

Upstream loops every ten seconds. Here it does when something it reads changed, when a time it waits
for is over, and ten seconds after a failure. A machine joins as soon as it is asked for.

Left out: nodes whose pods could move elsewhere, which are drained; soft taints; balancing similar
groups; failing clouds; expanders but most-pods, where the first group wins among equals.
"""

from __future__ import annotations

from typing import Final

import attrs

from kspec_models.cluster_autoscaler_groups import COMPONENT, NodeGroup
from kspec_models.cluster_autoscaler_simulation import (
    Fits,
    Machine,
    estimate,
    is_empty,
    unhelped,
    utilisation_percent,
)
from kspec_models.cluster_autoscaler_state import (
    DELETE_DELAY_SECONDS,
    PROVISION_SECONDS,
    AutoscalerMemory,
    Seen,
    Times,
    condemns,
    cools_until,
    facts_of_node,
    facts_of_pod,
    is_condemned,
    next_wait,
    seen_of,
    tainted,
)
from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.objects import Node
from kspec_models.requests import (
    ALREADY_EXISTS,
    NOT_FOUND,
    Create,
    Delete,
    Patch,
    Request,
    Response,
)

LOOP: Final = "loop"


@attrs.frozen
class ClusterAutoscaler:
    """A controller with one key. fits: the scheduler's filters, for nodes that need not exist."""

    groups: tuple[NodeGroup, ...]
    fits: Fits
    times: Times = attrs.field(factory=Times)
    name: str = COMPONENT
    watches: tuple[Watch, ...] = (Watch("pods"), Watch("nodes"))

    def initial(self) -> AutoscalerMemory:
        return AutoscalerMemory()

    def relative(self, memory: AutoscalerMemory, now: int) -> AutoscalerMemory:
        return memory.relative(now)

    def concerns(self, event: Notification) -> bool:
        """Whether an event changes what a loop reads."""
        if event.old is None or event.new is None:
            return True
        facts = facts_of_node if event.resource == "nodes" else facts_of_pod
        return bool(facts(event.old.value) != facts(event.new.value))

    def handle(
        self, memory: AutoscalerMemory, event: Notification, view: View
    ) -> tuple[AutoscalerMemory, tuple[str, ...]]:
        """Ask for a loop; a machine that came or went is not about to join any more."""
        if not self.concerns(event):
            return memory, ()
        is_move = event.old is None or event.new is None
        if event.resource == "nodes" and is_move and memory.upcoming:
            rest = tuple(item for item in memory.upcoming if item[0] != event.key)
            memory = memory._replace(upcoming=rest)
        return memory, (LOOP,)

    def reconcile(self, memory: AutoscalerMemory, key: str, view: View) -> Worked:
        """RunOnce."""
        now, seen = view.now, self.seen(view)
        names = {entry.value.name for entry in seen.nodes}
        upcoming = tuple(
            (n, since)
            for n, since in memory.upcoming
            if n not in names and now < since + PROVISION_SECONDS
        )
        marked = {e.value.name for e in seen.nodes if is_condemned(e.value)}
        deleting = tuple(
            (n, since)
            for n, since in memory.deleting
            if n in marked or (n in names and now < since + DELETE_DELAY_SECONDS)
        )
        memory = memory._replace(upcoming=upcoming, deleting=deleting)
        requests = self._finished(memory, seen)
        created = self.scale_up(memory, seen)
        if created:
            return Worked(memory, (*requests, *created), now)
        memory = self._with_unneeded(memory, seen)
        requests = (*requests, *self._condemned(memory, seen))
        if requests:
            return Worked(memory, requests, now)
        return self._ended(memory._replace(has_cleaned=True), now)

    def seen(self, view: View) -> Seen:
        """What this loop reads."""
        return seen_of(view)

    def _machines(self, memory: AutoscalerMemory, seen: Seen) -> tuple[Machine, ...]:
        """The nodes that exist and those that are about to join."""
        groups = {name: group for group in self.groups for name in group.names}
        there = [(e.value, seen.pods[e.value.name]) for e in seen.nodes]
        coming: list[Machine] = [(groups[name].machine(name), ()) for name, _ in memory.upcoming]
        return (*there, *coming)

    # scale up

    def scale_up(self, memory: AutoscalerMemory, seen: Seen) -> tuple[Request, ...]:
        """New machines of the group that helps most of the pods that fit nowhere."""
        if not seen.pending:
            return ()
        machines = self._machines(memory, seen)
        left, filled = unhelped(seen.pending, machines, self.fits)
        taken = {node.name for node, _ in machines}
        best = None
        for group in self.groups if left else ():
            free = self.free_names(group, taken)
            found = estimate(group, free, left, filled, self.fits)
            if found.helped > (best.helped if best is not None else 0):
                best = found
        if best is None:
            return ()
        return tuple(Create(best.group.machine(name)) for name in best.machines)

    def free_names(self, group: NodeGroup, taken: set[str]) -> tuple[str, ...]:
        """The names of the machines that the group may still have."""
        return tuple(name for name in group.names if name not in taken)

    # scale down

    def _with_unneeded(self, memory: AutoscalerMemory, seen: Seen) -> AutoscalerMemory:
        """updateUnneededNodes: for how long each node that nobody would miss is so already."""
        since, found = dict(memory.unneeded), []
        condemned = {name for name, _ in memory.deleting}
        there = [e.value.name for e in seen.nodes]
        for group in self.groups:
            members = [name for name in there if name in group.names and name not in condemned]
            spare = len(members) - group.min_size
            idle = [name for name in members if self.is_unneeded(seen, name)]
            found += idle if spare > 0 else []
        kept = tuple(sorted((name, since.get(name, seen.now)) for name in found))
        return memory if kept == memory.unneeded else memory._replace(unneeded=kept)

    def is_unneeded(self, seen: Seen, name: str) -> bool:
        """Whether only daemons run on the node, and use little of it."""
        pods = seen.pods[name]
        node = next(e.value for e in seen.nodes if e.value.name == name)
        is_idle = utilisation_percent((node, pods)) < self.times.utilisation_threshold
        return is_empty(pods) and is_idle and not node.is_terminating

    def _condemned(self, memory: AutoscalerMemory, seen: Seen) -> tuple[Request, ...]:
        """The taints of the nodes to remove, as many as their groups have to spare."""
        if seen.now < cools_until(memory, self.times):
            return ()
        entries = {e.value.name: e for e in seen.nodes}
        condemned = {name for name, _ in memory.deleting}
        requests: list[Request] = []
        for group in self.groups:
            members = [n for n in entries if n in group.names and n not in condemned]
            due = [n for n, s in memory.unneeded if s + self.times.unneeded <= seen.now]
            chosen = [name for name in due if name in members]
            spare = max(0, len(members) - group.min_size)
            requests += [tainted(entries[name], True) for name in chosen[:spare]]
        return tuple(requests)

    def _finished(self, memory: AutoscalerMemory, seen: Seen) -> tuple[Request, ...]:
        """Remove what was tainted a while ago and is still empty; free what is not.

        After a start, free what an earlier run tainted.
        """
        requests: list[Request] = []
        since = dict(memory.deleting)
        for entry in seen.nodes:
            node: Node = entry.value
            is_tainted = is_condemned(node)
            if node.name in since:
                if since[node.name] + DELETE_DELAY_SECONDS > seen.now:
                    continue
                if is_empty(seen.pods[node.name]):
                    requests.append(Delete("nodes", node.name, node.uid))
                else:
                    requests.append(tainted(entry, False))
            elif is_tainted and not memory.has_cleaned:
                requests.append(tainted(entry, False))
        return tuple(requests)

    # answers

    def answer(
        self,
        memory: AutoscalerMemory,
        call: Call,
        request: Request,
        response: Response,
        view: View,
    ) -> Worked:
        """Note what joins, what is condemned and what is gone."""
        now = view.now
        is_ok = response.ok or response.reason in (ALREADY_EXISTS, NOT_FOUND)
        if not is_ok:
            memory = memory._replace(failed_at=now)
        elif isinstance(request, Create):
            coming = (*memory.upcoming, (request.object.name, now))
            memory = memory._replace(upcoming=tuple(sorted(coming)), added_at=now)
        elif isinstance(request, Patch | Delete):
            rest = tuple(item for item in memory.deleting if item[0] != request.key)
            if isinstance(request, Patch) and response.ok and condemns(request):
                rest = tuple(sorted((*rest, (request.key, now))))
            memory = memory._replace(deleting=rest)
        if call.requests:
            return Worked(memory, call.requests, call.phase)
        return self._ended(memory._replace(has_cleaned=memory.failed_at != now), now)

    def _ended(self, memory: AutoscalerMemory, now: int) -> Worked:
        """When to look again: what waits, and after a failure the next scan."""
        return Worked(memory, requeue_after=next_wait(memory, self.times, now))
