"""Strict decoding: what a value must look like, and the clear line where it does not.

As the decoder of kube-scheduler does: unknown fields and values of another type are errors, null
stands for what is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

from kspec_models.scheduler.configuration.durations import parse_duration
from kspec_models.scheduler.configuration.source import Path, Source


class Scalar(NamedTuple):
    """A value that has no parts: what it is called, and which values are such."""

    name: str
    accepts: Callable[[Any], bool]


class ListOf(NamedTuple):
    """A list of values of one shape."""

    item: Any


Shape = Scalar | ListOf | Mapping[str, Any]
"""A map gives the shape of each field that may be there."""


def _integer(bits: int) -> Callable[[Any], bool]:
    limit = 2 ** (bits - 1)
    return lambda v: isinstance(v, int) and not isinstance(v, bool) and -limit <= v < limit


STRING = Scalar("text", lambda v: isinstance(v, str))
BOOLEAN = Scalar("true or false", lambda v: isinstance(v, bool))
INT32 = Scalar("an integer of 32 bits", _integer(32))
INT64 = Scalar("an integer of 64 bits", _integer(64))
FLOAT = Scalar("a number", lambda v: isinstance(v, int | float) and not isinstance(v, bool))
DURATION = Scalar(
    'a duration such as "5s"', lambda v: isinstance(v, str) and parse_duration(v) is not None
)
ANY = Scalar("anything", lambda v: True)


def decode(source: Source, value: Any, shape: Shape, path: Path = ()) -> Any:
    """The value without what is null, in the shape; raises InputError where it is not of it."""
    if isinstance(shape, Scalar):
        if not shape.accepts(value):
            source.fail(path, f"{_shown(value)} cannot be read", shape.name)
        return value
    if isinstance(shape, ListOf):
        if not isinstance(value, list):
            source.fail(path, f"{_shown(value)} cannot be read", "a list")
        return [decode(source, v, shape.item, (*path, i)) for i, v in enumerate(value)]
    if not isinstance(value, Mapping):
        source.fail(path, f"{_shown(value)} cannot be read", "a map")
    return _decode_fields(source, value, shape, path)


def _decode_fields(
    source: Source, value: Mapping[str, Any], shape: Mapping[str, Any], path: Path
) -> dict[str, Any]:
    found = {}
    for name, item in value.items():
        if name not in shape:
            near = get_close_matches(name, shape, 1)
            source.fail((*path, name), "unknown field", near[0] if near else "")
        if item is not None:
            found[name] = decode(source, item, shape[name], (*path, name))
    return found


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return f"the text {value!r}" if len(value) <= 40 else "a text"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"the number {value}"
    return "null" if value is None else "a list" if isinstance(value, list) else "a map"
