"""One call into a policy: its answer, or the PolicyError that names what it did wrong."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable
from typing import Any

from kspec_models.scheduler.policies.errors import PolicyError
from kspec_properties.trial.checks import Check, Wrong
from kspec_properties.trial.marks import Marks
from kspec_properties.trial.places import (
    Hung,
    limited,
    line_of_change,
    line_of_error,
    line_of_return,
)
from kspec_properties.trial.shown import shown

_ADDRESS = re.compile(r"0x[0-9a-f]{6,}")


class Custody:
    """Makes the calls into one policy. files: those whose lines are the policy's."""

    def __init__(self, name: str, files: tuple[str, ...], seconds: float) -> None:
        self.name, self.files, self.seconds = name, files, seconds
        self.is_within = False

    def call(
        self, point: str, function: Callable[..., Any], arguments: tuple[Any, ...], check: Check
    ) -> Any:
        """The checked answer of one call; raises PolicyError. Calls may be nested."""
        marks = Marks(arguments)
        try:
            answer = self._within_limit(function, arguments)
        except Hung as hung:
            raise self._error(point, "hangs", "does not return", arguments, hung.place) from None
        except (KeyboardInterrupt, PolicyError):
            raise
        except BaseException as error:
            place = line_of_error(error, self.files)
            raise self._failed(point, error, arguments, place) from error
        changed = marks.changed()
        if changed:
            marks.restore()
            place = line_of_change(function, arguments, self.files, marks)
            raise self._error(point, "mutates-input", f"changes {changed}", arguments, place)
        try:
            return check(answer)
        except Wrong as wrong:
            place = line_of_return(function, arguments, self.files)
            marks.restore()
            raise self._error(point, wrong.charge, wrong.what, arguments, place) from None

    def _within_limit(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        if self.is_within:
            return function(*arguments)
        self.is_within = True
        try:
            with contextlib.redirect_stdout(sys.stderr), limited(self.seconds, self.files):
                return function(*arguments)
        finally:
            self.is_within = False

    def _failed(
        self, point: str, error: BaseException, arguments: tuple[Any, ...], place: str
    ) -> PolicyError:
        if isinstance(error, SystemExit):
            return self._error(point, "exits", "ends the process by sys.exit", arguments, place)
        said = _ADDRESS.sub("0x...", " ".join(str(error).split()))
        what = f"raises {type(error).__name__}" + (f": {said}" if said else "")
        return self._error(point, "raises", what, arguments, place)

    def _error(
        self, point: str, charge: str, what: str, arguments: tuple[Any, ...], place: str
    ) -> PolicyError:
        return PolicyError(
            self.name,
            what,
            charge=charge,
            extension_point=point,
            input=shown(arguments),
            place=place,
        )
