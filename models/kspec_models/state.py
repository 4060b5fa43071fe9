"""The state of the whole cluster as one value.

Fingerprints. The fingerprint follows each change: it is a sum modulo 2**64 of the fingerprints of
the API server, of each slot's value and, for each stream, of what its watchers have not seen yet,
each times a weight of its own, so that a change costs one multiplication. While a fault that
reaches into the past is left, it holds as much of the past as that can reach. It holds no absolute
revision and no uid counter of an object, but it does hold versions of keys and virtual times: two
states that differ only there are told apart, which is sound and merges less.
The ghosts (what each watcher was told, what the last step wrote and sent) are not part of it:
properties over them are transitions, judged on every edge.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import immutables

from kspec.values import EMPTY_MAP, MASK, FingerprintedMap, fingerprint_of, mix
from kspec_models.apiserver.server import Api
from kspec_models.host import Notification
from kspec_models.reflector import age
from kspec_models.requests import Request, Response
from kspec_models.store import NEVER_COMPACTED, Change
from kspec_models.streams import Stream

TOPICS = (
    *("pods", "nodes", "deployments", "replicasets", "services", "endpointslices"),
    *("namespaces", "objects", "deliveries", "requests", "kubelets", "runtimes", "dataplanes"),
    *("schedulers", "controllers", "environment", "sandboxes"),
)
"""What properties can read; "objects" is every resource without a topic of its own.

"sandboxes" is of a runtime no more than which sandboxes are up and what they demand: all that
granularity `fused` shows of it.
"""

BIT = {topic: 1 << i for i, topic in enumerate(TOPICS)}

_API: Final = 0xA24BAED4963EE407
_OUTSIDE: Final = 0x9FB21C651E98DF25
_STREAM: Final = 0x9E3779B97F4A7C15


class Delivery(NamedTuple):
    """Ghost: a notification that the informer of a process was given in the last step."""

    process: str
    slot: int
    notification: Notification


class Sent(NamedTuple):
    """Ghost: a request that a host decided on in the last step."""

    process: str
    host: str
    request: Request


class Answered(NamedTuple):
    """Ghost: a request that reached the API server in the last step, and its answer there."""

    host: str
    request: Request
    response: Response


class Environment(NamedTuple):
    """What the outside may still do: faults by class, and the position in the users' operations.

    paused, cut: the processes that stand still, and those cut off from the API servers, in the
    order in which they were struck. clients: of each process that has moved, its API server.
    """

    budget: FingerprintedMap[str, int]
    operation: int = 0
    is_healed: bool = False
    paused: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()
    clients: tuple[tuple[str, str], ...] = ()


class State:
    """One state. Only `Cluster` makes and, before it lets go of it, changes a state."""

    __slots__ = (
        "answered",
        "api",
        "changed",
        "clock",
        "delivered",
        "enabled",
        "environment",
        "fingerprint",
        "idle",
        "layout",
        "outside",
        "owners",
        "peaks",
        "sent",
        "slots",
        "streams",
        "streams_fingerprint",
        "system",
        "touched",
        "written",
    )

    layout: Any
    """The cluster's Layout, the same in all its states."""
    api: Api
    streams: list[Stream]
    streams_fingerprint: int
    slots: list[Any]
    """Every slot's value. A draft has a list of its own; nobody changes it after the step."""
    idle: frozenset[int]
    """The processes whose hosts do nothing: they are down, or an informer has not synced yet."""
    clock: int
    environment: Environment
    system: tuple[Any, ...]
    """Enabled actions of the system, in the order of their slots."""
    owners: tuple[int, ...]
    """The slot of each of them: a step replaces the actions of the slots that it touched."""
    outside: tuple[Any, ...]
    """Enabled actions of the environment."""
    fingerprint: int
    """Of everything but the streams."""
    changed: int
    peaks: immutables.Map[str, tuple[int, int]]
    """Ghost: the smallest and largest spec.replicas that each workload ever had, by key."""
    written: tuple[Change, ...]
    delivered: tuple[Delivery, ...]
    sent: tuple[Sent, ...]
    answered: tuple[Answered, ...]
    touched: dict[int, None]
    """Slots whose enabled actions must be found again before the step is over."""
    enabled: tuple[Any, ...]
    """All enabled actions, the system's first. Set when the step is over."""

    def draft(self) -> State:
        """A copy for one step, with empty ghosts."""
        new = State.__new__(State)
        new.layout, new.peaks = self.layout, self.peaks
        new.api, new.streams, new.clock = self.api, self.streams, self.clock
        new.slots = self.slots.copy()
        new.streams_fingerprint = self.streams_fingerprint
        new.environment, new.idle = self.environment, self.idle
        new.system, new.owners, new.outside = self.system, self.owners, self.outside
        new.fingerprint = self.fingerprint
        new.changed = 0
        new.written = new.delivered = new.sent = new.answered = ()
        new.touched = {}
        return new

    def put(self, slot: int, value: Any, difference: int) -> None:
        """Change one slot of a draft; by how much the fingerprint of its value differs."""
        self.slots[slot] = value
        self.fingerprint = (self.fingerprint + difference * self.layout.weights[slot]) & MASK
        self.touched[slot] = None

    def put_api(self, api: Api) -> None:
        """Change the API server of a draft."""
        difference = api.fingerprint - self.api.fingerprint
        self.api = api
        self.fingerprint = (self.fingerprint + difference * _API) & MASK

    def put_outside(self, clock: int, environment: Environment) -> None:
        """Change the clock of a draft, and what the outside may still do."""
        before = fingerprint_of((self.clock, self.environment))
        self.clock, self.environment = clock, environment
        difference = fingerprint_of((clock, environment)) - before
        self.fingerprint = (self.fingerprint + difference * _OUTSIDE) & MASK

    def put_stream(self, index: int, stream: Stream) -> None:
        """Change one stream of a draft."""
        difference = stream.fingerprint - self.streams[index].fingerprint
        self.streams = self.streams.copy()
        self.streams[index] = stream
        weight = (2 * index + 3) * _STREAM
        self.streams_fingerprint = (self.streams_fingerprint + difference * weight) & MASK

    def wrote(self, change: Change) -> None:
        """Ghost: one change of the store."""
        self.written = (*self.written, change)
        entry = change.entry
        if entry is not None and change.key.startswith(("replicasets/", "deployments/")):
            replicas = entry.value.spec.replicas or 0
            known = self.peaks.get(change.key)
            low, high = known or (replicas, replicas)
            if known is None or not low <= replicas <= high:
                wider = (min(low, replicas), max(high, replicas))
                self.peaks = self.peaks.set(change.key, wider)

    @property
    def whole_fingerprint(self) -> int:
        """64 bits for the whole state."""
        whole = (self.fingerprint + self.streams_fingerprint) & MASK
        if self.environment.budget is EMPTY_MAP and self.api.store.compacted == NEVER_COMPACTED:
            return whole
        return self._with_past(whole)

    def _with_past(self, whole: int) -> int:
        """The fingerprint with what stale lists may answer, and which watches may meet 410 Gone."""
        budget, store = self.environment.budget, self.api.store
        if budget.get("stale-list", 0):
            for stream in self.streams:
                whole = mix(whole, stream.recent)
        if store.compacted != NEVER_COMPACTED or budget.get("compaction", 0):
            for slot in self.layout.by_informer.values():
                found = age(self.slots[slot].resume, store.revision, store.compacted)
                whole = mix(whole, fingerprint_of(found))
        return whole


def started(layout: Any, api: Api, clock: int, environment: Environment) -> State:
    """A draft of the first state, still without streams and slots; its ghosts hold no write."""
    new = State.__new__(State)
    new.layout, new.peaks = layout, immutables.Map()
    new.api, new.clock, new.environment = api, clock, environment
    new.fingerprint, new.streams_fingerprint, new.changed = 0, 0, -1
    new.idle = frozenset()
    new.delivered = new.sent = new.answered = ()
    for change in api.store.history:
        new.written = ()
        new.wrote(change)
    new.written = ()
    new.system = new.owners = new.outside = ()
    new.touched = {}
    return new
