"""Documents of autoscalers and of the load that they answer to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]


def autoscaler(
    utilization: int, least: int, most: int, *, app: str = "web", **metadata: Any
) -> Json:
    """A HorizontalPodAutoscaler of a Deployment by the CPU that its pods request."""
    target = {"type": "Utilization", "averageUtilization": utilization}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": app, "namespace": "default", **metadata},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": app},
            "minReplicas": least,
            "maxReplicas": most,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        },
    }


def load(*, app: str = "web", **spec: Any) -> Json:
    """A Load on the pods labelled app=<app>: value, byAge or total."""
    return {
        "apiVersion": "metrics.kspec.dev/v1",
        "kind": "Load",
        "metadata": {"name": app, "namespace": "default"},
        "spec": {"selector": {"matchLabels": {"app": app}}, **spec},
    }


def load_by_age(*steps: tuple[int, str], app: str = "web", **spec: Any) -> Json:
    """A Load that depends on the age of each pod: (from which second on, how much)."""
    by_age: Sequence[Json] = [{"fromSeconds": at, "value": value} for at, value in steps]
    return load(app=app, byAge=by_age, **spec)


def set_load(*, app: str = "web", **spec: Any) -> Json:
    """The operation that changes a Load."""
    return {"patch": {"kind": "Load", "name": app, "namespace": "default", "patch": {"spec": spec}}}
