"""ResourceQuota controller: count what exists, and write it into the status of the quotas.

After pkg/controller/resourcequota/resource_quota_controller.go and resource_quota_monitor.go at
1.36. It counts again where the hard limits of a quota change, where something that it tracks is
deleted or stops to be charged (replenishment), and in a full resync every five minutes. It counts
in its caches alone and writes only what differs from the status.

The resync is no clock here that ticks for ever: a later count can find something else only after
the status changed (what admission charged may never have been written, what was counted may have
been out of date) or once a terminating pod is no longer charged, so the next resync is asked for
then, and a quiet world rests. One queue stands for upstream's two, of which one is only faster.

Left out: discovery (the resources are those that the quotas of the world name), the resize of
running pods, and the switch of a claim's attributes class.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from kspec.values import EMPTY_MAP, FingerprintedMap
from kspec_models.controllers.worker import Worked, stop_on_error
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.objects import FrozenMap, ResourceQuota
from kspec_models.quota_usage import charge_ends, is_charged, matching, same, total
from kspec_models.requests import Request, Response, Update
from kspec_models.store import Entry

RESYNC_SECONDS: Final = 300
RESYNC: Final = " resync"
"""Ends the keys under which the full resync of a quota is enqueued."""

Due = FingerprintedMap[str, int]
"""When the next full resync of a quota is due, by key."""


class ResourceQuotaController:
    """`resources`: what the quotas of the world track."""

    name = "resourcequota"

    def __init__(self, resources: tuple[str, ...]) -> None:
        self.resources = resources
        others = (r for r in resources if r != "resourcequotas")
        self.watches = (Watch("resourcequotas"), *(Watch(r) for r in others))

    def initial(self) -> Due:
        return EMPTY_MAP

    def concerns(self, event: Notification) -> bool:
        """Changes of quotas, and of what they track only what may give something back."""
        old, new = event.old, event.new
        if event.resource == "resourcequotas":
            return old is None or new is None or _differ(old.value, new.value)
        if new is None:
            return True
        if old is None:
            return False
        return _is_given_back(old.value, new.value) or _begins_to_end(old.value, new.value)

    def handle(self, memory: Due, event: Notification, view: View) -> tuple[Due, tuple[str, ...]]:
        """Enqueue a quota whose limits changed; plan a resync of one whose status did."""
        if not self.concerns(event):
            return memory, ()
        if event.resource == "resourcequotas":
            return self._quota(memory, event, view.now)
        namespace, resource = event.key.partition("/")[0], event.resource
        quotas = (q.key for q in _quotas(view, namespace) if matching(resource, q.status.hard))
        old, new = event.old, event.new
        if old is not None and new is not None and not _is_given_back(old.value, new.value):
            return self._planned(memory, tuple(quotas), view.now)
        return memory, tuple(quotas)

    def _planned(
        self, memory: Due, quotas: tuple[str, ...], now: int
    ) -> tuple[Due, tuple[str, ...]]:
        """Ask for the next full resync of these quotas, where none is asked for yet."""
        new = tuple(key for key in quotas if key not in memory)
        for key in new:
            memory = memory.set(key, now + RESYNC_SECONDS)
        return memory, tuple(key + RESYNC for key in new)

    def _quota(self, memory: Due, event: Notification, now: int) -> tuple[Due, tuple[str, ...]]:
        old, new, key = event.old, event.new, event.key
        keys: tuple[str, ...] = ()
        if new is None:
            return memory.without(key) if key in memory else memory, ()
        if old is None or not same(old.value.spec.hard, new.value.spec.hard):
            keys = (key,)
        if old is None or old.value.status == new.value.status:
            return memory, keys
        memory, planned = self._planned(memory, (key,), now)
        return memory, (*keys, *planned)

    def reconcile(self, memory: Due, key: str, view: View) -> Worked:
        """Count for one quota; a resync that is not due yet only waits."""
        if not key.endswith(RESYNC):
            return self._sync(memory, key, view)
        name = key.removesuffix(RESYNC)
        due = memory.get(name)
        if due is None:
            return Worked(memory)
        if view.now < due:
            return Worked(memory, requeue_after=due - view.now)
        worked = self._sync(memory.without(name), name, view)
        if worked.requeue_after is None:
            return worked
        return worked._replace(memory=worked.memory.set(name, view.now + worked.requeue_after))

    def _sync(self, memory: Due, key: str, view: View) -> Worked:
        """syncResourceQuota: write the status where the count or the limits differ from it."""
        entry = view.caches["resourcequotas"].get(f"resourcequotas/{key}")
        if entry is None:
            return Worked(memory)
        wait = None if key in memory else _until_given_back(entry.value, view)
        return Worked(memory, self._status(entry, view), requeue_after=wait)

    def _status(self, entry: Entry, view: View) -> tuple[Request, ...]:
        quota: ResourceQuota = entry.value
        spec, status = quota.spec, quota.status
        used = {**status.used, **self.count(quota, view)}
        used = {name: amount for name, amount in used.items() if name in spec.hard}
        if same(spec.hard, status.hard) and same(FrozenMap(used), status.used):
            return ()
        new = quota.replace(status=status.replace(hard=spec.hard, used=FrozenMap(used)))
        return (Update(new, entry.resource_version, "status"),)

    def count(self, quota: ResourceQuota, view: View) -> FrozenMap[Any]:
        """What the caches show to be used."""
        objects = {r: (e.value for e in view.caches[r].entries()) for r in self.resources}
        return total(quota, objects, view.now)

    def answer(
        self, memory: Due, call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        return stop_on_error(memory, call, response)

    def relative(self, memory: Due, now: int) -> Due:
        """The resyncs as distances."""
        found: Due = EMPTY_MAP
        for key, due in memory.sorted_items():
            found = found.set(key, due - now)
        return found


def _differ(old: ResourceQuota, new: ResourceQuota) -> bool:
    return old.spec.hard != new.spec.hard or old.status != new.status


def _is_given_back(old: Any, new: Any) -> bool:
    """The update filter of the monitors: a pod that ended, a service of another type."""
    if new.resource == "pods":
        ended = ("Succeeded", "Failed")
        return new.status.phase in ended and old.status.phase not in ended
    return new.resource == "services" and bool(new.spec.type != old.spec.type)


def _begins_to_end(old: Any, new: Any) -> bool:
    """Whether a pod is marked as terminating, so that a time comes when it is not charged."""
    return new.resource == "pods" and bool(new.metadata != old.metadata and new.is_terminating)


def _quotas(view: View, namespace: str) -> Iterator[ResourceQuota]:
    for entry in view.caches["resourcequotas"].entries():
        if entry.value.namespace == namespace:
            yield entry.value


def _until_given_back(quota: ResourceQuota, view: View) -> int | None:
    """The seconds to the resync after which the next of the terminating pods is not charged."""
    if "pods" not in view.caches or not matching("pods", quota.spec.hard):
        return None
    pods = (e.value for e in view.caches["pods"].entries() if e.value.namespace == quota.namespace)
    ends = [charge_ends(pod) for pod in pods if pod.is_terminating and is_charged(pod, view.now)]
    first = min((end for end in ends if end is not None), default=None)
    if first is None:
        return None
    return ((first - view.now) // RESYNC_SECONDS + 1) * RESYNC_SECONDS
