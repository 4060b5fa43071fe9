"""What a property asks, as text that changes where the property does, and is the same in every run.

It is the source of its functions and the plain values that they were made with. What they call in
turn is not followed: the caller of a search names that in its own part of the identity.
"""

from __future__ import annotations

import inspect
from hashlib import blake2b
from types import CodeType
from typing import Any

from kspec.property import Property

_PLAIN = (bool, int, float, str, bytes, type(None))


def identity_of_property(prop: Property) -> list[Any]:
    """What must be the same of a property for a search that judges it to go on; plain values."""
    text = "\n".join(map(_text, (prop.predicate, prop.when)))
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return [prop.name, prop.kind.value, list(prop.reads), prop.within, digest]


def _text(value: Any) -> str:
    """A function by its source, a plain value as it is, anything else by its type."""
    if isinstance(value, _PLAIN):
        return repr(value)
    if isinstance(value, tuple):
        return f"({', '.join(map(_text, value))})"
    if isinstance(value, CodeType):
        return f"{value.co_code!r} {value.co_names!r} {_text(value.co_consts)}"
    if inspect.ismethod(value):
        return f"{_text(value.__func__)} of {type(value.__self__).__qualname__}"
    if inspect.isfunction(value):
        return f"{_source(value)} {_text(value.__defaults__)} {_text(_enclosed(value))}"
    if hasattr(value, "func") and hasattr(value, "args"):  # a partial function
        named = tuple(sorted(getattr(value, "keywords", {}).items()))
        return f"{_text(value.func)} {_text(value.args)} {_text(named)}"
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _source(function: Any) -> str:
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):  # it was typed in, or made by a program
        return _text(function.__code__)


def _enclosed(function: Any) -> tuple[Any, ...]:
    """The values that a function took from where it was made; of functions, not what these took."""
    found = []
    for cell in function.__closure__ or ():
        try:
            value = cell.cell_contents
        except ValueError:  # not assigned yet
            value = None
        found.append(_source(value) if inspect.isfunction(value) else value)
    return tuple(found)
