"""What policies are compared on: a cluster's trace, or a world as it is before any scheduling.

Of a world, everything that is no scheduler's happens first, so that the controllers have made the
pods of a Deployment and the API server has defaulted them. Then its pods arrive, shuffled by the
seed. Pods that are bound already stay where they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import attrs

from kspec.errors import InputError
from kspec.suite import Settings
from kspec.trial.comparison import Asked
from kspec_models import actions
from kspec_models.building import build
from kspec_models.cluster import Cluster
from kspec_models.objects import Pod
from kspec_models.placement.objects import node_of, pod_of
from kspec_models.placement.room import Demand, Room
from kspec_models.placement.shapes import Typical, counted, typical
from kspec_models.placement.trace import read_trace
from kspec_models.placement.workload import Arrival, Workload, copied, shuffled
from kspec_models.reading_worlds import read_world
from kspec_models.scheduler.gpu import asked as asked_by
from kspec_models.scheduler.gpu import room_of
from kspec_models.scheduler.handlers import is_terminal
from kspec_models.scheduler.nodeinfo import NodeInfo, node_info
from kspec_models.world import World

FOLDERS = ("", "traces", "shared/traces", "../shared/traces")
"""Where a trace that is given by its name is looked for."""
PODS_OF_A_TRACE = 1_000_000
"""A trace sets no limit to the pods of a node."""

_BEFORE = (
    *(actions.Sync, actions.Handle, actions.List, actions.Pop, actions.Rewatch),
    *(actions.Reconcile, actions.Deliver, actions.SyncPod, actions.Progress),
)
_MOST_STEPS = 1_000_000


@attrs.frozen(eq=False)
class Source:
    """Nodes and pods to compare policies on.

    infos, nodes: the nodes before any pod arrives, in the order of names. pods: those that will
    arrive, by name. objects: the pods of a world; a trace's are made as they arrive. is_trace:
    pods are copied up to a load.
    """

    title: str
    infos: tuple[NodeInfo, ...]
    nodes: tuple[tuple[str, Room], ...]
    pods: tuple[tuple[str, Demand], ...]
    objects: Mapping[str, Pod]
    caches: Mapping[str, Any]
    is_trace: bool

    @property
    def capacity(self) -> int:
        """All GPUs, in thousandths of one."""
        return sum(1000 * len(room.gpus) for _, room in self.nodes)

    @property
    def typical(self) -> Typical:
        return typical(counted(demand for _, demand in self.pods))

    def workload(self, seed: int) -> Workload:
        """The pods in the order of one run."""
        if self.is_trace:
            return copied(self.pods, self.capacity, seed)
        return shuffled(self.pods, seed)

    def pod(self, arrival: Arrival) -> Pod:
        """The object that arrives; copies of a trace's pods have names of their own."""
        known = self.objects.get(arrival.name)
        if known is not None:
            return known
        name, uid = f"{arrival.name}-{arrival.number}", f"uid-{arrival.number}"
        return _like(arrival.demand).with_metadata(name=name, uid=uid)


@cache
def _like(demand: Demand) -> Pod:
    return pod_of("pod", "", demand)


def source_of(asked: Asked) -> Source:
    """The trace or the world that is asked about; raises InputError."""
    if asked.trace is not None:
        return _of_trace(_folder(asked.trace), asked.nodes, asked.pods)
    return _of_world(read_world(asked.world, Settings()))


def _folder(given: Path) -> Path:
    if given.is_absolute():
        return given
    places = [Path(folder) / given for folder in FOLDERS]
    for place in places:
        if place.is_dir():
            return place
    raise InputError(
        "no such folder", where=str(given), expected=f"a folder, or one of its name in {FOLDERS}"
    )


def _of_trace(folder: Path, nodes: str | None, pods: str | None) -> Source:
    trace = read_trace(folder, nodes, pods)
    gpus = sum(len(room.gpus) for _, room in trace.nodes)
    return Source(
        f"trace {folder}: {len(trace.nodes):,} nodes, {gpus:,} GPUs, {len(trace.pods):,} pods",
        tuple(node_info(node_of(name, room, PODS_OF_A_TRACE)) for name, room in trace.nodes),
        trace.nodes,
        trace.pods,
        {},
        {},
        True,
    )


def _of_world(world: World) -> Source:
    buckets = _settled(build(world))
    every = [e.value for e in buckets["pods"].entries() if not is_terminal(e.value)]
    by_node: dict[str, list[Pod]] = {}
    for pod in every:
        by_node.setdefault(pod.spec.node_name, []).append(pod)
    nodes = sorted((e.value for e in buckets["nodes"].entries()), key=lambda node: node.name)
    infos = tuple(node_info(node, tuple(by_node.get(node.name, ()))) for node in nodes)
    waiting = {pod.key: pod for pod in by_node.get("", ()) if not pod.spec.scheduling_gates}
    if not waiting or not nodes:
        raise InputError(
            "no pod waits for a node" if nodes else "no node", where=f"world {world.name}"
        )
    return Source(
        f"world {world.name}: {len(nodes):,} nodes, {len(waiting):,} pods to place",
        infos,
        tuple((info.name, room_of(info)) for info in infos),
        tuple((key, asked_by(pod).demand) for key, pod in sorted(waiting.items())),
        waiting,
        {name: bucket for name, bucket in buckets.items() if name not in ("pods", "nodes")},
        False,
    )


def _settled(cluster: Cluster) -> Mapping[str, Any]:
    """What is stored once everyone but the schedulers has done all there is to do."""
    state = cluster.init()
    for _ in range(_MOST_STEPS):
        action = next((a for a in cluster.enabled(state) if isinstance(a, _BEFORE)), None)
        if action is None:
            return dict(state.api.store.buckets)
        state = cluster.step(state, action)
    raise InputError("the controllers never come to rest", expected="a world that settles")
