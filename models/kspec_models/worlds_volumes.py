"""Document makers of claims, volumes and the pods that use them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DRIVER = "disk.example.com"
PVC_PROTECTION, PV_PROTECTION = "kubernetes.io/pvc-protection", "kubernetes.io/pv-protection"


def claim(name: str, *, volume: str = "", protected: bool = False) -> dict[str, Any]:
    """A claim for one gigabyte. volume: what it is bound to. protected: as a world that keeps
    status has it."""
    meta: dict[str, Any] = {"name": name, "namespace": "default"}
    if protected:
        meta["finalizers"] = [PVC_PROTECTION]
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
        "storageClassName": "",
    }
    bound: dict[str, Any] = {}
    if volume:
        spec["volumeName"] = volume
        meta["annotations"] = {"pv.kubernetes.io/bind-completed": "yes"}
        bound = {"status": {"phase": "Bound"}}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": meta,
        "spec": spec,
        **bound,
    }


def volume(name: str, *, claim_name: str = "", protected: bool = False) -> dict[str, Any]:
    """A volume of a CSI driver. claim_name: the claim that it is set aside for, or bound to."""
    meta: dict[str, Any] = {"name": name}
    if protected:
        meta["finalizers"] = [PV_PROTECTION]
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "capacity": {"storage": "1Gi"},
        "csi": {"driver": DRIVER, "volumeHandle": name},
        "persistentVolumeReclaimPolicy": "Retain",
    }
    if claim_name:
        uid = f"persistentvolumeclaims/default/{claim_name}#0"
        spec["claimRef"] = {"name": claim_name, "namespace": "default", "uid": uid}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": meta,
        "spec": spec,
        "status": {"phase": "Bound" if claim_name else "Available"},
    }


def using(data: Mapping[str, Any], *claims: str) -> dict[str, Any]:
    """The pod with volumes from these claims."""
    volumes = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in claims]
    return {**data, "spec": {**data["spec"], "volumes": volumes}}


def force_delete(name: str) -> dict[str, Any]:
    """The operation `kubectl delete pod <name> --force`."""
    return {"delete": {"kind": "Pod", "name": name, "gracePeriodSeconds": 0}}


def attachable(data: Mapping[str, Any], *volumes: str) -> dict[str, Any]:
    """The node with these volumes attached, for worlds that keep status."""
    attached = [
        {"name": f"kubernetes.io/csi/{DRIVER}^{name}", "devicePath": ""} for name in volumes
    ]
    return {**data, "status": {**data["status"], "volumesAttached": attached}}


def attached(name: str, node: str) -> dict[str, Any]:
    """The VolumeAttachment of a volume that is attached to a node."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "VolumeAttachment",
        "metadata": {
            "name": f"csi-{name}-{node}",
            "finalizers": ["external-attacher/" + DRIVER.replace(".", "-")],
        },
        "spec": {
            "attacher": DRIVER,
            "nodeName": node,
            "source": {"persistentVolumeName": name},
        },
        "status": {"attached": True},
    }
