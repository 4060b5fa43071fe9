"""The API server's verbs over the store, after staging/src/k8s.io/apiserver/pkg/registry/generic/
registry/store.go and pkg/registry/core/pod/storage/storage.go at 1.36.

Reads are linearizable; what admission reads is what `Api.seen` holds, the store of the moment that
the caches of the server that is asked show. Left out: authentication, dry run, managed fields.
Deletion is in `deletion`, eviction in `eviction`, binding in `binding`.

Names and addresses are given out by counters, and a uid is the key and its incarnation, so that
the same requests give the same objects whatever else was interleaved with them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from kspec.values import Memo
from kspec_models import requests as api
from kspec_models.apiserver.admission import Admission
from kspec_models.apiserver.admission_rules import CREATE, UPDATE, Attributes
from kspec_models.apiserver.binding import Binding
from kspec_models.apiserver.eviction import Evicting
from kspec_models.apiserver.merging import merged
from kspec_models.apiserver.pod_affinity import with_label_keys
from kspec_models.apiserver.replies import Api, Reply, put, refuse, remove
from kspec_models.apiserver.strategies import DEFAULTS, WITH_GENERATION, WITH_STATUS
from kspec_models.apiserver.validate import is_immutable_change, problems
from kspec_models.apiserver.validate_common import Problems
from kspec_models.objects import (
    ApiObject,
    Deployment,
    FrozenMap,
    Namespace,
    PersistentVolume,
    PersistentVolumeClaim,
    Pod,
    ReplicaSet,
    Service,
)
from kspec_models.requests import Response
from kspec_models.store import Change, Entry


def _merged(case: tuple[Any, FrozenMap[Any]]) -> Any:
    return merged(*case)


def _after(changes: tuple[Change, ...], reply: Reply) -> Reply:
    """The reply, with what admission wrote before it."""
    return reply._replace(changes=(*changes, *reply.changes)) if changes else reply


class ApiServer(Evicting, Binding):
    """Applies requests. Pure: all state is in `Api`."""

    def __init__(self, admission: Admission | None = None) -> None:
        self.admission = Admission() if admission is None else admission
        self._verbs: dict[type, Callable[..., Reply]] = {
            api.Create: self.create,
            api.Update: self.update,
            api.Patch: self.patch,
            api.Delete: self.delete,
            api.Evict: self.evict,
            api.Drain: self.drain,
            api.Bind: self.bind,
            api.Get: self.get,
            api.List: self.list,
            api.DeleteCollection: self.delete_collection,
        }
        self._decided = Memo("updates", self._decide, limit=50_000)
        self._merged = Memo("patches", _merged, limit=50_000)
        self._made = Memo("created objects", self._make, limit=50_000)

    def apply(self, state: Api, request: api.Request, now: int) -> Reply:
        """Apply one request at virtual second `now`."""
        return self._verbs[type(request)](state, request, now)

    def get(self, state: Api, request: api.Get, now: int) -> Reply:
        entry = state.store.get(f"{request.resource}/{request.key}")
        return Reply(state, Response("" if entry else api.NOT_FOUND, entry))

    def list(self, state: Api, request: api.List, now: int) -> Reply:
        entries = state.store.bucket(request.resource).entries()
        if request.namespace:
            entries = tuple(e for e in entries if e.value.namespace == request.namespace)
        return Reply(state, Response("", entries=entries))

    # create

    def create(self, state: Api, request: api.Create, now: int) -> Reply:
        """Mutating admission, the kind's strategy, validating admission, quota, and the write.

        A name is given out only with the object that gets it.
        """
        admitted = self.admission.creating(state.view, request.object)
        if type(admitted) is Response:
            return Reply(state, admitted)
        named, obj = self._named(state, admitted)
        key = f"{obj.resource}/{obj.key}"
        made, invalid = self._made((obj, state.incarnations.get(key, 0), now))
        if invalid:
            return refuse(state, api.INVALID, invalid[0])
        charged = self.admission.validate(state.view, Attributes(CREATE, made), now)
        if type(charged) is Response:
            return Reply(state, charged)
        if charged.changes:
            state = attrs.evolve(state, store=charged.store)
            named = attrs.evolve(named, store=charged.store)
        if named.store.get(key) is not None:
            return Reply(state, Response(api.ALREADY_EXISTS, None, key), charged.changes)
        if isinstance(made, Service):
            named, made = self._addressed(named, made)
        return _after(charged.changes, put(named, key, made))

    def _named(self, state: Api, obj: ApiObject) -> tuple[Api, ApiObject]:
        prefix = obj.metadata.generate_name
        if obj.metadata.name or not prefix:
            return state, obj
        space = f"{obj.namespace}/" if obj.namespace else ""
        scope = f"{obj.resource}/{space}{prefix}"
        count = state.names.get(scope, 0) + 1
        while state.store.get(f"{scope}{count}") is not None:
            count += 1
        state = attrs.evolve(state, names=state.names.set(scope, count))
        return state, obj.with_metadata(name=f"{prefix}{count}")

    def _make(self, case: tuple[ApiObject, int, int]) -> tuple[ApiObject, Problems]:
        """What is stored for a new object: (as it was sent, incarnation of its key, now)."""
        obj, incarnation, now = case
        identified = obj.with_metadata(
            uid=f"{obj.resource}/{obj.key}#{incarnation}",
            deletion_timestamp=None,
            deletion_grace_period_seconds=None,
        )
        made = self.as_created(identified, now)
        return made, problems(made)

    def as_created(self, obj: Any, now: int) -> Any:
        """The object as its kind's create strategy leaves it: with defaults and a fresh status."""
        obj = obj.with_metadata(
            creation_timestamp=now, generation=1 if obj.resource in WITH_GENERATION else 0
        )
        if obj.resource in DEFAULTS:
            obj = DEFAULTS[obj.resource](obj)
        if isinstance(obj, Pod):
            obj = with_label_keys(obj)
        if isinstance(obj, Pod | PersistentVolume | PersistentVolumeClaim):
            return obj.replace(status=type(obj.status)(phase="Pending"))
        if isinstance(obj, Deployment | ReplicaSet) or obj.resource in WITH_STATUS:
            return obj.replace(status=type(obj.status)())
        return obj

    def _addressed(self, state: Api, obj: Any) -> tuple[Api, ApiObject]:
        if obj.spec.type == "ExternalName" or obj.spec.cluster_ip:
            return state, obj
        used = {e.value.spec.cluster_ip for e in state.store.bucket("services").entries()}
        count = state.addresses + 1
        while (address := f"10.96.{count // 256}.{count % 256}") in used:
            count += 1
        state = attrs.evolve(state, addresses=count)
        return state, obj.replace(spec=obj.spec.replace(cluster_ip=address))

    # update

    def update(self, state: Api, request: api.Update, now: int) -> Reply:
        obj = request.object
        old = state.store.get(f"{obj.resource}/{obj.key}")
        if old is None:
            return refuse(state, api.NOT_FOUND)
        if request.resource_version not in (None, old.resource_version):
            return refuse(state, api.CONFLICT, "the object has been modified")
        if obj.uid and obj.uid != old.value.uid:
            return refuse(state, api.CONFLICT, "the uid differs")
        return self.replace(state, old, obj, request.subresource)

    def replace(self, state: Api, old: Entry, obj: Any, subresource: str) -> Reply:
        """Write `obj` over `old` as its kind's strategy allows; a no-op writes nothing."""
        invalid: Problems = ()
        is_looked_at = not subresource and self.admission.concerns_update(old.value.resource)
        if is_looked_at:
            obj = self.admission.updating(state.view, old.value, obj)
            if type(obj) is Response:
                return Reply(state, obj)
        if subresource == "status":
            new = self._with_status(old.value, obj)
        else:
            new, invalid = self._decided((old.value, obj, subresource))
        if new == old.value:
            return Reply(state, Response("", old))
        if invalid:
            return refuse(state, api.INVALID, invalid[0])
        changes: tuple[Change, ...] = ()
        if is_looked_at:
            charged = self.admission.validate(state.view, Attributes(UPDATE, new, old.value), 0)
            if type(charged) is Response:
                return Reply(state, charged)
            changes = charged.changes
            state = attrs.evolve(state, store=charged.store) if changes else state
        if self._is_gone(new):
            return _after(changes, remove(state, old))
        return _after(changes, put(state, old.key, new))

    def _decide(self, case: tuple[Any, Any, str]) -> tuple[Any, Problems]:
        old, obj, subresource = case
        new = self._updated(old, obj, subresource)
        if subresource or new == old:
            return new, ()
        return new, problems(new) or is_immutable_change(old, new)

    def _updated(self, old: Any, new: Any, subresource: str) -> Any:
        if subresource == "finalize":
            return old.replace(spec=old.spec.replace(finalizers=new.spec.finalizers))
        if hasattr(old, "status"):
            new = new.replace(status=old.status)
        kept = old.metadata
        new = new.with_metadata(
            uid=kept.uid,
            creation_timestamp=kept.creation_timestamp,
            deletion_timestamp=kept.deletion_timestamp,
            deletion_grace_period_seconds=kept.deletion_grace_period_seconds,
            generation=kept.generation,
        )
        if new.resource in DEFAULTS:
            new = DEFAULTS[new.resource](new)
        if old.resource == "namespaces":
            new = new.replace(spec=old.spec)
        if old.resource == "services" and not new.spec.cluster_ip:
            new = new.replace(spec=new.spec.replace(cluster_ip=old.spec.cluster_ip))
        if old.resource in WITH_GENERATION and self._spec(old) != self._spec(new):
            new = new.with_metadata(generation=kept.generation + 1)
        return new

    def _with_status(self, old: Any, new: Any) -> Any:
        """The status strategies take spec and labels from the old object, annotations from the new.

        A pod keeps its owners as well.
        """
        kept, sent = old.metadata, new.metadata
        if sent is not kept:
            is_same = sent.annotations == kept.annotations and sent.finalizers == kept.finalizers
            if not is_same:
                kept = kept.replace(annotations=sent.annotations, finalizers=sent.finalizers)
        return old.replace(metadata=kept, status=new.status)

    def _spec(self, obj: Any) -> Any:
        return getattr(obj, "spec", None) or obj.replace(metadata=type(obj.metadata)())

    def _is_gone(self, obj: ApiObject) -> bool:
        """A terminating object without finalizers (nor grace that somebody must end) is removed."""
        if not obj.is_terminating or obj.metadata.finalizers:
            return False
        if isinstance(obj, Namespace):
            return not obj.spec.finalizers
        return not obj.metadata.deletion_grace_period_seconds

    def patch(self, state: Api, request: api.Patch, now: int) -> Reply:
        old = state.store.get(f"{request.resource}/{request.key}")
        if old is None:
            return refuse(state, api.NOT_FOUND)
        if request.uid not in (None, old.value.uid):
            return refuse(state, api.CONFLICT, "the uid differs")
        if request.resource_version not in (None, old.resource_version):
            return refuse(state, api.CONFLICT, "the object has been modified")
        obj = self._merged((old.value, request.patch))
        if isinstance(obj, str):
            return refuse(state, api.INVALID, obj)
        return self.replace(state, old, obj, request.subresource)


__all__ = ["Api", "ApiServer", "Reply"]
