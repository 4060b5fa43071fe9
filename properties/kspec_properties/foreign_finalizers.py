"""Finalizers of others: what bears one stays until whoever put it there takes it away."""

from __future__ import annotations

from typing import Any, Final

from kspec.logic import HOLDS, Verdict
from kspec_models.state import State
from kspec_properties.reading import pods, values

_OURS: Final = (
    "kubernetes",
    "orphan",
    "foregroundDeletion",
    "batch.kubernetes.io/job-tracking",
    "kubernetes.io/pvc-protection",
    "kubernetes.io/pv-protection",
)
_ATTACHERS: Final = "external-attacher/"


def is_foreign(finalizer: str) -> bool:
    """Whether no controller of the model removes this finalizer."""
    return finalizer not in _OURS and not finalizer.startswith(_ATTACHERS)


def unless_held(state: State, verdict: Verdict) -> Verdict:
    """A verdict on what has to go, which nobody promises while a foreign finalizer holds something.

    Its bearer holds up its namespace, its owner in the foreground and what it uses: then nothing
    is said of the others either. Nor where a pod waits for a claim that waits for the pod.
    """
    return HOLDS if not verdict and (_is_held(state) or _is_knotted(state)) else verdict


def _is_held(state: State) -> bool:
    store = state.api.store
    return any(
        entry.value.is_terminating and any(map(is_foreign, _finalizers(entry.value)))
        for bucket in store.buckets
        for entry in store.bucket(bucket).entries()
    )


def _is_knotted(state: State) -> bool:
    """Whether a pod is being deleted in the foreground, and so after its claims, which are in use
    as long as it is there.

    whenScaled: Delete makes a surplus pod the owner of its claims, with blockOwnerDeletion
    (addControllerRef of pkg/controller/statefulset/stateful_set_utils.go); the collector deletes
    the pods of a StatefulSet that goes in the foreground in the foreground too, if they own
    something; and pvc-protection counts a pod until it is gone.
    """
    return any(
        pod.is_terminating
        and "foregroundDeletion" in pod.metadata.finalizers
        and any(
            claim.namespace == pod.namespace
            and any(reference.uid == pod.uid for reference in claim.metadata.owner_references)
            for claim in values(state, "persistentvolumeclaims")
        )
        for pod in pods(state)
    )


def _finalizers(obj: Any) -> tuple[str, ...]:
    of_spec = obj.spec.finalizers if obj.resource == "namespaces" else ()
    return (*obj.metadata.finalizers, *of_spec)
