"""What the properties judge a mutant by: worlds under columns of faults, each explored alike.

This module imports the model inside its functions only: it is used before the model is chosen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Any, NamedTuple

import attrs

from kspec.explore import search
from kspec.explore.exploration import Exploration, is_promised
from kspec.explore.strategies.registry import DEFAULT
from kspec.property import Kind, Property
from kspec_properties.faults import FAULT_CLASSES, NONE, budget_of

LARGE = ("application", "bench-2-6")
STEPS = {True: 1_500, False: 300}
"""Random steps after FIFO, in a large world or a small one."""
SUFFIX_BOUND = 4_000

_BREAKING = ("crash", "stale-list", "lost-answer")
COLUMNS = (
    NONE,
    ",".join(fault for fault in FAULT_CLASSES if fault not in _BREAKING),
    ",".join(FAULT_CLASSES),
)
"""No fault; one of each that breaks no promise; one of each."""


class Cell(NamedTuple):
    """One world under one column."""

    world: str
    column: str

    @property
    def label(self) -> str:
        names = {COLUMNS[1]: "milder faults", COLUMNS[2]: "all faults"}
        return f"{self.world}, {names.get(self.column, self.column)}"


@attrs.frozen(kw_only=True)
class Expected:
    """What the faithful model shows in a cell: no judge may ask more of a mutant.

    steps: how many a search takes. witnessed: the companions that FIFO witnesses. antecedents:
    liveness properties that were owed something. violated, unfinished: properties that the
    faithful model breaks or leaves open in this cell, so that they judge nothing here.
    """

    steps: int
    witnessed: tuple[str, ...] = ()
    antecedents: tuple[str, ...] = ()
    violated: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Expected:
        steps = data["steps"]
        return cls(steps=steps, **{k: tuple(v) for k, v in data.items() if k != "steps"})


def worlds() -> dict[str, Any]:
    """The worlds by name, the small ones first: those of the hand-written mutants, and more."""
    from kspec_models.worlds import application, bench
    from kspec_properties.mutants import MUTANTS
    from kspec_properties.mutation.situations import SITUATIONS

    found = {world.name: world for world in (*(m.world for m in MUTANTS), *SITUATIONS)}
    return {
        **found,
        "application": application(),
        "bench-2-6": attrs.evolve(bench(2, 6), name=LARGE[1]),
    }


def all_cells(names: Iterable[str]) -> tuple[Cell, ...]:
    """Every cell, fault-free ones first, in the order in which a mutant meets them.

    The milder faults are for the large worlds: all faults strike in the small ones.
    """
    return tuple(
        Cell(name, column)
        for column in COLUMNS
        for name in names
        if column != COLUMNS[1] or name in LARGE
    )


def properties_of(cell: Cell, catalogue: ModuleType) -> tuple[Property, ...]:
    """What is promised in a column, and every companion."""
    every: Sequence[Property] = catalogue.PROPERTIES
    return tuple(
        prop
        for prop in every
        if prop.kind is Kind.SOMETIMES or (not prop.known_false and is_promised(prop, cell.column))
    )


class Explorer:
    """Explores cells with the model and properties that are imported in this process."""

    def __init__(self, catalogue: ModuleType, seed: int) -> None:
        self.catalogue, self.seed = catalogue, seed
        self.worlds = worlds()

    def run(self, cell: Cell, properties: Sequence[Property], steps: int | None) -> Exploration:
        """One search; without `steps` FIFO alone."""
        from kspec_models.building import build

        faults = {} if cell.column == NONE else dict.fromkeys(cell.column.split(","), 1)
        world = attrs.evolve(self.worlds[cell.world], faults=budget_of(faults))
        return search(
            build(world),
            properties,
            seed=self.seed,
            steps=steps,
            strategies=DEFAULT if steps else (("fifo", 1),),
            stop_at_first=True,
            suffix_bound=SUFFIX_BOUND,
        )

    def expect(self, cell: Cell) -> Expected:
        """What the faithful model shows; a property that fails is left out and it runs again."""
        properties = properties_of(cell, self.catalogue)
        fifo = self.run(cell, properties, None)
        steps = fifo.steps + STEPS[cell.world in LARGE]
        violated: set[str] = set()
        while True:
            seen = self.run(cell, _without(properties, violated), steps)
            if not seen.violations:
                break
            violated |= {violation.property for violation in seen.violations}
        return Expected(
            steps=steps,
            witnessed=tuple(sorted(fifo.witnessed)),
            antecedents=tuple(sorted(fifo.antecedents)),
            violated=tuple(sorted(violated)),
            unfinished=tuple(sorted(seen.unfinished)),
        )

    def judge(self, cell: Cell, expected: Expected) -> tuple[str, str] | None:
        """What notices the model that is imported here: the kind of judge and its words."""
        properties = _without(properties_of(cell, self.catalogue), expected.violated)
        seen = self.run(cell, properties, expected.steps)
        for violation in seen.violations:
            return "property", violation.property
        for name in expected.witnessed:
            if name not in seen.witnessed:
                return "vacuous", name
        for name in expected.antecedents:
            if name not in seen.antecedents:
                return "vacuous", f"antecedent of {name}"
        for name in seen.unfinished:
            if name not in expected.unfinished:
                return "timeout", f"{name} undecided after {SUFFIX_BOUND} steps without progress"
        return None


def _without(properties: Sequence[Property], names: Iterable[str]) -> tuple[Property, ...]:
    left_out = frozenset(names)
    return tuple(prop for prop in properties if prop.name not in left_out)
