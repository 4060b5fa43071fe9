"""A small vocabulary: options that are combined in every way, and the scene of a combination."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from kspec_models.objects import Node, Pod
from kspec_models.objects.record import FrozenMap
from kspec_models.scheduler.framework import Context
from kspec_models.scheduler.nodeinfo import NodeInfo

Chosen = Mapping[str, int]
"""The index of each option's value."""
CPU_AND_PODS = {"cpu": "64", "memory": "1Gi", "pods": "110"}


@attrs.frozen
class Scene:
    """A pending pod, the nodes with their pods, of which the first is judged, and what forbids it.

    refused_by: the constraints, by name, that keep the pod off the first node; () if it may go.
    """

    pending: Pod
    nodes: tuple[NodeInfo, ...]
    refused_by: tuple[str, ...]
    caches: Mapping[str, Any] = FrozenMap()

    @property
    def context(self) -> Context:
        """What a policy sees besides the pod and the node."""
        return Context(self.nodes, self.caches)

    @property
    def objects(self) -> tuple[Node | Pod, ...]:
        """The nodes, the pods on them and last the pending pod."""
        nodes = [info.node for info in self.nodes if info.node is not None]
        bound = [pod for info in self.nodes for pod in info.pods]
        return (*nodes, *bound, self.pending)


@attrs.frozen
class Vocabulary:
    """options: the values of each, by name; the names are in no other vocabulary."""

    name: str
    options: Mapping[str, Sequence[Any]]
    scene: Callable[[Chosen], Scene]

    def combinations(self) -> Iterator[dict[str, int]]:
        """Every combination, as indexes; those of the first options first."""
        for chosen in itertools.product(*(range(len(o)) for o in self.options.values())):
            yield dict(zip(self.options, chosen, strict=True))

    def values(self, chosen: Chosen) -> dict[str, Any]:
        """What was chosen, by option."""
        return {name: options[chosen[name]] for name, options in self.options.items()}


def node_of(name: str, labels: Mapping[str, str], **spec: Any) -> Node:
    """A node with room, of these labels."""
    return Node.from_json(
        {
            "metadata": {"name": name, "labels": dict(labels)},
            "spec": spec,
            "status": {"allocatable": CPU_AND_PODS, "capacity": CPU_AND_PODS},
        }
    )


def pod_of(
    name: str, spec: Mapping[str, Any], labels: Mapping[str, str] = FrozenMap(), space: str = ""
) -> Pod:
    """A pod of one container that requests nothing, unless its spec says otherwise."""
    metadata = {"name": name, "namespace": space or "default", "uid": name, "labels": dict(labels)}
    containers = [{"name": "main", "image": "pause"}]
    return Pod.from_json({"metadata": metadata, "spec": {"containers": containers, **spec}})
