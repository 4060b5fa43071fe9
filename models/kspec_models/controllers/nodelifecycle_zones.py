"""Zones of nodes: how disrupted each is, and how fast its nodes may be tainted NoExecute.

After ComputeZoneState, handleDisruption and setLimiterInZone of
pkg/controller/nodelifecycle/node_lifecycle_controller.go, and scheduler/rate_limited_queue.go, at
1.36. A limiter of burst one is the second at which it has its next token. Rates are written as
seconds between two nodes, 0 for none at all.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from kspec_models.controllers.nodelifecycle_health import TRUE
from kspec_models.objects import Node

INITIAL, NORMAL = "Initial", "Normal"
PARTIAL, FULL = "PartialDisruption", "FullDisruption"
EXCLUDED: Final = "node.kubernetes.io/exclude-disruption"
_ZONE: Final = ("topology.kubernetes.io/region", "topology.kubernetes.io/zone")


class Rates(NamedTuple):
    """primary, secondary: seconds between two nodes of a zone, normally and in a large zone that is
    partly disrupted. large: how many nodes make a zone large. unhealthy_percent: from which part of
    its nodes on a zone is partly disrupted."""

    primary: int = 10
    secondary: int = 100
    large: int = 50
    unhealthy_percent: int = 55


class Zone(NamedTuple):
    """queue: nodes to taint, in order."""

    state: str
    period: int
    next_token: int
    queue: tuple[str, ...] = ()

    def relative(self, now: int) -> Zone:
        """With a distance for the time; a token that is there is there."""
        return self._replace(next_token=max(0, self.next_token - now))

    def adding(self, node: str) -> Zone:
        """With the node to be tainted."""
        return self if node in self.queue else self._replace(queue=(*self.queue, node))

    def without(self, node: str) -> Zone:
        """Without the node."""
        if node not in self.queue:
            return self
        return self._replace(queue=tuple(name for name in self.queue if name != node))

    def may_go(self, now: int) -> bool:
        """Whether there is a token."""
        return self.period > 0 and self.next_token <= now

    def taking(self, now: int) -> Zone:
        """With the token taken."""
        return self._replace(next_token=now + self.period)

    def limited(self, period: int, now: int) -> Zone:
        """SwapLimiter: at another rate; where no token was there, the new one is drained."""
        if period == self.period:
            return self
        return self._replace(period=period, next_token=now if self.may_go(now) else now + period)


Zones = dict[str, Zone]


def zone_key(node: Node) -> str:
    """GetZoneKey: region and zone, "" for a node with neither."""
    region, zone = (node.metadata.labels.get(label, "") for label in _ZONE)
    return f"{region}:{zone}" if region or zone else ""


def zone_state(statuses: tuple[str, ...], rates: Rates) -> str:
    """How disrupted a zone is whose nodes have these Ready conditions."""
    ready = statuses.count(TRUE)
    unready = len(statuses) - ready
    if not ready and unready:
        return FULL
    if unready > 2 and unready * 100 >= rates.unhealthy_percent * len(statuses):
        return PARTIAL
    return NORMAL


def period_of(state: str, size: int, rates: Rates) -> int:
    """How many seconds between two nodes of a zone of that size and state."""
    if state == PARTIAL:
        return rates.secondary if size > rates.large else 0
    return rates.primary
