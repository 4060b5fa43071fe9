"""A host that is up: its memory, its calls in flight, and a fingerprint that follows both."""

from __future__ import annotations

from typing import Any, Final

from kspec.values import MASK, Memo, combined
from kspec_models.actions import Deliver
from kspec_models.host import Call, Host
from kspec_models.requests import Request
from kspec_models.requests import describe as describe_request

request_text: Memo[Request, str] = Memo("request texts", describe_request)

_UNKNOWN: Final = -1
_FACTOR: Final = 0x9E3779B97F4A7C15


class Sending:
    """A call in flight, with the action that delivers its first request."""

    __slots__ = ("action", "call", "fingerprint")

    def __init__(self, host: str, call: Call) -> None:
        self.call = call
        self.action = Deliver(host, call.key, request_text(call.requests[0]))
        self.fingerprint = combined(call)


class HostState:
    """A host that is up. Immutable."""

    __slots__ = ("_deadline", "_remembered", "calls", "fingerprint", "memory")

    def __init__(
        self, memory: Any, calls: tuple[Sending, ...] = (), remembered: int | None = None
    ) -> None:
        """remembered: the fingerprint of the memory, where it is known."""
        self.memory, self.calls = memory, calls
        whole = combined(memory) if remembered is None else remembered
        self._remembered = whole
        self._deadline: int | None = _UNKNOWN
        for sending in calls:
            whole = (whole * _FACTOR + sending.fingerprint) & MASK
        self.fingerprint = whole

    def deadline(self, host: Host) -> int | None:
        """The deadline of its memory, asked of the host once."""
        known = self._deadline
        if known is _UNKNOWN:
            known = self._deadline = host.deadline(self.memory)
        return known

    def calling(self, calls: tuple[Sending, ...]) -> HostState:
        """This host with the same memory and other calls in flight."""
        return HostState(self.memory, calls, self._remembered)
