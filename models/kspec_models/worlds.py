"""Makers of documents, and small worlds made of them; the bench world among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

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


def priority_class(name: str, value: int) -> dict[str, Any]:
    """A PriorityClass."""
    return {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": name},
        "value": value,
    }


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


def application() -> World:
    """Two Deployments behind Services, in two namespaces, rolled out, scaled and deleted."""
    return World(
        name="application",
        nodes=2,
        node_capacity={"cpu": "1", "memory": "1Gi", "pods": "8", "ephemeral-storage": "10Gi"},
        objects=(
            deployment("web", 2, cpu="200m"),
            service("web"),
            namespace("staging"),
            deployment("api", 1, namespace="staging", cpu="300m"),
            service("api", namespace="staging"),
            priority_class("urgent", 1000),
        ),
        operations=(
            set_image("web", "app:2"),
            scale("web", 3),
            {"apply": pod("urgent", cpu="900m", priorityClassName="urgent")},
            delete("ServiceAccount", "default"),
            delete("Namespace", "staging"),
        ),
    )


def exhaustible(nodes: int, pods: int, schedulers: int) -> World:
    """Bare pods that are alike on nodes that are alike, for a search of every state.

    A node takes two pods and all of them fit, but not wherever a scheduler may believe.
    """
    return World(
        name=f"exhaustible-{nodes}-{pods}-{schedulers}",
        nodes=nodes,
        schedulers=schedulers,
        node_capacity={"cpu": "1", "memory": "1Gi", "pods": "8", "ephemeral-storage": "10Gi"},
        objects=tuple(pod(f"p{i}", cpu="400m") for i in range(1, pods + 1)),
        granularity="fused",
        ties="explicit",
        symmetry=("pods", "nodes", "schedulers"),
    )


def agent(name: str, node: str, cpu: str) -> dict[str, Any]:
    """A running Pod that some controller outside the model has bound to a node."""
    owner = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "agent", "uid": "agent"}
    ready = {"type": "Ready", "status": "True"}
    bound = pod(name, cpu=cpu, nodeName=node)
    bound["metadata"]["ownerReferences"] = [{**owner, "controller": True}]
    return {**bound, "status": {"phase": "Running", "conditions": [ready]}}


def bench(nodes: int, pods: int, seed: int = 0, *, active: tuple[int, int] | None = None) -> World:
    """A world with churn: rollouts, scaling and deletions in `pods` / 5 Deployments of 5.

    active: only so many nodes have processes and only so many pods churn; the others are full of
    pods that run and stay as they are.
    """
    if active is not None:
        return _among_others(bench(*active, seed), nodes - active[0], pods - active[1])
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


def _among_others(world: World, nodes: int, pods: int) -> World:
    """A world among so many more nodes, full of so many pods, whose processes take no part."""
    if nodes <= 0:
        return world
    names = tuple(f"n{i}" for i in range(1, world.nodes + nodes + 1))
    room = dict(world.node_capacity)
    every = [node(name, room["cpu"], room["memory"], room["pods"]) for name in names]
    agents = []
    for i in range(pods):
        place = i % nodes
        neighbours = pods // nodes + (place < pods % nodes)
        cpu = f"{int(room['cpu']) * 1000 // neighbours}m"
        agents.append(agent(f"agent-{i}", names[world.nodes + place], cpu))
    return attrs.evolve(
        world,
        name=f"{world.name}-among-{nodes}-{pods}",
        objects=(*every, *agents, *world.objects),
        active_nodes=names[: world.nodes],
        keep_status=True,
    )
