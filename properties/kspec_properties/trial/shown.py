"""What a call into a policy was given, as YAML that a user reads or gives to `kubectl`."""

from __future__ import annotations

from typing import Any

import yaml

from kspec_models.objects import Pod
from kspec_models.objects.core import PodSpec
from kspec_models.objects.record import EMPTY
from kspec_models.scheduler.framework import Context
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.policies.numeric import NodeNumbers, PodNumbers
from kspec_properties.trial.instances import to_yaml


def shown(arguments: tuple[Any, ...]) -> str:
    """The nodes with their pods, and last the pod that waits; plain numbers by name."""
    numbers = {type(a).__name__: a._asdict() for a in arguments if _is_numbers(a)}
    if numbers:
        text: str = yaml.safe_dump(numbers, sort_keys=False)
        return text
    infos = _infos(arguments)
    nodes = [info.node for info in infos if info.node is not None]
    bound = [pod for info in infos for pod in info.pods]
    return to_yaml((*nodes, *bound, *_waiting(arguments)))


def _is_numbers(value: Any) -> bool:
    return isinstance(value, PodNumbers | NodeNumbers)


def _infos(arguments: tuple[Any, ...]) -> tuple[NodeInfo, ...]:
    """The node that was asked about, or all nodes that were given."""
    found: tuple[NodeInfo, ...] = ()
    for value in arguments:
        if isinstance(value, NodeInfo):
            return (value,)
        if isinstance(value, Context):
            found = found or value.nodes
        elif isinstance(value, tuple | list) and value and isinstance(value[0], NodeInfo):
            found = tuple(value)
    return found


def _waiting(arguments: tuple[Any, ...]) -> tuple[Pod, ...]:
    for value in arguments:
        if isinstance(value, Pod):
            return (value,)
        if isinstance(value, PodSpec):
            metadata = Pod().metadata.replace(name="pending", namespace="default", labels=EMPTY)
            return (Pod(metadata=metadata, spec=value),)
    return ()
