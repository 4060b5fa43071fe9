"""What a check tells while it runs, for progress bars and logs. Every method may do nothing."""

from __future__ import annotations

from kspec.explore import Exploration


class Listener:
    """Told of the columns in their order; this one is silent."""

    def begin(self, column: str, number: int, of: int) -> None:
        """A column is about to be explored; `number` counts from 1."""

    def progress(self, steps: int, states: int) -> None:
        """So much of the column is covered."""

    def found(self, prop: str, column: str, path: str) -> None:
        """A violation was found; its trace, not yet shrunk, is at `path`."""

    def shrinking(self, prop: str, column: str) -> None:
        """A violation is about to be made smaller."""

    def end(self, column: str, exploration: Exploration) -> None:
        """A column is done, its failures shrunk."""

    def close(self) -> None:
        """Nothing more will come."""
