"""What an exhaustive search is over, and where it stops early."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import attrs

from kspec.explore.exhaustive.bounded import Bounded
from kspec.explore.exhaustive.expand import Mark
from kspec.explore.exploration import Violation
from kspec.property import Property
from kspec.system import AnySystem


@attrs.frozen(kw_only=True)
class Space:
    """What is searched: a system, its properties, and the plain system that traces are of.

    The two systems differ where schedules are bounded; their actions are the same. `properties`
    look at states of `system`, `plain_properties` at those of `plain`.
    """

    system: AnySystem
    properties: tuple[Property, ...]
    plain: AnySystem
    plain_properties: tuple[Property, ...]
    bound: str = ""
    mark: Mark | None = None


@attrs.frozen(kw_only=True)
class Limits:
    """Where the search stops early, and whom it tells how far it is."""

    max_states: int
    max_depth: int | None = None
    stop_at_first: bool = False
    is_out_of_time: Callable[[], bool] | None = None
    on_progress: Callable[[int, int, int], None] | None = None
    on_violation: Callable[[Violation], None] | None = None


def space_of(
    system: AnySystem,
    properties: tuple[Property, ...],
    mark: Mark | None,
    delays: int | None,
    faults: int | None,
) -> Space:
    """The space of a system, whole or bounded."""
    if delays is None and faults is None:
        return Space(
            system=system,
            properties=properties,
            plain=system,
            plain_properties=properties,
            mark=mark,
        )
    bounded = Bounded(system, delays, faults)
    return Space(
        system=bounded,
        properties=tuple(map(bounded.lifted, properties)),
        plain=system,
        plain_properties=properties,
        bound=bounded.bound,
        mark=None if mark is None else partial(bounded.mark, mark),
    )
