"""A historical bug: where it was reported, how it changes the model, and the world where it shows.

A bug changes the model in as few places as the historical code did. The unchanged model passes the
same world, seed and steps. An entry that upstream has not fixed is a live limit: the faithful model
itself shows it, and there is nothing to change.
"""

from __future__ import annotations

import attrs

from kspec_models.components import Components
from kspec_models.world import World
from kspec_properties.mutants.mutant import Change


def unchanged(parts: Components) -> Components:
    """What a live limit changes: nothing."""
    return parts


@attrs.frozen(kw_only=True)
class Bug:
    """One entry of the zoo.

    id: project and number of the report, such as "k8s-8138". url: that of the report. property: the
    name of what it breaks, of those in the catalogue. world: where it shows, with its granularity.
    faults: the fault column, "none" or classes joined by commas. estimate: how many steps the
    report needs, as its readers counted them. change: None for a live limit.
    """

    id: str
    title: str
    url: str
    property: str
    world: World
    estimate: int
    faults: str = "none"
    change: Change | None = None


def is_live_limit(bug: Bug) -> bool:
    """Whether upstream has not fixed it, so that the faithful model shows it."""
    return bug.change is None


def longest_trace(bug: Bug) -> int:
    """How many actions a minimized trace of a bug may have."""
    return 2 * bug.estimate + 4
