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
from typing import Any, Final, NamedTuple

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
from kspec_models.apiserver.quota_admission import charge
from kspec_models.apiserver.storage import PROTECTIONS, with_default_class
from kspec_models.apiserver.strategies import DEFAULTS
from kspec_models.objects import ApiObject, LimitRange
from kspec_models.requests import Response
from kspec_models.store import Change, Store

_IMMORTAL: Final = ("default", "kube-system", "kube-public")


class AdmissionView(NamedTuple):
    """What the plugins of one API server read: its caches, as a store of the moment that they show,
    and the store as it is."""

    cached: Store
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


def _limit_ranges(view: AdmissionView, obj: ApiObject) -> tuple[LimitRange, ...]:
    """Those of the namespace; where the cache has none they are listed in the store."""
    for store in (view.cached, view.live):
        bucket = store.buckets.get("limitranges")
        found = limit_range.in_namespace(bucket, obj.namespace) if bucket else ()
        if found:
            return found
    return ()


def _limit_ranger(view: AdmissionView, obj: Any) -> Admitted:
    return limit_range.mutate(_limit_ranges(view, obj), obj)


def _priority(view: AdmissionView, obj: ApiObject) -> Admitted:
    return priority.admit(view.cached, obj)


def _default_storage_class(view: AdmissionView, obj: Any) -> Admitted:
    return with_default_class(obj, view.cached)


def in_use_protection(view: AdmissionView, obj: Any) -> Admitted:
    """StorageObjectInUseProtection: a claim or a volume outlives its use."""
    finalizer = PROTECTIONS[obj.resource]
    has = obj.metadata.finalizers
    return obj if finalizer in has else obj.with_metadata(finalizers=(*has, finalizer))


_ON_CREATE: Final[dict[str, tuple[Plugin, ...]]] = {
    "pods": (namespace_lifecycle, _limit_ranger, service_account, _priority),
    "persistentvolumeclaims": (
        *(namespace_lifecycle, _limit_ranger, _default_storage_class),
        in_use_protection,
    ),
    "persistentvolumes": (in_use_protection,),
    "priorityclasses": (_priority,),
}
_ON_CREATE_OF_OTHERS: Final[tuple[Plugin, ...]] = (namespace_lifecycle,)
_ON_UPDATE: Final[dict[str, tuple[Plugin, ...]]] = {
    "persistentvolumeclaims": (_limit_ranger,),
    "priorityclasses": (_priority,),
    "services": (),
}
"""The plugins by the resource that they look at, in upstream's order."""


_LIMITED: Final = ("pods", "persistentvolumeclaims")


class Charged(NamedTuple):
    """What validation wrote: the store with the quotas charged, and the changes in order."""

    store: Store
    changes: tuple[Change, ...] = ()


class Admission:
    """The plugins of one world: upstream's own, and its declared functions."""

    def __init__(self, rules: tuple[Rule, ...] = ()) -> None:
        self.rules = Rules(rules)

    def concerns_update(self, resource: str) -> bool:
        """Whether any plugin looks at updates of this resource."""
        return resource in _ON_UPDATE or (self.rules.exist and self.rules.of(UPDATE, resource))

    def creating(self, view: AdmissionView, obj: Any) -> Admitted:
        """The mutating plugins on a new object."""
        for plugin in _ON_CREATE.get(obj.resource, _ON_CREATE_OF_OTHERS):
            obj = plugin(view, obj)
            if type(obj) is Response:
                return obj
        return self._mutated(Attributes(CREATE, obj)) if self.rules.exist else obj

    def updating(self, view: AdmissionView, old: Any, new: Any) -> Admitted:
        """The mutating plugins on an update of the object itself, not of a subresource."""
        for plugin in _ON_UPDATE.get(old.resource, ()):
            new = plugin(view, new)
            if type(new) is Response:
                return new
        return self._mutated(Attributes(UPDATE, new, old)) if self.rules.exist else new

    def _mutated(self, attributes: Attributes) -> Admitted:
        resource = attributes.subject.resource
        if not self.rules.of(attributes.operation, resource):
            return attributes.object
        default = DEFAULTS.get(resource)  # a server reads an object with its defaults
        obj = default(attributes.object) if default is not None else attributes.object
        return self.rules.mutate(attributes._replace(object=obj))

    def validate(self, view: AdmissionView, attributes: Attributes, now: int) -> Admitted:
        """The validating plugins on what is about to be written: `Charged`, or the refusal."""
        obj = attributes.object
        if obj.resource in _LIMITED and not obj.is_terminating and not _is_pod_update(attributes):
            refusal = self.limits(view, obj)
            if refusal is not None:
                return refusal
        if self.rules.exist:
            refusal = self.rules.validate(attributes)
            if refusal is not None:
                return refusal
        return self.charge(view, attributes, now)

    def limits(self, view: AdmissionView, obj: Any) -> Response | None:
        """LimitRanger: why a pod or a claim is refused, or None."""
        return limit_range.refusal(_limit_ranges(view, obj), obj)

    def charge(self, view: AdmissionView, attributes: Attributes, now: int) -> Admitted:
        """ResourceQuota: `Charged`, or the refusal."""
        charged = charge(view.cached, view.live, attributes, now)
        return charged if isinstance(charged, Response) else Charged(*charged)

    def deleting(self, old: ApiObject) -> Response | None:
        """The plugins on a deletion, which none of them can change; None where all let it be."""
        if old.resource == "namespaces" and old.name in _IMMORTAL:
            return Response(api.FORBIDDEN, None, "this namespace may not be deleted")
        return self.rules.validate(Attributes(DELETE, None, old)) if self.rules.exist else None


def _is_pod_update(attributes: Attributes) -> bool:
    return attributes.operation == UPDATE and attributes.object.resource == "pods"
