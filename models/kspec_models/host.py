"""A host: one control loop inside a process, as a pure state machine over its own memory.

The cluster owns processes, informers and requests in flight; a host owns what it remembers. All
that a host may look at comes through `View`; all that it does comes back in an `Outcome`. A crash
of the process replaces the memory by `initial()`, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Protocol

from kspec_models.requests import Request, Response
from kspec_models.store import Entry, Snapshot

CHOICE: Final = " to "
"""Between a key and what is chosen for it, where a host makes its choices explicit."""
START: Final = " from "
"""Between a key and where a search for it starts; before `CHOICE` where there are both."""


def key_of(text: str) -> str:
    """The key alone, of one with choices."""
    return text.partition(CHOICE)[0].partition(START)[0]


class Watch(NamedTuple):
    """What an informer watches: a resource, whole or `spec.nodeName=` one node (pods only)."""

    resource: str
    node: str = ""


class Notification(NamedTuple):
    """What an event handler gets: (None, new) add, (old, new) update, (old, None) delete.

    old and new may be different incarnations of one key (different uid): a Replace, and a delete
    and create that a compressed queue has joined, are told as one update. revision is that of the
    change, or of the list for a key of a Replace.
    """

    resource: str
    old: Entry | None
    new: Entry | None
    revision: int = 0

    @property
    def key(self) -> str:
        """namespace/name of the object."""
        entry = self.new if self.new is not None else self.old
        assert entry is not None
        return str(entry.value.key)


class View(NamedTuple):
    """All that a host may read, besides its own memory.

    caches: the informer caches of its process by resource, `Snapshot.get` takes
        "<resource>/<namespace>/<name>". now: virtual seconds. node: the state that belongs to the
        node (container runtime or dataplane) for a kubelet or kube-proxy, else None.
    """

    caches: Mapping[str, Snapshot]
    now: int
    node: Any = None


class Call(NamedTuple):
    """Requests of one key that are still to be sent, one after the other, and the state between."""

    key: str
    requests: tuple[Request, ...]
    phase: Any = None
    failed: bool = False


class Outcome(NamedTuple):
    """What a host did: its new memory, the requests that it sends in order, and its node's state.

    A host that is answered returns the requests that remain; with none left the call is over.
    phase is handed back with each answer. node None leaves the node's state as it is.
    """

    memory: Any
    requests: tuple[Request, ...] = ()
    phase: Any = None
    failed: bool = False
    node: Any = None


class Host(Protocol):
    """One control loop: kube-scheduler's, a controller's, a kubelet's, a kube-proxy's.

    `concerns(notification) -> bool`, where a host has it, is False of a notification that `handle`
    would leave any memory as it is for, in every view. The host takes such a one at once, without
    a step and without a call, so that a host which watches what it has no part in costs nothing.
    """

    @property
    def name(self) -> str: ...

    @property
    def watches(self) -> tuple[Watch, ...]:
        """The informers it registers event handlers with."""
        ...

    def initial(self, node: Any) -> Any:
        """The memory after a start: hashable, with a canonical encoding for `fingerprint`.

        `node` is what outlived a crash on the node (containers, rules), None elsewhere.
        """
        ...

    def handle(self, memory: Any, notification: Notification, view: View) -> Any:
        """The memory after one event handler call."""
        ...

    def enabled(self, memory: Any, now: int) -> tuple[str, ...]:
        """The keys that can be taken now, in an order fixed by the memory.

        A single worker offers one key; pod workers offer one key each.
        """
        ...

    def run(self, memory: Any, key: str, view: View) -> Outcome:
        """Take a key: one reconcile, one scheduling cycle, one pod sync, one rules sync."""
        ...

    def answer(
        self, memory: Any, call: Call, request: Request, response: Response, view: View
    ) -> Outcome:
        """The answer to `request` arrived; `call.requests` are those not sent yet."""
        ...

    def deadline(self, memory: Any) -> int | None:
        """The next virtual second at which time alone enables something; None if there is none."""
        ...

    def relative(self, memory: Any, now: int) -> Any:
        """The memory with every time as a distance from `now`, to find a behaviour that recurs."""
        ...
