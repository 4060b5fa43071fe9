"""Where everything is in the state: processes, their informers and hosts, and nodes, as slots.

Fixed for a world when its cluster is composed; the order of slots is the order of `enabled`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from kspec.values import fingerprint
from kspec_models.actions import Handle, Named, Progress, Sync
from kspec_models.host import Host, Notification, Watch

Concerns = Callable[[Notification], bool]


@attrs.frozen(eq=False)
class ProcessSlots:
    """One process. informers and hosts map a watch or host name to its slot; node is "" or a name.

    Its own slot `up` holds whether it runs. elector: the slot of the host that says whether it
    leads, or -1; starts_late: its informers start when it leads. is_server: it is an API server,
    whose informers are its watch caches.
    """

    name: str
    index: int
    node: str
    up: int
    informers: dict[Watch, int]
    hosts: dict[str, int]
    elector: int = -1
    starts_late: bool = False
    is_server: bool = False


@attrs.frozen(eq=False)
class InformerSlot:
    """actor: its process. listeners: the hosts that it tells, as (name, slot), by their number.

    filters: of each listener, what tells its concerns from the rest; None: all is its concern.
    syncs, handles: the actions of the informer, and those of each listener, by what they deliver.
    choosers: the slots of the listeners whose choices its cache alone may change.
    """

    actor: str
    process: int
    watch: Watch
    stream: int
    weight: int
    listeners: tuple[tuple[str, int], ...]
    filters: tuple[Concerns | None, ...]
    syncs: Named
    handles: tuple[Named, ...]
    choosers: tuple[int, ...]


@attrs.frozen(eq=False)
class HostSlot:
    """verb: the action type it acts by. node_state: slot of what it owns on its node, or -1.

    sources: for each watched resource its informer slot and its listener number there.
    caches: informer slot of every resource that its process watches. takes: its actions by key.
    has_choices: a key stands for several actions, which `host.choices` names from what it may read.
    lease: the Lease that it looks after, "" for other hosts. is_eager: it acts before the caches of
    its process have synced.
    """

    process: int
    host: Host
    verb: Any
    node_state: int
    topic: int
    sources: dict[str, tuple[int, int]]
    caches: dict[str, int]
    takes: Named
    has_choices: bool = False
    lease: str = ""
    is_eager: bool = False


@attrs.frozen(eq=False)
class NodeSlot:
    """State that belongs to a node: its container runtime or its dataplane."""

    node: str
    name: str
    machine: Any
    owner: int
    topic: int
    takes: Named


def _number(hosts: list[Host], host: Host) -> int:
    return [other.name for other in hosts].index(host.name)


def _has_choices(host: Host) -> bool:
    return bool(getattr(host, "has_explicit_ties", False))


@attrs.define(eq=False)
class Layout:
    """All slots and all streams; `watchers[i]` are the informer slots that follow stream i.

    servers: the names of the API servers, where there are several. homes: the one that a process
    is a client of at the start, where it is not the first. readers: the informer slots that a watch
    cache serves, by its slot. leases: the slots of the hosts that look after a Lease, by its key in
    the store.
    """

    processes: list[ProcessSlots] = attrs.field(factory=list)
    slots: list[InformerSlot | HostSlot | NodeSlot | ProcessSlots] = attrs.field(factory=list)
    streams: list[Watch] = attrs.field(factory=list)
    stream_index: dict[Watch, int] = attrs.field(factory=dict)
    watchers: list[list[int]] = attrs.field(factory=list)
    by_process: dict[str, int] = attrs.field(factory=dict)
    by_host: dict[str, int] = attrs.field(factory=dict)
    by_informer: dict[tuple[str, str], int] = attrs.field(factory=dict)
    weights: list[int] = attrs.field(factory=list)
    servers: tuple[str, ...] = ()
    homes: dict[str, str] = attrs.field(factory=dict)
    readers: dict[int, list[int]] = attrs.field(factory=dict)
    leases: dict[str, list[int]] = attrs.field(factory=dict)

    def stream(self, watch: Watch) -> int:
        """The index of the stream of a watch, made at its first use."""
        if watch not in self.stream_index:
            self.stream_index[watch] = len(self.streams)
            self.streams.append(watch)
            self.watchers.append([])
        return self.stream_index[watch]

    def add_node_state(self, node: str, name: str, machine: Any, topic: int) -> int:
        """A slot for the state of a node; its owner (kubelet or kube-proxy) comes later."""
        self.slots.append(NodeSlot(node, name, machine, -1, topic, Named(Progress, name)))
        self.by_host[name] = len(self.slots) - 1
        return len(self.slots) - 1

    def add_process(
        self,
        name: str,
        hosts: tuple[tuple[Host, Any], ...],
        *,
        node: str = "",
        node_state: int = -1,
        topic: int = 0,
        extra: tuple[Watch, ...] = (),
        starts_late: bool = False,
        is_server: bool = False,
    ) -> None:
        """A process with its hosts (each with its action type) and the informers they share."""
        up = len(self.slots)
        watches: dict[Watch, list[Host]] = {watch: [] for watch in extra}
        for host, _ in hosts:
            for watch in host.watches:
                watches.setdefault(watch, []).append(host)
        first_host = up + 1 + len(watches)
        numbers = {host.name: first_host + i for i, (host, _) in enumerate(hosts)}
        elector = next((numbers[h.name] for h, _ in hosts if getattr(h, "leads", False)), -1)
        process = ProcessSlots(
            name, len(self.processes), node, up, {}, {}, elector, starts_late, is_server
        )
        self.processes.append(process)
        self.by_process[name] = up
        self.slots.append(process)
        for watch, told in watches.items():
            self._add_informer(process, watch, told, numbers)
        for host, verb in hosts:
            self._add_host(process, host, verb, watches, node_state, topic)
        if node_state >= 0:
            owned = self.slots[node_state]
            assert isinstance(owned, NodeSlot)
            self.slots[node_state] = attrs.evolve(owned, owner=numbers[hosts[0][0].name])

    def _add_informer(
        self, process: ProcessSlots, watch: Watch, told: list[Host], numbers: dict[str, int]
    ) -> None:
        """One informer. told: the hosts that listen to it; numbers: the slots of all of them."""
        name, slot, stream = process.name, len(self.slots), self.stream(watch)
        process.informers[watch] = slot
        self.by_informer[name, watch.resource] = slot
        self.watchers[stream].append(slot)
        self.slots.append(
            InformerSlot(
                name,
                process.index,
                watch,
                stream,
                fingerprint(("weight", name, watch)) | 1,
                tuple((host.name, numbers[host.name]) for host in told),
                tuple(getattr(host, "concerns", None) for host in told),
                Named(Sync, name, watch.resource),
                tuple(Named(Handle, host.name, watch.resource) for host in told),
                tuple(numbers[host.name] for host in told if _has_choices(host)),
            )
        )

    def _add_host(
        self,
        process: ProcessSlots,
        host: Host,
        verb: Any,
        watches: dict[Watch, list[Host]],
        node_state: int,
        topic: int,
    ) -> None:
        """One host of a process. watches: who listens to each informer, in the order of numbers."""
        process.hosts[host.name] = self.by_host[host.name] = len(self.slots)
        sources = {
            watch.resource: (process.informers[watch], _number(watches[watch], host))
            for watch in host.watches
        }
        self.slots.append(
            HostSlot(
                process.index,
                host,
                verb,
                node_state,
                topic,
                sources,
                {watch.resource: slot for watch, slot in process.informers.items()},
                Named(verb, host.name),
                _has_choices(host),
                getattr(host, "lease", ""),
                getattr(host, "acts_unsynced", False),
            )
        )

    def sealed(self) -> Layout:
        """This layout with a fingerprint weight per slot, and who hangs on what."""
        for slot, place in enumerate(self.slots):
            if isinstance(place, HostSlot) and place.lease:
                self.leases.setdefault(f"leases/{place.lease}", []).append(slot)
        for server in self.servers:
            for watch, slot in self.process_named(server).informers.items():
                self.readers[slot] = [
                    informer
                    for (actor, resource), informer in self.by_informer.items()
                    if resource == watch.resource and not self.process_named(actor).is_server
                ]
        self.weights = [fingerprint(("slot", i)) | 1 for i in range(len(self.slots))]
        return self

    def process_named(self, name: str) -> ProcessSlots:
        """The process of that name."""
        process = self.slots[self.by_process[name]]
        assert isinstance(process, ProcessSlots)
        return process
