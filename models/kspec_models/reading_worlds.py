"""From files and settings to one world: manifests, a cluster dump, or a World document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from kspec.errors import InputError
from kspec.suite import Settings
from kspec_models.manifests import Document, read_documents, read_object, read_objects
from kspec_models.named_worlds import SIZED, named_world
from kspec_models.operations import read_operation
from kspec_models.quantity import parse
from kspec_models.world import API_VERSION, World
from kspec_models.worlds_builtin import built_in

_GROUP = API_VERSION.partition("/")[0]


def read_world(files: tuple[Path, ...], settings: Settings) -> World:
    """The world of some files, or the built-in one without any.

    Raises InputError, one line with file, line and object, for anything that cannot be used.
    """
    if settings.world is not None:
        return _named(files, settings, settings.world)
    documents = tuple(d for path in files for d in read_documents(path))
    worlds = [d for d in documents if _is_of_kspec(d)]
    others = tuple(d for d in documents if not _is_of_kspec(d))
    if len(worlds) > 1:
        raise InputError("a second World", where=worlds[1].where, expected="at most one")
    if worlds:
        world = World.from_json(worlds[0].data, worlds[0].where)
        _check_parts(world, worlds[0].where)
        inner = (Document(f"{worlds[0].where}: {w}", o) for w, o in _numbered(world.objects))
        others = (*inner, *others)
    else:
        world = built_in() if not files else World(name=files[0].stem)
    if files:
        world = attrs.evolve(world, objects=_kept(others, settings))
    return _with_settings(world, settings)


def _named(files: tuple[Path, ...], settings: Settings, name: str) -> World:
    """A world that ships with kspec. Raises InputError beside files, or for another size."""
    if files:
        raise InputError(f"--world {name} beside {files[0]}", expected="one of them")
    if settings.nodes is not None and name in SIZED:
        return _with_settings(named_world(f"{name}@{settings.nodes}"), settings)
    return _with_settings(named_world(name), settings)


def _is_of_kspec(document: Document) -> bool:
    version = document.data.get("apiVersion")
    return isinstance(version, str) and version.partition("/")[0] == _GROUP


def _numbered(objects: tuple[Mapping[str, Any], ...]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    return ((f"objects[{i}]", data) for i, data in enumerate(objects))


def _kept(documents: tuple[Document, ...], settings: Settings) -> tuple[Mapping[str, Any], ...]:
    """The documents that are used, after all of them were read and found valid."""
    read_objects(documents, ignore_unmodelled=settings.ignore_unmodelled)
    return tuple(
        d.data
        for d in documents
        if read_object(d, ignore_unmodelled=settings.ignore_unmodelled) is not None
    )


def _check_parts(world: World, where: str) -> None:
    """What a World's schema cannot say: quantities, and operations on kinds that are modelled."""
    for name, text in world.node_capacity.items():
        _check_quantity(name, text, f"{where}: spec.nodeCapacity")
    for i, data in enumerate(world.operations):
        try:
            read_operation(data)
        except InputError as error:
            raise InputError(str(error), where=f"{where}: spec.operations[{i}]") from None


def _with_settings(world: World, settings: Settings) -> World:
    changes: dict[str, Any] = {}
    if settings.nodes is not None:
        changes["nodes"] = settings.nodes
    if settings.node_capacity:
        for name, text in settings.node_capacity.items():
            _check_quantity(name, text, "--node-capacity")
        changes["node_capacity"] = {**world.node_capacity, **settings.node_capacity}
    if settings.schedulers is not None:
        changes["schedulers"] = settings.schedulers
    if settings.policy is not None:
        changes["policy"] = settings.policy
    if settings.granularity is not None:
        changes["granularity"] = settings.granularity
    if settings.state:
        changes["keep_status"] = True
    if settings.is_plain:
        changes["is_plain"] = True
    return attrs.evolve(world, **changes)


def _check_quantity(name: str, text: str, where: str) -> None:
    try:
        quantity = parse(text)
    except ValueError as error:
        raise InputError(f"{name}={text}: {error}", where=where) from None
    if quantity.cmp(parse("0")) < 0:
        raise InputError(
            f"{name}={text} is negative", where=where, expected="a quantity of at least 0"
        )
