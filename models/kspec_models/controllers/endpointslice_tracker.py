"""Which generation of each EndpointSlice the controller wrote last, and what that explains.

After k8s.io/endpointslice/util/endpointslice_tracker.go and the slice handlers of
pkg/controller/endpointslice/endpointslice_controller.go at 1.36. An event that tells of an own
write needs no sync, and a cache older than an own write must not be acted upon.
"""

from __future__ import annotations

from typing import NamedTuple

from kspec.values import FingerprintedMap
from kspec_models.controllers.endpointslice_marks import is_managed, owner_key
from kspec_models.host import Notification
from kspec_models.objects import EndpointSlice

DELETION_EXPECTED = -1


class Tracked(NamedTuple):
    """What was written for one Service: the generation of each slice by uid, sorted."""

    service_uid: str = ""
    generations: tuple[tuple[str, int], ...] = ()

    def get(self, uid: str) -> int | None:
        return next((generation for known, generation in self.generations if known == uid), None)

    def set(self, uid: str, generation: int | None) -> Tracked:
        rest = tuple(item for item in self.generations if item[0] != uid)
        new = () if generation is None else ((uid, generation),)
        return self._replace(generations=tuple(sorted((*rest, *new))))


Tracker = FingerprintedMap[str, Tracked]
UNTRACKED = Tracked()


def is_stale(tracked: Tracked, slices: tuple[EndpointSlice, ...]) -> bool:
    """Whether the cache is older than a write of this controller for the Service."""
    seen = {s.uid: s.metadata.generation for s in slices}
    return any(
        uid in seen if written == DELETION_EXPECTED else seen.get(uid, -1) < written
        for uid, written in tracked.generations
    )


def _should_sync(memory: Tracker, obj: EndpointSlice) -> bool:
    written = memory.get(owner_key(obj), UNTRACKED).get(obj.uid)
    return written is None or obj.metadata.generation > written


def may_concern_slices(event: Notification) -> bool:
    """Whether an event of a slice can matter: it is managed, was, or has moved to a Service."""
    slices = [entry.value for entry in (event.old, event.new) if entry is not None]
    return any(map(is_managed, slices)) or len(set(map(owner_key, slices))) > 1


def handle_slice(memory: Tracker, event: Notification) -> tuple[Tracker, tuple[str, ...]]:
    """Enqueue the owning Service unless the event tells of an own write."""
    old: EndpointSlice | None = event.old.value if event.old else None
    new: EndpointSlice | None = event.new.value if event.new else None
    if new is None:
        assert old is not None
        return _handle_deleted_slice(memory, old)
    key = owner_key(new)
    if old is not None and owner_key(old) != key:
        return memory, tuple(k for k in (key, owner_key(old)) if k)
    moved = old is not None and is_managed(old) != is_managed(new)
    relevant = moved or (is_managed(new) and _should_sync(memory, new))
    return memory, (key,) if relevant and key else ()


def _handle_deleted_slice(memory: Tracker, old: EndpointSlice) -> tuple[Tracker, tuple[str, ...]]:
    key = owner_key(old)
    tracked = memory.get(key, UNTRACKED)
    written = tracked.get(old.uid)
    if not is_managed(old) or written is None:
        return memory, ()
    memory = memory.set(key, tracked.set(old.uid, None))
    return memory, () if written == DELETION_EXPECTED else (key,)
