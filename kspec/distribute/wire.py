"""What travels between driver and workers: outcomes as bytes, and errors that survive the way."""

from __future__ import annotations

import pickle
from array import array
from collections.abc import Iterable
from typing import Any

import attrs

from kspec.errors import KspecError
from kspec.explore.task import RunOutcome, RunTask

_MARKS = ("states", "orders")
_FIELDS = tuple(
    field.name for field in attrs.fields(RunOutcome) if field.name not in ("task", *_MARKS)
)


def portable(error: Exception) -> Exception:
    """The error itself where it can be sent, else a KspecError with its type and text."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return KspecError(f"{type(error).__name__}: {error}")
    return error


def pack(outcome: RunOutcome) -> bytes:
    """An outcome without its task, fingerprints as 8 bytes each."""
    values = {name: getattr(outcome, name) for name in _FIELDS}
    if outcome.problem is not None:
        values["problem"] = portable(outcome.problem)
    marks = tuple(_bytes(getattr(outcome, name)) for name in _MARKS)
    return pickle.dumps((tuple(values.values()), marks), protocol=5)


def unpack(data: bytes, task: RunTask) -> RunOutcome:
    """The outcome of `task` from what `pack` made."""
    plain, packed = pickle.loads(data)
    values: dict[str, Any] = dict(zip(_FIELDS, plain, strict=True))
    values.update(zip(_MARKS, map(_marks, packed), strict=True))
    return RunOutcome(task=task, **values)


def _bytes(marks: Iterable[int]) -> bytes:
    return array("Q", marks).tobytes()


def _marks(data: bytes) -> frozenset[int]:
    found = array("Q")
    found.frombytes(data)
    return frozenset(found)
