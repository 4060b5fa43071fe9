"""A second account of what runs where, kept apart from the one that policies see.

It is charged with every placement, and says at once where a node, or one of its GPUs, is promised
more than it has. It shares no sum with the clusters of `cluster`, whose free room a wrong filter or
a wrong index would spoil.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kspec_models.placement.room import WHOLE, Demand, Room


class OverCommit(NamedTuple):
    """A placement that cannot be: of which pod, on which node, and what is wrong with it."""

    pod: str
    node: str
    what: str

    def __str__(self) -> str:
        return f"over-commits node {self.node} with pod {self.pod}: {self.what}"


class _Account:
    """What a node has, and what is promised of it."""

    __slots__ = ("cpu", "gpus", "memory", "node", "offer")

    def __init__(self, node: str, offer: Room) -> None:
        self.node, self.offer = node, offer
        self.cpu = self.memory = 0
        self.gpus = [WHOLE - free for free in offer.gpus]


class Ledger:
    """nodes: names and what each has at the start, in the order of their indexes."""

    def __init__(self, nodes: Sequence[tuple[str, Room]]) -> None:
        self._accounts = [_Account(name, room) for name, room in nodes]

    def charge(
        self, pod: str, demand: Demand, node: int, devices: tuple[int, ...]
    ) -> OverCommit | None:
        """Enter a placement; what it over-commits, if anything."""
        account = self._accounts[node]
        problem = _misfit(account.offer, demand, devices)
        if problem:
            return OverCommit(pod, account.node, problem)
        account.cpu += demand.cpu
        account.memory += demand.memory
        for device in devices:
            account.gpus[device] += demand.milli
            if account.gpus[device] > WHOLE:
                problem = f"GPU {device}: {account.gpus[device]} of {WHOLE} thousandths promised"
        if account.cpu > account.offer.cpu:
            problem = f"CPU: {account.cpu}m of {account.offer.cpu}m promised"
        elif account.memory > account.offer.memory:
            problem = f"memory: {account.memory} of {account.offer.memory} bytes promised"
        return OverCommit(pod, account.node, problem) if problem else None


def _misfit(offer: Room, demand: Demand, devices: tuple[int, ...]) -> str:
    """What makes the GPUs no answer to the demand, whatever is free; "" where nothing does."""
    if len(devices) != demand.gpus or len({*devices}) != len(devices):
        return f"GPUs {list(devices)} for a pod that asks for {demand.gpus}"
    if any(device not in range(len(offer.gpus)) for device in devices):
        return f"GPUs {list(devices)} of {len(offer.gpus)}"
    if devices and demand.models and offer.model not in demand.models:
        return f"a GPU of model {offer.model} for a pod that asks for {' or '.join(demand.models)}"
    return ""
