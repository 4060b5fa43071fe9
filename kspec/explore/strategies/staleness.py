"""Staleness window: one actor is frozen for a while, everything else goes on.

What controllers get wrong in practice is to act on a view that is old because one watch lags: Sun
et al., "Automatic Reliability Testing for Cluster Management Controllers" (Sieve, OSDI 2022). The
frozen actor is one of those that could act when the window opens, so a
stream, a worker or a request in flight; the rest goes first come first served, or at random.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from kspec.explore.strategies.environment import Environment
from kspec.explore.strategies.fifo import Fifo
from kspec.explore.strategies.strategy import PerAction, Scale
from kspec.explore.strategies.walk import Walk
from kspec.system import AnySystem


class Staleness:
    """Windows follow one another; how long each is open is drawn anew."""

    name = "staleness"
    contested = 0

    def __init__(self, system: AnySystem) -> None:
        actor = system.actor
        self._environment = environment = Environment(system)
        kind_of = environment.kind_of
        self._actor_of = PerAction(lambda a: actor(a) if kind_of[a] == "system" else None)
        self._bases = (Fifo(system), Walk(system))
        self.begin(Random(0), Scale(1, 1))

    def begin(self, rng: Random, scale: Scale) -> None:
        self._rng, self._scale = rng, scale.length.bit_length()
        self._environment.begin(rng)
        self._base = rng.choice(self._bases)
        self._base.begin(rng, scale)
        self._frozen: Any = None
        self._left = self._duration()

    def choose(self, state: Any, enabled: Sequence[Any]) -> int:
        actors = list(map(self._actor_of.__getitem__, enabled))
        outside = actors.count(None)
        if outside and (outside == len(actors) or self._environment.is_due()):
            return self._environment.choose(enabled)
        self._left -= 1
        if self._left < 0:
            self._next_window([actor for actor in actors if actor is not None])
        frozen = self._frozen
        if not outside and frozen not in actors:
            return self._base.choose(state, enabled)
        free = [i for i, actor in enumerate(actors) if actor is not None and actor != frozen]
        if not free:  # only what is frozen is left: it thaws
            self._frozen = None
            free = [i for i, actor in enumerate(actors) if actor is not None]
        return free[self._base.choose(state, [enabled[i] for i in free])]

    def _next_window(self, actors: list[Any]) -> None:
        """Freeze one of those that could act now."""
        self._frozen = self._rng.choice(list(dict.fromkeys(actors)))
        self._left = self._duration()

    def _duration(self) -> int:
        """From one step to twice the length of the run, each order of magnitude as likely."""
        return self._rng.randint(1, 2 ** self._rng.randint(0, self._scale))
