"""Documents of DaemonSets and ReplicationControllers for worlds."""

from __future__ import annotations

from typing import Any

from kspec_models.worlds import container


def daemon_set(
    name: str, *, unavailable: int | str = 1, surge: int | str = 0, **spec: Any
) -> dict[str, Any]:
    """A DaemonSet with a rolling update; `spec` is added to its spec."""
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "updateStrategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxUnavailable": unavailable, "maxSurge": surge},
            },
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [container()]},
            },
            **spec,
        },
    }


def replication_controller(name: str, replicas: int = 2) -> dict[str, Any]:
    """A ReplicationController for pods labelled app=<name>."""
    return {
        "apiVersion": "v1",
        "kind": "ReplicationController",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"app": name},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [container()]},
            },
        },
    }


def set_daemon_image(name: str, image: str, **container_fields: Any) -> dict[str, Any]:
    """The operation `kubectl set image daemonset/<name> app=<image>`; more fields of the container
    may change with it."""
    changed = {"name": "app", "image": image, **container_fields}
    patch = {"spec": {"template": {"spec": {"containers": [changed]}}}}
    return {"patch": {"kind": "DaemonSet", "name": name, "namespace": "default", "patch": patch}}


def taint(node: str, effect: str, key: str = "example.com/maintenance") -> dict[str, Any]:
    """The operation `kubectl taint node <node> <key>:<effect>`, in the place of other taints."""
    patch = {"spec": {"taints": [{"key": key, "effect": effect}]}}
    return {"patch": {"kind": "Node", "name": node, "patch": patch}}
