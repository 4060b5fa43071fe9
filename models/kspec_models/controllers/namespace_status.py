"""What a pass over a terminating Namespace found, and the conditions that report it.

After pkg/controller/namespace/deletion/status_condition_utils.go at 1.36. Left out: the conditions
for failures of discovery and of group-version parsing, because the resources are known here.
"""

from __future__ import annotations

from typing import NamedTuple

from kspec_models.objects import Condition, Namespace, NamespaceStatus, Time, with_condition
from kspec_models.objects import condition as condition_of

DELETION_CONTENT_FAILURE = "NamespaceDeletionContentFailure"
CONTENT_REMAINING = "NamespaceContentRemaining"
FINALIZERS_REMAINING = "NamespaceFinalizersRemaining"

_OK: dict[str, tuple[str, str]] = {
    DELETION_CONTENT_FAILURE: (
        "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization",
    ),
    CONTENT_REMAINING: ("ContentRemoved", "All content successfully removed"),
    FINALIZERS_REMAINING: ("ContentRemoved", "All content successfully removed"),
}

Counts = tuple[tuple[str, int], ...]


class Findings(NamedTuple):
    """estimate: seconds until the content may be gone, 0 for none. remaining: objects by resource.

    finalizers: objects by finalizer. failures: the resources that could not be emptied.
    """

    estimate: int = 0
    remaining: Counts = ()
    finalizers: Counts = ()
    failures: tuple[str, ...] = ()


def added(counts: Counts, more: dict[str, int]) -> Counts:
    """The counts with more of them, in the order of names."""
    total = dict(counts)
    for name, number in more.items():
        total[name] = total.get(name, 0) + number
    return tuple(sorted(total.items()))


def _found(findings: Findings) -> dict[str, tuple[str, str]]:
    """Reason and message of each condition that is true."""
    found: dict[str, tuple[str, str]] = {}
    if findings.failures:
        text = ", ".join(sorted(findings.failures))
        found[DELETION_CONTENT_FAILURE] = (
            "ContentDeletionFailed",
            f"Failed to delete all resource types, {len(findings.failures)} remaining: {text}",
        )
    if findings.remaining:
        text = ", ".join(f"{name} has {n} resource instances" for name, n in findings.remaining)
        found[CONTENT_REMAINING] = (
            "SomeResourcesRemain",
            f"Some resources are remaining: {text}",
        )
    if findings.finalizers:
        text = ", ".join(f"{name} in {n} resource instances" for name, n in findings.finalizers)
        found[FINALIZERS_REMAINING] = (
            "SomeFinalizersRemain",
            f"Some content in the namespace has finalizers remaining: {text}",
        )
    return found


def reported(namespace: Namespace, findings: Findings, now: int) -> Namespace:
    """The namespace with the conditions that tell of the findings; itself if they do already."""
    found = _found(findings)
    conditions = namespace.status.conditions
    for kind, fine in _OK.items():
        reason, message = found.get(kind, fine)
        status = "True" if kind in found else "False"
        old = condition_of(conditions, kind)
        same_status = old is not None and old.status == status
        new = Condition(
            type=kind,
            status=status,
            reason=reason,
            message=message,
            last_transition_time=old.last_transition_time if old and same_status else Time(now),
        )
        if old != new:
            conditions = with_condition(conditions, new)
    if conditions is namespace.status.conditions:
        return namespace
    status_now: NamespaceStatus = namespace.status.replace(conditions=conditions)
    return namespace.replace(status=status_now)
