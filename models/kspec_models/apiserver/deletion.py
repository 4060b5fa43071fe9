"""The delete verbs: grace, finalizers, and what is to become of the dependents.

After staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go (Delete,
deletionFinalizersForGarbageCollection, shouldOrphanDependents, shouldDeleteDependents),
registry/rest/delete.go (BeforeDelete) and the strategies of pkg/registry at 1.36. A deletion that
waits, be it for grace or for finalizers, only marks the object; the finalizers `orphan` and
`foregroundDeletion` say to the garbage collector what the deletion asked for.

Left out: the revision by which a graceful deletion that is over at once writes the zero grace
before it removes, and dry run.
"""

from __future__ import annotations

from typing import Any, Final

from kspec_models import requests as api
from kspec_models.apiserver.admission import Admission
from kspec_models.apiserver.replies import Api, Reply, put, refuse, remove
from kspec_models.apiserver.strategies import WITH_GENERATION
from kspec_models.objects import ApiObject, Namespace, Pod
from kspec_models.requests import Response
from kspec_models.store import Change, Entry

ORPHAN: Final = "orphan"
FOREGROUND: Final = "foregroundDeletion"
_FINALIZERS: Final = {"Orphan": (ORPHAN,), "Foreground": (FOREGROUND,), "Background": ()}
_ORPHANED_BY_DEFAULT: Final = ("replicationcontrollers", "jobs")
"""Kinds of which v1 orphans the dependents unless told otherwise, as it always did."""
_NOT_COLLECTED: Final = ("events",)


def finalizers_of(obj: ApiObject, policy: str) -> tuple[str, ...]:
    """The object's finalizers once it is deleted with that propagation policy.

    A policy that is said goes first, then a finalizer that the object has, then the kind's default.
    """
    has = obj.metadata.finalizers
    if obj.resource in _NOT_COLLECTED:
        return has
    wanted: tuple[str, ...] = ()
    if policy:
        wanted = _FINALIZERS[policy]
    elif ORPHAN in has or FOREGROUND in has:
        wanted = next((f,) for f in has if f in (ORPHAN, FOREGROUND))
    elif obj.resource in _ORPHANED_BY_DEFAULT:
        wanted = (ORPHAN,)
    new = (*(f for f in has if f not in (ORPHAN, FOREGROUND)), *wanted)
    return has if set(new) == set(has) else new


class Deleting:
    """The part of the API server that deletes."""

    admission: Admission

    def delete(self, state: Api, request: api.Delete, now: int) -> Reply:
        """DELETE of one object, if the preconditions hold."""
        old = state.store.get(f"{request.resource}/{request.key}")
        if old is None:
            return refuse(state, api.NOT_FOUND)
        if request.uid not in (None, old.value.uid):
            return refuse(state, api.CONFLICT, "the uid differs")
        if request.resource_version not in (None, old.resource_version):
            return refuse(state, api.CONFLICT, "the object has been modified")
        refusal = self.admission.deleting(old.value)
        if refusal is not None:
            return Reply(state, refusal)
        policy = request.propagation_policy
        if policy not in ("", *_FINALIZERS):
            return refuse(state, api.INVALID, f'propagationPolicy: Unsupported value: "{policy}"')
        return self.terminate(state, old, request.grace_period_seconds, policy, now)

    def delete_collection(self, state: Api, request: api.DeleteCollection, now: int) -> Reply:
        """DELETE of all objects of a resource in a namespace, as the namespace controller asks."""
        changes: tuple[Change, ...] = ()
        for entry in state.store.bucket(request.resource).entries():
            if entry.value.namespace == request.namespace:
                refusal = self.admission.deleting(entry.value)
                if refusal is not None:
                    return Reply(state, refusal, changes)
                state, _, more = self.terminate(state, entry, None, "Background", now)
                changes += more
        return Reply(state, Response(""), changes)

    def terminate(self, state: Api, old: Entry, asked: int | None, policy: str, now: int) -> Reply:
        """Mark as terminating, shorten the grace, or remove. asked: the grace, None for default."""
        obj = old.value
        start = obj.metadata.deletion_timestamp
        known = obj.metadata.deletion_grace_period_seconds or 0
        grace = _grace(obj, asked) if start is None else _shortened(known, asked)
        is_pending = isinstance(obj, Pod) and start is not None and grace == known
        if is_pending and (known or obj.metadata.finalizers):
            return Reply(state, Response("", old))
        finalizers = finalizers_of(obj, policy)
        if grace == 0 and not finalizers and not _has_spec_finalizers(obj):
            return remove(state, old)
        marked = obj.with_metadata(
            deletion_timestamp=now + grace if start is None else start - known + grace,
            deletion_grace_period_seconds=grace,
            finalizers=finalizers,
        )
        if start is None:
            marked = _as_it_begins(marked)
        if marked == obj:
            return Reply(state, Response("", old))
        return put(state, old.key, marked)


def _shortened(known: int, asked: int | None) -> int:
    """The grace of an object that terminates already: it may only become shorter."""
    return known if asked is None else min(asked, known)


def _grace(obj: ApiObject, asked: int | None) -> int:
    """CheckGracefulDelete of the pod strategy; other kinds have no grace."""
    if not isinstance(obj, Pod):
        return 0
    if not obj.spec.node_name or obj.status.phase in ("Succeeded", "Failed"):
        return 0
    default = obj.spec.termination_grace_period_seconds
    return asked if asked is not None else (30 if default is None else default)


def _has_spec_finalizers(obj: ApiObject) -> bool:
    return isinstance(obj, Namespace) and bool(obj.spec.finalizers)


def _as_it_begins(obj: Any) -> Any:
    """What else changes when an object begins to terminate."""
    if isinstance(obj, Namespace):
        obj = obj.replace(status=obj.status.replace(phase="Terminating"))
    if obj.resource in WITH_GENERATION:
        obj = obj.with_metadata(generation=obj.metadata.generation + 1)
    return obj
