"""The system with the end of its faults among its actions.

Liveness is promised once the faults have ended, which may be at any time. A search that is to
judge it must see every state that healing leads to, and `enabled` need not list the healing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from kspec.explore.liveness.fairness import has_nothing_to_heal
from kspec.system import AnySystem


class _Healing:
    """Everything but `enabled` is the system's own."""

    def __init__(self, system: AnySystem) -> None:
        self._system = system
        self._has_ended = has_nothing_to_heal(system)
        self.step, self.heal = system.step, system.heal  # asked for at every transition
        self.fingerprint, self.changes = system.fingerprint, system.changes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._system, name)

    def enabled(self, state: Any) -> Sequence[Any]:
        """What the system enables; then the healing, while a fault can still strike."""
        enabled = self._system.enabled(state)
        if self._has_ended(state):
            return enabled
        heal = self._system.heal(state)
        return enabled if heal in enabled else (*enabled, heal)


def healing(system: AnySystem) -> AnySystem:
    """The system, in which the end of the faults is enabled until they have ended."""
    return cast("AnySystem", _Healing(system))
