"""The event handlers of the ReplicaSet controller.

After addPod, updatePod, deletePod, addRS, updateRS and deleteRS in
pkg/controller/replicaset/replica_set.go at Kubernetes 1.36. Each settles expectations and names the
keys to enqueue. A pod that is being deleted counts as deleted from the update that says so.

Left out: nothing that decides; a pod replaced by another of the same name in one update is handled
as upstream does, which is as an update.
"""

from __future__ import annotations

from typing import NamedTuple

from kspec_models.controllers.expectations import ControllerExpectations
from kspec_models.controllers.pods import resolve_controller, selecting
from kspec_models.host import Notification, View
from kspec_models.objects import Pod, ReplicaSet, controller_of

Handled = tuple[ControllerExpectations, tuple[str, ...]]


class Seen(NamedTuple):
    """What the handlers look at: the kind that owns pods, in the caches."""

    kind: type[ReplicaSet]
    view: View


def on_replica_set(expectations: ControllerExpectations, event: Notification) -> Handled:
    """Enqueue it; a ReplicaSet that is gone, or was created anew, starts without expectations."""
    old, new = event.old, event.new
    if old is not None and (new is None or new.value.uid != old.value.uid):
        expectations = expectations.forget(old.value.key)
    return expectations, (event.key,)


def on_pod(expectations: ControllerExpectations, event: Notification, seen: Seen) -> Handled:
    """Dispatch to added, updated or deleted; a resync of an unchanged pod is no event."""
    old, new = event.old, event.new
    if new is None:
        assert old is not None
        return _deleted(expectations, old.value, seen)
    if old is None:
        return _added(expectations, new.value, seen)
    if old.mod_revision == new.mod_revision:
        return expectations, ()
    return _updated(expectations, old.value, new.value, seen)


def _owner(pod: Pod, seen: Seen) -> str | None:
    caches = seen.view.caches
    owner = resolve_controller(caches, seen.kind, pod.namespace, controller_of(pod))
    return owner.key if owner is not None else None


def _adopters(pod: Pod, seen: Seen) -> tuple[str, ...]:
    return tuple(rs.key for rs in selecting(seen.view.caches, seen.kind.RESOURCE, pod))


def _added(expectations: ControllerExpectations, pod: Pod, seen: Seen) -> Handled:
    if pod.is_terminating:
        return _deleted(expectations, pod, seen)
    if controller_of(pod) is None:
        return expectations, _adopters(pod, seen)
    key = _owner(pod, seen)
    if key is None:
        return expectations, ()
    return expectations.creation_observed(key), (key,)


def _updated(expectations: ControllerExpectations, old: Pod, new: Pod, seen: Seen) -> Handled:
    has_new_labels = old.metadata.labels != new.metadata.labels
    if new.is_terminating:
        expectations, keys = _deleted(expectations, new, seen)
        if has_new_labels:
            expectations, more = _deleted(expectations, old, seen)
            keys += more
        return expectations, keys
    has_new_owner = controller_of(old) != controller_of(new)
    keys = ()
    if has_new_owner:
        former = _owner(old, seen)
        keys = (former,) if former is not None else ()
    if controller_of(new) is not None:
        current = _owner(new, seen)
        return expectations, keys if current is None else (*keys, current)
    if has_new_labels or has_new_owner:
        keys += _adopters(new, seen)
    return expectations, keys


def _deleted(expectations: ControllerExpectations, pod: Pod, seen: Seen) -> Handled:
    key = _owner(pod, seen)
    if key is None:
        return expectations, ()
    return expectations.deletion_observed(key, pod.key), (key,)
