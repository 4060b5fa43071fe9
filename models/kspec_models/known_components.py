"""The names that a world's `components` may hold: a misspelt one is refused and not ignored."""

from __future__ import annotations

import difflib
from typing import Final

from kspec.errors import InputError
from kspec_models.controller_manager import WIRINGS
from kspec_models.machine_room import API_SERVER, MANAGER, SCHEDULER
from kspec_models.optional import OPTIONAL_COMPONENTS
from kspec_models.world import World

_ELECTION: Final = ("replicas", "leaderElect", "leaseDuration", "renewDeadline", "retryPeriod")
_OPTIONS: Final[dict[str, tuple[str, ...]]] = {
    API_SERVER: ("replicas", "clients"),
    SCHEDULER: _ELECTION,
    MANAGER: (
        *_ELECTION,
        *("allocateNodeCIDRs", "clusterCIDR", "nodeCIDRMaskSize", "serviceCIDR"),
        *("terminatedPodThreshold", "nodeStartupGracePeriod", "nodeMonitorGracePeriod"),
        *("secondsPerNodeEviction", "secondsPerSecondaryNodeEviction"),
        *("largeClusterSizeThreshold", "unhealthyZoneThresholdPercent"),
    ),
}
"""The options of those that are processes of the control plane; the others judge their own."""


def check_components(world: World) -> None:
    """Raise InputError for a component, or an option of one, that does not exist."""
    known = (
        *_OPTIONS,
        *("admission", "attachdetach"),
        *OPTIONAL_COMPONENTS,
        *(wiring.name for wiring in WIRINGS),
    )
    for name, options in world.components.items():
        _check(f"components has no {name!r}", name, known)
        for option in options if name in _OPTIONS else ():
            _check(f"components: {name} has no option {option!r}", option, _OPTIONS[name])


def _check(problem: str, name: str, known: tuple[str, ...]) -> None:
    if name not in known:
        close = difflib.get_close_matches(name, known, n=3, cutoff=0.4) or sorted(known)
        raise InputError(problem, expected=" or ".join(close))
