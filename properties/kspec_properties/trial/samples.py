"""Small instances on which policies are measured: each has one thing that is easy to place badly.

The pods are in the order of the queue. All of each but `overloaded` can be placed.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from kspec_models.world import World
from kspec_models.worlds import node, pod
from kspec_properties.trial.from_world import instance_of
from kspec_properties.trial.instances import Instance

_GPU = "example.com/gpu"
Json = dict[str, Any]


def _pods(name: str, count: int, cpu: str, memory: str = "64Mi", **spec: Any) -> list[Json]:
    return [pod(f"{name}-{i}", cpu=cpu, memory=memory, **spec) for i in range(1, count + 1)]


def _labelled(made: Json, **labels: str) -> Json:
    metadata = made["metadata"]
    return {**made, "metadata": {**metadata, "labels": {**metadata["labels"], **labels}}}


def _tainted(made: Json) -> Json:
    return {**made, "spec": {"taints": [{"key": "team", "value": "a", "effect": "NoSchedule"}]}}


def _with_gpu(made: Json, count: int) -> Json:
    room = {**made["status"]["capacity"], _GPU: str(count)}
    return {**made, "status": {**made["status"], "capacity": room, "allocatable": room}}


def _wanting_gpu(made: Json) -> Json:
    container = made["spec"]["containers"][0]
    requests = {**container["resources"]["requests"], _GPU: "1"}
    wanting = {**container, "resources": {"requests": requests, "limits": {_GPU: "1"}}}
    return {**made, "spec": {**made["spec"], "containers": [wanting]}}


_WORLDS: dict[str, list[Json]] = {
    "small-before-large": [
        *(node("n1", "4"), node("n2", "4")),
        *_pods("small", 2, "1"),
        *_pods("large", 2, "3"),
    ],
    "two-dimensions": [
        *(node(f"n{i}", "4", "8Gi") for i in range(1, 4)),
        *_pods("cpu", 3, "3", "1Gi"),
        *_pods("memory", 3, "500m", "6Gi"),
        *_pods("rest", 3, "500m", "1Gi"),
    ],
    "picky-pods-last": [
        *(_labelled(node("n1", "2"), disk="ssd"), node("n2", "2")),
        *_pods("any", 2, "1"),
        *_pods("picky", 2, "1", nodeSelector={"disk": "ssd"}),
    ],
    "cpu-on-gpu-nodes": [
        *(_with_gpu(node("n1", "4"), 2), node("n2", "4")),
        *_pods("plain", 2, "2"),
        *(_wanting_gpu(p) for p in _pods("gpu", 2, "2")),
    ],
    "one-tainted": [
        *(_tainted(node("n1", "3")), node("n2", "3")),
        *_pods("tolerant", 3, "1", tolerations=[{"key": "team", "operator": "Exists"}]),
        *_pods("plain", 3, "1"),
    ],
    "room-between-bound": [
        *(node("n1", "4"), node("n2", "4"), node("n3", "4")),
        *(pod("old-1", cpu="3", nodeName="n1"), pod("old-2", cpu="2", nodeName="n2")),
        *_pods("one", 2, "1"),
        *_pods("two", 1, "2"),
        *_pods("three", 1, "3"),
    ],
    "few-pods-a-node": [
        *(node("n1", "4", pods="2"), node("n2", "4", pods="4")),
        *_pods("tiny", 4, "100m"),
        *_pods("large", 2, "2"),
    ],
    "overloaded": [
        *(node("n1", "2"), node("n2", "2")),
        *_pods("large", 2, "1500m"),
        *_pods("small", 3, "500m"),
        *_pods("giant", 1, "8"),
    ],
}


@cache
def samples() -> dict[str, Instance]:
    """The instances by name."""
    return {
        name: instance_of(World(name=name, objects=tuple(objects))).instance
        for name, objects in _WORLDS.items()
    }
