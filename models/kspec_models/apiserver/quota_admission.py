"""The admission plugin ResourceQuota: what is created fits every quota of its namespace, and is
charged to it.

After staging/src/k8s.io/apiserver/pkg/admission/plugin/resourcequota/controller.go (checkQuotas,
CheckRequest) at 1.36. A request is judged by status.used alone, as the plugin's cache shows it, and
raises it by a compare-and-swap write before the object itself is written; so a write that fails
after that leaves the quota charged until the controller counts again.

Upstream tries three times when such a write conflicts, reading the same cache again at once: what
its cache does not show yet it does not see by that either, so here the first conflict is the
answer. Left out: resources that are limited by default through the server's own configuration,
batching of waiting requests, and dry run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from kspec_models import requests as api
from kspec_models.apiserver.admission_rules import CREATE, UPDATE, Attributes
from kspec_models.objects import FrozenMap, Pod, ResourceQuota
from kspec_models.quantity import Quantity
from kspec_models.quota_scopes import in_scope
from kspec_models.quota_usage import CLAIMS, SERVICES, Usage, in_text, matching, missing, usage
from kspec_models.requests import Response
from kspec_models.resources import parsed
from kspec_models.store import Change, Entry, Store

QUOTAS: Final = "resourcequotas"
_IGNORED: Final = ("events",)
_CHARGED_ON_UPDATE: Final = (SERVICES, CLAIMS)


def charge(
    cached: Store, live: Store, attributes: Attributes, now: int
) -> tuple[Store, tuple[Change, ...]] | Response:
    """The store with the quotas charged and the changes that did it, or the refusal."""
    bucket = cached.buckets.get(QUOTAS)
    obj = attributes.object
    if not bucket or not obj.namespace or not _handles(attributes):
        return live, ()
    quotas = [entry for entry in bucket.entries() if entry.value.namespace == obj.namespace]
    charges: list[tuple[Entry, ResourceQuota]] = []
    for entry in quotas:
        charged = _checked(entry.value, attributes, now)
        if isinstance(charged, Response):
            return charged
        if charged is not entry.value:
            charges.append((entry, charged))
    changes: tuple[Change, ...] = ()
    for entry, charged in charges:
        current = live.get(entry.key)
        if current is None or current.resource_version != entry.resource_version:
            return Response(api.CONFLICT, None, f"{entry.key}: the object has been modified")
        live, change = live.put(entry.key, charged)
        changes += (change,)
    return live, changes


def _handles(attributes: Attributes) -> bool:
    """Whether this could change what is used: pods and counted objects when they are created."""
    resource = attributes.object.resource
    if attributes.operation == UPDATE:
        return resource in _CHARGED_ON_UPDATE
    return attributes.operation == CREATE and resource not in _IGNORED


def _matches(quota: ResourceQuota, names: tuple[str, ...], attributes: Attributes) -> bool:
    return bool(names) and in_scope(quota.spec, attributes.object)


def _checked(quota: ResourceQuota, attributes: Attributes, now: int) -> ResourceQuota | Response:
    """CheckRequest of one quota: as charged, as it is where it is not concerned, or the refusal."""
    obj = attributes.object
    names = matching(obj.resource, quota.status.hard)
    if not _matches(quota, names, attributes):
        return quota
    if isinstance(obj, Pod) and (lacking := missing(quota, obj)):
        return _forbidden(attributes, f"failed quota: {quota.name}: must specify {lacking}")
    if any(name not in quota.status.used for name in names):
        listed = ",".join(sorted(names))
        return _forbidden(
            attributes, f"status unknown for quota: {quota.name}, resources: {listed}"
        )
    asked = _delta(attributes, now)
    wanted = {name: asked[name] for name in names if name in asked and not asked[name].is_zero}
    return _charged(quota, wanted, attributes) if wanted else quota


def _delta(attributes: Attributes, now: int) -> Usage:
    """What the request uses more than before; an update that needs less gives nothing back, which
    is for the controller to find."""
    new = usage(attributes.object, now)
    if attributes.operation == CREATE:
        return new
    old = usage(attributes.old, now)
    more = {name: new[name].sub(old[name]) if name in old else new[name] for name in new}
    return {name: amount for name, amount in more.items() if amount.sign > 0}


def _charged(
    quota: ResourceQuota, wanted: Usage, attributes: Attributes
) -> ResourceQuota | Response:
    hard, used = parsed(quota.status.hard), parsed(quota.status.used)
    new: dict[str, Quantity] = {name: used[name].add(wanted[name]) for name in wanted}
    exceeded = [name for name in sorted(new) if new[name].cmp(hard[name]) > 0]
    if exceeded:
        return _forbidden(
            attributes,
            f"exceeded quota: {quota.name}, requested: {_shown(wanted, exceeded)}, "
            f"used: {_shown(used, exceeded)}, limited: {_shown(hard, exceeded)}",
        )
    amounts = FrozenMap({**quota.status.used, **in_text(new)})
    return quota.replace(status=quota.status.replace(used=amounts))


def _shown(amounts: Mapping[str, Quantity], names: Iterable[str]) -> str:
    return ",".join(f"{name}={amounts[name]}" for name in names)


def _forbidden(attributes: Attributes, problem: str) -> Response:
    subject = attributes.subject
    name = subject.name or subject.metadata.generate_name
    return Response(api.FORBIDDEN, None, f'{subject.resource} "{name}" is forbidden: {problem}')
