"""How the schedulers of a world are set up: their profiles, their sampling, and what they watch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from kspec_models.scheduler.profiles import MIN_FEASIBLE_NODES, profiles_of
from kspec_models.scheduler.scheduler import Scheduler
from kspec_models.world import EXPLICIT, World

RANDOM = "random"
"""The rule for ties of a policy that takes any of several equals: each is an action."""


def schedulers_of(world: World, policy: Any, present: tuple[str, ...]) -> tuple[Scheduler, ...]:
    """The schedulers of a world. present: the resources that can occur in it."""
    ties = getattr(policy, "ties", "")
    return tuple(
        Scheduler(
            name,
            profiles_of_world(world, policy),
            has_explicit_ties=world.ties == EXPLICIT or ties == RANDOM,
            watched=watched_by_schedulers(world, present),
            may_preempt=mentions(world, "priority", "priorityClassName", "globalDefault"),
            is_plain=world.is_plain,
        )
        for name in scheduler_names(world.schedulers)
    )


def scheduler_names(count: int) -> tuple[str, ...]:
    """The names of the scheduler processes: `scheduler`, or numbered where there are several."""
    if count == 1:
        return ("scheduler",)
    return tuple(f"scheduler-{i}" for i in range(1, count + 1))


def profiles_of_world(world: World, policy: Any) -> Any:
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


def watched_by_schedulers(world: World, present: tuple[str, ...]) -> tuple[str, ...]:
    """The resources that a scheduler may watch: those that can occur, and namespaces only where
    a term selects them, since every world has namespaces."""
    if mentions(world, "namespaceSelector"):
        return present
    return tuple(resource for resource in present if resource != "namespaces")


def mentions(world: World, *keys: str) -> bool:
    """Whether a field of that name is given anywhere in the objects or operations of a world."""
    return any(_has_key(data, keys) for data in (*world.objects, *world.operations))


def _has_key(data: Any, keys: tuple[str, ...]) -> bool:
    if isinstance(data, Mapping):
        return any(key in keys or _has_key(value, keys) for key, value in data.items())
    if isinstance(data, Sequence) and not isinstance(data, str):
        return any(_has_key(item, keys) for item in data)
    return False
