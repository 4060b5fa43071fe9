"""The worlds of a trial: each small, each with one thing that a wrong policy gets wrong.

Every policy must keep its promises in all of them; none is about one policy.
"""

from __future__ import annotations

from typing import Any

import attrs

from kspec_models.world import World
from kspec_models.worlds import container, delete, node, pod, priority_class

_TIGHT = {"cpu": "4", "memory": "1Gi", "pods": "10", "ephemeral-storage": "10Gi"}
_HIGH, _LOW = priority_class("high", 1000), priority_class("low", 10)


def _world(name: str, *objects: dict[str, Any], **more: Any) -> World:
    return World(name=name, objects=objects, **more)


def _spec(given: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {**given, "spec": {**given.get("spec", {}), **fields}}


def _labelled(given: dict[str, Any], **labels: str) -> dict[str, Any]:
    metadata = given["metadata"]
    return {**given, "metadata": {**metadata, "labels": {**metadata.get("labels", {}), **labels}}}


def _init(name: str, memory: str, init: str, **extra: Any) -> dict[str, Any]:
    """A pod whose init container needs more memory than its container."""
    first = {**container("100m", init), "name": "init", **extra}
    return pod(name, memory=memory, initContainers=[first])


def _against(name: str, topology: str = "kubernetes.io/hostname") -> dict[str, Any]:
    """Required anti-affinity to the pods of an application."""
    term = {"labelSelector": {"matchLabels": {"app": name}}, "topologyKey": topology}
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    return {"podAntiAffinity": {required: [term]}}


def _apart(name: str) -> dict[str, Any]:
    return _labelled(pod(name, affinity=_against("web")), app="web")


def _port(name: str, number: int) -> dict[str, Any]:
    made = pod(name)
    made["spec"]["containers"][0]["ports"] = [{"containerPort": 80, "hostPort": number}]
    return made


_TAINT = {"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}
_ZONE_A, _ZONE_B = "zone-a", "zone-b"

SAFETY: tuple[World, ...] = (
    World(
        name="tight-memory",
        nodes=2,
        node_capacity=_TIGHT,
        objects=(pod("a", memory="600Mi"), pod("b", memory="600Mi"), pod("c", memory="600Mi")),
    ),
    World(
        name="two-pods-a-node",
        nodes=1,
        node_capacity={**_TIGHT, "pods": "2"},
        objects=(pod("a"), pod("b"), pod("c")),
    ),
    World(
        name="init-containers",
        nodes=1,
        node_capacity=_TIGHT,
        objects=(
            _init("a", "100Mi", "600Mi"),
            _init("b", "100Mi", "600Mi"),
            _init("c", "300Mi", "300Mi", restartPolicy="Always"),
        ),
    ),
    _world(
        "taints-and-cordons",
        _spec(node("n1"), taints=[_TAINT]),
        _spec(node("n2"), unschedulable=True),
        node("n3", cpu="200m"),
        pod("a"),
        pod("b", cpu="200m"),
        pod("c", tolerations=[{"key": "dedicated", "operator": "Exists"}], cpu="1"),
    ),
    _world(
        "selectors-and-ports",
        _labelled(node("n1"), zone=_ZONE_A),
        _labelled(node("n2"), zone=_ZONE_B),
        pod("a", nodeSelector={"zone": _ZONE_B}),
        _port("b", 80),
        _port("c", 80),
        _port("d", 80),
    ),
    _world("anti-affinity", node("n1"), node("n2"), _apart("a"), _apart("b"), _apart("c")),
    _world(
        "preemption",
        _HIGH,
        _LOW,
        node("n1", memory="1Gi"),
        pod("a", memory="500Mi", nodeName="n1"),
        pod("b", memory="500Mi", nodeName="n1", priorityClassName="low"),
        pod("c", memory="400Mi", priorityClassName="high"),
    ),
    _world(
        "nobody-to-preempt",
        _HIGH,
        _LOW,
        node("n1", memory="1Gi"),
        pod("a", memory="600Mi", nodeName="n1", priorityClassName="high"),
        pod("b", memory="300Mi", nodeName="n1"),
        pod("c", memory="600Mi", priorityClassName="high"),
        pod("d", memory="600Mi", priorityClassName="low"),
    ),
)
"""Where a wrong decision shows at once."""

LIVENESS: tuple[World, ...] = (
    World(
        name="room-is-made",
        nodes=1,
        node_capacity=_TIGHT,
        objects=(pod("a", memory="600Mi"), pod("b", memory="600Mi")),
        operations=(delete("Pod", "a"),),
    ),
    _world(
        "uncordoned",
        _spec(node("n1"), unschedulable=True),
        pod("a"),
        operations=(
            {"patch": {"kind": "Node", "name": "n1", "patch": {"spec": {"unschedulable": False}}}},
        ),
    ),
    _world(
        "low-beside-high",
        _HIGH,
        _LOW,
        node("n1", memory="1Gi"),
        node("n2", memory="1Gi"),
        pod("a", memory="300Mi", priorityClassName="high"),
        pod("b", memory="300Mi", priorityClassName="low"),
        pod("c", memory="300Mi"),
    ),
    attrs.evolve(SAFETY[6], name="preemption-ends-in-a-binding"),
)
"""Where a pod must be bound in the end."""
