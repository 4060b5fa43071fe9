"""What a policy did that no policy may: the error that names it, its input and its line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kspec.errors import EXIT_VIOLATION, KspecError


class PolicyError(KspecError):
    """A policy broke its contract: it failed, hung, or answered what cannot be used.

    policy: its name. what: what it did, a short clause ("returned a score of 101"). charge: the
    same as a slug, one for each kind of misconduct. extension_point: where, as upstream names it
    (Filter, Score, PostFilter, ...). input: what it was given, as YAML, or "". place: the line of
    the policy, FILE:LINE, or the URL of an extender, or "".
    """

    exit_status = EXIT_VIOLATION

    def __init__(
        self,
        policy: str,
        what: str,
        *,
        extension_point: str = "",
        input: str = "",
        place: str = "",
        charge: str = "misconduct",
    ) -> None:
        self.policy, self.what, self.charge = policy, what, charge
        self.extension_point, self.input, self.place = extension_point, input, place
        where = f" ({place})" if place else ""
        at = f" at {extension_point}" if extension_point else ""
        super().__init__(f"policy {policy}{at} {what}{where}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Worker processes send it; an Exception would be made anew of its text alone."""
        return _made, (vars(self), *self.args)


def _made(fields: Mapping[str, Any], text: str) -> PolicyError:
    error = PolicyError.__new__(PolicyError, text)
    vars(error).update(fields)
    return error
