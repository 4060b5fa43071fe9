"""When a fair run comes back to where it was: it then goes round for ever.

A state with the same order of waiting actors determines all that FIFO does from there. Two states
are the same by their fingerprints or, in a system with `recurrence`, by that mark, which leaves out
what can never come back (generated names, versions, times) and costs more: it is asked for where
time advances, and, in a run that goes on for long, at the steps that look like one kept step. After
Brent (1980) that one is replaced at distances that double, so that a cycle of any length is met. A
mark that leaves something out is believed when it has come back twice, after the same distance.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from kspec.explore.strategies.fifo import Fifo
from kspec.explore.strategies.strategy import kind_of
from kspec.system import AnySystem

PATIENCE: Final = 256
"""Steps of a suffix before a recurrence is looked for at steps other than those of the clock."""

MANY_CLOCK_STEPS: Final = 16
MOST_MARKS: Final = 300
"""In one suffix. One in which ever more is left behind never comes back, and marks get dearer."""


class Recurring:
    """Follows one fair suffix.

    is_judged: liveness hangs on it. Otherwise a cycle only saves steps, so a mark has to pay: it is
    asked for where time has advanced often already.
    """

    def __init__(self, system: AnySystem, fifo: Fifo, *, is_judged: bool = True) -> None:
        self._is_judged, self._clock_steps, self._marks = is_judged, 0, 0
        self._fingerprint, self._kind = system.fingerprint, kind_of(system)
        self._recurrence = getattr(system, "recurrence", None)
        self._fifo = fifo
        self._seen: dict[tuple[int, tuple[int, ...]], int] = {}
        self._steps = 0
        self._next, self._kept = PATIENCE, -1
        self._look: Any = None
        self._mark: int | None = None
        self._distance = 0

    def cycle(self, state: Any, enabled: Sequence[Any], index: int) -> int:
        """The length of the cycle that is closed in this state, 0 where none is.

        enabled, index: what can be done here and what FIFO has chosen of it.
        """
        here, self._steps = self._steps, self._steps + 1
        order, mark = self._fifo.order, self._fingerprint(state)
        if self._recurrence is not None and self._kind(enabled[index]) == "clock":
            self._clock_steps += 1
            is_worth_it = self._is_judged or self._clock_steps > MANY_CLOCK_STEPS
            if is_worth_it and self._marks < MOST_MARKS:
                mark = self._marked(state)
        first = self._seen.setdefault((mark, order), here)
        if first != here:
            return here - first
        return self._cycle_of_renamed(state, enabled, order, here)

    def _marked(self, state: Any) -> Any:
        assert self._recurrence is not None
        self._marks += 1
        return self._recurrence(state)

    def _cycle_of_renamed(
        self, state: Any, enabled: Sequence[Any], order: tuple[int, ...], here: int
    ) -> int:
        if self._recurrence is None or here < PATIENCE or not self._is_judged:
            return 0
        if self._marks >= MOST_MARKS:
            return 0
        look = (order, tuple(map(type, enabled)))
        if here >= self._next:
            self._next, self._kept = 2 * here, here
            self._look, self._mark, self._distance = look, self._marked(state), 0
            return 0
        if look != self._look or self._marked(state) != self._mark:
            return 0
        if here - self._kept == 2 * self._distance:
            return self._distance
        if not self._distance:
            self._distance = here - self._kept
            self._next = max(self._next, self._kept + 2 * self._distance + 1)
        return 0
