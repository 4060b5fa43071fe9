"""Document makers of disruption budgets and evictions."""

from __future__ import annotations

from typing import Any


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
