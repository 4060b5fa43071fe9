"""What was exercised, as one value: for the report and for machines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from kspec.explore import Exploration
from kspec.property import LIVENESS, Kind, Property

SCHEMA = "kspec.dev/coverage/v1"


@attrs.frozen(kw_only=True)
class FileCoverage:
    """One module of the components.

    branches, covered: how many there are and how many were taken. missing: those never taken, each
    from a line to a line (negative: out of the function that starts there). never_entered: the
    functions that never ran.
    """

    file: str
    branches: int
    covered: int
    missing: tuple[tuple[int, int], ...] = ()
    functions: int = 0
    never_entered: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Coverage:
    """What the explorations of a check exercised.

    actions: how often each class of action was taken. never_taken: classes enabled and never
    taken. faults: how often each fault class struck. never_held: liveness properties whose
    antecedent never held. unwitnessed: companions that were never witnessed.
    """

    actions: Mapping[str, int]
    never_taken: tuple[str, ...] = ()
    faults: Mapping[str, int] = attrs.field(factory=dict)
    held: tuple[str, ...] = ()
    never_held: tuple[str, ...] = ()
    witnessed: tuple[str, ...] = ()
    unwitnessed: tuple[str, ...] = ()
    files: tuple[FileCoverage, ...] = ()

    @property
    def branches(self) -> tuple[int, int]:
        """Branches covered, and how many there are."""
        return sum(f.covered for f in self.files), sum(f.branches for f in self.files)

    def to_json(self) -> dict[str, Any]:
        """For machines; `kspec schema coverage` prints its schema."""
        return {"schema": SCHEMA, **attrs.asdict(self)}


def summarize(
    explorations: Iterable[Exploration],
    properties: Iterable[Property],
    *,
    actions: Mapping[str, int],
    never_taken: tuple[str, ...] = (),
    fault_classes: tuple[str, ...] = (),
    files: tuple[FileCoverage, ...] = (),
) -> Coverage:
    """The coverage of some explorations; properties are those explored, companions included."""
    explorations, properties = tuple(explorations), tuple(properties)
    faults = {name: sum(e.struck.get(name, 0) for e in explorations) for name in fault_classes}
    antecedents = frozenset[str]().union(*(e.antecedents for e in explorations))
    seen = frozenset[str]().union(*(e.witnessed for e in explorations))
    owed = [p.name for p in properties if p.kind in LIVENESS and p.when is not None]
    companions = [p.name for p in properties if p.kind is Kind.SOMETIMES]
    return Coverage(
        actions=dict(sorted(actions.items())),
        never_taken=never_taken,
        faults=faults,
        held=tuple(name for name in owed if name in antecedents),
        never_held=tuple(name for name in owed if name not in antecedents),
        witnessed=tuple(name for name in companions if name in seen),
        unwitnessed=tuple(name for name in companions if name not in seen),
        files=files,
    )
