"""The worlds of a trial: each small, each with one thing that a wrong policy gets wrong.

Every policy must keep its promises in all of them; none is about one policy. They are small, so
that few random steps see most of what can happen in each.
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


def _best_effort(name: str) -> dict[str, Any]:
    """A pod that asks for nothing."""
    made = pod(name)
    del made["spec"]["containers"][0]["resources"]
    return made


def _port(name: str, number: int) -> dict[str, Any]:
    made = pod(name)
    made["spec"]["containers"][0]["ports"] = [{"containerPort": 80, "hostPort": number}]
    return made


def _of(app: str, replicas: int, **pod_spec: Any) -> dict[str, Any]:
    """A ReplicaSet, which replaces the pods that it loses."""
    labels, template = {"app": app}, pod(app, **pod_spec)["spec"]
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": app, "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": template},
        },
    }


def _with_devices(given: dict[str, Any], count: str) -> dict[str, Any]:
    """The node with devices, an extended resource."""
    room = {**given["status"]["allocatable"], _DEVICE: count}
    return {**given, "status": {**given["status"], "capacity": room, "allocatable": room}}


def _asking(name: str, **amounts: str) -> dict[str, Any]:
    """A pod whose container asks for more than processor time and memory."""
    made = pod(name)
    more = {key.replace("_", "-"): amount for key, amount in amounts.items() if key != "device"}
    if "device" in amounts:
        more[_DEVICE] = amounts["device"]
    resources = made["spec"]["containers"][0]["resources"]
    resources["requests"] = {**resources["requests"], **more}
    if "device" in amounts:
        resources["limits"] = {_DEVICE: amounts["device"]}
    return made


def _in_zones(*zones: str) -> dict[str, Any]:
    """Required node affinity."""
    term = {"matchExpressions": [{"key": "zone", "operator": "In", "values": list(zones)}]}
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    return {"nodeAffinity": {required: {"nodeSelectorTerms": [term]}}}


def _patch(kind: str, name: str, **patch: Any) -> dict[str, Any]:
    return {"patch": {"kind": kind, "name": name, "patch": patch}}


def _apply(given: dict[str, Any]) -> dict[str, Any]:
    return {"apply": given}


_DEVICE = "example.com/device"
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
        "unwelcome",
        node("n1"),
        _apart("a"),
        _labelled(pod("b"), app="web"),
        operations=(_apply(_labelled(pod("c"), app="web")),),
    ),
    _world(
        "other-resources",
        _with_devices(node("n1"), "1"),
        _asking("a", device="1"),
        _asking("b", device="1"),
        _asking("c", ephemeral_storage="60Gi"),
        _asking("d", ephemeral_storage="60Gi"),
    ),
    _world(
        "overhead",
        node("n1", memory="1Gi"),
        pod("a", memory="200Mi", overhead={"memory": "400Mi", "cpu": "100m"}),
        pod("b", memory="200Mi", overhead={"memory": "400Mi", "cpu": "100m"}),
    ),
    _world(
        "node-affinity",
        _labelled(node("n1"), zone=_ZONE_A),
        _labelled(node("n2"), zone=_ZONE_B),
        pod("a", affinity=_in_zones(_ZONE_B)),
        pod("b", affinity=_in_zones("zone-c")),
    ),
    _world(
        "one-after-the-other",
        node("n1", cpu="1", memory="1Gi"),
        pod("a", cpu="600m"),
        operations=(_apply(pod("b", cpu="600m")), _apply(pod("c", memory="900Mi"))),
    ),
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
        "a-rival-arrives",
        _HIGH,
        _LOW,
        node("n1", memory="1Gi"),
        pod("a", memory="600Mi", nodeName="n1", priorityClassName="low"),
        pod("b", memory="600Mi", priorityClassName="high"),
        operations=(_apply(pod("c", memory="600Mi")),),
    ),
    _world(
        "two-preemptors",
        _HIGH,
        _LOW,
        node("n1", memory="1Gi"),
        pod("a", memory="500Mi", nodeName="n1", priorityClassName="low"),
        pod("b", memory="500Mi", nodeName="n1", priorityClassName="low"),
        pod("c", memory="400Mi", priorityClassName="high"),
        pod("d", memory="400Mi", priorityClassName="high"),
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

_FULL = pod("a", memory="600Mi", nodeName="n1")
_WAITING = pod("b", memory="600Mi")

LIVENESS: tuple[World, ...] = (
    _world(
        "room-is-made", node("n1", memory="1Gi"), _FULL, _WAITING, operations=(delete("Pod", "a"),)
    ),
    _world(
        "a-node-is-added",
        node("n1", memory="1Gi"),
        _FULL,
        _WAITING,
        operations=(_apply(node("n2", memory="1Gi")),),
    ),
    _world(
        "a-node-grows",
        node("n1", memory="512Mi"),
        _WAITING,
        operations=(_patch("Node", "n1", status={"allocatable": {"memory": "1Gi"}}),),
    ),
    _world(
        "uncordoned",
        _spec(node("n1"), unschedulable=True),
        pod("a"),
        operations=(_patch("Node", "n1", spec={"unschedulable": False}),),
    ),
    _world(
        "a-taint-is-removed",
        _spec(node("n1"), taints=[_TAINT]),
        pod("a"),
        operations=(_patch("Node", "n1", spec={"taints": None}),),
    ),
    _world(
        "a-label-is-set",
        node("n1"),
        pod("a", nodeSelector={"zone": _ZONE_B}),
        operations=(_patch("Node", "n1", metadata={"labels": {"zone": _ZONE_B}}),),
    ),
    _world(
        "gates-are-removed",
        node("n1"),
        pod("a", schedulingGates=[{"name": "example.com/gate"}]),
        operations=(_patch("Pod", "a", spec={"schedulingGates": None}),),
    ),
    _world(
        "a-port-and-company-leave",
        node("n1"),
        _port("a", 80),
        _port("b", 80),
        _apart("c"),
        _apart("d"),
        operations=(delete("Pod", "a"), delete("Pod", "c")),
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
    _world(
        "all-sorts",
        _LOW,
        node("n1", cpu="1", memory="1Gi"),
        node("n2", cpu="1", memory="1Gi"),
        pod("a", cpu="1", memory="1Gi"),
        _best_effort("b"),
        _labelled(pod("c", tolerations=[{"operator": "Exists"}]), app="web"),
        pod("d", memory="300Mi", priorityClassName="low"),
        operations=(_apply(pod("e", cpu="400m")), _apply(_port("f", 80))),
    ),
    next(
        attrs.evolve(world, name="preemption-ends-in-a-binding")
        for world in SAFETY
        if world.name == "preemption"
    ),
)
"""Where a pod must be bound in the end, and every event that may help it is one that does."""

LOOPS: tuple[World, ...] = (
    _world(
        "victims-come-back",
        _HIGH,
        _LOW,
        node("n1", memory="1Gi"),
        _of("web", 2, memory="450Mi", priorityClassName="low"),
        operations=(_apply(pod("a", memory="500Mi", priorityClassName="high")),),
    ),
    _world(
        "equals-come-back",
        _LOW,
        node("n1", memory="1Gi"),
        _of("web", 1, memory="600Mi", priorityClassName="low"),
        operations=(_apply(_of("api", 1, memory="600Mi", priorityClassName="low")),),
    ),
    _world(
        "preemptors-come-back",
        _HIGH,
        _LOW,
        node("n1", memory="1Gi"),
        node("n2", memory="1Gi"),
        _of("web", 2, memory="600Mi", priorityClassName="low"),
        operations=(_apply(_of("api", 2, memory="600Mi", priorityClassName="high")),),
    ),
)
"""Where evicted pods are replaced, so that a policy may evict for ever."""
