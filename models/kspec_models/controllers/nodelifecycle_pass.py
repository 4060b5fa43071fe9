"""One look of the node lifecycle controller at all nodes, in upstream's order.

After monitorNodeHealth, processTaintBaseEviction, handleDisruption and doNoExecuteTaintingPass of
pkg/controller/nodelifecycle/node_lifecycle_controller.go, and MarkPodsNotReady of
pkg/controller/util/node/controller_utils.go, at 1.36. Upstream looks at nodes in parallel and
taints on a thread of its own; here one node comes after the other, by name, and the taints last.
What is decided for a node follows, as upstream has it, from its condition before this look: the
taint of a node that falls silent comes with the next one. A node that has its taint is not tainted
again, where upstream may write it once more with a newer time, which nobody reads.
"""

from __future__ import annotations

from typing import Final

from kspec.values import EMPTY_MAP, FingerprintedMap
from kspec_models.controllers.nodelifecycle_health import (
    FALSE,
    READY,
    TRUE,
    UNKNOWN,
    Health,
    is_overdue,
    observed,
    ready_of,
    with_unknown,
)
from kspec_models.controllers.nodelifecycle_state import Inputs, LifecycleMemory, Looked
from kspec_models.controllers.nodelifecycle_taints import (
    NO_EXECUTE,
    NOT_READY,
    UNREACHABLE,
    has_taint,
    swap,
    take_off,
)
from kspec_models.controllers.nodelifecycle_zones import (
    EXCLUDED,
    FULL,
    INITIAL,
    Zone,
    Zones,
    period_of,
    zone_key,
    zone_state,
)
from kspec_models.controllers.steps import Steps
from kspec_models.objects import Node, Pod, Time, condition, with_condition
from kspec_models.requests import NOT_FOUND, Get, Update
from kspec_models.store import Entry

HEALTH_UPDATE_RETRY: Final = 5
_TAINTS: Final = {FALSE: (NOT_READY, UNREACHABLE), UNKNOWN: (UNREACHABLE, NOT_READY)}
"""For a Ready condition that is not true, the NoExecute taint that says so and the other one."""


class Look:
    """The state of one look; lives as long as the generator that runs it."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs, self.now = inputs, inputs.now
        self.health = dict(inputs.memory.health.sorted_items())
        self.known = list(inputs.memory.known)
        self.zones: Zones = dict(inputs.memory.zones)
        self.retry = set(inputs.memory.retry)
        self.leases, self.pods = dict(inputs.leases), dict(inputs.pods)
        self.statuses: dict[str, list[str]] = {}
        self.has_failed = False

    def run(self) -> Steps[Looked]:
        """The look; its result once every request has been answered."""
        yield from self.classify()
        for entry in self.inputs.nodes:
            yield from self.look_at(entry)
        yield from self.handle_disruption()
        yield from self.taint()
        return self.result()

    def result(self) -> Looked:
        names = {entry.value.name for entry in self.inputs.nodes}
        health: FingerprintedMap[str, Health] = EMPTY_MAP
        for name in sorted(names & set(self.health)):
            health = health.set(name, self.health[name])
        memory = LifecycleMemory(
            health, tuple(self.known), tuple(sorted(self.zones.items())), tuple(sorted(self.retry))
        )
        return Looked(memory, self.has_failed or bool(self.retry))

    # classifyNodes

    def classify(self) -> Steps[None]:
        """Know new nodes, with their zone and without their NoExecute taints; forget old ones."""
        names = [entry.value.name for entry in self.inputs.nodes]
        for entry in self.inputs.nodes:
            node: Node = entry.value
            zone = Zone(INITIAL, self.inputs.rates.primary, self.now)
            self.zones.setdefault(zone_key(node), zone)
            if node.name not in self.known:
                self.known.append(node.name)
                yield from self.mark_reachable(node)
        self.known = sorted(name for name in self.known if name in names)
        self.retry &= set(names)

    def mark_reachable(self, node: Node) -> Steps[None]:
        """markNodeAsReachable: no NoExecute taint of ours stays, and none is due."""
        for key in (UNREACHABLE, NOT_READY):
            if not (yield from take_off(node, (key,), NO_EXECUTE, self.now)):
                self.has_failed = True
                return
        zone = zone_key(node)
        self.zones[zone] = self.zones[zone].without(node.name)

    # one node

    def look_at(self, entry: Entry) -> Steps[None]:
        """What upstream does for each node: its health, its taint, its pods."""
        name = entry.value.name
        found = yield from self.updated(entry)
        if found is None:
            self.has_failed = True
            return
        before, node = found
        current = ready_of(node)[0]
        if EXCLUDED not in node.metadata.labels:
            self.statuses.setdefault(zone_key(node), []).append(current)
        if current:
            yield from self.evict(node, before)
            has_fallen = current != TRUE and before == TRUE
            is_due = has_fallen or (name in self.retry and before != TRUE)
            if is_due and not (yield from self.mark_pods(name)):
                self.retry.add(name)
                return
        self.retry.discard(name)

    def updated(self, entry: Entry) -> Steps[tuple[str, Node] | None]:
        """tryUpdateNodeHealth, again with a live node after each error.

        The Ready status before, and the node as it is now; None where it could not be written.
        """
        for _ in range(HEALTH_UPDATE_RETRY):
            node: Node = entry.value
            lease = self.leases.get(node.name)
            health = observed(self.health.get(node.name), node, lease, self.now)
            self.health[node.name] = health
            before = ready_of(node)[0]
            if not is_overdue(health, node, self.inputs.graces, self.now) or before == UNKNOWN:
                return before or UNKNOWN, node
            new = with_unknown(node, self.now)
            response = yield Update(new, entry.resource_version, "status")
            if response.ok:
                self.health[node.name] = health._replace(ready=ready_of(new))
                return before or UNKNOWN, new
            response = yield Get("nodes", node.name)
            if not response.ok or response.entry is None:
                return None
            entry = response.entry
        return None

    def evict(self, node: Node, before: str) -> Steps[None]:
        """processTaintBaseEviction."""
        if before not in _TAINTS:
            yield from self.mark_reachable(node)
            return
        own, opposite = _TAINTS[before]
        if has_taint(node, opposite, NO_EXECUTE):
            if not (yield from swap(node, (own,), (opposite,), NO_EXECUTE, self.now)):
                self.has_failed = True
            return
        key = zone_key(node)
        is_done = has_taint(node, own, NO_EXECUTE)
        zone = self.zones[key]
        self.zones[key] = zone.without(node.name) if is_done else zone.adding(node.name)

    def mark_pods(self, node: str) -> Steps[bool]:
        """MarkPodsNotReady; whether all could be."""
        is_done = True
        for entry in self.pods.get(node, ()):
            is_done &= yield from mark_not_ready(entry, self.now)
        return is_done

    # handleDisruption

    def handle_disruption(self) -> Steps[None]:
        """The state of each zone, and with it how fast its nodes may be tainted."""
        rates = self.inputs.rates
        new = {name: zone_state(tuple(s), rates) for name, s in self.statuses.items()}
        for name in [name for name in self.zones if name not in new]:
            del self.zones[name]
        is_all_over = all(state == FULL for state in new.values())
        was_all_over = all(zone.state == FULL for zone in self.zones.values())
        if is_all_over and was_all_over:
            return
        if is_all_over:
            for entry in self.inputs.nodes:
                if zone_key(entry.value) in self.zones:
                    yield from self.mark_reachable(entry.value)
            for name, zone in self.zones.items():
                self.zones[name] = zone.limited(0, self.now)._replace(state=FULL)
            return
        if was_all_over:
            for node, health in self.health.items():
                self.health[node] = health._replace(probe_at=self.now)
        for name, zone in self.zones.items():
            if was_all_over or zone.state != new[name]:
                period = period_of(new[name], len(self.statuses[name]), rates)
                self.zones[name] = zone.limited(period, self.now)._replace(state=new[name])

    # doNoExecuteTaintingPass

    def taint(self) -> Steps[None]:
        """Taint as many nodes as the zones' limiters let through."""
        nodes = {entry.value.name: entry.value for entry in self.inputs.nodes}
        for name in sorted(self.zones):
            while self.zones[name].queue and self.zones[name].may_go(self.now):
                zone = self.zones[name] = self.zones[name].taking(self.now)
                node = nodes.get(zone.queue[0])
                keys = _TAINTS.get(ready_of(node)[0]) if node is not None else None
                is_done = True
                if node is not None and keys is not None:
                    is_done = yield from swap(node, keys[:1], keys[1:], NO_EXECUTE, self.now)
                if not is_done:
                    break
                self.zones[name] = zone.without(zone.queue[0])


def mark_not_ready(entry: Entry, now: int) -> Steps[bool]:
    """The pod with a Ready condition that is false; one that has none is left alone."""
    pod: Pod = entry.value
    found = condition(pod.status.conditions, READY)
    if found is None or found.status == FALSE:
        return True
    new = found.replace(status=FALSE, last_transition_time=Time(now))
    status = pod.status.replace(conditions=with_condition(pod.status.conditions, new))
    response = yield Update(pod.replace(status=status), entry.resource_version, "status")
    return response.ok or response.reason == NOT_FOUND
