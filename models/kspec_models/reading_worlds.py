"""From files and settings to one world: manifests, a cluster dump, or a World document."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from kspec.errors import InputError
from kspec.suite import Settings
from kspec_models.manifests import Document, read_documents, read_object, read_objects
from kspec_models.quantity import parse
from kspec_models.world import API_VERSION, World
from kspec_models.worlds import built_in


def read_world(files: tuple[Path, ...], settings: Settings) -> World:
    """The world of some files, or the built-in one without any.

    Raises InputError, one line with file, line and object, for anything that cannot be used.
    """
    documents = tuple(d for path in files for d in read_documents(path))
    worlds = [d for d in documents if d.data.get("apiVersion") == API_VERSION]
    others = tuple(d for d in documents if d.data.get("apiVersion") != API_VERSION)
    if len(worlds) > 1:
        raise InputError("a second World", where=worlds[1].where, expected="at most one")
    if worlds:
        world = World.from_json(worlds[0].data, worlds[0].where)
        _check_objects(world, worlds[0], settings)
    else:
        world = built_in() if not files else World(name=files[0].stem)
    objects = _kept(others, settings)
    world = attrs.evolve(world, objects=(*world.objects, *objects))
    return _with_settings(world, settings)


def _kept(documents: tuple[Document, ...], settings: Settings) -> tuple[Mapping[str, Any], ...]:
    """The documents that are used, after all of them were read and found valid."""
    read_objects(documents, ignore_unmodelled=settings.ignore_unmodelled)
    return tuple(
        _plain(d.data)
        for d in documents
        if read_object(d, ignore_unmodelled=settings.ignore_unmodelled) is not None
    )


def _plain(data: Any) -> Any:
    """JSON: dates that YAML has read become text again."""
    if isinstance(data, Mapping):
        return {str(k): _plain(v) for k, v in data.items()}
    if isinstance(data, list):
        return [_plain(v) for v in data]
    if isinstance(data, str | int | float | bool) or data is None:
        return data
    return data.isoformat().replace("+00:00", "Z")


def _check_objects(world: World, document: Document, settings: Settings) -> None:
    inner = tuple(
        Document(f"{document.where}: objects[{i}]", data) for i, data in enumerate(world.objects)
    )
    read_objects(inner, ignore_unmodelled=settings.ignore_unmodelled)


def _with_settings(world: World, settings: Settings) -> World:
    changes: dict[str, Any] = {}
    if settings.nodes is not None:
        changes["nodes"] = settings.nodes
    if settings.node_capacity:
        for name, text in settings.node_capacity.items():
            _check_quantity(name, text)
        changes["node_capacity"] = {**world.node_capacity, **settings.node_capacity}
    if settings.schedulers is not None:
        changes["schedulers"] = settings.schedulers
    if settings.policy is not None:
        changes["policy"] = settings.policy
    if settings.granularity is not None:
        changes["granularity"] = settings.granularity
    if settings.state:
        changes["keep_status"] = True
    return attrs.evolve(world, **changes)


def _check_quantity(name: str, text: str) -> None:
    try:
        quantity = parse(text)
    except ValueError as error:
        raise InputError(f"{name}={text}: {error}", where="--node-capacity") from None
    if quantity.cmp(parse("0")) < 0:
        raise InputError(
            f"{name}={text} is negative",
            where="--node-capacity",
            expected="a quantity of at least 0",
        )
