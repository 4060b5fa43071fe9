"""The exhaustive search of one column: breadth-first or by deepening, bounded or not, anywhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kspec.check.failures import Scene
from kspec.check.options import DEEPENING, Options
from kspec.distribute.bfs import fleet_bfs
from kspec.distribute.recipe import recipe_of
from kspec.errors import InputError
from kspec.explore import Exploration, Violation
from kspec.explore.exhaustive.bfs import MAX_STATES
from kspec.explore.exhaustive.deepening import deepen
from kspec.explore.reduction.exhaust import exhaust as reduced
from kspec.property import Property
from kspec.system import AnySystem
from kspec.values import fingerprint

if TYPE_CHECKING:
    from kspec.check.searching import Explorer

Keep = Callable[[Violation], None]


def exhaust(
    explorer: Explorer,
    scene: Scene,
    properties: tuple[Property, ...],
    share: tuple[int | None, float | None],
    keep: Keep,
) -> Exploration:
    """Explore every schedule; the share of steps is a bound on distinct states.

    Raises InputError for options that do not go together.
    """
    options, clock, listener = explorer.options, explorer.clock, explorer.listener
    states, seconds = share
    deadline = None if seconds is None else clock() + seconds
    common: dict[str, Any] = {
        "max_states": MAX_STATES if states is None else states,
        "max_depth": options.depth,
        "stop_at_first": explorer.is_enough,
        "is_out_of_time": lambda: deadline is not None and clock() >= deadline,
        "on_progress": lambda steps, states, depth: listener.progress(steps, states),
        "on_violation": keep,
    }
    if options.strategy == DEEPENING:
        _refuse(options, ("memory", "checkpoint", "symmetry", "delays", "fault_bound"))
        refuse_reduced(scene.system, "deepening")
        if explorer.place is not None:
            raise InputError("workers do not deepen", expected="--strategy bfs")
        return deepen(scene.system, properties, **common)
    kept = {
        "delays": options.delays,
        "faults": _fault_bound(scene, options),
        "memory": options.memory,
        "spill": options.out if options.memory is not None else None,
        **_checkpoint(scene, options),
    }
    if explorer.place is not None:
        place = explorer.place

        def spread(system: AnySystem, judged: list[Property], **given: Any) -> Exploration:
            given.pop("mark", None)  # a worker finds it where it builds the system
            return fleet_bfs(place.fleet, recipe_of(scene, judged), **given)

        return reduced(scene.system, properties, explore=spread, **common, **kept)
    return reduced(scene.system, properties, **common, **kept)


def _fault_bound(scene: Scene, options: Options) -> int | None:
    """Schedules of few delays have no faults of their own: they get those of the column."""
    budget = sum(scene.column.budget.values())
    if options.fault_bound is None and options.delays is not None and budget:
        return budget
    return options.fault_bound


def _sources(scene: Scene) -> str:
    """A digest of the modules that a user brings: what they say is part of what is searched."""
    parts = scene.plan.parts
    named = (parts.policy or "", *parts.controllers, *scene.plan.references.values())
    modules = sorted({name.partition(":")[0] for name in named if ":" in name})
    found = (getattr(sys.modules.get(name), "__file__", None) for name in modules)
    return "".join(f"{fingerprint(Path(file).read_text()):016x}" for file in found if file)


def _checkpoint(scene: Scene, options: Options) -> Mapping[str, Any]:
    """A folder for each column, which knows what it is a search of."""
    if options.checkpoint is None:
        return {}
    folder = options.checkpoint / scene.column.name.replace(",", "+")
    identity = f"{scene.suite.name} {scene.world} {scene.plan.parts} {_sources(scene)}"
    return {"checkpoint": folder, "identity": identity}


def refuse_reduced(system: AnySystem, how: str) -> None:
    """Raise InputError for a system that only an exhaustive search can reduce."""
    if getattr(system, "refusal", None) is not None:
        raise InputError(
            f"granularity fused is for breadth-first search, not for {how}",
            expected="--strategy bfs",
        )


def _refuse(options: Options, names: tuple[str, ...]) -> None:
    for name in names:
        if getattr(options, name) not in (None, False):
            option = name.replace("_", "-")
            raise InputError(f"deepening knows no --{option}", expected="--strategy bfs")
