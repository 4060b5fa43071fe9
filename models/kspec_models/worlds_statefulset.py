"""Documents about StatefulSets: the sets themselves, their storage, and what users do to them."""

from __future__ import annotations

from typing import Any

from kspec_models.apiserver.stateful_set import default
from kspec_models.controllers.history import REVISION_LABEL, revision_hash, template_data
from kspec_models.objects import StatefulSet
from kspec_models.worlds import container

READY_AFTER = "kspec.dev/ready-after"
"""Annotation and readiness gate of pods that are ready only while another pod is."""


def stateful_set(
    name: str, replicas: int = 2, *, claims: bool = False, cpu: str = "100m", **spec: Any
) -> dict[str, Any]:
    """A StatefulSet behind the headless Service of its name; with claims, of the class "fast"."""
    templates = [claim_template("data")] if claims else []
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "serviceName": name,
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [container(cpu)]},
            },
            "volumeClaimTemplates": templates,
            **spec,
        },
    }


def claim_template(name: str) -> dict[str, Any]:
    """A volumeClaimTemplate of the class "fast"."""
    return {
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "fast",
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }


def storage_class(name: str = "fast") -> dict[str, Any]:
    """A StorageClass whose volumes are made as soon as they are asked for."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name},
        "provisioner": "csi.example.com",
    }


def patch_set(name: str, **spec: Any) -> dict[str, Any]:
    """The operation `kubectl patch statefulset/<name>` of its spec."""
    return {
        "patch": {
            "kind": "StatefulSet",
            "name": name,
            "namespace": "default",
            "patch": {"spec": spec},
        }
    }


def resize_set(name: str, replicas: int) -> dict[str, Any]:
    """The operation that asks for another number of replicas."""
    return patch_set(name, replicas=replicas)


def update_set(name: str, image: str) -> dict[str, Any]:
    """The operation that asks for another image."""
    return patch_set(name, template={"spec": {"containers": [{"name": "app", "image": image}]}})


def force_delete(name: str) -> dict[str, Any]:
    """The operation `kubectl delete pod <name> --grace-period=0 --force`."""
    return {
        "delete": {"kind": "Pod", "name": name, "namespace": "default", "gracePeriodSeconds": 0}
    }


def ready_after(document: dict[str, Any], pod: str) -> dict[str, Any]:
    """The StatefulSet with pods that are ready only while that pod is; the pod itself excepted."""
    template = document["spec"]["template"]
    meta = {**template["metadata"], "annotations": {READY_AFTER: pod}}
    spec = {**template["spec"], "readinessGates": [{"conditionType": READY_AFTER}]}
    return {
        **document,
        "spec": {**document["spec"], "template": {"metadata": meta, "spec": spec}},
    }


def running_member(
    owner: dict[str, Any], ordinal: int, node: str, *, is_ready: bool = True
) -> dict[str, Any]:
    """The pod of an ordinal that runs on a node, for worlds that keep status.

    is_ready: whether it is. Its readiness gate, if it has one, says the same; that of the pod on
    which the others depend is True.
    """
    stored = default(StatefulSet.from_json(owner))
    set_name, template = stored.name, owner["spec"]["template"]
    revision = f"{set_name}-{revision_hash(template_data(stored.spec.template), 0)}"
    name = f"{set_name}-{ordinal}"
    reference = {
        **{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": set_name},
        **{"uid": f"statefulsets/default/{set_name}#0", "controller": True},
    }
    labels = {
        **template["metadata"]["labels"],
        **{REVISION_LABEL: revision, "statefulset.kubernetes.io/pod-name": name},
    }
    conditions = {"Ready": is_ready}
    if template["spec"].get("readinessGates"):
        is_first = template["metadata"]["annotations"][READY_AFTER] == name
        conditions[READY_AFTER] = is_ready or is_first
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            **template["metadata"],
            **{"name": name, "namespace": "default", "labels": labels},
            "ownerReferences": [reference],
        },
        "spec": {**template["spec"], "nodeName": node, "hostname": name},
        "status": {
            "phase": "Running",
            "podIP": f"10.200.0.{ordinal + 1}",
            "conditions": [{"type": k, "status": str(v)} for k, v in conditions.items()],
            "containerStatuses": [
                {
                    **{"name": "app", "image": template["spec"]["containers"][0]["image"]},
                    **{"ready": True, "started": True, "state": {"running": {}}},
                }
            ],
        },
    }
