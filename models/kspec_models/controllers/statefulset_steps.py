"""How a pass of the StatefulSet controller is written: straight on, waiting at each request.

Upstream's sync waits for the answer to each of its requests. So a pass is a generator here: it
yields a request and is sent the response. The controller keeps what the pass read at its start and
the responses so far as the phase of the call, and runs the pass again from its start for the next
answer: the same inputs and answers lead to the same next request.

Left out: that upstream reads its listers again within a pass (claims, revisions). What is read at
the start may be older, never newer, and the next pass sees the rest.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Final, NamedTuple, TypeVar

from kspec_models.controllers.claims import Claims
from kspec_models.objects import PersistentVolumeClaim, StatefulSet
from kspec_models.requests import Request, Response
from kspec_models.store import Entry

T = TypeVar("T")
Steps = Generator[Request, Response, T]

PARALLEL: Final = "Parallel"
ON_DELETE: Final = "OnDelete"
ROLLING_UPDATE: Final = "RollingUpdate"
RETAIN: Final = "Retain"
DELETE: Final = "Delete"

RESYNC_SECONDS: Final = 12 * 60 * 60
"""--min-resync-period: when an informer shows everything again at the earliest."""


class RequestFailed(Exception):
    """A request of the pass failed: what is left of the pass is the report."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.reason)
        self.response = response


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


def send(request: Request) -> Steps[Response]:
    """Send a request; raises RequestFailed where it did not succeed."""
    response = yield request
    if not response.ok:
        raise RequestFailed(response)
    return response


def written(request: Request) -> Steps[Entry]:
    """Send a write; the object as the server has it now."""
    response = yield from send(request)
    assert response.entry is not None, "the API server answers a write with the object"
    return response.entry
