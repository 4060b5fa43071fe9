"""Recipes of toys, for workers: what they hold is a name, and so can be sent."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import NamedTuple

import toys

from kspec.distribute.recipe import Built
from kspec.property import Property, invariant
from kspec.system import FunctionSystem


class Toy(NamedTuple):
    """The toy that a function of that name makes, and properties by their names in `toys`."""

    name: str
    arguments: tuple[int, ...] = ()
    properties: tuple[str, ...] = ()

    def __call__(self) -> Built:
        return Built(
            getattr(toys, self.name)(*self.arguments),
            tuple(property_of(name) for name in self.properties),
        )


def property_of(name: str) -> Property:
    found = getattr(toys, name)
    return found if isinstance(found, Property) else found()


@invariant(source=toys.TOY)
def below_five(s: int) -> bool:
    """It never gets to five. False."""
    return s != 5


@invariant(source=toys.TOY)
def small(s: tuple[int, ...]) -> bool:
    """No counter gets to a thousand."""
    return max(s) < 1000


class Endless(NamedTuple):
    """A counter that goes on for ever; its tenth step is told to whoever reads the pipe."""

    pipe: str

    def __call__(self) -> Built:
        def following(state: int, action: str) -> int:
            if state == 10:
                Path(self.pipe).write_text("ten")
            return state + 1

        system = FunctionSystem(
            initial=0, enabled_actions=lambda state: ("Count",), next_state=following
        )
        return Built(system, (below_five, small_number))


@invariant(source=toys.TOY)
def small_number(s: int) -> bool:
    """It stays below what any test waits for."""
    return s < 1 << 60


class Mortal(NamedTuple):
    """Counters modulo 6, 1,296 states; a certain step kills its process while the file is there.

    once: the file goes with the first that dies.
    """

    fuse: str
    once: bool = True

    def __call__(self) -> Built:
        def following(state: tuple[int, ...], which: int) -> tuple[int, ...]:
            after = tuple((n + (i == which)) % 6 for i, n in enumerate(state))
            if sum(after) == 9 and os.path.exists(self.fuse):
                if self.once:
                    os.unlink(self.fuse)
                os.kill(os.getpid(), signal.SIGKILL)
            return after

        system = FunctionSystem(
            initial=(0,) * 4, enabled_actions=lambda state: range(4), next_state=following
        )
        return Built(system, (small,))


class Unbuildable(NamedTuple):
    """A recipe that fails, with an error that cannot be sent."""

    def __call__(self) -> Built:
        class Local(Exception):
            def __init__(self, one: str, two: str) -> None:
                super().__init__(f"{one} {two}")

        raise Local("no", "system")
