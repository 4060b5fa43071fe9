"""What the store, the API server and the watches promise."""

from __future__ import annotations

from kspec.logic import HOLDS, Verdict, fails
from kspec.property import eventually_stable, sometimes, transition
from kspec_models.reflector import WATCHING
from kspec_models.requests import Bind, Delete, Patch, Update
from kspec_models.state import Delivery, Sent, State
from kspec_models.store import Entry
from kspec_properties.faults import all_but
from kspec_properties.reading import informers


def _shown(state: State, slot: int, entry: Entry | None) -> Entry | None:
    """The entry as the watch of an informer slot shows it."""
    if entry is None:
        return None
    watch = state.layout.slots[slot].watch
    if not watch.node:
        return entry
    value = entry.value
    node = value.spec.node_name if watch.resource == "pods" else value.name
    return entry if node == watch.node else None


def _is_in_order(before: State, after: State, delivery: Delivery, last: Entry | None) -> Verdict:
    informer = before.slots[delivery.slot]
    if informer.status is not WATCHING:
        return _accounts_for(after, delivery)
    note = delivery.notification
    history = after.api.store.history
    change = history[note.revision - history[0].revision]
    previous, entry = change.previous, change.entry
    if after.layout.slots[delivery.slot].watch.node:
        previous = _shown(after, delivery.slot, previous)
        entry = _shown(after, delivery.slot, entry)
    told = note.new if note.new is not None else note.old
    if entry is not note.new or told is None or told.key != change.key:
        return fails(f"{_where(after, delivery)}: revision {note.revision} was never so", "order")
    if last is previous:
        return HOLDS
    kind = "twice" if last is not None and last.mod_revision >= note.revision else "missing"
    due = f"told version {_version(last)} before, the store has {_version(previous)} there"
    return fails(f"{_where(after, delivery)}: {due}", kind)


def _where(state: State, delivery: Delivery) -> str:
    watch = state.layout.slots[delivery.slot].watch
    return f"{delivery.process}, {watch.resource} {delivery.notification.key}"


def _accounts_for(after: State, delivery: Delivery) -> Verdict:
    """A key of a Replace is told as it is in the list, or as gone if it is not there."""
    informer = after.slots[delivery.slot]
    note = delivery.notification
    entry = note.new if note.new is not None else note.old
    assert entry is not None
    if informer.target.get(entry.key) != note.new:
        return fails(f"{_where(after, delivery)}: told of what the list does not have", "list")
    return HOLDS


def _version(entry: Entry | None) -> str:
    return str(entry.version) if entry is not None else "none"


@transition(
    reads=("deliveries",),
    source="https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes",
    faults=all_but(),
    companion="an-event-is-delivered",
    mutants=("watch-skips-an-event", "watch-resumes-one-early", "replace-forgets-deletions"),
)
def watch_order(before: State, after: State) -> Verdict:
    """Each watcher is told of a key's changes in the store's order, none twice and none missing.

    Judged on the recorded deliveries, between two relists. A relist is announced, and its Replace
    accounts for every key, those that only the old cache knew included.
    """
    told: dict[tuple[int, str], Entry | None] = {}
    for delivery in after.delivered:
        note = delivery.notification
        entry = note.new if note.new is not None else note.old
        assert entry is not None
        place = (delivery.slot, entry.key)
        last = told[place] if place in told else before.slots[delivery.slot].ghost.get(entry.key)
        verdict = _is_in_order(before, after, delivery, last)
        if not verdict.holds:
            return verdict
        told[place] = note.new
    return _is_replaced(before, after)


def _is_replaced(before: State, after: State) -> Verdict:
    """Where a Replace has ended in this step, every key was accounted for."""
    for slot in {delivery.slot: None for delivery in after.delivered}:
        if before.slots[slot].status is WATCHING:
            continue
        informer = after.slots[slot]
        if informer.status is WATCHING:
            for key in sorted(informer.ghost):
                if informer.target.get(key) is None:
                    process = after.layout.processes[after.layout.slots[slot].process].name
                    return fails(f"{process}: {key} is gone but was not told to be", "list")
    return HOLDS


@transition(
    source="https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions",
    reads=(
        "pods",
        "nodes",
        "deployments",
        "replicasets",
        "services",
        "endpointslices",
        "namespaces",
        "objects",
    ),
    faults=all_but(),
    companion="an-object-is-updated",
    mutants=("updates-that-change-nothing-are-written",),
)
def resource_version_increases(before: State, after: State) -> Verdict:
    """Each changing write of a key has a higher resourceVersion; one that changes nothing has none.

    Broken by a restore from a backup.
    """
    for change in after.written:
        old, new = change.previous, change.entry
        if new is None:
            continue
        if new.mod_revision <= (old.mod_revision if old is not None else 0):
            return fails(f"{change.key}: {new.mod_revision} is not higher", "version")
        if old is not None and old.value == new.value:
            return fails(f"{change.key}: written although nothing changed", "no-op")
    return HOLDS


@transition(
    reads=("requests",),
    source="https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions",
    faults=all_but(),
    companion="an-update-carries-a-version",
    mutants=("updates-ignore-the-version",),
)
def no_lost_update(before: State, after: State) -> Verdict:
    """No update that carries a resourceVersion overwrites a write that its sender has not seen.

    Unconditional updates and patches overwrite by design.
    """
    changes = {change.revision: change for change in after.written}
    for answered in after.answered:
        request, entry = answered.request, answered.response.entry
        if not isinstance(request, Update) or not answered.response.ok or entry is None:
            continue
        change, seen = changes.get(entry.mod_revision), request.resource_version
        previous = change.previous if change is not None else None
        if previous is not None and seen is not None and previous.resource_version != seen:
            who = f"{entry.key}: {answered.host} had seen {seen}"
            return fails(f"{who}, not {previous.resource_version}", "lost")
    return HOLDS


def _names(sent: Sent) -> tuple[str, str | None] | None:
    """The key and uid of the existing object that a request is about."""
    request = sent.request
    if isinstance(request, Update):
        return f"{request.object.resource}/{request.object.key}", request.object.uid or None
    if isinstance(request, Delete | Patch):
        return f"{request.resource}/{request.key}", request.uid
    if isinstance(request, Bind):
        return f"pods/{request.key}", request.uid
    return None


@transition(
    reads=("requests",),
    source="https://github.com/kubernetes/community/blob/master/contributors/devel/"
    "sig-api-machinery/controllers.md",
    faults=all_but(),
    companion="a-host-acts-on-an-object",
    mutants=("controller-guesses-a-name",),
)
def acts_only_on_what_was_delivered(before: State, after: State) -> Verdict:
    """No component asks to change an object that its process was never told of.

    Judged when the request is decided, on the recorded deliveries of the process.
    """
    for sent in after.sent:
        named = _names(sent)
        if named is not None and not _was_told(before, after, sent, *named):
            return fails(f"{sent.host} asks about {named[0]}, of which it was never told", "untold")
    return HOLDS


def _was_told(before: State, after: State, sent: Sent, key: str, uid: str | None) -> bool:
    slot = after.layout.by_informer.get((sent.process, key.partition("/")[0]))
    if slot is None:
        return True  # created by itself or read live: no watch could have told it
    for state in (after, before):
        entry = state.slots[slot].ghost.get(key)
        if entry is not None and (uid is None or uid == entry.value.uid):
            return True
    return _was_told_before(after, slot, key, uid)


def _was_told_before(after: State, slot: int, key: str, uid: str | None) -> bool:
    """An object that is gone from the cache may still be in the hands of a host."""
    known = (told.notification.old for told in after.slots[slot].told)
    if any(e is not None and e.key == key and uid in (None, e.value.uid) for e in known):
        return True
    entries = (answered.response.entry for answered in after.answered)
    return any(entry is not None and entry.key == key for entry in entries)


def _all_caught_up(state: State) -> Verdict:
    for process, watch, place, informer in informers(state):
        stream = state.streams[place.stream]
        if informer.cache.fingerprint != stream.snapshot(len(stream.events)).fingerprint:
            return fails(f"{process.name} has an old view of {watch.resource}", "stale")
    return HOLDS


watchers_catch_up = eventually_stable(
    "watchers-catch-up",
    promise="Every informer's cache shows the newest objects in the end.",
    conditions="Once writes stop and the faults have ended.",
    source="https://kubernetes.io/docs/reference/using-api/api-concepts/"
    "#efficient-detection-of-changes",
    then=_all_caught_up,
    reads=("deliveries",),
    faults=all_but(),
    companion="an-event-is-delivered",
    mutants=("deletions-are-not-delivered",),
)


@sometimes(reads=("deliveries",), source="companion")
def an_event_is_delivered(state: State) -> bool:
    """An informer is told of a change."""
    return bool(state.delivered)


@sometimes(reads=("pods", "replicasets", "deployments", "endpointslices"), source="companion")
def an_object_is_updated(state: State) -> bool:
    """An existing object is written again."""
    return any(c.entry is not None and c.previous is not None for c in state.written)


@sometimes(reads=("requests",), source="companion")
def an_update_carries_a_version(state: State) -> bool:
    """An update with a resourceVersion is accepted."""
    return any(
        isinstance(a.request, Update) and a.request.resource_version is not None and a.response.ok
        for a in state.answered
    )


@sometimes(reads=("requests",), source="companion")
def a_host_acts_on_an_object(state: State) -> bool:
    """A component decides to change an object that exists."""
    return any(_names(sent) is not None for sent in state.sent)


PROPERTIES = (
    watch_order,
    watchers_catch_up,
    resource_version_increases,
    no_lost_update,
    acts_only_on_what_was_delivered,
    an_event_is_delivered,
    an_object_is_updated,
    an_update_carries_a_version,
    a_host_acts_on_an_object,
)
