"""Small worlds for what the other worlds lack: every one of them makes the model take a new path.

The worlds of the hand-written mutants show one broken promise each, with as little as it takes.
Here is the rest of what users write: constraints, several ways to roll out, pods that end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kspec_models.world import World
from kspec_models.worlds import container, delete, deployment, node, pod, scale, service, set_image

DEVICE = "example.com/device"
Json = dict[str, Any]


def _patch(kind: str, name: str, patch: Mapping[str, Any]) -> Json:
    return {"patch": {"kind": kind, "name": name, "patch": dict(patch)}}


def _apply(obj: Json) -> Json:
    return {"apply": obj}


def _labelled(obj: Json, labels: Mapping[str, str], **metadata: Any) -> Json:
    return {**obj, "metadata": {**obj["metadata"], "labels": dict(labels), **metadata}}


def _deployment(name: str, replicas: int, **spec: Any) -> Json:
    made = deployment(name, replicas)
    return {**made, "spec": {**made["spec"], **spec}}


def _node(name: str, zone: str, *taints: Json, **room: str) -> Json:
    made = node(name, pods="6")
    labels = {"kubernetes.io/hostname": name, "zone": zone}
    offered = {**made["status"]["allocatable"], **room}
    status = {**made["status"], "capacity": offered, "allocatable": offered}
    made = {**made, "status": status, "spec": {"taints": list(taints)}}
    return _labelled(made, labels)


def _term(operator: str, *values: str) -> Json:
    return {"matchExpressions": [{"key": "zone", "operator": operator, "values": list(values)}]}


def _affinity(required: Json, preferred: Json) -> Json:
    return {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [required]},
            "preferredDuringSchedulingIgnoredDuringExecution": [
                {"weight": 10, "preference": preferred}
            ],
        }
    }


def _with_port(host_port: int) -> Json:
    port = {"containerPort": 8080, "hostPort": host_port}
    return {"containers": [{**container(), "ports": [port]}]}


def _with_device(name: str) -> Json:
    requests = {"cpu": "100m", DEVICE: "1"}
    resources = {"requests": requests, "limits": {DEVICE: "1"}}
    return pod(name) | {"spec": {"containers": [{**container(), "resources": resources}]}}


_TAINT = {"key": "dedicated", "value": "batch", "effect": "NoSchedule"}
_TOLERATION = {"key": "dedicated", "operator": "Equal", "value": "batch", "effect": "NoSchedule"}

CONSTRAINTS = World(
    name="constraints",
    objects=(
        _node("n1", "east", _TAINT),
        _node("n2", "west", **{DEVICE: "1"}),
        pod("selected", nodeSelector={"zone": "east"}, tolerations=[_TOLERATION]),
        pod("not-east", affinity=_affinity(_term("NotIn", "east"), _term("In", "west"))),
        pod("zoned", affinity=_affinity(_term("Exists"), _term("DoesNotExist"))),
        pod("north", nodeSelector={"zone": "north"}),
        pod("untolerating", nodeSelector={"dedicated": "batch"}),
        pod("port-a", **_with_port(80)),
        pod("port-b", **_with_port(80)),
        _with_device("device-a"),
        _with_device("device-b"),
    ),
    operations=(
        _patch("Node", "n1", {"spec": {"unschedulable": True}}),
        _patch("Node", "n1", {"metadata": {"labels": {"zone": "north", "dedicated": "batch"}}}),
        _patch("Node", "n1", {"spec": {"unschedulable": None, "taints": None}}),
        delete("Pod", "device-a"),
        delete("Pod", "port-a"),
    ),
)
"""Where a pod may go is restricted in every way that the scheduler knows, and changes later."""

RECREATE = World(
    name="recreate",
    nodes=1,
    objects=(
        _deployment(
            "web", 2, strategy={"type": "Recreate"}, revisionHistoryLimit=0, minReadySeconds=3
        ),
        service("web"),
    ),
    operations=(set_image("web", "app:2"), set_image("web", "app:1"), scale("web", 1)),
)
"""All old pods go before a new one comes; old revisions are not kept."""

PAUSED = World(
    name="paused",
    nodes=2,
    objects=(
        _deployment(
            "web",
            3,
            revisionHistoryLimit=1,
            strategy={
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": "50%", "maxUnavailable": "34%"},
            },
        ),
    ),
    operations=(
        set_image("web", "app:2"),
        _patch("Deployment", "web", {"spec": {"paused": True}}),
        scale("web", 5),
        _patch("Deployment", "web", {"spec": {"paused": False}}),
        set_image("web", "app:1"),
    ),
)
"""A rollout is paused half-way, resized, resumed, and taken back; bounds are percentages."""

ADOPTION = World(
    name="adoption",
    nodes=1,
    objects=(
        _labelled(pod("orphan"), {"app": "web", "pod-template-hash": "none"}),
        {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {"name": "web", "namespace": "default"},
            "spec": {
                "replicas": 2,
                "selector": {
                    "matchLabels": {"app": "web"},
                    "matchExpressions": [
                        {"key": "app", "operator": "In", "values": ["web", "api"]},
                        {"key": "tier", "operator": "DoesNotExist"},
                    ],
                },
                "template": {
                    "metadata": {"labels": {"app": "web"}},
                    "spec": {"containers": [container()]},
                },
            },
        },
    ),
    operations=(
        _patch("Pod", "orphan", {"metadata": {"labels": {"app": "api"}}}),
        _patch("Pod", "orphan", {"metadata": {"labels": {"tier": "x"}}}),
    ),
)
"""A ReplicaSet adopts a pod that was there before, keeps it after one edit, releases it after."""


def _ending(name: str) -> Json:
    first = {**container(), "name": "first"}
    beside = {**container(), "name": "beside", "restartPolicy": "Always"}
    probed = {**container(), "readinessProbe": {"tcpSocket": {"port": 8080}}}
    return pod(name, restartPolicy="OnFailure") | {
        "spec": {
            "restartPolicy": "OnFailure",
            "initContainers": [first, beside],
            "containers": [probed, {**container(image="side:1"), "name": "other"}],
        }
    }


SAME_NAME = World(
    name="same-name-again",
    nodes=1,
    objects=(_labelled(pod("a"), {"app": "a"}), _ending("task"), service("a")),
    operations=(
        delete("Pod", "a"),
        _apply(_labelled(pod("a"), {"app": "a"})),
        delete("Pod", "task"),
        _apply(_ending("task")),
        delete("Service", "a"),
    ),
)
"""Pods are deleted and made again under the same name, some of them with several containers."""

SITUATIONS = (CONSTRAINTS, RECREATE, PAUSED, ADOPTION, SAME_NAME)
