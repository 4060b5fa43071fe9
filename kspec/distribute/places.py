"""Where a search may be done: worker processes of this machine, or a Ray cluster.

A place gives `search` its executor and `fleet_bfs` its fleet; it may serve many searches, one after
the other, and what it started ends with its context.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

import attrs

from kspec.distribute.crew import Crew
from kspec.distribute.executor import CrewExecutor
from kspec.distribute.fleet import CrewFleet, Fleet
from kspec.distribute.recipe import Recipe
from kspec.explore.executor import Executor
from kspec.explore.search import AHEAD


class Place(Protocol):
    """Workers, wherever they are.

    ahead: how many rounds `search` should plan ahead there; on one machine that does not depend on
    the number of workers, so that the outcome does not either.
    """

    @property
    def ahead(self) -> int: ...

    def executor(self, recipe: Recipe) -> Executor:
        """For `search`."""
        ...

    def fleet(self, recipe: Recipe, memory: int | None = None, spill: Path | None = None) -> Fleet:
        """For `fleet_bfs`. memory, spill: for the visited set, as `bfs` takes them."""
        ...


@attrs.frozen
class Machine:
    """The worker processes of a crew."""

    crew: Crew
    ahead: int = AHEAD

    def executor(self, recipe: Recipe) -> Executor:
        return CrewExecutor(self.crew, recipe)

    def fleet(self, recipe: Recipe, memory: int | None = None, spill: Path | None = None) -> Fleet:
        return CrewFleet(self.crew, recipe, memory, spill)


@contextmanager
def on_workers(count: int) -> Iterator[Place]:
    """So many processes of this machine. Raises InputError for fewer than one."""
    with Crew(count) as crew:
        yield Machine(crew)


def on_ray(address: str) -> AbstractContextManager[Place]:
    """A Ray cluster by its address, or "local" for one that is started here.

    Raises InputError where Ray is not installed or no cluster answers.
    """
    from kspec.distribute.ray_cluster import connected

    return connected(address)
