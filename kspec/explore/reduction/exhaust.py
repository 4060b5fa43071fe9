"""Exhaustive search of a system with reductions: what it can judge, up to its symmetry.

A reduced system says which properties it cannot judge (`refusal`), what its actions stand for
(`expand`), and which names do not matter (`symmetry`); each is optional. A refused property is
never passed: it is named in `Exploration.unfinished` with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs

from kspec.explore.exhaustive.bfs import bfs
from kspec.explore.exploration import Exploration, Violation
from kspec.explore.reduction.symmetry import Symmetry, check_symmetry
from kspec.explore.reduction.verdicts import FIRST, Compared
from kspec.property import LIVENESS, Property
from kspec.system import AnySystem


def refusals(system: AnySystem, properties: Iterable[Property]) -> dict[str, str]:
    """Why each property that a reduced system cannot judge is not judged, by name."""
    refusal: Callable[[tuple[str, ...]], str] | None = getattr(system, "refusal", None)
    found: dict[str, str] = {}
    for prop in properties:
        reason = refusal(prop.reads) if refusal is not None else ""
        if prop.kind in LIVENESS and refusal is not None:
            reason = "fused steps pass over those that fairness is about"
        elif prop.kind in LIVENESS and symmetry_of(system) is not None:
            reason = "a cycle up to symmetry need not be a cycle"
        if reason:
            found[prop.name] = reason
    return found


def symmetry_of(system: AnySystem) -> Symmetry | None:
    """The symmetry that a system declares, if it has one."""
    found: Symmetry | None = getattr(system, "symmetry", None)
    return found


def expanded(system: AnySystem, actions: Iterable[Any]) -> tuple[Any, ...]:
    """The single actions that the actions of a reduced system stand for, which replay as well."""
    expand: Callable[[Any], tuple[Any, ...]] | None = getattr(system, "expand", None)
    if expand is None:
        return tuple(actions)
    return tuple(each for action in actions for each in expand(action))


def exhaust(
    system: AnySystem,
    properties: Iterable[Property] = (),
    *,
    seed: int = 0,
    checks: int = 2,
    explore: Callable[..., Exploration] = bfs,
    refuse: Mapping[str, str] | None = None,
    **options: Any,
) -> Exploration:
    """Breadth-first search with all reductions that a system offers; `options` are those of `bfs`.

    explore: what takes the place of `bfs`, with the same options. refuse: why properties, by name,
    are not to be judged. A symmetry is checked first, on `checks` random walks, and with it every
    verdict in some of the states that are explored (kspec.explore.reduction.verdicts), or in the
    first ones where `explore` builds its own systems. Raises BrokenSymmetry where it is none.
    """
    asked = tuple(properties)
    wanted = {prop.name for prop in asked}
    given = {name: reason for name, reason in (refuse or {}).items() if name in wanted}
    refused = {**refusals(system, asked), **given}
    judged = [prop for prop in asked if prop.name not in refused]
    searched, symmetry = system, symmetry_of(system)
    if symmetry is not None:
        check_symmetry(system, symmetry, judged, seed=seed, walks=checks, steps=8)
        options["mark"] = symmetry.canonical
        searched = Compared(system, symmetry, judged, seed)
        if explore is not bfs:
            bfs(searched, mark=symmetry.canonical, max_states=FIRST)
    tell = options.pop("on_violation", None)
    if tell is not None:
        options["on_violation"] = lambda violation: tell(_single(system, violation))
    found = explore(searched, judged, **options)
    violations = tuple(_single(system, violation) for violation in found.violations)
    names = frozenset(prop.name for prop in asked)
    return attrs.evolve(
        found,
        properties=names,
        violations=violations,
        unfinished={**found.unfinished, **refused},
        is_symmetric=symmetry is not None,
    )


def _single(system: AnySystem, violation: Violation) -> Violation:
    """A violation in single actions."""
    return attrs.evolve(violation, actions=expanded(system, violation.actions))
