"""What the HorizontalPodAutoscaler controller is configured with, and what it remembers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from kspec.errors import InputError
from kspec.values import EMPTY_MAP, FingerprintedMap
from kspec_models.controllers.hpa_calculator import TOLERANCE
from kspec_models.controllers.hpa_limits import History
from kspec_models.controllers.hpa_pods import (
    CPU_INITIALIZATION_SECONDS,
    INITIAL_READINESS_SECONDS,
    Patience,
)

SYNC_PERIOD_SECONDS, DOWNSCALE_STABILIZATION_SECONDS = 15, 300
COMPONENT = "horizontal-pod-autoscaler-controller"


class Settings(NamedTuple):
    """The --horizontal-pod-autoscaler-... flags of kube-controller-manager.

    sync_period 0 stands for none, which upstream has not: a pass follows every event.
    """

    sync_period: int = SYNC_PERIOD_SECONDS
    downscale_stabilization: int = DOWNSCALE_STABILIZATION_SECONDS
    tolerance: float = TOLERANCE
    patience: Patience = Patience()


_SECONDS = {
    "syncPeriodSeconds": SYNC_PERIOD_SECONDS,
    "downscaleStabilizationSeconds": DOWNSCALE_STABILIZATION_SECONDS,
    "cpuInitializationPeriodSeconds": CPU_INITIALIZATION_SECONDS,
    "initialReadinessDelaySeconds": INITIAL_READINESS_SECONDS,
}


def settings_of(options: Mapping[str, Any]) -> Settings:
    """The flags that a world sets for the component; raises InputError for what is none."""
    known = (*_SECONDS, "tolerance")
    for name, value in options.items():
        if name not in known:
            raise InputError(
                f"{COMPONENT} has no option {name!r}", expected="one of " + ", ".join(known)
            )
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or value < 0 or (name != "tolerance" and value != int(value)):
            expected = "a number from 0 on" if name == "tolerance" else "whole seconds from 0 on"
            raise InputError(f"{COMPONENT}: {name} is {value!r}", expected=expected)
    period, window, start, delay = (int(options.get(n, d)) for n, d in _SECONDS.items())
    tolerance = float(options.get("tolerance", TOLERANCE))
    return Settings(period, window, tolerance, Patience(start, delay))


_LONGEST: Final = 3601
"""Virtual seconds: one more than the longest window or period that validation lets pass."""


class Known(NamedTuple):
    """What is remembered of one autoscaler. next_pass: when it is looked at without any event."""

    history: History = History()
    last_pass: int | None = None
    next_pass: int | None = None


class HpaMemory(NamedTuple):
    """phase: where in a sync period it is, known only in memories of relative times."""

    known: FingerprintedMap[str, Known] = EMPTY_MAP
    phase: int = 0

    def of(self, key: str) -> Known:
        found: Known = self.known.get(key, Known())
        return found

    def noting(self, key: str, own: Known) -> HpaMemory:
        return self._replace(known=self.known.set(key, own))

    def relative(self, now: int, period: int) -> HpaMemory:
        """Times as distances, and the place in the sync period, which decides the next pass."""
        known: FingerprintedMap[str, Known] = EMPTY_MAP
        for key, own in self.known.sorted_items():
            known = known.set(key, _relative(own, now, period))
        return HpaMemory(known, now % period if period else 0)


def _relative(own: Known, now: int, period: int) -> Known:
    history = History(
        *(tuple(s._replace(at=max(s.at - now, -_LONGEST)) for s in all_) for all_ in own.history)
    )
    last = None if own.last_pass is None else max(own.last_pass - now, -period)
    coming = None if own.next_pass is None else max(own.next_pass - now, 0)
    return Known(history, last, coming)
