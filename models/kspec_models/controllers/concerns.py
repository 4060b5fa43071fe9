"""Which events of dependents concern a controller of their owners, told from the event alone.

After the early returns that addPod, updatePod and deletePod of the controllers in pkg/controller
share (replica_set.go, job_controller.go, stateful_set.go, daemon_controller.go at Kubernetes 1.36):
what a controller of another kind owns is nobody else's, a resync changes nothing, and an orphan is
looked at when it appears, loses its owner or changes its labels.
"""

from __future__ import annotations

from kspec_models.host import Notification
from kspec_models.objects import controller_of


def is_resync(event: Notification) -> bool:
    """Whether an update tells of no change."""
    old, new = event.old, event.new
    return old is not None and new is not None and old.mod_revision == new.mod_revision


def concerns_owner(event: Notification, kind: str) -> bool:
    """Whether an event of a dependent concerns a controller of that kind, which adopts orphans."""
    old, new = event.old, event.new
    if old is None or new is None:
        obj = (new or old).value  # type: ignore[union-attr]
        owner = controller_of(obj)
        if owner is not None:
            return bool(owner.kind == kind)
        return new is not None and not obj.is_terminating
    if old.mod_revision == new.mod_revision:
        return False
    before, after = old.value.metadata, new.value.metadata
    current = controller_of(new.value)
    if current is not None and current.kind == kind:
        return True
    if before.owner_references is not after.owner_references:
        former = controller_of(old.value)
        if former is not None and former.kind == kind:
            return True
        if current is None and former is not None:
            return True
    return current is None and bool(before.labels != after.labels)
