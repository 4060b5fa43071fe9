"""Which action a recorded one stands for, in a run that has left out some of what came before it.

A delivery is recorded by what it delivers up to. It may then span what the left out deliveries
would have brought; and where the object itself was written fewer times than in the recorded run, it
goes up to the last of those writes, so that one write that is left out does not stop every later
delivery of that object.
"""

from __future__ import annotations

from typing import Any

from kspec_models.actions import Handle, Sync
from kspec_models.layout import HostSlot, InformerSlot, Layout
from kspec_models.reflector import WATCHING, Informer
from kspec_models.serving import is_known
from kspec_models.state import State


def _last(items: Any, start: int, end: int, identity: str) -> int:
    """The position from `start` on of that version of an object, else of the last one below it."""
    found, (key, asked) = -1, _parted(identity)
    for position in range(start, end):
        here = items[position].identity
        if here == identity:
            return position
        name, version = _parted(here)
        if name == key and version < asked:
            found = position
    return found


def _parted(identity: str) -> tuple[str, int]:
    """An object and its version; what has none, such as a text of a broken trace, has version 0."""
    key, _, version = identity.rpartition("@")
    return (key, int(version)) if version.isdecimal() else (identity, 0)


def resolve_sync(layout: Layout, state: State, action: Sync) -> Sync | None:
    """The delivery of watch events that a recorded one stands for."""
    outside, actor = state.environment, action.actor
    slot = layout.by_informer.get((actor, action.resource), -1)
    if slot < 0 or actor in outside.paused or actor in outside.cut:
        return None
    place, informer = layout.slots[slot], state.slots[slot]
    assert isinstance(place, InformerSlot)
    if informer.status is not WATCHING:
        return None
    events = state.streams[place.stream].events
    last = _last(events.items, informer.position, events.length, action.upto)
    if last < 0 or (layout.servers and not is_known(layout, state, place, last)):
        return None
    found: Sync = place.syncs[events.items[last].identity]
    return found


def resolve_handle(layout: Layout, state: State, action: Handle) -> Handle | None:
    """The notifications of a host that a recorded delivery of them stands for."""
    place = layout.slots[layout.by_host.get(action.actor, -1)]
    if not isinstance(place, HostSlot) or place.host.name != action.actor:
        return None
    process = layout.processes[place.process].name
    if action.resource not in place.sources or process in state.environment.paused:
        return None
    source, listener = place.sources[action.resource]
    informer: Informer = state.slots[source]
    told = informer.told
    last = _last(told.items, informer.next_of(listener), told.length, action.upto)
    if last < 0:
        return None
    informers = layout.slots[source]
    assert isinstance(informers, InformerSlot)
    found: Handle = informers.handles[listener][told.items[last].identity]
    return found
