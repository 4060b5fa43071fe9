"""Finalizers of others: what bears one stays until whoever put it there takes it away."""

from __future__ import annotations

from typing import Any, Final

from kspec.logic import HOLDS, Verdict
from kspec_models.state import State

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
    is said of the others either.
    """
    return HOLDS if not verdict and _is_held(state) else verdict


def _is_held(state: State) -> bool:
    store = state.api.store
    return any(
        entry.value.is_terminating and any(map(is_foreign, _finalizers(entry.value)))
        for bucket in store.buckets
        for entry in store.bucket(bucket).entries()
    )


def _finalizers(obj: Any) -> tuple[str, ...]:
    of_spec = obj.spec.finalizers if obj.resource == "namespaces" else ()
    return (*obj.metadata.finalizers, *of_spec)
