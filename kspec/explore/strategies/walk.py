"""Random walk: every enabled action is as likely as any other. The baseline."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from kspec.explore.strategies.strategy import Scale
from kspec.system import AnySystem


class Walk:
    name = "walk"
    contested = 0

    def __init__(self, system: AnySystem) -> None:
        self._random = Random(0).random

    def begin(self, rng: Random, scale: Scale) -> None:
        self._random = rng.random

    def choose(self, state: Any, enabled: Sequence[Any]) -> int:
        return int(self._random() * len(enabled))
