"""Mutants of admission by quotas and limit ranges, and of the controllers of quotas and tokens."""

from __future__ import annotations

from typing import Any

from kspec_models.apiserver.admission import Admission, AdmissionView, Charged
from kspec_models.apiserver.admission_rules import Attributes
from kspec_models.apiserver.server import ApiServer
from kspec_models.controllers.resourcequota import ResourceQuotaController
from kspec_models.controllers.tokens import Remembered, TokensController
from kspec_models.controllers.tokens_legacy import LegacyTokensController
from kspec_models.controllers.worker import Worked
from kspec_models.host import Notification
from kspec_models.objects import ResourceQuota
from kspec_models.quantity import parse
from kspec_models.quota_usage import in_text
from kspec_models.requests import Response
from kspec_models.store import Entry
from kspec_models.world import World
from kspec_models.worlds import delete, pod
from kspec_models.worlds_quota import (
    COUNTED,
    FULL,
    LEGACY_ACCOUNT,
    LIMITED,
    resource_quota,
    token_secret,
)
from kspec_properties.mutants.mutant import ModelMutant, replacing, replacing_controller


class NotCharged(Admission):
    def charge(self, view: AdmissionView, attributes: Attributes, now: int) -> Any:
        found = super().charge(view, attributes, now)
        return found if isinstance(found, Response) else Charged(view.live)


class NotChecked(Admission):
    """Admission that takes the limits for ten times as much."""

    def charge(self, view: AdmissionView, attributes: Attributes, now: int) -> Any:
        found = super().charge(view, attributes, now)
        if not isinstance(found, Response):
            return found
        return super().charge(view._replace(cached=_unlimited(view)), attributes, now)


def _unlimited(view: AdmissionView) -> Any:
    store = view.cached
    for entry in store.bucket("resourcequotas").entries():
        wide = _wide(entry)
        bucket = store.bucket("resourcequotas").patched(entry.key, wide)
        store = type(store)(buckets=store.buckets.set("resourcequotas", bucket))
    return store


def _wide(entry: Entry) -> Entry:
    quota: ResourceQuota = entry.value
    hard = in_text({name: parse(text).mul(10) for name, text in quota.status.hard.items()})
    wide = quota.replace(status=quota.status.replace(hard=hard))
    return Entry(entry.key, wide, entry.create_revision, entry.mod_revision, entry.version)


class RefusesNothing(Admission):
    def limits(self, view: AdmissionView, obj: Any) -> Response | None:
        return None


class CountsTooEarly(ResourceQuotaController):
    acts_unsynced = True


class IgnoresDeletions(ResourceQuotaController):
    def concerns(self, event: Notification) -> bool:
        return event.resource == "resourcequotas" and super().concerns(event)

    def _planned(self, memory: Any, quotas: tuple[str, ...], now: int) -> Any:
        return memory, ()


class ForgetsWhatItMade(LegacyTokensController):
    def remembering(self, memory: Remembered, made: Entry, now: int) -> Remembered:
        return memory


class FillsNothingIn(TokensController):
    def _fill(self, memory: Remembered, entry: Entry, account: Entry) -> Worked:
        return Worked(memory)


_GIVEN_BACK = World(
    name="a-quota-gets-back",
    nodes=1,
    objects=(resource_quota("q", {"pods": "3"}), pod("a")),
    operations=(delete("Pod", "a"),),
)
_ASKED = World(name="a-secret-asks-for-a-token", nodes=1, objects=(token_secret("t"),))

MUTANTS = (
    ModelMutant(
        name="quota-is-not-charged",
        description="admission does not raise status.used of a quota",
        property="an-admitted-create-is-charged-to-its-quotas",
        world=COUNTED,
        change=replacing(api_server=ApiServer(NotCharged())),
    ),
    ModelMutant(
        name="quota-is-not-checked",
        description="admission takes the limits of a quota for ten times as much",
        property="an-admitted-create-is-charged-to-its-quotas",
        world=COUNTED,
        change=replacing(api_server=ApiServer(NotChecked())),
    ),
    ModelMutant(
        name="quota-is-counted-too-early",
        description="the quota controller counts before its informers have synced",
        property="a-quota-counts-what-its-controller-has-listed",
        world=FULL,
        faults="crash",
        change=replacing_controller("resourcequota", lambda old: CountsTooEarly(old.resources)),
    ),
    ModelMutant(
        name="quota-is-not-replenished",
        description="the quota controller does not notice that something is deleted",
        property="quota-status-converges",
        world=_GIVEN_BACK,
        change=replacing_controller("resourcequota", lambda old: IgnoresDeletions(old.resources)),
    ),
    ModelMutant(
        name="limit-ranges-refuse-nothing",
        description="admission refuses nothing that a LimitRange forbids",
        property="a-new-pod-keeps-within-its-limit-ranges",
        world=LIMITED,
        change=replacing(api_server=ApiServer(RefusesNothing())),
    ),
    ModelMutant(
        name="tokens-are-forgotten",
        description="the tokens controller does not remember which Secrets it made",
        property="at-most-one-token-is-made-for-an-account",
        world=LEGACY_ACCOUNT,
        change=replacing_controller("tokens", lambda _: ForgetsWhatItMade()),
    ),
    ModelMutant(
        name="tokens-are-not-filled-in",
        description="the tokens controller fills in no Secret",
        property="token-secrets-are-filled-or-gone",
        world=_ASKED,
        change=replacing_controller("tokens", lambda _: FillsNothingIn()),
    ),
)
