"""A trace's nodes and pods as Kubernetes objects, and GPUs in Kubernetes objects.

After pkg/type/open-gpu-share/utils/const.go of hkust-adsl/kubernetes-scheduler-simulator: a node
offers `alibabacloud.com/gpu-count` and has the model of its GPUs in a label; a pod asks for GPUs by
annotations, and the GPUs that it got are in another. Neither is a resource that kube-scheduler's
own plugins would count.
"""

from __future__ import annotations

from typing import Any, Final

from kspec_models.objects import Node, Pod
from kspec_models.placement.room import Demand, Room

GPU_MILLI: Final = "alibabacloud.com/gpu-milli"
GPU_COUNT: Final = "alibabacloud.com/gpu-count"
GPU_MODEL: Final = "alibabacloud.com/gpu-card-model"
GPU_INDEX: Final = "alibabacloud.com/gpu-index"
INDEX_SEPARATOR: Final = "-"
MODEL_SEPARATOR: Final = "|"
NAMESPACE: Final = "default"


def node_of(name: str, room: Room, pods: int) -> Node:
    """A node that offers this room and runs up to so many pods."""
    offers = {"cpu": f"{room.cpu}m", "memory": str(room.memory), "pods": str(pods)}
    labels = {"kubernetes.io/hostname": name}
    if room.gpus:
        offers[GPU_COUNT] = str(len(room.gpus))
        labels[GPU_MODEL] = room.model
    document: dict[str, Any] = {
        "metadata": {"name": name, "labels": labels},
        "status": {"capacity": offers, "allocatable": offers},
    }
    return Node.from_json(document)


def pod_of(name: str, uid: str, demand: Demand) -> Pod:
    """A pod with this demand, in one container."""
    annotations = {}
    if demand.gpus:
        annotations = {GPU_COUNT: str(demand.gpus), GPU_MILLI: str(demand.milli)}
        if demand.models:
            annotations[GPU_MODEL] = MODEL_SEPARATOR.join(demand.models)
    requests = {"cpu": f"{demand.cpu}m", "memory": str(demand.memory)}
    document: dict[str, Any] = {
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "uid": uid,
            "annotations": annotations,
        },
        "spec": {"containers": [{"name": "main", "resources": {"requests": requests}}]},
    }
    return Pod.from_json(document)


def index_text(devices: tuple[int, ...]) -> str:
    """The annotation `GPU_INDEX` of a pod that got these GPUs."""
    return INDEX_SEPARATOR.join(str(device) for device in devices)
