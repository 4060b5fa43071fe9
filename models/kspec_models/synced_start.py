"""The state in which a world starts: all is created, every cache synced, nothing yet done.

Processes that have to be elected start with their election over: the first of them leads.
"""

from __future__ import annotations

from typing import Any

from kspec.values import FingerprintedMap
from kspec_models.components import Components
from kspec_models.host import Notification, Watch
from kspec_models.host_state import HostState
from kspec_models.layout import HostSlot, InformerSlot, Layout, NodeSlot, ProcessSlots
from kspec_models.reflector import WATCHING, Informer
from kspec_models.state import Environment, State, started
from kspec_models.steps import Steps
from kspec_models.streams import Stream


class SyncedStart:
    """Makes the first state of one cluster, still without its enabled actions."""

    def __init__(self, components: Components, layout: Layout, steps: Steps) -> None:
        self.components, self.layout, self.steps = components, layout, steps

    def state(self, budget: FingerprintedMap[str, int]) -> State:
        """All objects created, every cache synced, every handler called."""
        api, layout = self.components.initial_api(), self.layout
        t = started(layout, api, self.components.clock, Environment(budget))
        t.streams = [Stream(watch, self._base(t, watch)) for watch in layout.streams]
        t.slots = [self._initial_slot(t, place) for place in layout.slots]
        for place in layout.slots:
            if isinstance(place, InformerSlot) and not self._waits(t, place):
                stream = t.streams[place.stream]
                t.put_stream(place.stream, stream.moved(place.weight, None, 0))
        for slot in range(len(layout.slots)):
            t.fingerprint += slot_fingerprint(layout, slot, t.slots[slot])
            t.touched[slot] = None
        self._call_handlers(t)
        for process in layout.processes:
            if process.elector >= 0:
                self.steps.note_idle(t, process.index)
        return t

    def _base(self, t: State, watch: Watch) -> Any:
        whole = t.api.store.bucket(watch.resource)
        return self.components.selected(whole, watch) if watch.node else whole

    def _initial_slot(self, t: State, place: Any) -> Any:
        if isinstance(place, ProcessSlots):
            return True
        if isinstance(place, NodeSlot):
            return self.components.node_state(place, t.api)
        if isinstance(place, HostSlot) and place.lease:
            return HostState(place.host.synced(t.api.store.get(f"leases/{place.lease}")))  # type: ignore[attr-defined]
        if isinstance(place, HostSlot):
            node = self.layout.slots[place.node_state] if place.node_state >= 0 else None
            own = self.components.node_state(node, t.api) if isinstance(node, NodeSlot) else None
            return HostState(place.host.initial(own))
        if self._waits(t, place):
            return Informer()
        stream: Stream = t.streams[place.stream]
        cache = stream.base
        ghost = Informer().ghost.update({entry.key: entry for entry in cache.entries()})
        return Informer().evolve(
            status=WATCHING,
            cache=cache,
            target=cache,
            synced=True,
            ghost=ghost,
            resume=t.api.store.revision,
            listed_at=t.api.store.revision,
        )

    def _waits(self, t: State, place: InformerSlot) -> bool:
        """Whether an informer waits until its process leads."""
        process = self.layout.processes[place.process]
        elector = self.layout.slots[process.elector]
        if not process.starts_late or process.elector < 0 or not isinstance(elector, HostSlot):
            return False
        entry = t.api.store.get(f"leases/{elector.lease}")
        return not elector.host.synced(entry).is_leading  # type: ignore[attr-defined]

    def _call_handlers(self, t: State) -> None:
        for place in self.layout.slots:
            if isinstance(place, InformerSlot) and not self._waits(t, place):
                resource = place.watch.resource
                for entry in t.streams[place.stream].base.entries():
                    event = Notification(resource, None, entry, t.api.store.revision)
                    for listener, (_, slot) in enumerate(place.listeners):
                        concerns = place.filters[listener]
                        if concerns is None or concerns(event):
                            self._call_handler(t, slot, event)

    def _call_handler(self, t: State, slot: int, event: Notification) -> None:
        place = self.layout.slots[slot]
        assert isinstance(place, HostSlot)
        host: HostState = t.slots[slot]
        memory = place.host.handle(host.memory, event, self.steps.view(t, place))
        self.steps.put_host(t, slot, place, HostState(memory, host.calls))


def slot_fingerprint(layout: Layout, slot: int, value: Any) -> int:
    """What the value of a slot adds to the fingerprint of a state."""
    own = int(value) if isinstance(value, bool) else value.fingerprint
    return int(own * layout.weights[slot])
