"""GPUs in the scheduler: what a pod asks for, what is free on a node, and the filter GpuShare.

After the plugin OpenGpuShare (pkg/simulator/plugin/open_gpu_share.go) of
hkust-adsl/kubernetes-scheduler-simulator. What is free is read from the pods on the node: a pod has
the GPUs that its annotation alibabacloud.com/gpu-index names. One without it (it is assumed, or
was bound by a scheduler that knows no GPUs) has those with the least room that fits, pod by pod in
the order of their keys; where none fits, those with the most room, which are then over-committed.

Left out: the plugin's own cache, since the pods say it all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from kspec.values import Memo
from kspec_models.objects import Node, Pod
from kspec_models.placement.objects import (
    GPU_COUNT,
    GPU_INDEX,
    GPU_MILLI,
    GPU_MODEL,
    INDEX_SEPARATOR,
    MODEL_SEPARATOR,
)
from kspec_models.placement.room import WHOLE, Demand, Room, fits, least_room
from kspec_models.placement.shapes import with_shape
from kspec_models.quantity import whole
from kspec_models.resources import amounts_of_spec
from kspec_models.scheduler.framework import (
    SKIP,
    SUCCESS,
    UNRESOLVABLE,
    UNSCHEDULABLE,
    Context,
    PreFilterResult,
    Status,
)
from kspec_models.scheduler.nodeinfo import NodeInfo

NAME: Final = "GpuShare"
WRONG_MODEL: Final = "node(s) had no GPU of the model asked for"
INSUFFICIENT: Final = "Insufficient GPU"


class Asked(NamedTuple):
    """What a pod asks for. problem: why its annotations cannot be read, or ""."""

    demand: Demand
    problem: str = ""


def _number(annotations: Mapping[str, str], name: str, default: int) -> int:
    return int(annotations[name]) if name in annotations else default


def _asked(pod: Pod) -> Asked:
    annotations, requests = pod.metadata.annotations, amounts_of_spec(pod.spec).requests
    demand = Demand(requests.milli_cpu, requests.memory)
    if GPU_COUNT not in annotations and GPU_MILLI not in annotations:
        return Asked(demand)
    try:
        milli = _number(annotations, GPU_MILLI, WHOLE)
        gpus = _number(annotations, GPU_COUNT, 1)
    except ValueError:
        return Asked(demand, f"annotations {GPU_COUNT}, {GPU_MILLI}: not whole numbers")
    if gpus == 0 or milli == 0:
        return Asked(demand)
    if gpus < 0 or milli < 0:
        return Asked(demand, f"annotations {GPU_COUNT}, {GPU_MILLI}: negative")
    names = annotations.get(GPU_MODEL, "").split(MODEL_SEPARATOR)
    models = tuple(sorted({name.strip() for name in names if name.strip()}))
    milli = milli if gpus == 1 and milli < WHOLE else WHOLE
    return Asked(demand._replace(gpus=gpus, milli=milli, models=models))


asked: Memo[Pod, Asked] = Memo("GPU demand of a pod", _asked)
"""What a pod asks of a node."""


def _offer(node: Node) -> tuple[int, str]:
    count = whole(node.status.allocatable.get(GPU_COUNT, "0"))
    return max(count, 0), node.metadata.labels.get(GPU_MODEL, "")


offer: Memo[Node, tuple[int, str]] = Memo("GPUs of a node", _offer)
"""How many GPUs a node has, and of which model."""


def _devices(pod: Pod, count: int) -> tuple[int, ...] | None:
    """The GPUs that the pod's annotation names; None where it names none that the node has."""
    text = pod.metadata.annotations.get(GPU_INDEX, "")
    try:
        found = tuple(sorted({int(part) for part in text.split(INDEX_SEPARATOR)}))
    except ValueError:
        return None
    return found if all(0 <= device < count for device in found) else None


def _gpus(info: NodeInfo, count: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What is free of each GPU, and the GPU shapes of the pods there."""
    free, unknown = [WHOLE] * count, list[Demand]()
    shapes: tuple[int, ...] = ()
    for pod in info.pods:
        demand = asked(pod).demand
        shapes = with_shape(shapes, demand)
        devices = _devices(pod, count) if demand.gpus else ()
        if devices is None:
            unknown.append(demand)
            continue
        for device in devices:
            free[device] -= demand.milli
    for demand in unknown:
        for device in _likely(demand, tuple(free)):
            free[device] -= demand.milli
    return tuple(free), shapes


def _likely(demand: Demand, free: tuple[int, ...]) -> tuple[int, ...]:
    """The GPUs that a pod without annotation is taken to have."""
    found = least_room(demand, Room(0, 0, free))
    if len(found) == demand.gpus:
        return found
    return tuple(sorted(range(len(free)), key=lambda device: -free[device])[: demand.gpus])


def _room(info: NodeInfo) -> Room:
    count, model = offer(info.node) if info.node is not None else (0, "")
    free, shapes = _gpus(info, count)
    return Room(
        info.allocatable.milli_cpu - info.requested.milli_cpu,
        info.allocatable.memory - info.requested.memory,
        free,
        model,
        shapes,
    )


room_of: Memo[NodeInfo, Room] = Memo("room of a node", _room)
"""What is free on a node, its GPUs included."""


class GpuShare:
    """The filter: the node has the GPUs that the pod asks for, of a model that will do."""

    name = NAME

    def pre_filter(self, pod: Pod, context: Context) -> PreFilterResult:
        found = asked(pod)
        if found.problem:
            return PreFilterResult(Status(UNRESOLVABLE, (found.problem,), NAME))
        if found.demand.gpus == 0:
            return PreFilterResult(Status(SKIP))
        return PreFilterResult(state=found.demand)

    def filter_with(self, state: Demand, pod: Pod, node_info: NodeInfo) -> Status:
        room = room_of(node_info)
        if len(room.gpus) < state.gpus:
            return Status(UNRESOLVABLE, (INSUFFICIENT,), NAME)
        if state.models and room.model not in state.models:
            return Status(UNRESOLVABLE, (WRONG_MODEL,), NAME)
        if not fits(state._replace(cpu=0, memory=0), room._replace(cpu=0, memory=0)):
            return Status(UNSCHEDULABLE, (INSUFFICIENT,), NAME)
        return SUCCESS

    def add_pod(self, state: Any, pod: Pod, added: Pod, node_info: NodeInfo) -> Any:
        return state

    def remove_pod(self, state: Any, pod: Pod, removed: Pod, node_info: NodeInfo) -> Any:
        return state
