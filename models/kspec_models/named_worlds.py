"""The worlds that ship with kspec, by name; `NAME@N` is the same world at N nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from kspec.errors import InputError
from kspec_models.world import World
from kspec_models.worlds import application
from kspec_models.worlds_builtin import built_in
from kspec_models.worlds_kivi import KIVI

PLAIN: Mapping[str, Callable[[], World]] = {"built-in": built_in, "application": application}
"""Worlds that are what they are."""
SIZED: Mapping[str, Callable[[int], World]] = KIVI
"""Worlds that come in sizes, as functions of how many nodes there are."""

FEWEST_NODES: Final = 3


def world_names() -> tuple[str, ...]:
    """Every name, those that come in sizes without their size."""
    return (*PLAIN, *SIZED)


def named_world(name: str) -> World:
    """The world of a name. Raises InputError where there is none."""
    head, _, size = name.partition("@")
    if name in PLAIN:
        return PLAIN[name]()
    if head not in SIZED:
        raise InputError(f"no world is called {name!r}", expected=" or ".join(world_names()))
    if size and not (size.isdecimal() and int(size) >= 1):
        raise InputError(f"world {name!r}", expected=f"{head}@N for N nodes")
    return SIZED[head](int(size) if size else FEWEST_NODES)
