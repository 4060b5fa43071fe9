"""What a pod asks of a node and what is free on one: the plain integers that policies judge.

A pod that asks for one GPU and less than 1,000 thousandths of it shares that GPU; any other takes
whole GPUs, and these must be idle (GpuSharePlugin of hkust-adsl/kubernetes-scheduler-simulator).
Memory of a GPU is not counted, as the trace does not.
"""

from __future__ import annotations

from typing import Final, NamedTuple

WHOLE: Final = 1000
"""The thousandths of one GPU."""


class Demand(NamedTuple):
    """What a pod asks for: CPU in thousandths of a core, memory in bytes.

    gpus: how many. milli: thousandths of each; below `WHOLE` only where one is shared. models:
    the GPU models that will do, sorted; any will, where it is empty.
    """

    cpu: int
    memory: int = 0
    gpus: int = 0
    milli: int = 0
    models: tuple[str, ...] = ()

    @property
    def total_milli(self) -> int:
        """All the GPU it takes, in thousandths of one."""
        return self.gpus * self.milli

    @property
    def is_shared(self) -> bool:
        return self.gpus == 1 and self.milli < WHOLE


class Room(NamedTuple):
    """What is free on a node: CPU in thousandths of a core, memory in bytes.

    gpus: what is free of each GPU, in thousandths. model: of its GPUs. shapes: the GPU shapes of
    the pods there, each once, sorted (see `shapes`).
    """

    cpu: int
    memory: int = 0
    gpus: tuple[int, ...] = ()
    model: str = ""
    shapes: tuple[int, ...] = ()

    @property
    def total_milli(self) -> int:
        """What is free of all its GPUs together."""
        return sum(self.gpus)


def fits(demand: Demand, room: Room) -> bool:
    """Whether CPU, memory and GPU are free, on GPUs of a model that will do."""
    if demand.cpu > room.cpu or demand.memory > room.memory:
        return False
    if demand.gpus == 0:
        return True
    if demand.models and room.model not in demand.models:
        return False
    return sum(free >= demand.milli for free in room.gpus) >= demand.gpus


def least_room(demand: Demand, room: Room) -> tuple[int, ...]:
    """The GPUs with the least room that fits, the lower index among equals; sorted."""
    fitting = [i for i, free in enumerate(room.gpus) if free >= demand.milli]
    return tuple(sorted(sorted(fitting, key=lambda i: room.gpus[i])[: demand.gpus]))


def after(demand: Demand, room: Room, devices: tuple[int, ...]) -> Room:
    """What stays free once the pod runs on these GPUs; `shapes` is left as it was."""
    gpus = list(room.gpus)
    for device in devices:
        gpus[device] -= demand.milli
    cpu, memory = room.cpu - demand.cpu, room.memory - demand.memory
    return Room(cpu, memory, tuple(gpus), room.model, room.shapes)
