"""Errors of a field in upstream's words.

After k8s.io/apimachinery/pkg/util/validation/field/errors.go at 1.36.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NoReturn

import attrs

from kspec_models.scheduler.configuration.source import Path, Source


@attrs.frozen(eq=False)
class Field:
    """A value that is judged: where it stands."""

    source: Source
    path: Path = ()

    def __getitem__(self, part: str | int) -> Field:
        return Field(self.source, (*self.path, part))

    def invalid(self, value: Any, reason: str) -> NoReturn:
        """Raise that a value is not allowed."""
        self.source.fail(self.path, f"Invalid value: {_shown(value)}: {reason}")

    def required(self, reason: str = "") -> NoReturn:
        """Raise that a value is missing."""
        self.source.fail(self.path, f"Required value: {reason}" if reason else "Required value")

    def duplicate(self, value: Any) -> NoReturn:
        """Raise that a value may be there only once."""
        self.source.fail(self.path, f"Duplicate value: {_shown(value)}")

    def forbidden(self, reason: str) -> NoReturn:
        """Raise that nothing may be there."""
        self.source.fail(self.path, f"Forbidden: {reason}")

    def unsupported(self, value: Any, known: Sequence[str]) -> NoReturn:
        """Raise that a value is none of those that are known."""
        listed = ", ".join(f'"{name}"' for name in known)
        problem = f"Unsupported value: {_shown(value)}: supported values: {listed}"
        self.source.fail(self.path, problem)


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
