"""What a user asks `check` to do, as a value."""

from __future__ import annotations

from pathlib import Path

import attrs

from kspec.suite import Parts, Settings

SECONDS = 20.0
"""How long a check lasts where neither steps nor seconds are given."""

STEPS_OF_TWO_RUNS = 20_000
"""How many steps a determinism check takes where none are given; a clock would differ."""

EXHAUSTIVE = "bfs"
STRATEGIES: dict[str, tuple[tuple[str, int], ...] | None] = {
    "portfolio": None,
    "fifo": (("fifo", 1),),
    "walk": (("walk", 1),),
    "pct": (("pct", 1),),
    "late": (("late", 1),),
    EXHAUSTIVE: (),
}
"""The strategies by name, with the weights of the search; None is the search's own mix."""


@attrs.frozen(kw_only=True)
class Options:
    """The options of a check.

    faults: None for the columns where something is promised, "none", "all" (a column each), or
        fault classes joined by commas (one column with all of them).
    properties: names of known properties, or MODULE:NAME; empty for all of them.
    is_all: explore what is not promised too, and show how it breaks.
    is_determinism: explore everything twice and compare.
    is_coverage: measure what is exercised, and write it beside the traces.
    """

    files: tuple[Path, ...] = ()
    settings: Settings = attrs.field(factory=Settings)
    faults: str | None = None
    strategy: str = "portfolio"
    seed: int = 0
    steps: int | None = None
    seconds: float | None = None
    mutant: str | None = None
    controllers: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()
    is_all: bool = False
    is_determinism: bool = False
    is_coverage: bool = False
    out: Path = Path("kspec-out")

    @property
    def parts(self) -> Parts:
        return Parts(policy=self.settings.policy, controllers=self.controllers, mutant=self.mutant)

    @property
    def limits(self) -> tuple[int | None, float | None]:
        """Steps and seconds, with the defaults where nothing is given."""
        if self.is_determinism:
            return self.steps or STEPS_OF_TWO_RUNS, None
        if self.steps is None and self.seconds is None and self.strategy != "fifo":
            return None, SECONDS
        return self.steps, self.seconds
