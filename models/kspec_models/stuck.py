"""Why a behaviour ends: what waits with no event to come, and which caches are wrong for good."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from kspec_models.host_state import HostState
from kspec_models.layout import HostSlot, InformerSlot, Layout, ProcessSlots
from kspec_models.reflector import DOWN, WATCHING, Informer
from kspec_models.state import State

_LINES: Final = (
    ("active", "among the pods to try now"),
    ("backoff", "in its backoff queue"),
    ("error_backoff", "in its backoff queue"),
    ("unschedulable", "among its unschedulable pods"),
    ("gated", "among its gated pods"),
)


AT_REST: Final = (
    "Nobody will act again: every watch is up to date and handled, no queue holds a key that is "
    "due, no request is under way and no deadline is set."
)


class Stuck(NamedTuple):
    """reasons: whole sentences, the most telling first. marks: the same without a world's names."""

    reasons: tuple[str, ...]
    marks: tuple[str, ...]


def stuck(layout: Layout, state: State, witness: str) -> Stuck:
    """Everything that holds up the objects that the witness names."""
    keys = keys_in(state, witness)
    found = [*_wrong_caches(layout, state), *_waiting(layout, state, keys)]
    if _is_at_rest(layout, state):
        found.append((AT_REST, ""))
    marks = tuple(dict.fromkeys(mark for _, mark in found if mark))
    return Stuck(tuple(reason for reason, _ in found), marks)


def keys_in(state: State, text: str) -> tuple[str, ...]:
    """The objects of the store that a text names, as namespace/name."""
    words = dict.fromkeys(re.findall(r"[\w./-]*\w", text))
    keys = {
        entry.key.partition("/")[2]
        for _, bucket in sorted(state.api.store.buckets.items())
        for entry in bucket.entries()
    }
    return tuple(word for word in words if word in keys)


def _wrong_caches(layout: Layout, state: State) -> Iterator[tuple[str, str]]:
    """Caches that differ from the store though their watch has nothing left to tell."""
    for place in layout.slots:
        if not isinstance(place, InformerSlot):
            continue
        informer: Informer = state.slots[layout.by_informer[place.actor, place.watch.resource]]
        stream = state.streams[place.stream]
        newest = stream.snapshot(stream.events.length)
        if informer.status is not WATCHING or informer.position != stream.events.length:
            continue
        for key in dict.fromkeys(e.key for e in (*informer.cache.entries(), *newest.entries())):
            old, new = informer.cache.get(key), newest.get(key)
            if old != new:
                name, resource = key.partition("/")[2], place.watch.resource
                has = f"{name}@{old.version}" if old is not None else f"no {name}"
                is_now = f"{name}@{new.version}" if new is not None else "it no more"
                yield (
                    f"The cache of {resource} of {place.actor} has {has} for good: the store has "
                    f"{is_now}, and the watch has no more to tell.",
                    f"wrong cache of {resource} in {role(place.actor)}",
                )
                break


def role(name: str) -> str:
    """A process or host without the names of a world."""
    return re.sub(r"-\d+$", "", name.partition("/")[0])


def _waiting(layout: Layout, state: State, keys: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Where hosts keep the objects of these keys, waiting for what does not come."""
    for slot, place in enumerate(layout.slots):
        host: HostState | None = state.slots[slot] if isinstance(place, HostSlot) else None
        if host is None or not isinstance(place, HostSlot):
            continue
        queue: Any = getattr(host.memory, "queue", None)
        for line, where in _LINES:
            waiting: Any = getattr(queue, line, None)
            for key in keys if waiting is not None else ():
                if waiting.get(key) is not None:
                    yield (
                        f"Host {place.host.name} keeps {key} {where}.",
                        f"{role(place.host.name)} {line}",
                    )
        yield from _expecting(place, host, keys)


def _expecting(
    place: HostSlot, host: HostState, keys: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    """Controllers that wait to see writes of their own."""
    expectations: Any = getattr(getattr(host.memory, "own", None), "expectations", None)
    by_key: Any = getattr(expectations, "of", None)
    for key in keys if by_key is not None else ():
        expected = by_key.get(key)
        if expected is not None and not expected.is_fulfilled:
            yield (
                f"Host {place.host.name} still expects to see writes of its own for {key}.",
                f"{role(place.host.name)} expectations",
            )


def _is_at_rest(layout: Layout, state: State) -> bool:
    """Is all of `AT_REST` true?"""
    places = zip(layout.slots, state.slots, strict=True)
    return not state.system and not any(_is_busy(state, place, value) for place, value in places)


def _is_busy(state: State, place: Any, value: Any) -> bool:
    """Has this slot something left to do, to receive or to wait for?"""
    if isinstance(place, InformerSlot):
        if value.status is DOWN:
            return False
        is_behind = value.position != state.streams[place.stream].events.length
        return value.status is not WATCHING or is_behind or bool(value.behind)
    if isinstance(place, ProcessSlots):
        return not value
    if isinstance(place, HostSlot) and value is not None:
        return bool(value.calls) or place.host.deadline(value.memory) is not None
    return False
