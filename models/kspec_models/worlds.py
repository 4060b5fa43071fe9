"""The worlds that ship with kspec, as documents: the built-in, the bench world, small stages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kspec_models.world import World

Json = Mapping[str, Any]


def container(cpu: str = "100m", memory: str = "64Mi", image: str = "app:1") -> dict[str, Any]:
    """A container with requests and a port; it becomes ready as soon as it runs."""
    return {
        "name": "app",
        "image": image,
        "ports": [{"containerPort": 8080}],
        "resources": {"requests": {"cpu": cpu, "memory": memory}},
    }


def pod(name: str, *, cpu: str = "100m", memory: str = "64Mi", **spec: Any) -> dict[str, Any]:
    """A bare pending Pod."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"containers": [container(cpu, memory)], **spec},
    }


def deployment(
    name: str,
    replicas: int = 2,
    *,
    namespace: str = "default",
    cpu: str = "100m",
    memory: str = "64Mi",
    surge: int | str = 1,
    unavailable: int | str = 0,
) -> dict[str, Any]:
    """A Deployment with a rolling update."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable},
            },
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [container(cpu, memory)]},
            },
        },
    }


def service(name: str, *, namespace: str = "default") -> dict[str, Any]:
    """A Service for the pods labelled app=<name>."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8080}]},
    }


def namespace(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def node(name: str, cpu: str = "4", memory: str = "8Gi", pods: str = "110") -> dict[str, Any]:
    """A ready Node."""
    room = {"cpu": cpu, "memory": memory, "pods": pods, "ephemeral-storage": "100Gi"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "status": {
            "capacity": room,
            "allocatable": room,
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def set_image(name: str, image: str, *, space: str = "default") -> dict[str, Any]:
    """The operation `kubectl set image deployment/<name> app=<image>`."""
    template = {"spec": {"containers": [{"name": "app", "image": image}]}}
    patch = {"spec": {"template": template}}
    return {"patch": {"kind": "Deployment", "name": name, "namespace": space, "patch": patch}}


def scale(name: str, replicas: int, *, space: str = "default") -> dict[str, Any]:
    """The operation `kubectl scale deployment/<name> --replicas=<replicas>`."""
    return {"scale": {"kind": "Deployment", "name": name, "namespace": space, "replicas": replicas}}


def delete(kind: str, name: str, *, space: str = "default") -> dict[str, Any]:
    """The operation `kubectl delete <kind> <name>`."""
    return {"delete": {"kind": kind, "name": name, "namespace": space}}


def built_in() -> World:
    """What `kspec check` runs without any file: it exercises every component and every promise."""
    return World(
        name="built-in",
        nodes=2,
        node_capacity={"cpu": "1", "memory": "1Gi", "pods": "8", "ephemeral-storage": "10Gi"},
        objects=(
            deployment("web", 2, cpu="200m"),
            service("web"),
            namespace("staging"),
            deployment("api", 1, namespace="staging", cpu="300m"),
            service("api", namespace="staging"),
        ),
        operations=(
            set_image("web", "app:2"),
            scale("web", 3),
            delete("ServiceAccount", "default"),
            delete("Namespace", "staging"),
        ),
    )


def bench(nodes: int, pods: int, seed: int = 0) -> World:
    """A world with churn: rollouts, scaling and deletions in `pods` / 5 Deployments of 5."""
    apps = max(1, pods // 5)
    operations: list[Json] = []
    for i in range(min(apps, 4) * 3):
        app = f"app-{(seed + i) % apps}"
        operations.append(
            (
                set_image(app, f"app:{i + 2}"),
                scale(app, 3 + (seed + i) % 4),
                delete("Pod", f"bare-{i % 4}"),
            )[i % 3]
        )
    objects: list[Json] = [deployment(f"app-{i}", 5) for i in range(apps)]
    objects += [service(f"app-{i}") for i in range(apps)]
    objects += [pod(f"bare-{i}") for i in range(4)]
    return World(
        name=f"bench-{nodes}-{pods}",
        nodes=nodes,
        node_capacity={"cpu": "8", "memory": "16Gi", "pods": "110", "ephemeral-storage": "100Gi"},
        objects=tuple(objects),
        operations=tuple(operations),
    )
