"""Documents of a cluster that already runs: a Deployment whose pods are placed and ready.

What `kubectl get -o yaml` would show of it, for worlds with `keep_status`: at the start its
controllers have nothing to do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]

LONG_AGO = "2023-12-31T23:00:00Z"
"""An hour before virtual time begins: whatever depends on the age of these pods is over."""
_HASH, _HASH_LABEL = "running", "pod-template-hash"
_ANNOTATION = "deployment.kubernetes.io/"


def machine(
    name: str,
    cpu: str = "64",
    memory: str = "64Gi",
    *,
    labels: Mapping[str, str] | None = None,
    taints: Sequence[Mapping[str, str]] = (),
) -> Json:
    """A ready Node with these labels beside that of its name."""
    room = {"cpu": cpu, "memory": memory, "pods": "110", "ephemeral-storage": "100Gi"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, **(labels or {})}},
        "spec": {"taints": [dict(taint) for taint in taints]} if taints else {},
        "status": {
            "capacity": room,
            "allocatable": room,
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": LONG_AGO}],
        },
    }


def pod_template(
    cpu: str, memory: str, *, app: str = "web", labels: Mapping[str, str] | None = None, **spec: Any
) -> Json:
    """A pod template with one container, ready as soon as it runs."""
    amounts = {"cpu": cpu, "memory": memory}
    container = {"name": "app", "image": "app:1", "resources": {"requests": amounts}}
    return {
        "metadata": {"labels": {"app": app, **(labels or {})}},
        "spec": {"containers": [container], **spec},
    }


def deployment_of(
    template: Json, replicas: int, *, app: str = "web", strategy: Json | None = None
) -> Json:
    """A Deployment of the pods of a template."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": app, "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": app}},
            "template": template,
            **({"strategy": strategy} if strategy else {}),
        },
    }


def running(deployment: Json, places: Sequence[str]) -> tuple[Json, ...]:
    """The Deployment, its ReplicaSet and one ready pod on each of the places, in their order."""
    name, count = deployment["metadata"]["name"], len(places)
    condition = {"status": "True", "lastTransitionTime": LONG_AGO, "lastUpdateTime": LONG_AGO}
    marks = {f"{_ANNOTATION}revision": "1"}
    counts = {"replicas": count, "readyReplicas": count, "availableReplicas": count}
    whole = {
        **deployment,
        "metadata": {
            **deployment["metadata"],
            "uid": f"deployments/default/{name}#0",
            "generation": 1,
            "creationTimestamp": LONG_AGO,
            "annotations": {**deployment["metadata"].get("annotations", {}), **marks},
        },
        "status": {
            **counts,
            "observedGeneration": 1,
            "updatedReplicas": count,
            "terminatingReplicas": 0,
            "conditions": [
                {"type": "Available", "reason": "MinimumReplicasAvailable", **condition},
                {"type": "Progressing", "reason": "NewReplicaSetAvailable", **condition},
            ],
        },
    }
    replica_set = _replica_set(whole, counts)
    return (whole, replica_set, *(_pod(replica_set, i, n) for i, n in enumerate(places, 1)))


def _replica_set(deployment: Json, counts: Json) -> Json:
    """Its maximum with surge is not noted: the first scaling of its Deployment does that."""
    name, spec = deployment["metadata"]["name"], deployment["spec"]
    labels = {**spec["template"]["metadata"]["labels"], _HASH_LABEL: _HASH}
    template = {**spec["template"], "metadata": {"labels": labels}}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{name}-{_HASH}",
            "namespace": "default",
            "uid": f"replicasets/default/{name}-{_HASH}#0",
            "generation": 1,
            "creationTimestamp": LONG_AGO,
            "labels": labels,
            "annotations": {
                **deployment["metadata"]["annotations"],
                f"{_ANNOTATION}desired-replicas": str(spec["replicas"]),
                f"{_ANNOTATION}max-replicas": str(_most(spec)),
            },
            "ownerReferences": [_owner("Deployment", deployment)],
        },
        "spec": {
            "replicas": spec["replicas"],
            "selector": {"matchLabels": {**spec["selector"]["matchLabels"], _HASH_LABEL: _HASH}},
            "template": template,
        },
        "status": {
            **counts,
            "observedGeneration": 1,
            "fullyLabeledReplicas": counts["replicas"],
            "terminatingReplicas": 0,
        },
    }


def _most(spec: Json) -> int:
    """How many pods a rollout may have: with the surge, 25 % unless there is none."""
    replicas: int = spec["replicas"]
    is_rolling = spec.get("strategy", {}).get("type") != "Recreate"
    return replicas + (-(-replicas // 4) if is_rolling else 0)


def _owner(kind: str, owner: Json) -> Json:
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _pod(replica_set: Json, number: int, node: str) -> Json:
    """The pod with that number, running and ready for an hour."""
    name, template = replica_set["metadata"]["name"], replica_set["spec"]["template"]
    condition = {"status": "True", "lastTransitionTime": LONG_AGO}
    kinds = ("PodScheduled", "Initialized", "ContainersReady", "Ready")
    container = {
        "name": "app",
        "image": "app:1",
        "ready": True,
        "started": True,
        "state": {"running": {}},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{name}-{number}",
            "namespace": "default",
            "generateName": f"{name}-",
            "uid": f"pods/default/{name}-{number}#0",
            "creationTimestamp": LONG_AGO,
            "labels": template["metadata"]["labels"],
            "ownerReferences": [_owner("ReplicaSet", replica_set)],
        },
        "spec": {**template["spec"], "nodeName": node},
        "status": {
            "phase": "Running",
            "startTime": LONG_AGO,
            "podIP": f"10.{1 + number // 250}.0.{1 + number % 250}",
            "conditions": [{"type": kind, **condition} for kind in kinds],
            "containerStatuses": [container],
        },
    }
