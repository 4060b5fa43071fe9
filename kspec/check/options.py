"""What a user asks `check` to do, as a value."""

from __future__ import annotations

from pathlib import Path

import attrs

from kspec.errors import InputError
from kspec.explore.strategies.registry import parse
from kspec.suite import Parts, Settings

SECONDS = 20.0
"""How long a check lasts where neither steps nor seconds are given."""

STEPS_OF_TWO_RUNS = 20_000
"""How many steps a determinism check takes where none are given; a clock would differ."""

BREADTH_FIRST, DEEPENING = "bfs", "deepening"
EXHAUSTIVE = (BREADTH_FIRST, DEEPENING)
"""The strategies that look at every schedule."""


@attrs.frozen(kw_only=True)
class Options:
    """The options of a check.

    faults: None for the columns where something is promised, "none", "all" (a column each), or
        fault classes joined by commas (one column with all of them).
    properties: names of known properties, or MODULE:NAME; empty for all of them.
    is_all: explore what is not promised too, and show how it breaks.
    is_determinism: explore everything twice and compare.
    is_coverage: measure what is exercised, and write it beside the traces.
    strategy: a name or a mix of random strategies, or an exhaustive one. violations: how many of
        each property to look for. depth, delays, fault_bound: bounds of an exhaustive search.
    memory: bytes beyond which visited states go to disk. checkpoint: where an exhaustive search is
        kept and gone on from. workers: processes. ray: the address of a cluster, or "local".
    database: a folder of examples that is shared.
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
    violations: int = 1
    depth: int | None = None
    delays: int | None = None
    fault_bound: int | None = None
    symmetry: bool = False
    memory: int | None = None
    checkpoint: Path | None = None
    workers: int = 1
    ray: str | None = None
    database: Path | None = None
    out: Path = Path("kspec-out")

    @property
    def parts(self) -> Parts:
        return Parts(policy=self.settings.policy, controllers=self.controllers, mutant=self.mutant)

    @property
    def is_exhaustive(self) -> bool:
        return self.strategy in EXHAUSTIVE

    @property
    def limits(self) -> tuple[int | None, float | None]:
        """Steps and seconds, with the defaults where nothing is given."""
        if self.is_determinism:
            return self.steps or STEPS_OF_TWO_RUNS, None
        if self.steps is None and self.seconds is None and self.strategy != "fifo":
            return None, SECONDS
        return self.steps, self.seconds


ONLY_EXHAUSTIVE = ("depth", "delays", "fault_bound", "symmetry", "memory", "checkpoint")
"""Options that say something about all schedules, and nothing about random ones."""


def refuse_conflicts(options: Options) -> None:
    """Raise InputError, before anything is explored, for options that do not go together."""
    if not options.is_exhaustive:
        parse(options.strategy)
        given = [name for name in ONLY_EXHAUSTIVE if getattr(options, name) not in (None, False)]
        if given:
            option = given[0].replace("_", "-")
            raise InputError(
                f"--{option} is about all schedules, and --strategy {options.strategy} is random",
                expected="--strategy bfs",
            )
    elif options.violations > 1:
        raise InputError(
            "an exhaustive search looks for the shortest violation of each property",
            expected="--violations with a random strategy",
        )
    if options.is_determinism and options.seconds is not None:
        raise InputError("two runs of so many seconds differ", expected="--steps, not --seconds")
    if options.is_determinism and (options.checkpoint or options.database):
        raise InputError("a second run would go on from what the first one kept")
    if options.ray is not None and options.workers > 1:
        raise InputError("--workers are processes of this machine, --ray is a cluster: give one")
    if options.is_coverage and (options.ray is not None or options.workers > 1):
        raise InputError("--coverage measures one process", expected="no --workers and no --ray")
