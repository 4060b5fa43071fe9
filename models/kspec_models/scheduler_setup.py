"""How the schedulers of a world are set up: their profiles, their sampling, and what they watch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import attrs

from kspec_models.scheduler.profiles import MIN_FEASIBLE_NODES, profiles_of


class Given(Protocol):
    """The part of a world that says what is set up."""

    @property
    def objects(self) -> tuple[Mapping[str, Any], ...]: ...

    @property
    def operations(self) -> tuple[Mapping[str, Any], ...]: ...

    @property
    def percentage_of_nodes_to_score(self) -> int | None: ...

    @property
    def min_feasible_nodes(self) -> int: ...


def profiles_of_world(world: Given, policy: Any) -> Any:
    """A policy as it is, or its profiles with the sampling of nodes that a world asks for."""
    share = world.percentage_of_nodes_to_score
    if share is None and world.min_feasible_nodes == MIN_FEASIBLE_NODES:
        return policy
    profiles = profiles_of(policy)
    return attrs.evolve(
        profiles,
        percentage=profiles.percentage if share is None else share,
        percentages=profiles.percentages if share is None else {},
        min_feasible=world.min_feasible_nodes,
    )


def watched_by_schedulers(world: Given, present: tuple[str, ...]) -> tuple[str, ...]:
    """The resources that a scheduler may watch: those that can occur, and namespaces only where
    a term selects them, since every world has namespaces."""
    if mentions(world, "namespaceSelector"):
        return present
    return tuple(resource for resource in present if resource != "namespaces")


def mentions(world: Given, *keys: str) -> bool:
    """Whether a field of that name is given anywhere in the objects or operations of a world."""
    return any(_has_key(data, keys) for data in (*world.objects, *world.operations))


def _has_key(data: Any, keys: tuple[str, ...]) -> bool:
    if isinstance(data, Mapping):
        return any(key in keys or _has_key(value, keys) for key, value in data.items())
    if isinstance(data, Sequence) and not isinstance(data, str):
        return any(_has_key(item, keys) for item in data)
    return False
