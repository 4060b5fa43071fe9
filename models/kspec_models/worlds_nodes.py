"""Documents about nodes for small worlds: taints, tolerations, nodes that are held on to."""

from __future__ import annotations

from typing import Any

from kspec_models.worlds import node

NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"


def taint(key: str, effect: str = "NoExecute", value: str = "") -> dict[str, Any]:
    """A taint of a node."""
    found = {"key": key, "effect": effect}
    return {**found, "value": value} if value else found


def tolerate(key: str, seconds: int | None = None, effect: str = "NoExecute") -> dict[str, Any]:
    """A toleration, for so many seconds if they are given."""
    found: dict[str, Any] = {"key": key, "operator": "Exists", "effect": effect}
    return found if seconds is None else {**found, "tolerationSeconds": seconds}


def tainted(name: str, *taints: dict[str, Any]) -> dict[str, Any]:
    """A ready Node with these taints."""
    return {**node(name), "spec": {"taints": list(taints)}}


def ranged(name: str, cidr: str) -> dict[str, Any]:
    """A ready Node that has a pod CIDR already."""
    return {**node(name), "spec": {"podCIDR": cidr, "podCIDRs": [cidr]}}


def cordoned(name: str) -> dict[str, Any]:
    """A ready Node that takes no new pods."""
    return {**node(name), "spec": {"unschedulable": True}}


def set_taints(name: str, *taints: dict[str, Any]) -> dict[str, Any]:
    """The operation that leaves a node with exactly these taints: the list is no merged one."""
    return {"patch": {"kind": "Node", "name": name, "patch": {"spec": {"taints": list(taints)}}}}


def held(document: dict[str, Any], finalizer: str = "example.com/hold") -> dict[str, Any]:
    """The object with a finalizer that no modelled component removes."""
    return {**document, "metadata": {**document["metadata"], "finalizers": [finalizer]}}


def node_group(name: str, least: int, most: int, **template: Any) -> dict[str, Any]:
    """A group of the cluster autoscaler: capacity, labels and taints are those of its machines."""
    return {"name": name, "minSize": least, "maxSize": most, "template": template}


def heartbeat(name: str) -> dict[str, Any]:
    """The Lease of a node that is heard of."""
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name, "namespace": "kube-node-lease"},
        "spec": {"holderIdentity": name, "leaseDurationSeconds": 40},
    }


def silence(name: str, since: str = "2024-01-01T00:00:00Z") -> dict[str, Any]:
    """The operation after which the Lease of a node is not renewed any more."""
    return _lease_patch(name, {"renewTime": since})


def hear(name: str) -> dict[str, Any]:
    """The operation after which the Lease of a node is renewed again."""
    return _lease_patch(name, {"renewTime": None})


def _lease_patch(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    where = {"kind": "Lease", "name": name, "namespace": "kube-node-lease"}
    return {"patch": {**where, "patch": {"spec": spec}}}


def report(name: str, kind: str, status: str) -> dict[str, Any]:
    """The operation by which a node reports a condition, as its kubelet would."""
    body = {"status": {"conditions": [{"type": kind, "status": status}]}}
    return {"patch": {"kind": "Node", "name": name, "patch": body, "subresource": "status"}}
