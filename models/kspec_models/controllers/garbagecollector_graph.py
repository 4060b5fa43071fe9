"""The owner graph of the garbage collector, read from its informer caches.

After pkg/controller/garbagecollector/graph_builder.go and graph.go at Kubernetes 1.36 (the events
that processGraphChanges reacts to, and what it enqueues for each).

Upstream keeps a graph that its events build; here it is what the caches of the same informers show
when a handler or a pass asks. That is the graph of a builder that keeps up with its informers, and
the caches lag behind the store as they like, so no more than a second lag is left out. An owner
that the caches do not have is upstream's virtual node: the dependent is enqueued in its place,
since both lead to the same live reads. A Replace that shows another incarnation of an object is an
update here as there: nobody is told that the old one is gone, until the next start.

Left out: events (upstream ignores them too).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from kspec_models.host import Notification
from kspec_models.kinds import Kind, lookup
from kspec_models.objects import ApiObject, OwnerReference
from kspec_models.store import Entry, Snapshot

ORPHAN_FINALIZER: Final = "orphan"
FOREGROUND_FINALIZER: Final = "foregroundDeletion"
ORPHAN: Final = "orphan:"
"""Prefix of the keys of attemptToOrphan; the others are those of attemptToDelete."""

Caches = Mapping[str, Snapshot]


def kind_of(reference: OwnerReference) -> Kind | None:
    """The kind that a reference names; None where there is no such kind."""
    return lookup(reference.api_version, reference.kind)


def key_of_owner(reference: OwnerReference, namespace: str) -> tuple[str, str] | None:
    """Resource and key of the owner of something in that namespace.

    None where there is no such kind, or where something without a namespace names an owner in one.
    """
    kind = kind_of(reference)
    if kind is None or (kind.is_namespaced and not namespace):
        return None
    name = f"{namespace}/{reference.name}" if kind.is_namespaced else reference.name
    return kind.plural, name


def is_deleting_dependents(obj: ApiObject) -> bool:
    """Whether the object waits for its dependents to be deleted."""
    return obj.is_terminating and FOREGROUND_FINALIZER in obj.metadata.finalizers


def is_orphaning(obj: ApiObject) -> bool:
    """Whether the object waits for its dependents to be orphaned."""
    return obj.is_terminating and ORPHAN_FINALIZER in obj.metadata.finalizers


def cached(caches: Caches, key: str) -> Entry | None:
    """The entry at "<resource>/<key>", as far as the caches go."""
    resource = key.partition("/")[0]
    return caches[resource].get(key) if resource in caches else None


def owner_in(caches: Caches, reference: OwnerReference, namespace: str) -> Entry | None:
    """The owner where the caches have it: same place, same kind, same uid."""
    place = key_of_owner(reference, namespace)
    entry = cached(caches, "/".join(place)) if place is not None else None
    return entry if entry is not None and entry.value.uid == reference.uid else None


def dependents(caches: Caches, uid: str, resources: tuple[str, ...]) -> tuple[Entry, ...]:
    """All that names that uid as an owner, resource by resource in the order of keys."""
    return tuple(
        entry
        for resource in resources
        for entry in caches[resource].entries()
        if reference_to(entry.value, uid) is not None
    )


def reference_to(obj: ApiObject, uid: str) -> OwnerReference | None:
    """The object's reference to the owner of that uid."""
    for reference in obj.metadata.owner_references:
        if reference.uid == uid:
            return reference
    return None


def blocks(dependent: ApiObject, uid: str) -> bool:
    """Whether the dependent holds up the deletion of that owner in the foreground."""
    reference = reference_to(dependent, uid)
    return reference is not None and reference.block_owner_deletion


def _starts(event: Notification, finalizer: str) -> bool:
    """deletionStartsWithFinalizer."""
    old, new = event.old, event.new
    if new is None or not _waits(new.value, finalizer):
        return False
    return old is None or not _waits(old.value, finalizer)


def _waits(obj: ApiObject, finalizer: str) -> bool:
    return obj.is_terminating and finalizer in obj.metadata.finalizers


def matters(event: Notification) -> bool:
    """Whether the graph changes in a way that enqueues something, be it for some graph only."""
    old, new = event.old, event.new
    if new is None:
        return True
    refs = new.value.metadata.owner_references
    before = old.value.metadata.owner_references if old is not None else ()
    return (
        refs != before or _starts(event, ORPHAN_FINALIZER) or _starts(event, FOREGROUND_FINALIZER)
    )


def enqueued(event: Notification, caches: Caches, resources: tuple[str, ...]) -> tuple[str, ...]:
    """processGraphChanges: the keys that an event enqueues, each once."""
    if event.new is None:
        assert event.old is not None
        found = _after_deletion(event.old.value, caches, resources)
    else:
        found = _after_change(event, event.new, caches, resources)
    return tuple(dict.fromkeys(found))


def _after_deletion(gone: ApiObject, caches: Caches, resources: tuple[str, ...]) -> Iterator[str]:
    """What depended on it, and whoever may have waited for it."""
    yield from (entry.key for entry in dependents(caches, gone.uid, resources))
    for reference in gone.metadata.owner_references:
        owner = owner_in(caches, reference, gone.namespace)
        if owner is not None and is_deleting_dependents(owner.value):
            yield owner.key


def _after_change(
    event: Notification, new: Entry, caches: Caches, resources: tuple[str, ...]
) -> Iterator[str]:
    """The object where an owner is not known, owners that it no longer blocks, and transitions."""
    obj: ApiObject = new.value
    old = event.old.value if event.old is not None and event.old.value.uid == obj.uid else None
    before = old.metadata.owner_references if old is not None else ()
    known = {reference.uid for reference in before}
    added = [r for r in obj.metadata.owner_references if r.uid not in known]
    if any(owner_in(caches, reference, obj.namespace) is None for reference in added):
        yield new.key
    for reference in before:
        if reference.block_owner_deletion and not blocks(obj, reference.uid):
            owner = owner_in(caches, reference, obj.namespace)
            if owner is not None and is_deleting_dependents(owner.value):
                yield owner.key
    if _starts(event, ORPHAN_FINALIZER):
        yield ORPHAN + new.key
    elif _starts(event, FOREGROUND_FINALIZER):
        yield from (entry.key for entry in dependents(caches, obj.uid, resources))
        yield new.key
