"""Orders that carry no meaning: labels, and the alternatives and terms of affinity.

A map is equal to one in another order, so nothing here is noticed by comparing objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from kspec_models.objects import Node, Pod
from kspec_models.objects.record import FrozenMap
from kspec_properties.trial.instances import Instance

Labelled = TypeVar("Labelled", Node, Pod)


def labels_reversed(instance: Instance) -> Instance:
    """The labels of all nodes and pods, the last first."""
    return Instance(
        tuple(map(_labels_reversed, instance.nodes)),
        tuple(map(_labels_reversed, instance.bound)),
        tuple(map(_labels_reversed, instance.pending)),
        instance.others,
    )


def _labels_reversed(obj: Labelled) -> Labelled:
    labels = obj.metadata.labels
    if len(labels) < 2:
        return obj
    return obj.with_metadata(labels=FrozenMap(dict(reversed(list(labels.items())))))


def terms_reversed(pod: Pod) -> Pod:
    """The lists within the pod's affinity, and its topology spread constraints, reversed."""
    spec = pod.spec
    spread = tuple(spec.topology_spread_constraints)[::-1]
    affinity = _lists_reversed(spec.affinity) if spec.affinity is not None else None
    return pod.replace(spec=spec.replace(affinity=affinity, topology_spread_constraints=spread))


def _lists_reversed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return FrozenMap({key: _lists_reversed(item) for key, item in value.items()})
    return tuple(map(_lists_reversed, value[::-1])) if isinstance(value, tuple) else value
