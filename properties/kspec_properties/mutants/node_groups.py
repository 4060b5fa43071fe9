"""Mutants of the cluster autoscaler."""

from __future__ import annotations

from typing import Any

import attrs

from kspec_models.cluster_autoscaler import ClusterAutoscaler
from kspec_models.cluster_autoscaler_groups import COMPONENT, NodeGroup
from kspec_models.cluster_autoscaler_state import AutoscalerMemory, Seen
from kspec_models.components import Components
from kspec_models.host import Notification, View
from kspec_models.world import World
from kspec_models.worlds import deployment, node, pod, scale
from kspec_models.worlds_nodes import node_group
from kspec_properties.mutants.mutant import Change, ModelMutant


def _grouped(name: str, *objects: Any, least: int = 0, most: int = 2, **options: Any) -> World:
    """A world without nodes, but with a group of small machines."""
    group = node_group("pool", least, most, capacity={"cpu": "1", "memory": "1Gi"})
    return World(
        name=name,
        nodes=0,
        objects=objects,
        components={COMPONENT: {"nodeGroups": [group]}},
        **options,
    )


def _replacing(kind: type[ClusterAutoscaler]) -> Change:
    """Replace the autoscaler by one of another kind."""

    def change(parts: Components) -> Components:
        others = tuple(
            kind(o.groups, o.fits, o.times) if isinstance(o, ClusterAutoscaler) else o
            for o in parts.others
        )
        return attrs.evolve(parts, others=others)

    return change


class ExceedsGroups(ClusterAutoscaler):
    def free_names(self, group: NodeGroup, taken: set[str]) -> tuple[str, ...]:
        names = [f"{group.name}-{i}" for i in range(1, group.max_size + 2)]
        return tuple(name for name in names if name not in taken)


class IgnoresPods(ClusterAutoscaler):
    def concerns(self, event: Notification) -> bool:
        return event.resource == "nodes" and super().concerns(event)


class KeepsIdleMachines(ClusterAutoscaler):
    def is_unneeded(self, seen: Seen, name: str) -> bool:
        return False


class SeesNoPods(ClusterAutoscaler):
    def seen(self, view: View) -> Seen:
        seen = super().seen(view)
        return seen._replace(pods={name: () for name in seen.pods})

    def scale_up(self, memory: AutoscalerMemory, seen: Seen) -> tuple[Any, ...]:
        return ()


MUTANTS = (
    ModelMutant(
        name="autoscaler-exceeds-its-groups",
        description="the autoscaler makes one machine more than a group may have",
        property="node-groups-keep-within-their-size",
        world=_grouped("too-many-pods", deployment("web", 3, cpu="800m")),
        change=_replacing(ExceedsGroups),
    ),
    ModelMutant(
        name="autoscaler-ignores-pods",
        description="the autoscaler does not notice that a pod found no node",
        property="pending-pods-get-a-machine",
        world=_grouped("one-pending-pod", pod("p")),
        change=_replacing(IgnoresPods),
    ),
    ModelMutant(
        name="autoscaler-keeps-idle-machines",
        description="the autoscaler takes no machine for unneeded",
        property="idle-machines-go",
        world=_grouped(
            "a-deployment-shrinks",
            deployment("web", 1, cpu="800m"),
            operations=(scale("web", 0),),
        ),
        change=_replacing(KeepsIdleMachines),
    ),
    ModelMutant(
        name="autoscaler-takes-machines-for-empty",
        description="the autoscaler removes machines whatever runs on them",
        property="only-idle-machines-are-removed",
        world=_grouped("a-used-machine", node("pool-1"), pod("p", nodeName="pool-1")),
        change=_replacing(SeesNoPods),
    ),
)
