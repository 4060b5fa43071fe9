"""The event handlers of the ReplicaSet controller.

After addPod, updatePod, deletePod, addRS, updateRS and deleteRS in
pkg/controller/replicaset/replica_set.go at Kubernetes 1.36. Each settles expectations and names the
keys to enqueue. A pod that is being deleted counts as deleted from the update that says so.

Left out: nothing that decides; a pod replaced by another of the same name in one update is handled
as upstream does, which is as an update.
"""

from __future__ import annotations

from kspec_models.controllers.expectations import ControllerExpectations
from kspec_models.controllers.pods import resolve_controller, selecting
from kspec_models.host import Notification, View
from kspec_models.objects import Pod, ReplicaSet, controller_of

Handled = tuple[ControllerExpectations, tuple[str, ...]]


def on_replica_set(
    expectations: ControllerExpectations, event: Notification, view: View
) -> Handled:
    """Enqueue it; a ReplicaSet that is gone, or was created anew, starts without expectations."""
    old, new = event.old, event.new
    if old is not None and (new is None or new.value.uid != old.value.uid):
        expectations = expectations.forget(old.value.key)
    return expectations, (event.key,)


def on_pod(expectations: ControllerExpectations, event: Notification, view: View) -> Handled:
    """Dispatch to added, updated or deleted; a resync of an unchanged pod is no event."""
    old, new = event.old, event.new
    if new is None:
        assert old is not None
        return _deleted(expectations, old.value, view)
    if old is None:
        return _added(expectations, new.value, view)
    if old.mod_revision == new.mod_revision:
        return expectations, ()
    return _updated(expectations, old.value, new.value, view)


def _owner(pod: Pod, view: View) -> str | None:
    owner = resolve_controller(view.caches, ReplicaSet, pod.namespace, controller_of(pod))
    return owner.key if owner is not None else None


def _adopters(pod: Pod, view: View) -> tuple[str, ...]:
    return tuple(rs.key for rs in selecting(view.caches, "replicasets", pod))


def _added(expectations: ControllerExpectations, pod: Pod, view: View) -> Handled:
    if pod.is_terminating:
        return _deleted(expectations, pod, view)
    if controller_of(pod) is None:
        return expectations, _adopters(pod, view)
    key = _owner(pod, view)
    if key is None:
        return expectations, ()
    return expectations.creation_observed(key), (key,)


def _updated(expectations: ControllerExpectations, old: Pod, new: Pod, view: View) -> Handled:
    has_new_labels = old.metadata.labels != new.metadata.labels
    if new.is_terminating:
        expectations, keys = _deleted(expectations, new, view)
        if has_new_labels:
            expectations, more = _deleted(expectations, old, view)
            keys += more
        return expectations, keys
    has_new_owner = controller_of(old) != controller_of(new)
    keys = ()
    if has_new_owner:
        former = _owner(old, view)
        keys = (former,) if former is not None else ()
    if controller_of(new) is not None:
        current = _owner(new, view)
        return expectations, keys if current is None else (*keys, current)
    if has_new_labels or has_new_owner:
        keys += _adopters(new, view)
    return expectations, keys


def _deleted(expectations: ControllerExpectations, pod: Pod, view: View) -> Handled:
    key = _owner(pod, view)
    if key is None:
        return expectations, ()
    return expectations.deletion_observed(key, pod.key), (key,)
