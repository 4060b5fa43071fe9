"""What the worlds of a trial are made of: manifests with one thing that matters, operations."""

from __future__ import annotations

from typing import Any

from kspec_models.world import World
from kspec_models.worlds import container, pod

DEVICE = "example.com/device"
"""An extended resource."""


def world(name: str, *objects: dict[str, Any], **more: Any) -> World:
    return World(name=name, objects=objects, **more)


def with_spec(given: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {**given, "spec": {**given.get("spec", {}), **fields}}


def labelled(given: dict[str, Any], **labels: str) -> dict[str, Any]:
    metadata = given["metadata"]
    return {**given, "metadata": {**metadata, "labels": {**metadata.get("labels", {}), **labels}}}


def in_namespace(name: str, given: dict[str, Any]) -> dict[str, Any]:
    return {**given, "metadata": {**given["metadata"], "namespace": name}}


def starting(name: str, memory: str, init: str, **extra: Any) -> dict[str, Any]:
    """A pod whose init container needs more memory than its container."""
    first = {**container("100m", init), "name": "init", **extra}
    return pod(name, memory=memory, initContainers=[first])


def against(name: str, topology: str = "kubernetes.io/hostname") -> dict[str, Any]:
    """Required anti-affinity to the pods of an application."""
    term = {"labelSelector": {"matchLabels": {"app": name}}, "topologyKey": topology}
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    return {"podAntiAffinity": {required: [term]}}


def apart(name: str) -> dict[str, Any]:
    return labelled(pod(name, affinity=against("web")), app="web")


def best_effort(name: str) -> dict[str, Any]:
    """A pod that asks for nothing."""
    made = pod(name)
    del made["spec"]["containers"][0]["resources"]
    return made


def on_port(name: str, number: int) -> dict[str, Any]:
    made = pod(name)
    made["spec"]["containers"][0]["ports"] = [{"containerPort": 80, "hostPort": number}]
    return made


def replica_set(app: str, replicas: int, **pod_spec: Any) -> dict[str, Any]:
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


def with_devices(given: dict[str, Any], count: str) -> dict[str, Any]:
    """The node with devices, an extended resource."""
    room = {**given["status"]["allocatable"], DEVICE: count}
    return {**given, "status": {**given["status"], "capacity": room, "allocatable": room}}


def asking(name: str, **amounts: str) -> dict[str, Any]:
    """A pod whose container asks for more than processor time and memory."""
    made = pod(name)
    more = {key.replace("_", "-"): amount for key, amount in amounts.items() if key != "device"}
    if "device" in amounts:
        more[DEVICE] = amounts["device"]
    resources = made["spec"]["containers"][0]["resources"]
    resources["requests"] = {**resources["requests"], **more}
    if "device" in amounts:
        resources["limits"] = {DEVICE: amounts["device"]}
    return made


def in_zones(*zones: str) -> dict[str, Any]:
    """Required node affinity."""
    term = {"matchExpressions": [{"key": "zone", "operator": "In", "values": list(zones)}]}
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    return {"nodeAffinity": {required: {"nodeSelectorTerms": [term]}}}


def patch(kind: str, name: str, **patch: Any) -> dict[str, Any]:
    return {"patch": {"kind": kind, "name": name, "patch": patch}}


def apply(given: dict[str, Any]) -> dict[str, Any]:
    return {"apply": given}
