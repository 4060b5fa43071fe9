"""A strategic merge patch on a record, field by field: what it does not name is not touched.

The same as to write the record as JSON, merge, and read it back (`patch.merge`), which costs as
much as the object is large. Each field's outcome is memoised on its content, because conditions
and the like are patched alike in many objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from kspec.values import Memo
from kspec_models.apiserver.patch import merge
from kspec_models.objects import FrozenMap, Record, thaw
from kspec_models.objects.record import fields_of

R = TypeVar("R", bound=Record)


class NotByField(Exception):
    """The patch names something other than fields of the record: take the way through JSON."""


class _Case(NamedTuple):
    kind: type[Record]
    name: str
    old: Any
    patch: Any
    path: str


def _merge_field(case: _Case) -> tuple[Any]:
    field = fields_of(case.kind)[case.name]
    before = None if case.old == field.default else field.encode(case.old)
    merged = merge(before, thaw(case.patch), field.json)
    return (field.default if merged is None else field.decode(merged, case.path),)


_merged_field: Memo[_Case, tuple[Any]] = Memo("patched fields", _merge_field, limit=50_000)


def patched(record: R, patch: Mapping[str, Any], path: str = "") -> R:
    """The record with the patch applied.

    Raises InputError as `merge` and `from_json` do, and NotByField.
    """
    kind = type(record)
    names = _names_of.get(kind) or _find_names(kind)
    changes: dict[str, Any] = {}
    for key, value in patch.items():
        name = names.get(key)
        if name is None:
            raise NotByField(key)
        where = f"{path}.{key}" if path else key
        old = getattr(record, name)
        if value is None:
            changes[name] = fields_of(kind)[name].default
        elif isinstance(old, Record) and isinstance(value, FrozenMap):
            changes[name] = patched(old, value, where)
        else:
            (changes[name],) = _merged_field(_Case(kind, name, old, value, where))
    return record.replace(**changes)


_names_of: dict[type, dict[str, str]] = {}


def _find_names(kind: type) -> dict[str, str]:
    found = {field.json: name for name, field in fields_of(kind).items() if name != "extra"}
    _names_of[kind] = found
    return found
