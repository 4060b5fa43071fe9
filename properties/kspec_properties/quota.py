"""What quotas promise.

A quota is checked per admission, against status.used; so what exists stays within the hard limits
only as long as the status is not behind. That it never is, is known false: the controller counts
in its caches, of which that of the quotas may be ahead of that of the pods. What it does promise is
to count whatever its caches once listed, so that a new leader begins with a full count.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kspec.logic import HOLDS, Verdict, fails, forall
from kspec.property import eventually_stable, sometimes, transition
from kspec_models.objects import ResourceQuota
from kspec_models.quantity import parse
from kspec_models.quota_scopes import in_scope
from kspec_models.quota_usage import matching, same, total, usage
from kspec_models.reflector import LISTING
from kspec_models.requests import FORBIDDEN, Create, Update
from kspec_models.state import Sent, State
from kspec_models.store import Change, Entry
from kspec_properties.faults import all_but
from kspec_properties.reading import fresh, newest, values, written

_DOCUMENTATION = "https://kubernetes.io/docs/concepts/policy/resource-quotas/"
_QUOTAS = "resourcequotas"


def _created(state: State) -> Iterator[Any]:
    """What the last step created in a namespace."""
    for change in state.written:
        if change.previous is None and change.entry is not None and change.entry.value.namespace:
            yield change


def _usage_of(state: State, quota: ResourceQuota) -> Any:
    """What exists now of what a quota tracks."""
    resources = state.api.store.buckets
    every = {r: values(state, r) for r in sorted(resources) if matching(r, quota.spec.hard)}
    return total(quota, every, state.clock)


def _exceeded(quota: ResourceQuota, used: Any) -> str:
    """The first hard limit that is exceeded, as text."""
    hard = quota.spec.hard
    return next(
        (
            f"{name}: {used[name]} of {hard[name]}"
            for name in hard
            if name in used and parse(used[name]).cmp(parse(hard[name])) > 0
        ),
        "",
    )


@transition(
    reads=("objects", "pods", "services", "deployments", "replicasets"),
    source=_DOCUMENTATION,
    faults=all_but(),
    companion="a-quota-is-charged",
    mutants=("quota-is-not-charged", "quota-is-not-checked"),
)
def an_admitted_create_is_charged_to_its_quotas(before: State, after: State) -> Verdict:
    """What is created is charged to each quota that it is in, and within its limits.

    Checked per admission against status.used, with one API server whose admission shows every
    quota; a quota whose status has no limits yet restricts nothing.
    """
    is_without = not len(newest(before, _QUOTAS)) and not len(newest(after, _QUOTAS))
    if is_without or len(after.layout.servers) > 1:
        return HOLDS
    known = {entry.key: entry.value for entry in newest(before, _QUOTAS).entries()}
    charged: dict[str, Change] = {}
    for change in after.written:
        entry = change.entry
        if change.key.startswith(f"{_QUOTAS}/") and change.previous is not None:
            charged[change.key] = change
        elif change.previous is None and entry is not None:
            verdict = _judged(entry.value, known, charged, after.clock)
            if not verdict:
                return verdict
            charged = {}
        if change.key.startswith(f"{_QUOTAS}/") and entry is not None:
            known[change.key] = entry.value
    return HOLDS


def _judged(obj: Any, known: dict[str, Any], charged: dict[str, Change], now: int) -> Verdict:
    """Of one created object: `known` are the quotas now, `charged` what was charged for it."""
    for key, quota in known.items():
        change = charged.get(key)
        before = quota if change is None or change.previous is None else change.previous.value
        if before.namespace != obj.namespace or not in_scope(before.spec, obj):
            continue
        asked = usage(obj, now)
        for name in matching(obj.resource, before.status.hard):
            if name not in asked:
                continue
            was, used = before.status.used.get(name, "0"), quota.status.used.get(name, "0")
            if parse(was).add(asked[name]).cmp(parse(used)) != 0:
                return fails(f"{obj.key} uses {name} of {key} and is not charged", "charged")
            if parse(used).cmp(parse(before.status.hard[name])) > 0 and not asked[name].is_zero:
                return fails(f"{obj.key} exceeds {name} of {key}: {used}", "within")
    return HOLDS


@transition(
    reads=("requests",),
    source="https://github.com/kubernetes/kubernetes/issues/50442",
    faults=all_but(),
    companion="a-quota-is-counted",
    mutants=("quota-is-counted-too-early",),
)
def a_quota_counts_what_its_controller_has_listed(before: State, after: State) -> Verdict:
    """A status that the controller writes counts all that was there when its caches listed last.

    So a controller that starts, as after a failover, writes nothing until it has listed everything.
    """
    for sent in after.sent:
        request = sent.request
        if isinstance(request, Update) and isinstance(request.object, ResourceQuota):
            short = _missed(before, sent, request.object)
            if short:
                return fails(f"{request.object.key} counts too little of {short}", "counted")
    return HOLDS


def _missed(state: State, sent: Sent, quota: ResourceQuota) -> str:
    """The first resource of which less is counted than was listed and still exists unchanged."""
    hard = quota.spec.hard
    for resource in sorted(state.api.store.buckets):
        names = matching(resource, hard)
        if not names:
            continue
        there = _listed(state, sent.process, resource)
        used = total(quota, {resource: (entry.value for entry in there)}, state.clock)
        for name in names:
            if parse(quota.status.used.get(name, "0")).cmp(parse(used[name])) < 0:
                return name
    return ""


def _listed(state: State, process: str, resource: str) -> list[Entry]:
    """What exists as it did when the process listed it last; everything before it ever did."""
    slot = state.layout.by_informer.get((process, resource))
    entries = newest(state, resource).entries()
    informer = state.slots[slot] if slot is not None else None
    if informer is None or informer.status is LISTING:
        return list(entries)
    return [entry for entry in entries if entry.mod_revision <= informer.listed_at]


@transition(
    reads=("objects", "pods", "services", "deployments", "replicasets"),
    source=_DOCUMENTATION,
    faults=("none",),
    companion="a-quota-refuses",
    known_false=True,
)
def a_quota_is_never_exceeded(before: State, after: State) -> Verdict:
    """After each admitted create what exists is within the hard limits of every quota.

    Not kept: the controller may write a count that misses what its caches do not show yet.
    """
    for change in _created(after):
        for quota in values(after, _QUOTAS):
            obj = change.entry.value
            is_in = quota.namespace == obj.namespace and in_scope(quota.spec, obj)
            if is_in and matching(obj.resource, quota.status.hard):
                over = _exceeded(quota, _usage_of(after, quota))
                if over:
                    return fails(f"{quota.key} after {obj.key}: {over}", "exceeded")
    return HOLDS


def _quotas_tell_the_truth(state: State) -> Verdict:
    return forall(
        values(state, _QUOTAS),
        lambda quota: (
            same(quota.spec.hard, quota.status.hard)
            and same(quota.status.used, _usage_of(state, quota))
        ),
        lambda quota: f"{quota.key} reports {dict(quota.status.used)} of another use",
    )


quota_status_converges = eventually_stable(
    "quota-status-converges",
    promise="In the end the status of every quota says its limits and what is used of them.",
    conditions="Once the faults have ended; what was charged and not written takes a resync.",
    source=_DOCUMENTATION,
    when=lambda state: any(True for _ in fresh(state, _QUOTAS)),
    then=_quotas_tell_the_truth,
    reads=("objects", "pods", "services", "environment"),
    faults=all_but(),
    companion="a-quota-is-counted",
    mutants=("quota-is-not-replenished",),
)


@sometimes(reads=("objects",), source="companion")
def a_quota_is_charged(state: State) -> bool:
    """An object is created that is charged to a quota."""
    charged = [c for c in written(state, _QUOTAS) if c.previous is not None]
    return bool(charged) and any(not c.key.startswith(f"{_QUOTAS}/") for c in _created(state))


@sometimes(reads=("requests",), source="companion")
def a_quota_refuses(state: State) -> bool:
    """Something is refused because it exceeds a quota."""
    return any(
        isinstance(answered.request, Create)
        and answered.response.reason == FORBIDDEN
        and "exceeded quota" in answered.response.message
        for answered in state.answered
    )


@sometimes(reads=("requests",), source="companion")
def a_quota_is_counted(state: State) -> bool:
    """The controller writes the status of a quota."""
    return any(
        isinstance(sent.request, Update) and sent.request.object.resource == _QUOTAS
        for sent in state.sent
    )


PROPERTIES = (
    an_admitted_create_is_charged_to_its_quotas,
    a_quota_counts_what_its_controller_has_listed,
    quota_status_converges,
    a_quota_is_never_exceeded,
    a_quota_is_charged,
    a_quota_refuses,
    a_quota_is_counted,
)
