"""A cluster as one scheduling cycle finds it: nodes, the pods on them, the pods that wait.

What the sections of a report card judge a policy on, as values; written as manifests wherever one
of them shows something.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import attrs
import yaml

from kspec_models.objects import ApiObject, Node, Pod
from kspec_models.scheduler.framework import Context
from kspec_models.scheduler.nodeinfo import NodeInfo, node_info
from kspec_models.store import Entry, Snapshot

_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_GIVEN_BY_THE_SERVER = ("uid", "creationTimestamp", "generation", "resourceVersion")


@attrs.frozen
class Instance:
    """A cluster at rest. bound: pods with a node name. others: services, claims and the like."""

    nodes: tuple[Node, ...]
    bound: tuple[Pod, ...] = ()
    pending: tuple[Pod, ...] = ()
    others: tuple[ApiObject, ...] = ()

    def infos(self) -> tuple[NodeInfo, ...]:
        """The NodeInfos in the order of names."""
        by_node: dict[str, list[Pod]] = {node.name: [] for node in self.nodes}
        for pod in self.bound:
            by_node.setdefault(pod.spec.node_name, []).append(pod)
        nodes = sorted(self.nodes, key=lambda node: node.name)
        return tuple(node_info(node, tuple(by_node[node.name])) for node in nodes)

    def context(self) -> Context:
        """What a policy may look at: the NodeInfos, and a cache of each kind that there is."""
        return Context(self.infos(), self.caches())

    def caches(self) -> dict[str, Snapshot]:
        """The informer caches of the other objects by resource; a dict, so that a policy could."""
        found: dict[str, Snapshot] = {}
        for obj in self.others:
            key = f"{obj.resource}/{obj.key}"
            before = found.get(obj.resource, Snapshot())
            found[obj.resource] = before.patched(key, Entry(key, obj, 1, 1, 1))
        return found

    def objects(self) -> tuple[ApiObject, ...]:
        """Everything, nodes first and the waiting pods last."""
        return (*self.nodes, *self.others, *self.bound, *self.pending)

    def to_yaml(self) -> str:
        return to_yaml(self.objects())


def to_yaml(objects: Iterable[ApiObject]) -> str:
    """Objects as manifests that `kubectl` and `kspec check --state` take."""
    documents = [_as_written(obj.to_json()) for obj in objects]
    text: str = yaml.dump_all(documents, Dumper=_DUMPER, sort_keys=False)
    return text


def _as_written(document: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON without what the API server adds; shares nothing, or YAML would write anchors."""
    found: dict[str, Any] = json.loads(json.dumps(document))
    for name in _GIVEN_BY_THE_SERVER:
        found.get("metadata", {}).pop(name, None)
    return found


def bind(pod: Pod, node: str, annotations: Mapping[str, str] | None = None) -> Pod:
    """The pod as it is once bound to a node, with annotations that the binding brought."""
    if annotations:
        merged = {**pod.metadata.annotations, **annotations}
        pod = pod.with_metadata(annotations=type(pod.metadata.annotations)(merged))
    return pod.replace(spec=pod.spec.replace(node_name=node))
