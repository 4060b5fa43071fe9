"""What a pass of the StatefulSet controller reads at its start.

A pass is a generator, as `steps` says: it yields a request and is sent the response.

Left out: that upstream reads its listers again within a pass (claims, revisions). What is read at
the start may be older, never newer, and the next pass sees the rest.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from kspec_models.controllers.claims import Claims
from kspec_models.objects import PersistentVolumeClaim, StatefulSet
from kspec_models.store import Entry

PARALLEL: Final = "Parallel"
ON_DELETE: Final = "OnDelete"
ROLLING_UPDATE: Final = "RollingUpdate"
RETAIN: Final = "Retain"
DELETE: Final = "Delete"

RESYNC_SECONDS: Final = 12 * 60 * 60
"""--min-resync-period: when an informer shows everything again at the earliest."""


class Inputs(NamedTuple):
    """What a pass reads at its start.

    revisions: sorted. claims: adoption and release of its pods. volume_claims: the claims of its
    identities that exist, by the order of keys.
    """

    stateful_set: Entry
    revisions: tuple[Entry, ...]
    claims: Claims
    volume_claims: tuple[Entry, ...]
    now: int

    @property
    def value(self) -> StatefulSet:
        found: StatefulSet = self.stateful_set.value
        return found

    def volume_claim(self, name: str) -> Entry | None:
        """A claim by its name, where it exists."""
        for entry in self.volume_claims:
            claim: PersistentVolumeClaim = entry.value
            if claim.name == name:
                return entry
        return None
