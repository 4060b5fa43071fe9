"""Documents of DaemonSets and ReplicationControllers for worlds."""

from __future__ import annotations

from typing import Any

from kspec_models.apiserver.daemon_set import default
from kspec_models.controllers.history import REVISION_LABEL, revision_hash, template_data
from kspec_models.objects import DaemonSet
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


def running_daemon(
    owner: dict[str, Any], name: str, node: str, *, phase: str = "Running"
) -> dict[str, Any]:
    """A pod of that DaemonSet on a node, of the revision of its template, for worlds that keep
    status; ready if it runs."""
    template = owner["spec"]["template"]
    labels = {**template["metadata"]["labels"], REVISION_LABEL: revision_of(owner)}
    kind, uid = (
        {"apiVersion": "apps/v1", "kind": "DaemonSet"},
        f"daemonsets/default/{_name(owner)}#0",
    )
    reference = {**kind, "name": _name(owner), "uid": uid, "controller": True}
    is_ready = "True" if phase == "Running" else "False"
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            **{"name": name, "namespace": "default", "generateName": f"{_name(owner)}-"},
            **{"labels": labels, "ownerReferences": [reference]},
        },
        "spec": {**template["spec"], "nodeName": node},
        "status": {"phase": phase, "conditions": [{"type": "Ready", "status": is_ready}]},
    }


def _name(document: dict[str, Any]) -> str:
    return str(document["metadata"]["name"])


def revision_of(owner: dict[str, Any]) -> str:
    """The label of the revision that the controller makes of a DaemonSet document's template."""
    stored = default(DaemonSet.from_json(owner))
    return revision_hash(template_data(stored.spec.template), None)
