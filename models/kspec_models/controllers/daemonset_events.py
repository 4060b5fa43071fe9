"""The event handlers of the DaemonSet controller: expectations to lower, keys to enqueue.

After the handlers in pkg/controller/daemon/daemon_controller.go at Kubernetes 1.36 (addPod,
updatePod, deletePod, their counterparts for DaemonSets and ControllerRevisions, addNode, updateNode
and syncNodeUpdate). A pod that is being deleted counts as deleted from the update that says so.

Left out: the queue of nodes between a change of a node and the DaemonSets that it concerns. They
are found at once here; where a cache that lags hides something, its own event enqueues them.
The delayed enqueue when a pod turns ready: each pass asks to be called again itself.
"""

from __future__ import annotations

from kspec_models.controllers.concerns import is_resync
from kspec_models.controllers.daemonset_nodes import fit
from kspec_models.controllers.expectations import CountedExpectations
from kspec_models.controllers.pods import resolve_controller, selecting
from kspec_models.host import Notification, View
from kspec_models.objects import ApiObject, ControllerRevision, DaemonSet, Node, Pod, controller_of

Handled = tuple[CountedExpectations, tuple[str, ...]]


def on_daemon_set(expectations: CountedExpectations, event: Notification, view: View) -> Handled:
    """Enqueue it; one that is gone, or was created anew, starts without expectations."""
    old, new = event.old, event.new
    if old is not None and (new is None or new.value.uid != old.value.uid):
        expectations = expectations.forget(old.value.key)
    return expectations, (event.key,)


def _owner(obj: ApiObject, view: View) -> tuple[str, ...]:
    owner = resolve_controller(view.caches, DaemonSet, obj.namespace, controller_of(obj))
    return () if owner is None else (owner.key,)


def _adopters(obj: ApiObject, view: View) -> tuple[str, ...]:
    return tuple(ds.key for ds in selecting(view.caches, "daemonsets", obj))


def on_pod(expectations: CountedExpectations, event: Notification, view: View) -> Handled:
    """A create or a deletion that was seen is one less to expect."""
    old, new = event.old, event.new
    if is_resync(event):
        return expectations, ()
    if new is None or new.value.is_terminating:
        gone: Pod = (old if new is None else new).value  # type: ignore[union-attr]
        keys = _owner(gone, view)
        for key in keys:
            expectations = expectations.lowered(key, deletions=1)
        return expectations, keys
    pod: Pod = new.value
    if old is not None:
        return expectations, _changed(old.value, pod, view)
    if controller_of(pod) is None:
        return expectations, _adopters(pod, view)
    keys = _owner(pod, view)
    for key in keys:
        expectations = expectations.lowered(key, creations=1)
    return expectations, keys


def _changed(old: ApiObject, new: ApiObject, view: View) -> tuple[str, ...]:
    """Who cares for a change of a dependent: its owner, its former owner, who may adopt it."""
    has_new_owner = controller_of(old) != controller_of(new)
    keys = _owner(old, view) if has_new_owner else ()
    if controller_of(new) is not None:
        return keys + _owner(new, view)
    if has_new_owner or old.metadata.labels != new.metadata.labels:
        return keys + _adopters(new, view)
    return keys


def on_revision(expectations: CountedExpectations, event: Notification, view: View) -> Handled:
    """A new revision with an owner is what that owner has just made; the rest enqueues."""
    old, new = event.old, event.new
    if is_resync(event):
        return expectations, ()
    if new is None or (old is None and new.value.is_terminating):
        gone: ControllerRevision = (old if new is None else new).value  # type: ignore[union-attr]
        return expectations, _owner(gone, view)
    if old is not None:
        return expectations, _changed(old.value, new.value, view)
    if controller_of(new.value) is not None:
        return expectations, ()
    return expectations, _adopters(new.value, view)


def is_same_place(event: Notification) -> bool:
    """shouldIgnoreNodeUpdate: whether neither labels nor taints of a node changed, or it went."""
    old, new = event.old, event.new
    if old is None or new is None:
        return new is None
    before, after = old.value, new.value
    return bool(
        before.metadata.labels == after.metadata.labels and before.spec.taints == after.spec.taints
    )


def on_node(expectations: CountedExpectations, event: Notification, view: View) -> Handled:
    """The DaemonSets that have no pod on the node and should, or have one and should not."""
    if is_same_place(event) or event.new is None:
        return expectations, ()
    node: Node = event.new.value
    found: list[str] = []
    here = view.caches["pods"].indexed(f"node/{node.name}")
    owners = {owner.uid for e in here if (owner := controller_of(e.value)) is not None}
    for entry in view.caches["daemonsets"].entries():
        daemon_set: DaemonSet = entry.value
        should_run, should_continue = fit(node, daemon_set)
        has_pod = daemon_set.uid in owners
        is_counted_wrong = has_pod and daemon_set.status.number_misscheduled > 0
        if (should_run and not has_pod) or (not should_continue and has_pod) or is_counted_wrong:
            found.append(daemon_set.key)
    return expectations, tuple(found)
