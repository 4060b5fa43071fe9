"""From what a world declares to be interchangeable to its symmetry, or to why it has none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kspec.errors import InputError
from kspec.values import fingerprint
from kspec_models.objects.record import freeze
from kspec_models.reduction.fused import FusedCluster
from kspec_models.reduction.symmetry import ClusterSymmetry
from kspec_models.scheduler.scheduler import Scheduler

if TYPE_CHECKING:
    from kspec_models.world import World


def declare_symmetry(cluster: Any, world: World) -> None:
    """Give a cluster the symmetry that its world declares, if any.

    Raises InputError where names of this world can be observed, so that there is none.
    """
    if not world.symmetry:
        return
    problem = _problem(cluster, world)
    if problem:
        raise InputError(f"no symmetry: {problem}", where=f"{world.name}: spec.symmetry")
    groups: list[tuple[str, ...]] = []
    if "pods" in world.symmetry:
        groups += _alike(world)
    if "nodes" in world.symmetry:
        groups.append(tuple(cluster.components.nodes))
    if "schedulers" in world.symmetry:
        groups.append(tuple(host.name for host in cluster.components.schedulers))
    numbers = {name: i for i, name in enumerate(cluster.components.nodes, start=1)}
    cluster.symmetry = ClusterSymmetry(cluster, tuple(groups), numbers)


def _problem(cluster: Any, world: World) -> str:
    """Why names of this world can be observed; "" if they cannot."""
    kinds = [str(data.get("kind")) for data in world.objects]
    if not isinstance(cluster, FusedCluster):
        return "it needs granularity fused"
    if any(world.faults.values()):
        return "faults make caches list again, which is told in the order of names"
    if world.operations:
        return "operations of users name objects"
    if world.keep_status or world.active_nodes is not None:
        return "it is for worlds that start from pending pods, whose nodes all take part"
    if any(kind not in ("Pod", "Namespace", "ServiceAccount") for kind in kinds):
        return "it is for worlds of bare pods: generated names and addresses count up"
    if any(data.get("spec", {}).get("nodeName") for data in world.objects):
        return "a pod names its node"
    if "nodes" in world.symmetry and world.ties != "explicit":
        return "ties go to the node of the lowest name (write `ties: explicit`)"
    if not all(type(host) is Scheduler for host in cluster.components.schedulers):
        return "a scheduler is not the stock one"
    if any(getattr(host, "may_preempt", False) for host in cluster.components.schedulers):
        return "pods have priorities"
    if world.percentage_of_nodes_to_score is not None:
        return "nodes are sampled in an order"
    return ""


def _alike(world: World) -> list[tuple[str, ...]]:
    """The names of pods whose objects differ in nothing else, group by group."""
    groups: dict[int, list[str]] = {}
    for data in world.objects:
        if data.get("kind") == "Pod":
            metadata = {k: v for k, v in data["metadata"].items() if k != "name"}
            mark = fingerprint(freeze({**data, "metadata": metadata}))
            groups.setdefault(mark, []).append(data["metadata"]["name"])
    return [tuple(names) for names in groups.values()]
