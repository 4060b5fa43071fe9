"""What the documents of a world say of pods: which helpers beside Kubernetes it calls for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kspec_models.needs import Needs


def _gates(value: Any) -> Iterator[Any]:
    """The types of all readiness gates in a document, of pods and of templates."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name == "readinessGates" and isinstance(inner, list | tuple):
                yield from (g.get("conditionType") for g in inner if isinstance(g, Mapping))
            else:
                yield from _gates(inner)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _gates(item)


def has_readiness_gate(needs: Needs, kind: str) -> bool:
    """Whether pods of the world wait for a condition of that type before they are ready."""
    documents = (*needs.world.objects, *needs.world.operations)
    return any(kind == found for document in documents for found in _gates(document))
