"""The effects of deliveries on a draft of the next state: what informers and event handlers do.

Every function takes a draft that only it holds, checks its guard (raising NotEnabled) and changes
the draft.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from kspec.errors import NotEnabled
from kspec_models import actions, processes
from kspec_models.apiserver.server import ApiServer
from kspec_models.host import View
from kspec_models.host_state import HostState
from kspec_models.layout import HostSlot, InformerSlot, Layout, ProcessSlots
from kspec_models.reflector import (
    DISCONNECTED,
    HAS_POSITION,
    LISTING,
    REPLACING,
    WATCHING,
    Behind,
    Informer,
    Reflector,
)
from kspec_models.serving import is_caught_up, is_known, known_revision, position_at
from kspec_models.state import BIT, Delivery, State
from kspec_models.store import Snapshot

_DELIVERIES: Final = BIT["deliveries"]


class Caches:
    """The informer caches of one process by resource, read from a state."""

    __slots__ = ("_index", "_slots")

    def __init__(self, slots: Any, index: dict[str, int]) -> None:
        self._slots, self._index = slots, index

    def __getitem__(self, resource: str) -> Snapshot:
        cache: Snapshot = self._slots[self._index[resource]].cache
        return cache

    def __contains__(self, resource: object) -> bool:
        return resource in self._index

    def revision(self, resource: str) -> int:
        """The revision of the last event or list that the informer has received."""
        found: int = self._slots[self._index[resource]].resume
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._index)

    def __len__(self) -> int:
        return len(self._index)

    def get(self, resource: str, default: Any = None) -> Any:
        return self[resource] if resource in self._index else default


def pending(events: Any, start: int, identity: str) -> int:
    """The position at or after `start` of what a trace calls `identity`; -1 if it is not there."""
    items = events.items
    for position in range(start, events.length):
        if items[position].identity == identity:
            return position
    return -1


def _next_concern(informer: Informer, concerns: Any, start: int) -> int:
    """The position at or after `start` of the next notification that is a listener's concern."""
    told = informer.told
    if concerns is not None:
        items = told.items
        while start < told.length and not concerns(items[start].notification):
            start += 1
    return start


class Informing:
    """The effects of deliveries, over one layout and one set of components."""

    def __init__(
        self,
        layout: Layout,
        api_server: ApiServer,
        reflector: Reflector,
        *,
        fuse: bool,
        lists_are_stale: bool = True,
    ) -> None:
        self.layout, self.api_server, self.reflector = layout, api_server, reflector
        self.fuse, self.lists_are_stale = fuse, lists_are_stale
        """Granularity `reconcile`: handlers run with the delivery, writes with the reconcile.

        The other: first lists are asked for at resourceVersion 0.
        """

    # informers

    def informer(self, actor: str, resource: str) -> tuple[int, InformerSlot]:
        slot = self.layout.by_informer.get((actor, resource))
        if slot is None:
            raise NotEnabled(f"{actor} watches no {resource}")
        place = self.layout.slots[slot]
        assert isinstance(place, InformerSlot)
        return slot, place

    def reached(self, t: State, action: Any) -> tuple[int, InformerSlot]:
        """The informer that an action names, where its process runs and is not cut off."""
        self.going(t, action.actor)
        if action.actor in t.environment.cut:
            raise NotEnabled(f"{action.actor} is cut off")
        return self.informer(action.actor, action.resource)

    def going(self, t: State, process: str) -> None:
        """Raises NotEnabled where a process stands still."""
        if process in t.environment.paused:
            raise NotEnabled(f"{process} is paused")

    def sync(self, t: State, action: actions.Sync) -> None:
        slot, place = self.reached(t, action)
        old: Informer = t.slots[slot]
        stream = t.streams[place.stream]
        last = pending(stream.events, old.position, action.upto) if old.status is WATCHING else -1
        if last < 0 or (self.layout.servers and not is_known(self.layout, t, place, last)):
            raise NotEnabled(actions.encode(action))
        for _ in range(old.position, last + 1):
            received = self.reflector.receive(t.slots[slot], stream)
            self.put_informer(t, slot, place, received)
            stream = t.streams[place.stream]
        if self.fuse:
            self._handle_all(t, slot, place)

    def list(self, t: State, action: actions.List, behind: int = 0) -> None:
        """A list at the newest revision, or `behind` events of its stream earlier."""
        slot, place = self.reached(t, action)
        old: Informer = t.slots[slot]
        stream = t.streams[place.stream]
        position = len(stream.events) - behind
        if old.status is not LISTING or position < 0 or not self.may_list(t, slot, place):
            raise NotEnabled(actions.encode(action))
        revision = t.api.store.revision
        if behind:
            revision = stream.events[position - 1].revision if position else 0
        elif self.layout.servers and not old.resume and self.lists_are_stale:
            revision = known_revision(self.layout, t, place)
            position = position_at(stream, revision)
        new = self.reflector.listed(old, stream, position, revision)
        self.put_informer(t, slot, place, new)
        while (self.fuse or self.reflector.atomic) and t.slots[slot].status is REPLACING:
            informer = t.slots[slot]
            popped = self.reflector.popped(informer, place.watch.resource, informer.remaining[0])
            self.put_informer(t, slot, place, popped)
        if self.fuse:
            self._handle_all(t, slot, place)

    def may_list(self, t: State, slot: int, place: InformerSlot) -> bool:
        """A first list by WatchList waits until its server knows everything."""
        if not self.layout.servers or self.lists_are_stale or t.slots[slot].resume:
            return True
        return is_caught_up(self.layout, t, place)

    def pop(self, t: State, action: actions.Pop) -> None:
        self.going(t, action.actor)
        slot, place = self.informer(action.actor, action.resource)
        old: Informer = t.slots[slot]
        if old.status is not REPLACING or old.remaining[0].partition("/")[2] != action.key:
            raise NotEnabled(actions.encode(action))
        popped = self.reflector.popped(old, action.resource, old.remaining[0])
        if popped.status is WATCHING and action.actor in t.environment.cut:
            popped = self.reflector.disconnected(popped)
        self.put_informer(t, slot, place, popped)

    def rewatch(self, t: State, action: actions.Rewatch) -> None:
        slot, place = self.reached(t, action)
        old: Informer = t.slots[slot]
        if old.status is not DISCONNECTED:
            raise NotEnabled(actions.encode(action))
        self.put_informer(t, slot, place, self.reflector.resumed(old, t.api.store.compacted))

    def put_informer(self, t: State, slot: int, place: InformerSlot, new: Informer) -> None:
        """Change an informer, and with it its place in its stream and what it was told."""
        old: Informer = t.slots[slot]
        before = old.position if old.status in HAS_POSITION else None
        after = new.position if new.status in HAS_POSITION else None
        if before != after:
            stream = t.streams[place.stream]
            if before is not None and after == before + 1:
                t.put_stream(place.stream, stream.passed(place.weight, before))
            else:
                t.put_stream(place.stream, stream.moved(place.weight, before, after))
        if new.told.length > old.told.length:
            self._tell(t, slot, place, old, new)
            behind = self._concerned(place, new, old.told.length)
            if behind is not new.behind:
                new = new.left_with(behind)
        t.put(slot, new, new.fingerprint - old.fingerprint)
        if new.cache is not old.cache:
            self._offer_again(t, place)
        if new.synced is not old.synced:
            self.note_idle(t, place.process)
        if self.layout.servers:
            for reader in self.layout.readers.get(slot, ()):
                t.touched[reader] = None

    def _concerned(self, place: InformerSlot, informer: Informer, start: int) -> Behind:
        """Who still has to take what, after the notifications from `start` on were told."""
        behind = informer.behind
        late = [listener for listener, _ in behind]
        for listener, concerns in enumerate(place.filters):
            if listener not in late:
                position = _next_concern(informer, concerns, start)
                if position < informer.told.length:
                    behind = (*behind, (listener, position))
        return tuple(sorted(behind)) if late and behind is not informer.behind else behind

    def _offer_again(self, t: State, place: InformerSlot) -> None:
        """A cache alone may change what its listeners have to choose from."""
        for slot in place.choosers:
            t.touched[slot] = None

    def note_idle(self, t: State, index: int) -> None:
        """Note whether the hosts of a process may act: it goes and leads, its informers synced."""
        process, slots = self.layout.processes[index], t.slots
        if self._goes(t, process) and all(slots[s].synced for s in process.informers.values()):
            t.idle -= {index}
        else:
            t.idle |= {index}
        for host in process.hosts.values():
            t.touched[host] = None

    def _goes(self, t: State, process: ProcessSlots) -> bool:
        """Whether a process runs, is not paused, and leads where only a leader may act."""
        if not t.slots[process.up] or process.name in t.environment.paused:
            return False
        return processes.leads(t, process)

    def may_act(self, t: State, place: HostSlot) -> bool:
        """Whether a host may take a key: electors need not lead, nor eager hosts be synced."""
        if place.process not in t.idle:
            return True
        process = self.layout.processes[place.process]
        if place.lease:
            return t.slots[process.up] and process.name not in t.environment.paused
        return place.is_eager and self._goes(t, process)

    def _tell(self, t: State, slot: int, place: InformerSlot, old: Informer, new: Informer) -> None:
        process = self.layout.processes[place.process].name
        ghost, items = old.ghost, new.told.items
        for position in range(old.told.length, new.told.length):
            notification = items[position].notification
            t.delivered = (*t.delivered, Delivery(process, slot, notification))
            entry = notification.new if notification.new is not None else notification.old
            assert entry is not None
            if notification.new is not None:
                ghost = ghost.set(entry.key, notification.new)
            elif entry.key in ghost:
                ghost = ghost.delete(entry.key)
        new.ghost = ghost
        t.changed |= _DELIVERIES

    # event handlers

    def handle(self, t: State, action: actions.Handle) -> None:
        slot, place = self.host(action)
        self.going(t, self.layout.processes[place.process].name)
        if action.resource not in place.sources:
            raise NotEnabled(f"{action.actor} watches no {action.resource}")
        source, listener = place.sources[action.resource]
        informer: Informer = t.slots[source]
        last = pending(informer.told, informer.next_of(listener), action.upto)
        if last < 0:
            raise NotEnabled(actions.encode(action))
        while t.slots[source].next_of(listener) <= last:
            self._handle_one(t, slot, place, source, listener)

    def _handle_all(self, t: State, slot: int, place: InformerSlot) -> None:
        for listener, _ in t.slots[slot].behind:
            _, host = place.listeners[listener]
            host_place = self.layout.slots[host]
            assert isinstance(host_place, HostSlot)
            while t.slots[slot].pending(listener):
                self._handle_one(t, host, host_place, slot, listener)

    def _handle_one(self, t: State, slot: int, place: HostSlot, source: int, listener: int) -> None:
        informer: Informer = t.slots[source]
        position = informer.next_of(listener)
        told = informer.told.items[position]
        concerns = self.layout.slots[source].filters[listener]  # type: ignore[union-attr]
        new = informer.taken(listener, _next_concern(informer, concerns, position + 1))
        t.put(source, new, new.fingerprint - informer.fingerprint)
        host: HostState = t.slots[slot]
        memory = place.host.handle(host.memory, told.notification, self.view(t, place))
        if memory is not host.memory:
            self.put_host(t, slot, place, HostState(memory, host.calls))
        elif place.has_choices:
            t.touched[slot] = None  # a cache alone may change what there is to choose

    # hosts

    def host(self, action: Any) -> tuple[int, HostSlot]:
        """The slot of the host that an action names; raises NotEnabled if there is none."""
        slot = self.layout.by_host.get(action.actor, -1)
        place = self.layout.slots[slot]
        if slot < 0 or not isinstance(place, HostSlot):
            raise NotEnabled(f"{action.actor} is no host")
        return slot, place

    def view(self, t: State, place: HostSlot) -> View:
        """What a host may read in this state."""
        node = t.slots[place.node_state] if place.node_state >= 0 else None
        return View(Caches(t.slots, place.caches), t.clock, node)  # type: ignore[arg-type]

    def put_host(self, t: State, slot: int, place: HostSlot, new: HostState | None) -> None:
        """Change a host's memory and calls; None while its process is down."""
        old = t.slots[slot]
        before = old.fingerprint if old is not None else 0
        t.put(slot, new, (new.fingerprint if new is not None else 0) - before)
        t.changed |= place.topic

    def put_node(self, t: State, slot: int, new: Any) -> None:
        """Change the state that belongs to a node."""
        t.put(slot, new, new.fingerprint - t.slots[slot].fingerprint)
        t.changed |= self.layout.slots[slot].topic  # type: ignore[union-attr]
