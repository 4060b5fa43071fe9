"""How a controller with long passes is written: straight on, waiting at each request.

A pass of upstream waits for the answer to each of its requests and often goes on with the object
that the server returned. So a pass is a generator here: it yields a request and is sent the
response. The controller keeps the inputs of the pass and the answers so far as the phase of the
call, and runs the pass again from its start for the next answer: the same inputs and answers lead
to the same next request, so the phase stays a plain value.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

from kspec_models.controllers import claims as claiming
from kspec_models.controllers.claims import Claims
from kspec_models.objects import ApiObject
from kspec_models.requests import Get, Request, Response
from kspec_models.store import Entry

T = TypeVar("T")
Steps = Generator[Request, Response, T]


class WriteFailed(Exception):
    """A request of the pass failed: the pass ends here and the key is tried again."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.reason)
        self.response = response


def send(request: Request) -> Steps[Response]:
    """Send a request; raises WriteFailed where it did not succeed."""
    response = yield request
    if not response.ok:
        raise WriteFailed(response)
    return response


def written(request: Request) -> Steps[Entry]:
    """Send a write; the object as the server has it now."""
    response = yield from send(request)
    assert response.entry is not None, "the API server answers a write with the object"
    return response.entry


def claimed(owner: ApiObject, claims: Claims) -> Steps[tuple[Entry, ...]]:
    """Adopt and release; the objects that are ours. All are tried before an error counts."""
    may_adopt, failure = True, None
    ours = {entry.key: entry for entry in claims.claimed}
    for request in claiming.claim_requests(owner, claims):
        if claiming.is_adoption(request) and not may_adopt:
            continue
        response = yield request
        if isinstance(request, Get):
            may_adopt = claiming.can_adopt(owner, response)
            failure = failure if may_adopt else response
        elif not response.ok:
            ours.pop(f"{request.resource}/{request.key}", None)  # type: ignore[union-attr]
            if not claiming.is_harmless(request, response):
                failure = response
    if failure is not None:
        raise WriteFailed(failure)
    return tuple(ours.values())
