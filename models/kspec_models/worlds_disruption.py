"""Document makers of disruption budgets and evictions."""

from __future__ import annotations

from typing import Any

from kspec_models.worlds import deployment, pod


def budget(
    name: str,
    app: str = "",
    *,
    min_available: int | str | None = None,
    max_unavailable: int | str | None = None,
    unhealthy: str = "",
) -> dict[str, Any]:
    """A PodDisruptionBudget for the pods labelled app=<app>, by default those of its name."""
    spec: dict[str, Any] = {"selector": {"matchLabels": {"app": app or name}}}
    if min_available is not None:
        spec["minAvailable"] = min_available
    if max_unavailable is not None:
        spec["maxUnavailable"] = max_unavailable
    if unhealthy:
        spec["unhealthyPodEvictionPolicy"] = unhealthy
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": "default"},
        "spec": spec,
    }


def evict(name: str, *, space: str = "default") -> dict[str, Any]:
    """The eviction of one pod."""
    return {"evict": {"name": name, "namespace": space}}


def drain(node: str) -> dict[str, Any]:
    """The operation `kubectl drain <node>`, tried once."""
    return {"drain": {"name": node}}


def cordon(node: str) -> dict[str, Any]:
    """The operation `kubectl cordon <node>`."""
    return {"cordon": {"name": node}}


def running(name: str, node: str, *, app: str = "", **spec: Any) -> dict[str, Any]:
    """A Pod labelled app=<app> that runs and is ready on a node, for worlds that keep status."""
    data = pod(name, nodeName=node, **spec)
    if app:
        data["metadata"]["labels"] = {"app": app}
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    return {**data, "status": status}


def replica_set(name: str, replicas: int) -> dict[str, Any]:
    """A ReplicaSet for pods labelled app=<name>, which are called <name>-1, <name>-2, ..."""
    body = deployment(name, replicas)
    body["kind"] = "ReplicaSet"
    del body["spec"]["strategy"]
    return body
