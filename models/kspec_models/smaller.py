"""Worlds that are a little smaller than a given one, for shrinking: the largest cuts first."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import attrs

from kspec_models.world import World


def smaller_worlds(world: World) -> Iterator[World]:
    """Without an object, without an operation, with fewer replicas, with fewer nodes."""
    yield from _without_objects(world)
    for i in reversed(range(len(world.operations))):
        rest = world.operations[:i] + world.operations[i + 1 :]
        yield attrs.evolve(world, operations=rest)
    yield from _with_fewer_replicas(world)
    if world.nodes > 1 and not any(o.get("kind") == "Node" for o in world.objects):
        yield attrs.evolve(world, nodes=1)
        if world.nodes > 2:
            yield attrs.evolve(world, nodes=world.nodes - 1)


def _without_objects(world: World) -> Iterator[World]:
    for size in (len(world.objects) // 2, 1):
        if size:
            for start in range(0, len(world.objects), size):
                rest = world.objects[:start] + world.objects[start + size :]
                yield attrs.evolve(world, objects=rest)


def _with_fewer_replicas(world: World) -> Iterator[World]:
    for i, data in enumerate(world.objects):
        spec: Any = data.get("spec")
        replicas = spec.get("replicas") if isinstance(spec, dict) else None
        if isinstance(replicas, int) and replicas > 1:
            for fewer in dict.fromkeys((1, replicas - 1)):
                changed = copy.deepcopy(dict(data))
                changed["spec"]["replicas"] = fewer
                objects = (*world.objects[:i], changed, *world.objects[i + 1 :])
                yield attrs.evolve(world, objects=objects)
