"""One pass of the Deployment controller up to its next request, remembered by content.

A pass runs again from its start at each answer, and random runs bring the same contents back with
other versions. So it is run on versions that only number what was read, and the version in its
request is put in afterwards: the pass itself hands versions on and never looks at them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from kspec.values import Memo
from kspec_models.controllers.claims import Claims
from kspec_models.controllers.deployment_sync import Inputs, sync
from kspec_models.controllers.steps import WriteFailed
from kspec_models.requests import Request, Response
from kspec_models.store import Entry


class Waiting(NamedTuple):
    """A pass that waits for an answer: what it read, and the answers that it got so far."""

    inputs: Inputs
    answers: tuple[Response, ...] = ()


class Decided(NamedTuple):
    """What a pass does next: send a request, or end."""

    request: Request | None = None
    has_failed: bool = False
    requeue_after: int | None = None


class _Content(NamedTuple):
    """A pass without versions: Deployment and ReplicaSets, and (reason, message, object)."""

    objects: tuple[Any, ...]
    answers: tuple[tuple[str, str, Any], ...]
    running: frozenset[str]
    now: int


def decide(phase: Waiting) -> Decided:
    """Run the pass from its start, with the answers it got, to the next request or its end."""
    inputs, answers = phase
    claims = inputs.claims
    if claims.in_order:
        return _run(phase)
    entries = [inputs.deployment, *claims.claimed, *[a.entry for a in answers]]
    told = [(a.reason, a.message, a.entry.value if a.entry else None) for a in answers]
    objects = tuple([e.value for e in entries[: 1 + len(claims.claimed)] if e is not None])
    decided = _remembered(_Content(objects, tuple(told), inputs.running, inputs.now))
    number = getattr(decided.request, "resource_version", None)
    if number is None or decided.request is None:
        return decided
    entry = entries[number]
    assert entry is not None, "a version comes from something that was read"
    actual: Any = decided.request
    return decided._replace(request=actual._replace(resource_version=entry.resource_version))


def _run(phase: Waiting) -> Decided:
    steps = sync(phase.inputs)
    try:
        request = next(steps)
        for response in phase.answers:
            request = steps.send(response)
    except StopIteration as end:
        return Decided(requeue_after=end.value)
    except WriteFailed:
        return Decided(has_failed=True)
    return Decided(request)


def _run_numbered(content: _Content) -> Decided:
    deployment, *owned = [_numbered(number, obj) for number, obj in enumerate(content.objects)]
    first = len(content.objects)
    answers = tuple(
        Response(reason, None if obj is None else _numbered(first + i, obj), message)
        for i, (reason, message, obj) in enumerate(content.answers)
    )
    inputs = Inputs(deployment, Claims(tuple(owned)), content.running, content.now)
    return _run(Waiting(inputs, answers))


def _numbered(number: int, obj: Any) -> Entry:
    return Entry(f"{obj.resource}/{obj.key}", obj, 0, 0, number)


_remembered: Memo[_Content, Decided] = Memo("passes of a deployment", _run_numbered, limit=50_000)
