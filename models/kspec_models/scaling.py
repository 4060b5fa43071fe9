"""The same world in other sizes: what `--scale` walks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from kspec.errors import InputError
from kspec_models.world import World

REPLICATED = ("Deployment", "ReplicaSet", "ReplicationController", "StatefulSet")
"""Kinds that are modelled and have spec.replicas."""


def _nodes(world: World, size: int) -> World:
    if any(data.get("kind") == "Node" for data in world.objects):
        raise InputError(
            "nodes cannot be scaled: the world holds Node objects",
            expected="a world whose nodes are counted, as --nodes counts them",
        )
    return attrs.evolve(world, nodes=size)


def _replicas(world: World, size: int) -> World:
    if not any(data.get("kind") in REPLICATED for data in world.objects):
        raise InputError(
            "replicas cannot be scaled: no object of the world has any",
            expected=" or ".join(REPLICATED),
        )

    def resized(data: Mapping[str, Any]) -> Mapping[str, Any]:
        if data.get("kind") not in REPLICATED:
            return data
        return {**data, "spec": {**data.get("spec", {}), "replicas": size}}

    return attrs.evolve(world, objects=tuple(map(resized, world.objects)))


def _schedulers(world: World, size: int) -> World:
    return attrs.evolve(world, schedulers=size)


AXES: Mapping[str, Callable[[World, int], World]] = {
    "nodes": _nodes,
    "replicas": _replicas,
    "schedulers": _schedulers,
}


def scaled(world: World, sizes: Mapping[str, int]) -> World:
    """The world in these sizes: nodes, replicas of every workload, scheduler replicas.

    Raises InputError for an axis that there is not, or that this world has nothing on.
    """
    for axis, size in sizes.items():
        if axis not in AXES:
            raise InputError(f"no axis is called {axis!r}", expected=" or ".join(AXES))
        world = AXES[axis](world, size)
    return world
