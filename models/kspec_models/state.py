"""The state of the whole cluster as one value.

Fingerprints. The fingerprint follows each change: the xor of the store's content, of each slot's
value under its own weight, and for each stream of what its watchers have not seen yet. It holds no
absolute revision and no uid counter of an object, but it does hold versions of keys and virtual
times: two states that differ only there are told apart, which is sound and merges less.
The ghosts (what each watcher was told, what the last step wrote and sent) are not part of it:
properties over them are transitions, judged on every edge.
"""

from __future__ import annotations

from itertools import chain
from typing import Any, NamedTuple

import immutables

from kspec.values import MASK, FingerprintedMap, fingerprint_of, mix
from kspec_models.apiserver.server import Api
from kspec_models.host import Call, Notification
from kspec_models.requests import Request, Response
from kspec_models.store import Change
from kspec_models.streams import Stream

TOPICS = (
    *("pods", "nodes", "deployments", "replicasets", "services", "endpointslices"),
    *("namespaces", "objects", "deliveries", "requests", "kubelets", "runtimes", "dataplanes"),
    *("schedulers", "controllers", "environment"),
)
"""What properties can read; "objects" is every resource without a topic of its own."""

BIT = {topic: 1 << i for i, topic in enumerate(TOPICS)}

_WIDTH = 32


class Slots:
    """A persistent sequence in two levels, so that one change copies little of a large cluster."""

    __slots__ = ("_chunks",)

    def __init__(self, values: list[Any]) -> None:
        self._chunks = tuple(tuple(values[i : i + _WIDTH]) for i in range(0, len(values), _WIDTH))

    def __getitem__(self, index: int) -> Any:
        return self._chunks[index >> 5][index & 31]

    def set(self, index: int, value: Any) -> Slots:
        """These slots with one value changed."""
        high, low = index >> 5, index & 31
        chunks = self._chunks
        chunk = chunks[high]
        new = Slots.__new__(Slots)
        new._chunks = (
            *chunks[:high],
            (*chunk[:low], value, *chunk[low + 1 :]),
            *chunks[high + 1 :],
        )
        return new


def _part(value: Any) -> int:
    found: int | None = getattr(value, "fingerprint", None)
    return found if found is not None else fingerprint_of(value)


def memory_fingerprint(memory: Any) -> int:
    """Fingerprint of a host's memory, part by part: most parts are the same as before a step."""
    found = getattr(memory, "fingerprint", None)
    if found is not None:
        return int(found)
    if type(memory) is tuple or not isinstance(memory, tuple):
        return fingerprint_of(memory)
    whole = len(memory)
    for part in memory:
        whole = mix(whole, memory_fingerprint(part) if hasattr(part, "_fields") else _part(part))
    return whole


class HostState:
    """A host that is up: its memory and its calls in flight. Immutable."""

    __slots__ = ("calls", "fingerprint", "memory")

    def __init__(self, memory: Any, calls: tuple[Call, ...] = ()) -> None:
        self.memory, self.calls = memory, calls
        found = memory_fingerprint(memory)
        self.fingerprint = mix(found, fingerprint_of(calls)) if calls else found


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
    """What the outside may still do: faults by class, and the position in the users' operations."""

    budget: FingerprintedMap[str, int]
    operation: int = 0
    is_healed: bool = False


class State:
    """One state. Only `Cluster` makes and, before it lets go of it, changes a state."""

    __slots__ = (
        "_enabled",
        "answered",
        "api",
        "changed",
        "clock",
        "delivered",
        "environment",
        "fingerprint",
        "layout",
        "outside",
        "peaks",
        "ready",
        "ready_actions",
        "sent",
        "slots",
        "streams",
        "streams_fingerprint",
        "touched",
        "written",
    )

    layout: Any
    """The cluster's Layout, the same in all its states."""
    api: Api
    streams: Slots
    streams_fingerprint: int
    slots: Slots
    clock: int
    environment: Environment
    ready: tuple[int, ...]
    """Slots with enabled actions, ascending."""
    ready_actions: tuple[tuple[Any, ...], ...]
    outside: tuple[Any, ...]
    """Enabled actions of the environment."""
    fingerprint: int
    changed: int
    peaks: immutables.Map[str, tuple[int, int]]
    """Ghost: the smallest and largest spec.replicas that each workload ever had, by key."""
    written: tuple[Change, ...]
    delivered: tuple[Delivery, ...]
    sent: tuple[Sent, ...]
    answered: tuple[Answered, ...]
    touched: dict[int, None]
    """Slots whose enabled actions must be found again before the step is over."""
    _enabled: tuple[Any, ...] | None

    def draft(self) -> State:
        """A copy for one step, with empty ghosts."""
        new = State.__new__(State)
        new.layout, new.peaks = self.layout, self.peaks
        new.api, new.streams, new.slots, new.clock = self.api, self.streams, self.slots, self.clock
        new.streams_fingerprint = self.streams_fingerprint
        new.environment = self.environment
        new.ready, new.ready_actions, new.outside = self.ready, self.ready_actions, self.outside
        new.fingerprint = self.fingerprint
        new.changed = 0
        new.written = new.delivered = new.sent = new.answered = ()
        new.touched = {}
        new._enabled = None
        return new

    def put(self, slot: int, value: Any, old: int, new: int) -> None:
        """Change one slot of a draft; old and new are the slot's fingerprints."""
        self.slots = self.slots.set(slot, value)
        self.fingerprint ^= old ^ new
        self.touched[slot] = None

    def wrote(self, change: Change) -> None:
        """Ghost: one change of the store."""
        self.written = (*self.written, change)
        entry = change.entry
        if entry is not None and change.key.startswith(("replicasets/", "deployments/")):
            replicas = entry.value.spec.replicas or 0
            low, high = self.peaks.get(change.key, (replicas, replicas))
            self.peaks = self.peaks.set(change.key, (min(low, replicas), max(high, replicas)))

    def put_stream(self, index: int, stream: Stream) -> None:
        """Change one stream of a draft."""
        before = self.streams[index].fingerprint
        self.streams = self.streams.set(index, stream)
        weight = (2 * index + 3) * 0x9E3779B97F4A7C15
        self.streams_fingerprint = (
            self.streams_fingerprint + (stream.fingerprint - before) * weight
        ) & MASK

    def enabled(self) -> tuple[Any, ...]:
        """All enabled actions: the system's in the order of the slots, then the environment's."""
        if self._enabled is None:
            self._enabled = (*chain.from_iterable(self.ready_actions), *self.outside)
        return self._enabled

    @property
    def whole_fingerprint(self) -> int:
        """64 bits for the whole state."""
        rest = (self.fingerprint ^ self.api.fingerprint) & MASK
        return mix(rest, self.streams_fingerprint ^ fingerprint_of((self.clock, self.environment)))
