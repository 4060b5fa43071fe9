"""Worlds with one cut, for shrinking: the workload first, then what it runs on.

The workload is what users bring: their operations and their objects. The world is what it runs on:
nodes, schedulers, faults, and quantities, which get rounder and not always smaller. Names stay.
The largest cuts of each sort come first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import attrs

from kspec_models.rounding import rounder, with_quantity
from kspec_models.world import World

WORKLOAD, WORLD = "workload", "world"


class Cut(NamedTuple):
    """stage: "workload" or "world". what: the cut in a few words, which name it in its world."""

    stage: str
    what: str
    world: World


def smaller_worlds(world: World) -> Iterator[Cut]:
    """Fewer operations, objects, replicas, containers; then nodes, schedulers, faults, digits."""
    for cuts in (_operations, _objects, _replicas, _containers):
        yield from (Cut(WORKLOAD, what, smaller) for what, smaller in cuts(world))
    for cuts in (_nodes, _schedulers, _faults, _quantities):
        yield from (Cut(WORLD, what, smaller) for what, smaller in cuts(world))


Cuts = Iterator[tuple[str, World]]


def _operations(world: World) -> Cuts:
    for i in reversed(range(len(world.operations))):
        verb, target = next(o for o in world.operations[i].items() if o[0] != "notBefore")
        rest = world.operations[:i] + world.operations[i + 1 :]
        yield f"no {verb} of {_name(target)} (operation {i + 1})", _with(world, operations=rest)


def _objects(world: World) -> Cuts:
    yield from _without_objects(world, lambda data: data.get("kind") != "Node")


def _without_objects(world: World, concerns: Callable[[Mapping[str, Any]], bool]) -> Cuts:
    """Half of them at once, then each; those that something else needs fail to stand."""
    places = [i for i, data in enumerate(world.objects) if concerns(data)]
    for size in dict.fromkeys((len(places) // 2, 1)):
        for start in range(0, len(places) if size else 0, size or 1):
            gone = places[start : start + size]
            rest = tuple(o for i, o in enumerate(world.objects) if i not in gone)
            names = [_name(world.objects[i]) for i in gone]
            what = names[0] if size == 1 else f"{names[0]} and {len(names) - 1} more objects"
            yield f"no {what}", _with(world, objects=rest)


def _replicas(world: World) -> Cuts:
    for i, data in enumerate(world.objects):
        spec = data.get("spec")
        replicas = spec.get("replicas") if isinstance(spec, Mapping) else None
        if isinstance(replicas, int) and replicas > 1:
            for fewer in dict.fromkeys((1, replicas - 1)):
                changed = _replaced(data, ("spec", "replicas"), fewer)
                what = f"{_name(data)} with {replicas} -> {fewer} replicas"
                yield what, _with_object(world, i, changed)


def _containers(world: World) -> Cuts:
    """Pods and pod templates with a container less; the last one stays."""
    for i, data in enumerate(world.objects):
        for path in (("spec",), ("spec", "template", "spec")):
            spec = _at(data, path)
            for field, least in (("initContainers", 0), ("containers", 1)):
                items = spec.get(field) if isinstance(spec, Mapping) else None
                for n in reversed(range(len(items) if isinstance(items, list) else 0)):
                    if items and len(items) > least:
                        rest = [item for k, item in enumerate(items) if k != n]
                        name = items[n].get("name", n)
                        what = f"{_name(data)} without container {name}"
                        yield what, _with_object(world, i, _replaced(data, (*path, field), rest))


def _nodes(world: World) -> Cuts:
    yield from _without_objects(world, lambda data: data.get("kind") == "Node")
    if world.nodes > 1 and not any(o.get("kind") == "Node" for o in world.objects):
        for fewer in dict.fromkeys((1, world.nodes - 1)):
            yield f"nodes {world.nodes} -> {fewer}", _with(world, nodes=fewer)


def _schedulers(world: World) -> Cuts:
    for fewer in dict.fromkeys((1, world.schedulers - 1)) if world.schedulers > 1 else ():
        yield f"schedulers {world.schedulers} -> {fewer}", _with(world, schedulers=fewer)


def _faults(world: World) -> Cuts:
    for name in sorted(world.faults):
        count = world.faults[name]
        rest = {other: n for other, n in world.faults.items() if other != name}
        yield f"no {name}", _with(world, faults=rest)
        if count > 1:
            yield f"{name} {count} -> 1", _with(world, faults={**rest, name: 1})


def _quantities(world: World) -> Cuts:
    """Each quantity of CPU or memory made rounder, wherever it stands."""
    documents = (*world.objects, *world.operations, {"capacity": world.node_capacity})
    for resource, text, rounded in rounder(documents):
        capacity = with_quantity({"capacity": world.node_capacity}, resource, text, rounded)
        yield (
            f"{resource} {text} -> {rounded}",
            _with(
                world,
                objects=tuple(with_quantity(o, resource, text, rounded) for o in world.objects),
                operations=tuple(
                    with_quantity(o, resource, text, rounded) for o in world.operations
                ),
                node_capacity=capacity["capacity"],
            ),
        )


def _with(world: World, **fields: Any) -> World:
    return attrs.evolve(world, **fields)


def _with_object(world: World, place: int, data: Mapping[str, Any]) -> World:
    return _with(world, objects=(*world.objects[:place], data, *world.objects[place + 1 :]))


def _at(data: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        data = data.get(name) if isinstance(data, Mapping) else None
    return data


def _replaced(data: Mapping[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """The document with another value at a path; nothing that it shares is changed."""
    head, *rest = path
    inner = _replaced(data[head], tuple(rest), value) if rest else value
    return {**data, head: inner}


def _name(data: Mapping[str, Any]) -> str:
    """What an object, or the target of an operation, is called in a report."""
    metadata = data.get("metadata")
    inner = metadata if isinstance(metadata, Mapping) else data
    return f"{data.get('kind', 'object')} {inner.get('name') or inner.get('generateName', '')}"
