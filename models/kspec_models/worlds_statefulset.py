"""Documents about StatefulSets: the sets themselves, their storage, and what users do to them."""

from __future__ import annotations

from typing import Any

from kspec_models.worlds import container


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
