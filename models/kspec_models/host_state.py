"""A host that is up: its memory, its calls in flight, and a fingerprint that follows both.

Most parts of a memory are the same as before a step, so each part's fingerprint is carried by the
part itself or found in a memo table, and the whole is a polynomial over the parts.
"""

from __future__ import annotations

from typing import Any, Final

from kspec.values import MASK, Memo, fingerprint_of
from kspec_models.actions import Deliver
from kspec_models.host import Call
from kspec_models.requests import Request
from kspec_models.requests import describe as describe_request

request_text: Memo[Request, str] = Memo("request texts", describe_request)

_FACTOR: Final = 0x9E3779B97F4A7C15
_CARRIED, _PARTS, _PLAIN = 1, 2, 3
_WAYS: dict[type, int] = {}
"""How the values of a type are fingerprinted; asked of each type once."""


def _way_of(kind: type) -> int:
    if hasattr(kind, "fingerprint"):
        way = _CARRIED
    else:
        way = _PARTS if hasattr(kind, "_fields") else _PLAIN
    _WAYS[kind] = way
    return way


def memory_fingerprint(memory: Any) -> int:
    """Fingerprint of a host's memory or of a call, part by part."""
    kind = type(memory)
    way = _WAYS.get(kind) or _way_of(kind)
    if way == _CARRIED:
        return int(memory.fingerprint)
    if way == _PLAIN:
        return fingerprint_of(memory)
    whole = len(memory)
    for part in memory:
        kind = type(part)
        way = _WAYS.get(kind) or _way_of(kind)
        if way == _CARRIED:
            found = part.fingerprint
        else:
            found = fingerprint_of(part) if way == _PLAIN else memory_fingerprint(part)
        whole = (whole * _FACTOR + found) & MASK
    return whole


class Sending:
    """A call in flight, with the action that delivers its first request."""

    __slots__ = ("action", "call", "fingerprint")

    def __init__(self, host: str, call: Call) -> None:
        self.call = call
        self.action = Deliver(host, call.key, request_text(call.requests[0]))
        self.fingerprint = memory_fingerprint(call)


class HostState:
    """A host that is up. Immutable."""

    __slots__ = ("_remembered", "calls", "fingerprint", "memory")

    def __init__(self, memory: Any, calls: tuple[Sending, ...] = ()) -> None:
        self.memory, self.calls = memory, calls
        self._remembered = memory_fingerprint(memory)
        self.fingerprint = self._whole()

    def _whole(self) -> int:
        whole = self._remembered
        for sending in self.calls:
            whole = (whole * _FACTOR + sending.fingerprint) & MASK
        return whole

    def calling(self, calls: tuple[Sending, ...]) -> HostState:
        """This host with the same memory and other calls in flight."""
        new = HostState.__new__(HostState)
        new.memory, new.calls, new._remembered = self.memory, calls, self._remembered
        new.fingerprint = new._whole()
        return new
