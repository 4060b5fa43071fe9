"""What the node lifecycle controller knows of each node: when it was last heard of.

After tryUpdateNodeHealth of pkg/controller/nodelifecycle/node_lifecycle_controller.go at 1.36.

No heartbeat is a step here: a Lease without a renew time is being renewed all the time, and one
with a renew time has not been renewed since. A node without a Lease whose status was reported once
takes no part in the world and counts as heard of; one that never reported anything is given the
startup grace.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from kspec_models.objects import Condition, Lease, Node, Time, condition, with_condition

READY: Final = "Ready"
TRUE, FALSE, UNKNOWN = "True", "False", "Unknown"
KUBELET_CONDITIONS: Final = (READY, "MemoryPressure", "DiskPressure", "PIDPressure")
"""The conditions that nobody but the kubelet reports, and that are unknown without it."""


_LONG_AGO: Final = 3600


class Graces(NamedTuple):
    """For how many seconds a node may be silent: before it first reports its status, and after."""

    startup: int = 60
    monitor: int = 50


class Health(NamedTuple):
    """probe_at: when the node was last heard of, as this controller saw it.

    ready: status and transition time of the Ready condition then, ("", None) for none.
    renewed: when its Lease was last renewed, None where it is kept renewed or absent.
    """

    probe_at: int
    ready: tuple[str, Time | None] = ("", None)
    renewed: int | None = None

    def relative(self, now: int) -> Health:
        """With distances for times, none where the node is heard of all the time.

        The times of the API are left to the store.
        """
        if self.renewed is None and self.ready[0]:
            return Health(0, (self.ready[0], None))
        renewed = None if self.renewed is None else max(self.renewed - now, -_LONG_AGO)
        return Health(max(self.probe_at - now, -_LONG_AGO), (self.ready[0], None), renewed)


def ready_of(node: Node) -> tuple[str, Time | None]:
    """Status and transition time of the Ready condition, ("", None) for none."""
    found = condition(node.status.conditions, READY)
    return ("", None) if found is None else (found.status, found.last_transition_time)


def grace_of(node: Node, graces: Graces) -> int:
    """For how long the node may be silent."""
    return graces.monitor if ready_of(node)[0] else graces.startup


def observed(health: Health | None, node: Node, lease: Lease | None, now: int) -> Health:
    """What is known after a look at the node and its Lease."""
    ready = ready_of(node)
    if health is None:
        created = node.metadata.creation_timestamp or 0
        health = Health(now if ready[0] else created, ready)
    elif health.ready != ready and (health.ready[0] or ready[0]):
        health = health._replace(probe_at=now, ready=ready)
    renewed = lease.spec.renew_time if lease is not None else None
    is_live = lease is not None or bool(ready[0])
    if renewed is None:
        return health._replace(probe_at=now, renewed=None) if is_live else health
    if health.renewed is None or health.renewed < renewed:
        return health._replace(probe_at=now, renewed=int(renewed))
    return health


def is_overdue(health: Health, node: Node, graces: Graces, now: int) -> bool:
    """Whether the node has been silent for longer than its grace."""
    return now > health.probe_at + grace_of(node, graces)


def overdue_at(health: Health, node: Node, lease: Lease | None, graces: Graces) -> int | None:
    """When the node will be overdue if nothing is heard of it; None for one that is heard of."""
    status = ready_of(node)[0]
    is_silent = lease.spec.renew_time is not None if lease is not None else not status
    if not is_silent or status == UNKNOWN:
        return None
    return health.probe_at + grace_of(node, graces) + 1


def with_unknown(node: Node, now: int) -> Node:
    """The node with everything that its kubelet would report unknown."""
    conditions = node.status.conditions
    for kind in KUBELET_CONDITIONS:
        found = condition(conditions, kind)
        if found is None:
            new = Condition(
                type=kind,
                status=UNKNOWN,
                reason="NodeStatusNeverUpdated",
                message="Kubelet never posted node status.",
                last_transition_time=Time(now),
            )
            conditions = (*conditions, new)
        elif found.status != UNKNOWN:
            new = found.replace(
                status=UNKNOWN,
                reason="NodeStatusUnknown",
                message="Kubelet stopped posting node status.",
                last_transition_time=Time(now),
            )
            conditions = with_condition(conditions, new)
    return node.replace(status=node.status.replace(conditions=conditions))
