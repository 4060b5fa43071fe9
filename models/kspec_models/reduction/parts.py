"""A state in parts, and what of each part can still matter: the marks of granularity `fused`.

A mark leaves out what nobody can tell any more:

* hosts that sleep in the world, and processes of nothing but such hosts (`sleeping`);
* for a scheduler, what it has been told of a bound pod besides its spec and metadata, and the
  events that differ in nothing else: its cache drops them, and no cycle reads them;
* for a kubelet, the events of its own status writes and of older ones, which were answered: they
  enqueue nothing, and a worker reads its own report in their place; and the order of its work
  queue, whose workers are independent of each other.

The events that this makes equal are called inert. That is kept to the stock classes and to worlds
without faults, where nothing is listed again; elsewhere a mark tells everything apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from kspec.values import MASK, combined, fingerprint_of, mix
from kspec_models.host import Watch
from kspec_models.host_state import HostState
from kspec_models.kubelet import Kubelet
from kspec_models.layout import HostSlot, InformerSlot, Layout, ProcessSlots
from kspec_models.reflector import HAS_POSITION, Informer
from kspec_models.scheduler.events import is_of_interest, pod_events
from kspec_models.scheduler.handlers import Handlers, is_terminal
from kspec_models.scheduler.nodeinfo import cached
from kspec_models.scheduler.scheduler import Scheduler
from kspec_models.state import State
from kspec_models.store import Entry
from kspec_models.streams import Stream

_MAX_MARKS = 200_000

Pair = tuple[Entry | None, Entry | None]


class Watching(NamedTuple):
    """One informer: its cache and the events that it has not received, as (old, new).

    cache_mark: the fingerprint of the cache as it stands, 0 where it was renamed.
    """

    watch: Watch
    told: tuple[Any, ...]
    cache: tuple[Entry, ...]
    cache_mark: int
    unseen: tuple[Pair, ...]


class Part(NamedTuple):
    """One process: its name, the states of its hosts that do not sleep, and its informers."""

    name: str
    hosts: tuple[HostState | bool | None, ...]
    watching: tuple[Watching, ...]


Reader = Callable[[Entry | None, Any], int]
"""What a host may still tell of an entry, as a fingerprint; 0 for nothing."""


def whole(entry: Entry | None, memory: Any) -> int:
    return entry.fingerprint if entry is not None else 0


def _told_to_scheduler(entry: Entry) -> int:
    pod = entry.value
    if is_terminal(pod):
        return 0
    shown = cached(pod) if pod.spec.node_name else pod
    return mix(fingerprint_of(entry.key), shown.fingerprint)


_scheduler_views: dict[int, int] = {}
"""What schedulers are told of pods, by the fingerprint of the entry; a full table starts afresh."""


def _of_scheduler(entry: Entry | None, memory: Any) -> int:
    if entry is None:
        return 0
    known = _scheduler_views.get(entry.fingerprint)
    if known is None:
        if len(_scheduler_views) >= _MAX_MARKS:
            _scheduler_views.clear()
        is_pod = entry.key.startswith("pods/")
        known = _told_to_scheduler(entry) if is_pod else entry.fingerprint
        _scheduler_views[entry.fingerprint] = known
    return known


def _of_kubelet(entry: Entry | None, memory: Any) -> int:
    if entry is None or not entry.key.startswith("pods/"):
        return whole(entry, memory)
    worker = memory.workers.get(entry.value.uid)
    if worker is None or entry.version > worker.version:
        return entry.fingerprint
    pod = entry.value
    return mix(fingerprint_of(entry.key), mix(pod.metadata.fingerprint, pod.spec.fingerprint))


def reader_of(layout: Layout, process: ProcessSlots, *, has_faults: bool) -> Reader:
    """How the only host of a process reads entries; the whole of them for all but stock hosts."""
    if has_faults or len(process.hosts) != 1:
        return whole
    (slot,) = process.hosts.values()
    place = layout.slots[slot]
    assert isinstance(place, HostSlot)
    host: Any = place.host
    if type(host) is Kubelet:
        return _of_kubelet
    is_stock = type(host) is Scheduler and type(host.handlers) is Handlers
    if is_stock and host.hints is not None and not host.may_preempt:
        return _of_scheduler
    return whole


def _is_inert(reader: Reader, host: Any, memory: Any, old: Entry, new: Entry) -> bool:
    before, after = reader(old, memory), reader(new, memory)
    if not before or before != after:
        return False
    if reader is _of_scheduler and new.key.startswith("pods/"):
        if not new.value.spec.node_name:
            return False
        events = pod_events(old.value, new.value)
        return not any(is_of_interest(host.hints, event) for event in events)
    return True


def unseen(stream: Stream, informer: Informer) -> tuple[Pair, ...]:
    """The events that an informer has not received."""
    if informer.status not in HAS_POSITION:
        return ()
    events = stream.events.items[informer.position : stream.events.length]
    return tuple((event.old, event.new) for event in events)


class Parts:
    """Takes states of one world apart. asleep: the slots of hosts that never do anything."""

    def __init__(self, layout: Layout, asleep: frozenset[int], *, has_faults: bool) -> None:
        self.layout, self.asleep = layout, asleep
        self.awake = tuple(
            p for p in layout.processes if any(slot not in asleep for slot in p.hosts.values())
        )
        self.readers = {
            p.index: reader_of(layout, p, has_faults=has_faults) for p in layout.processes
        }
        self._hosts = {
            p.index: tuple(slot for slot in p.hosts.values() if slot not in asleep)
            for p in layout.processes
        }
        self._informers = [list(self._sources(process)) for process in layout.processes]
        self._marks: dict[tuple[int, int], int] = {}
        self._inert: dict[tuple[int, int], bool] = {}
        self._caches: dict[int, int] = {}

    def _sources(self, process: ProcessSlots) -> Iterator[tuple[int, int, int]]:
        """The slot of each informer of a process, the number of its stream, and its weight."""
        for slot in process.informers.values():
            place = self.layout.slots[slot]
            assert isinstance(place, InformerSlot)
            yield slot, place.stream, place.weight

    def is_inert(
        self, reader: Reader, host: Any, memory: Any, old: Entry | None, new: Entry | None
    ) -> bool:
        """Whether an event changes nothing for a host that reads entries like that.

        For a scheduler that hangs on the event alone, and is remembered.
        """
        if reader is whole or old is None or new is None:
            return False
        if reader is not _of_scheduler:
            return _is_inert(reader, host, memory, old, new)
        event = (old.fingerprint, new.fingerprint)
        known = self._inert.get(event)
        if known is None:
            if len(self._inert) >= _MAX_MARKS:
                self._inert.clear()
            known = self._inert[event] = _is_inert(reader, host, memory, old, new)
        return known

    def _seen(self, reader: Reader, memory: Any, cache: tuple[Entry, ...], mark: int) -> int:
        """What a host may still tell of a cache; remembered where its memory does not matter."""
        if reader is not _of_scheduler or not mark:
            return sum(reader(entry, memory) for entry in cache) & MASK
        known = self._caches.get(mark)
        if known is None:
            if len(self._caches) >= _MAX_MARKS:
                self._caches.clear()
            known = sum(reader(entry, memory) for entry in cache) & MASK
            self._caches[mark] = known
        return known

    def host(self, process: ProcessSlots) -> Any:
        """The host of a process that has one."""
        place = self.layout.slots[next(iter(process.hosts.values()))]
        assert isinstance(place, HostSlot)
        return place.host

    def raw(self, state: State, process: ProcessSlots) -> int:
        """A fingerprint of everything in one process, with what its informers have not seen."""
        slots, streams, weights = state.slots, state.streams, self.layout.weights
        total = int(slots[process.up])
        for slot in self._hosts[process.index]:
            value = slots[slot]
            total += value.fingerprint * weights[slot] if value is not None else 0
        for slot, number, weight in self._informers[process.index]:
            informer = slots[slot]
            total += informer.fingerprint * weights[slot]
            if informer.status in HAS_POSITION:
                stream = streams[number]
                if informer.position != stream.events.length:  # else the hash is 0
                    total += stream.hash_since(informer.position) * weight
        return total & MASK

    def reach(self, state: State, process: ProcessSlots) -> int:
        """A fingerprint of the objects that the requests of a process can be about next.

        Of a kubelet the pods of its node, of a scheduler the pods that it has queued and those that
        are not bound, of any other process everything.
        """
        reader, pods = self.readers[process.index], state.api.store.bucket("pods")
        if reader is _of_kubelet:
            found = pods.indexed(f"node/{process.node}")
        elif reader is _of_scheduler:
            (slot,) = process.hosts.values()
            queued = state.slots[slot].memory.queue
            found = tuple(
                entry
                for entry in pods.entries()
                if not entry.value.spec.node_name or queued.get(entry.value.key) is not None
            )
        else:
            return state.api.fingerprint
        return sum(entry.fingerprint for entry in found) & MASK

    def part(self, state: State, process: ProcessSlots) -> Part:
        """One process of a state."""
        watching = []
        for watch, slot in process.informers.items():
            informer: Informer = state.slots[slot]
            place = self.layout.slots[slot]
            assert isinstance(place, InformerSlot)
            told = (informer.status, informer.remaining, informer.synced)
            cache, stream = informer.cache.entries(), state.streams[place.stream]
            mark = informer.cache.fingerprint
            watching.append(Watching(watch, told, cache, mark, unseen(stream, informer)))
        hosts = tuple(state.slots[slot] for slot in self._hosts[process.index])
        return Part(process.name, (bool(state.slots[process.up]), *hosts), tuple(watching))

    def mark(self, state: State, process: ProcessSlots) -> int:
        """A fingerprint of what of a process can still matter."""
        reader = self.readers[process.index]
        raw = self.raw(state, process)
        if reader is whole:
            return raw
        known = self._marks.get((process.index, raw))
        if known is None:
            if len(self._marks) >= _MAX_MARKS:
                self._marks.clear()
            part = self.part(state, process)
            known = self._marks[process.index, raw] = self.mark_of(part, process.index)
        return known

    def mark_of(self, part: Part, index: int) -> int:
        """The same of a part: `index` is that of a process that reads alike."""
        reader, host = self.readers[index], self.host(self.layout.processes[index])
        memory = next((h.memory for h in part.hosts if isinstance(h, HostState)), None)
        total = len(part.hosts)
        for value in part.hosts:
            own = value.fingerprint if isinstance(value, HostState) else int(bool(value))
            total = mix(total, own)
        if reader is _of_kubelet and memory is not None:
            total = _of_kubelet_memory(memory)
        for watch, told, cache, cache_mark, pairs in part.watching:
            seen = self._seen(reader, memory, cache, cache_mark)
            total = mix(mix(total, fingerprint_of(watch)), mix(seen, fingerprint_of(told)))
            for old, new in pairs:
                if not self.is_inert(reader, host, memory, old, new):
                    total = mix(mix(total, reader(old, memory)), _new(reader, memory, new))
        return total


def _new(reader: Reader, memory: Any, new: Entry | None) -> int:
    return reader(new, memory) if new is not None else 1


def _of_kubelet_memory(memory: Any) -> int:
    queue = memory.queue._replace(ready=tuple(sorted(memory.queue.ready)))
    return combined(memory._replace(queue=queue))
