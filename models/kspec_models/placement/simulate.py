"""One run: the pods of a workload placed one by one, measured as the load grows.

Every placement is entered in a `Ledger` of its own. A pod that fits nowhere is not tried again, as
in the paper. What is measured at a load of x percent is the state after the first pod with which
the arrived load is at least x percent.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from kspec_models.placement.cluster import Nodes, arrays_of
from kspec_models.placement.fragmentation import Tables, amounts, tables
from kspec_models.placement.ledger import Ledger, OverCommit
from kspec_models.placement.policy import chosen
from kspec_models.placement.room import Room
from kspec_models.placement.shapes import Typical
from kspec_models.placement.workload import Workload

REPORTED = 5
"""How many over-commits of a run are described; all are counted."""


class Point(NamedTuple):
    """A state, in percent. load: that arrived. placed: of the pods that arrived.

    allocation, fragmentation: of all GPUs of the cluster, used ones, and free ones that the typical
    pods cannot be expected to use; None where there is no GPU.
    """

    load: int
    placed: float
    allocation: float | None = None
    fragmentation: float | None = None


class Run(NamedTuple):
    """over_commits: the first of them. over_committed: how many there were."""

    points: tuple[Point, ...]
    over_commits: tuple[OverCommit, ...]
    over_committed: int


class Tally:
    """What a run adds up."""

    def __init__(self, nodes: Sequence[tuple[str, Room]], typical: Typical) -> None:
        self.ledger, self._typical = Ledger(nodes), typical
        self._tables: Tables | None = None
        self._capacity = sum(room.total_milli for _, room in nodes)
        self.arrived = self.placed = self.used = self.weight = self.over_committed = 0
        self.over_commits: list[OverCommit] = []

    def note(self, problem: OverCommit | None) -> None:
        if problem is not None:
            self.over_committed += 1
            self.over_commits.extend([problem][: REPORTED - len(self.over_commits)])

    def point(self, load: int, cluster: Nodes) -> Point:
        """What is measured in this state."""
        placed = 100 * self.placed / self.arrived
        if self._capacity == 0:
            return Point(load, placed)
        allocation = 100 * self.used / self._capacity
        if not self._typical:
            return Point(load, placed, allocation)
        rooms = arrays_of(cluster)
        if self._tables is None:
            self._tables = tables(self._typical, rooms.model_names)
        found = self._tables
        wasted = int(amounts(found, rooms).sum()) / found.pods
        return Point(load, placed, allocation, 100 * wasted / self._capacity)


def simulate(
    nodes: Sequence[tuple[str, Room]],
    workload: Workload,
    cluster: Nodes,
    typical: Typical,
    tie_break: str,
    rng: Random,
) -> Run:
    """Place every pod of the workload. nodes: as they are before any is placed."""
    tally, points = Tally(nodes, typical), list[Point]()
    for pod in workload.arrivals:
        tally.arrived += 1
        tally.weight += pod.weight
        candidates = cluster.best(pod)
        if len(candidates):
            node = chosen(candidates, tie_break, rng)
            devices = cluster.devices(pod, node, rng)
            cluster.place(pod, node, devices)
            tally.placed += 1
            tally.used += pod.demand.total_milli
            tally.note(tally.ledger.charge(pod.name, pod.demand, node, devices))
        load = min(tally.weight * 100 // workload.whole, workload.last_load)
        if load > len(points):
            found = tally.point(load, cluster)
            points.extend(found._replace(load=at) for at in range(len(points) + 1, load + 1))
    return Run(tuple(points), tuple(tally.over_commits), tally.over_committed)
