"""Admission: what an API server asks of a request before it writes.

After staging/src/k8s.io/apiserver/pkg/admission and the order of pkg/kubeapiserver/options/
plugins.go at 1.36: plugins that may change the object come first, one after the other
(NamespaceLifecycle, LimitRanger, ServiceAccount, Priority, DefaultStorageClass, then the webhooks
and policies, which here are functions of the world); then its kind validates the object; then come
the webhooks and policies that only validate; and ResourceQuota comes last, because it alone writes.

Plugins read what their server's caches show, and look again in the store where upstream does
before it refuses. Left out: reinvocation of webhooks, side effects, match conditions and failure
policies (a function of the world always answers), and ValidatingAdmissionPolicy and
MutatingAdmissionPolicy objects, which stay uninterpreted: CEL is no part of the model, and a
declared function says the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple, Protocol

from kspec_models import requests as api
from kspec_models.apiserver import limit_range, priority
from kspec_models.apiserver.admission_rules import (
    CREATE,
    DELETE,
    UPDATE,
    Attributes,
    Rule,
    Rules,
)
from kspec_models.apiserver.storage import with_default_class
from kspec_models.objects import ApiObject
from kspec_models.requests import Response
from kspec_models.store import Entry, Snapshot, Store

_IMMORTAL = ("namespaces/default", "namespaces/kube-system", "namespaces/kube-public")


class Reads(Protocol):
    """Objects at one point in time: the store, or a cache of it."""

    def get(self, key: str) -> Entry | None: ...

    def bucket(self, name: str) -> Snapshot: ...


class AdmissionView(NamedTuple):
    """What the plugins of one API server read: its caches, and the store as it is."""

    cached: Reads
    live: Store


Admitted = Any
"""An object, as a plugin lets it in, or the `Response` that refuses it."""
Plugin = Callable[[AdmissionView, Any], Admitted]


def namespace_lifecycle(view: AdmissionView, obj: ApiObject) -> Admitted:
    """Nothing is created in a namespace that does not exist or that is being deleted.

    A namespace that the cache lacks is looked for in the store.
    """
    if not obj.namespace:
        return obj
    key = f"namespaces/{obj.namespace}"
    found = view.cached.get(key) or view.live.get(key)
    if found is None:
        return Response(api.NOT_FOUND, None, f"namespace {obj.namespace}")
    if found.value.is_terminating:
        return Response(api.NAMESPACE_TERMINATING, None, f"namespace {obj.namespace}")
    return obj


def service_account(view: AdmissionView, obj: Any) -> Admitted:
    """A pod's account exists; one that the cache lacks is looked for in the store."""
    account = obj.spec.service_account_name or "default"
    key = f"serviceaccounts/{obj.namespace}/{account}"
    if view.cached.get(key) is None and view.live.get(key) is None:
        return Response(api.FORBIDDEN, None, f"service account {account} does not exist")
    return obj


def _limit_ranger(view: AdmissionView, obj: Any) -> Admitted:
    """LimitRanger, which lists in the store where its cache has no LimitRange of the namespace."""
    ranges = limit_range.in_namespace(view.cached.bucket("limitranges"), obj.namespace)
    if not ranges and view.live is not view.cached:
        ranges = limit_range.in_namespace(view.live.bucket("limitranges"), obj.namespace)
    return limit_range.admit(ranges, obj) if ranges else obj


def _priority(view: AdmissionView, obj: ApiObject) -> Admitted:
    return priority.admit(view.cached, obj)


def _default_storage_class(view: AdmissionView, obj: Any) -> Admitted:
    return with_default_class(obj, view.cached)


_ON_CREATE: Final[dict[str, tuple[Plugin, ...]]] = {
    "pods": (namespace_lifecycle, _limit_ranger, service_account, _priority),
    "persistentvolumeclaims": (namespace_lifecycle, _limit_ranger, _default_storage_class),
    "priorityclasses": (_priority,),
}
_ON_CREATE_OF_OTHERS: Final[tuple[Plugin, ...]] = (namespace_lifecycle,)
_ON_UPDATE: Final[dict[str, tuple[Plugin, ...]]] = {
    "persistentvolumeclaims": (_limit_ranger,),
    "priorityclasses": (_priority,),
}
"""The plugins by the resource that they look at, in upstream's order."""


class Admission:
    """The plugins of one world: upstream's own, and its declared functions."""

    def __init__(self, rules: tuple[Rule, ...] = ()) -> None:
        self.rules = Rules(rules)

    def concerns(self, operation: str, resource: str) -> bool:
        """Whether an update or a deletion of this resource is looked at at all."""
        if operation == UPDATE and resource in _ON_UPDATE:
            return True
        return bool(self.rules.of(operation, resource))

    def creating(self, view: AdmissionView, obj: Any) -> Admitted:
        """The mutating plugins on a new object."""
        for plugin in _ON_CREATE.get(obj.resource, _ON_CREATE_OF_OTHERS):
            obj = plugin(view, obj)
            if type(obj) is Response:
                return obj
        return self.rules.mutate(Attributes(CREATE, obj)) if self.rules.known else obj

    def updating(self, view: AdmissionView, old: Any, new: Any) -> Admitted:
        """The mutating plugins on an update of the object itself, not of a subresource."""
        for plugin in _ON_UPDATE.get(old.resource, ()):
            new = plugin(view, new)
            if type(new) is Response:
                return new
        return self.rules.mutate(Attributes(UPDATE, new, old)) if self.rules.known else new

    def validate(self, attributes: Attributes) -> Response | None:
        """The validating functions on what is about to be written; None where all let it in."""
        return self.rules.validate(attributes) if self.rules.known else None

    def deleting(self, old: ApiObject) -> Response | None:
        """All plugins on a deletion, which none of them can change."""
        if old.resource == "namespaces" and f"namespaces/{old.name}" in _IMMORTAL:
            return Response(api.FORBIDDEN, None, "this namespace may not be deleted")
        return self.validate(Attributes(DELETE, None, old))
