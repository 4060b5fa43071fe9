"""What shrinking tried, stage by stage, for the report."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

SCHEDULE, WORKLOAD, WORLD, AGAIN = STAGES = ("schedule", "workload", "world", "again")
"""The stages in their order: the actions, what users bring, what it runs on, another search."""

MOST_CUTS = 6


@attrs.frozen(kw_only=True)
class Tried:
    """One stage: how many replays it took, and how many actions the violation had around it.

    cuts: what was left out or made smaller in the world, in order, each in a few words.
    """

    stage: str
    replays: int
    before: int
    after: int
    cuts: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The stage in a few words."""
        if self.stage in (SCHEDULE, AGAIN):
            return (
                f"{self.stage} {self.before:,} -> {self.after:,} actions ({self.replays:,} replays)"
            )
        cuts = ", ".join(self.cuts[:MOST_CUTS]) or "nothing could go"
        more = len(self.cuts) - MOST_CUTS
        also = f" and {more} more cuts" if more > 0 else ""
        return f"{self.stage}: {cuts}{also} ({self.replays:,} replays)"

    def to_json(self) -> dict[str, Any]:
        return {**attrs.asdict(self), "cuts": list(self.cuts)}


def tried_text(tried: Iterable[Tried]) -> str:
    """All stages in one line."""
    return "; ".join(each.text for each in tried)


class Record:
    """The stages while they go on."""

    def __init__(self) -> None:
        self._stages: dict[str, Tried] = {}

    def add(self, stage: str, replays: int, before: int, after: int, cut: str = "") -> None:
        """Add some replays to a stage, and what they found."""
        old = self._stages.get(stage) or Tried(stage=stage, replays=0, before=before, after=before)
        self._stages[stage] = attrs.evolve(
            old,
            replays=old.replays + replays,
            after=after,
            cuts=(*old.cuts, cut) if cut else old.cuts,
        )

    @property
    def tried(self) -> tuple[Tried, ...]:
        """What was tried, in the order of the stages."""
        return tuple(self._stages[stage] for stage in STAGES if stage in self._stages)
