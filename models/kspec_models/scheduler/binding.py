"""What the scheduler remembers between a pod that is assumed and one that is bound.

After pkg/scheduler/framework/runtime/waiting_pods_map.go and schedule_one.go (bindingCycle) at
1.36. Plugins are pure here, so none calls Allow: a pod that waits at Permit is asked for again
whenever another pod reaches Permit, in the order of arrival, with all that wait in view. It is
rejected when the first of the waits that plugins asked for is over.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from kspec_models.scheduler.framework import SUCCESS, Status
from kspec_models.scheduler.line import QueuedPod

WAIT: Final = "Wait"
MAX_WAIT: Final = 900
"""Virtual seconds that a plugin may make a pod wait at most."""
Annotations = tuple[tuple[str, str], ...]


class Binding(NamedTuple):
    """A binding under way: the pod as queued, and its node."""

    queued: QueuedPod
    node: str


class Permit(NamedTuple):
    """What a Permit plugin says: Success, a rejection, or Wait for up to `seconds` (virtual)."""

    status: Status = SUCCESS
    seconds: int = 0


class Waiting(NamedTuple):
    """A pod at Permit.

    node: where it is assumed. until: the virtual second at which it is rejected. is_allowed: the
    plugins have let it pass, so that its binding goes on. annotations: what Reserve gave. plugin:
    the one whose time is up first.
    """

    queued: QueuedPod
    node: str
    until: int
    is_allowed: bool = False
    annotations: Annotations = ()
    plugin: str = ""

    @property
    def key(self) -> str:
        return self.queued.key


def going(waiting: tuple[Waiting, ...], now: int) -> tuple[str, ...]:
    """The pods at Permit that go on now: those allowed, and those whose time is up."""
    return tuple(each.key for each in waiting if each.is_allowed or each.until <= now)
