"""What the garbage collector promises: what goes with its owner, what stays, and in which order.

Judged at the collector's own requests, against the store as it is then and, where it may not know
better, against what its caches show.
"""

from __future__ import annotations

from collections.abc import Iterator

from kspec.logic import HOLDS, Verdict, fails
from kspec.property import eventually_stable, sometimes, transition
from kspec_models.controllers.garbagecollector_pass import FINALIZE, Pass
from kspec_models.host_state import HostState
from kspec_models.kinds import lookup
from kspec_models.layout import HostSlot
from kspec_models.objects import ApiObject, OwnerReference
from kspec_models.requests import Delete, Patch, Update
from kspec_models.state import Answered, State
from kspec_models.store import Entry
from kspec_properties.faults import all_but
from kspec_properties.foreign_finalizers import unless_held

_PAGE = "https://kubernetes.io/docs/concepts/architecture/garbage-collection/"
_CASCADE = f"{_PAGE}#cascading-deletion"
_COLLECTOR = "garbagecollector"
ORPHAN, FOREGROUND = "orphan", "foregroundDeletion"
_OBJECTS = ("pods", "replicasets", "deployments", "services", "endpointslices", "objects")


def _place(reference: OwnerReference, namespace: str) -> str | None:
    """Where the owner of something in that namespace is stored; None for what cannot be."""
    kind = lookup(reference.api_version, reference.kind)
    if kind is None or (kind.is_namespaced and not namespace):
        return None
    return (
        f"{kind.plural}/{namespace}/{reference.name}"
        if kind.is_namespaced
        else (f"{kind.plural}/{reference.name}")
    )


def owner_of(state: State, obj: ApiObject, reference: OwnerReference) -> ApiObject | None:
    """The live owner that a reference names: in the same namespace, or in none, with that uid."""
    place = _place(reference, obj.namespace)
    entry = state.api.store.get(place) if place is not None else None
    if entry is None or entry.value.uid != reference.uid:
        return None
    found: ApiObject = entry.value
    return found


def _waits(obj: ApiObject, finalizer: str) -> bool:
    return obj.is_terminating and finalizer in obj.metadata.finalizers


def _collected(state: State) -> Iterator[Answered]:
    for answered in state.answered:
        is_ours = answered.host.startswith(_COLLECTOR) and answered.response.ok
        if is_ours and isinstance(answered.request, Delete):
            yield answered


@transition(
    reads=("requests",),
    source=_PAGE,
    faults=all_but(),
    companion="something-is-collected",
    mutants=("collector-trusts-its-cache",),
)
def nothing_with_a_live_owner_is_collected(before: State, after: State) -> Verdict:
    """The garbage collector deletes nothing that has a live owner: same namespace, same uid.

    An owner that is being deleted in the foreground wants it so. A deletion without resourceVersion
    is left out: after a conflict the collector tries again like that, if no owner had changed.
    """
    for answered in _collected(after):
        request = answered.request
        assert isinstance(request, Delete)
        entry = before.api.store.get(f"{request.resource}/{request.key}")
        if entry is None or request.resource_version is None:
            continue
        obj: ApiObject = entry.value
        for reference in obj.metadata.owner_references:
            owner = owner_of(before, obj, reference)
            if owner is not None and not _waits(owner, FOREGROUND):
                text = f"{entry.key} is collected while its owner"
                return fails(f"{text} {owner.resource}/{owner.key} lives", "live-owner")
        if not obj.metadata.owner_references:
            return fails(f"{entry.key} is collected and has no owner", "no-owner")
    return HOLDS


def _let_go(after: State, finalizer: str) -> Iterator[tuple[Entry, HostSlot, HostState]]:
    """The owners from which the collector decided in the last step to remove the finalizer."""
    for sent in after.sent:
        if not isinstance(sent.request, Update) or not sent.host.startswith(_COLLECTOR):
            continue
        obj = sent.request.object
        slot = after.layout.by_host[sent.host]
        place, state = after.layout.slots[slot], after.slots[slot]
        if not isinstance(place, HostSlot) or state is None:
            continue
        for entry in _versions(after, f"{obj.resource}/{obj.key}"):
            was = entry.value
            if finalizer in was.metadata.finalizers and finalizer not in obj.metadata.finalizers:
                yield entry, place, state
                break


def _versions(after: State, key: str) -> Iterator[Entry]:
    """The object before the last step changed it, and as it is."""
    for change in after.written:
        if change.key == key and change.previous is not None:
            yield change.previous
    entry = after.api.store.get(key)
    if entry is not None:
        yield entry


def _dependents(state: State, place: HostSlot, uid: str) -> Iterator[tuple[Entry, OwnerReference]]:
    """What is stored, is in the caches of the collector's process, and names that owner."""
    for resource in place.sources:
        informer = state.slots[place.caches[resource]]
        for seen in informer.cache.entries():
            entry = state.api.store.get(seen.key)
            if entry is None or entry.value.uid != seen.value.uid:
                continue
            refs = entry.value.metadata.owner_references
            known = {reference.uid for reference in seen.value.metadata.owner_references}
            if uid in known:
                yield from ((entry, reference) for reference in refs if reference.uid == uid)


@transition(
    reads=("requests", "controllers"),
    source=f"{_PAGE}#foreground-deletion",
    faults=all_but(),
    companion="an-owner-waits-for-its-dependents",
    mutants=("foreground-does-not-wait",),
)
def owners_in_the_foreground_go_last(before: State, after: State) -> Verdict:
    """An owner deleted in the foreground goes after the dependents that block it.

    As far as the collector knows them: one that is made meanwhile may come too late for its cache.
    """
    for entry, place, _ in _let_go(after, FOREGROUND):
        for dependent, reference in _dependents(after, place, entry.value.uid):
            if reference.block_owner_deletion:
                text = f"{entry.key} is let go while {dependent.key}"
                return fails(f"{text} is there and blocks it", "goes-first")
    return HOLDS


@transition(
    reads=("requests", "controllers"),
    source=f"{_PAGE}#orphaned-dependents",
    faults=all_but(),
    companion="dependents-are-orphaned",
    mutants=("orphaning-frees-nobody",),
)
def orphans_are_freed_before_their_owner_goes(before: State, after: State) -> Verdict:
    """An owner whose dependents are to be orphaned goes when none of them names it any more.

    Of those that the collector's caches show when it begins: one that is made meanwhile may be
    missed, and is then collected.
    """
    for entry, place, state in _let_go(after, ORPHAN):
        phases = [sending.call.phase for sending in state.calls]
        freed = [p.freed for p in phases if isinstance(p, Pass) and p.step == FINALIZE]
        for dependent, _ in _dependents(after, place, entry.value.uid):
            if not freed or dependent.key in freed[0]:
                text = f"{entry.key} is let go while {dependent.key}"
                return fails(f"{text} still names it as its owner", "still-owned")
    return HOLDS


def _nothing_is_left_over(state: State) -> Verdict:
    slot = state.layout.by_host.get(_COLLECTOR)
    collector = state.layout.slots[slot] if slot is not None else None
    for resource in collector.sources if isinstance(collector, HostSlot) else ():
        for entry in state.api.store.bucket(resource).entries():
            if entry.value.metadata.owner_references and _is_left_over(state, entry.value):
                found = fails(f"{entry.key} is left over, its owners are gone", "left-over")
                return unless_held(state, found)
    return HOLDS


def _is_left_over(state: State, obj: ApiObject) -> bool:
    """Whether every owner could be there, and none is; what is collected may have finalizers."""
    return not obj.is_terminating and all(
        _place(reference, obj.namespace) is not None and owner_of(state, obj, reference) is None
        for reference in obj.metadata.owner_references
    )


dependents_go_with_their_owners = eventually_stable(
    "dependents-go-with-their-owners",
    promise="In the end nothing is left whose owners are all gone.",
    conditions=(
        "Once the faults have ended, where nodes return or are deleted and finalizers belong to "
        "running controllers. A watch gap in which an "
        "owner is deleted and created again breaks it: the collector is told of an update."
    ),
    source=_CASCADE,
    then=_nothing_is_left_over,
    reads=_OBJECTS,
    faults=all_but("disconnect", "compaction"),
    companion="something-is-collected",
    mutants=("collector-ignores-uids",),
)


@sometimes(reads=("requests",), source="companion")
def something_is_collected(state: State) -> bool:
    """The garbage collector deletes something."""
    return any(True for _ in _collected(state))


@sometimes(reads=_OBJECTS, source="companion")
def an_owner_waits_for_its_dependents(state: State) -> bool:
    """An object is marked as waiting for its dependents to be deleted."""
    return any(c.entry is not None and _waits(c.entry.value, FOREGROUND) for c in state.written)


@sometimes(reads=("requests",), source="companion")
def dependents_are_orphaned(state: State) -> bool:
    """The garbage collector takes an owner away from an object."""
    return any(
        isinstance(answered.request, Patch)
        and answered.host.startswith(_COLLECTOR)
        and answered.response.ok
        for answered in state.answered
    )


PROPERTIES = (
    nothing_with_a_live_owner_is_collected,
    owners_in_the_foreground_go_last,
    orphans_are_freed_before_their_owner_goes,
    dependents_go_with_their_owners,
    something_is_collected,
    an_owner_waits_for_its_dependents,
    dependents_are_orphaned,
)
