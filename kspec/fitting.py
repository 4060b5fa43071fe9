"""Whether plain JSON certainly fits a schema: the quick answer for what is as it should be.

Knows what the schemas of kspec say and nothing more. An answer of False is none: whoever gets it
asks the `jsonschema` package, which takes longer to import than a small check runs, and which says
what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

Schema = Mapping[str, Any]

_TYPES: Final[Mapping[str, Callable[[Any], bool]]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: type(value) is int,
    "number": lambda value: type(value) in (int, float),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}
_NOTES: Final = frozenset(("$schema", "$id", "$defs", "title", "description"))


def fits(data: Any, schema: Schema) -> bool:
    """True only where the schema accepts the data."""
    return _fits(data, schema, schema)


def _fits(data: Any, schema: Schema, root: Schema) -> bool:
    for keyword, wanted in schema.items():
        if keyword in _NOTES:
            continue
        rule = _RULES.get(keyword)
        if rule is None or not rule(data, wanted, schema, root):
            return False
    return True


def _is_of_type(data: Any, wanted: Any, schema: Schema, root: Schema) -> bool:
    names = wanted if isinstance(wanted, list) else [wanted]
    return any(name in _TYPES and _TYPES[name](data) for name in names)


def _is_one_of(data: Any, wanted: Any, schema: Schema, root: Schema) -> bool:
    return any(type(data) is type(each) and data == each for each in wanted)


def _properties(data: Any, wanted: Any, schema: Schema, root: Schema) -> bool:
    if not isinstance(data, dict):
        return True
    return all(_fits(data[name], each, root) for name, each in wanted.items() if name in data)


def _additional(data: Any, wanted: Any, schema: Schema, root: Schema) -> bool:
    if not isinstance(data, dict) or wanted is True:
        return True
    rest = data.keys() - schema.get("properties", {}).keys()
    return not rest if wanted is False else all(_fits(data[name], wanted, root) for name in rest)


def _refers(data: Any, wanted: Any, schema: Schema, root: Schema) -> bool:
    where, _, name = wanted.rpartition("/")
    definitions = root.get("$defs", {})
    return where == "#/$defs" and name in definitions and _fits(data, definitions[name], root)


def _is_unique(data: Any, wanted: Any, schema: Schema, root: Schema) -> bool:
    if not (wanted and isinstance(data, list)):
        return True
    return all(isinstance(item, str) for item in data) and len(set(data)) == len(data)


def _size(data: Any, kind: Any) -> int | None:
    return len(data) if isinstance(data, kind) else None


def _at_least(kind: type) -> Callable[..., bool]:
    def rule(data: Any, wanted: Any, schema: Schema, root: Schema) -> bool:
        size = _size(data, kind)
        return size is None or size >= wanted

    return rule


def _at_most(kind: type) -> Callable[..., bool]:
    def rule(data: Any, wanted: Any, schema: Schema, root: Schema) -> bool:
        size = _size(data, kind)
        return size is None or size <= wanted

    return rule


_RULES: Final[Mapping[str, Callable[..., bool]]] = {
    "type": _is_of_type,
    "const": lambda data, wanted, schema, root: _is_one_of(data, [wanted], schema, root),
    "enum": _is_one_of,
    "properties": _properties,
    "additionalProperties": _additional,
    "required": lambda data, wanted, schema, root: (
        not isinstance(data, dict) or all(name in data for name in wanted)
    ),
    "items": lambda data, wanted, schema, root: (
        not isinstance(data, list) or all(_fits(item, wanted, root) for item in data)
    ),
    "anyOf": lambda data, wanted, schema, root: any(_fits(data, each, root) for each in wanted),
    "$ref": _refers,
    "uniqueItems": _is_unique,
    "minimum": lambda data, wanted, schema, root: type(data) not in (int, float) or data >= wanted,
    "maximum": lambda data, wanted, schema, root: type(data) not in (int, float) or data <= wanted,
    "pattern": lambda data, wanted, schema, root: (
        not isinstance(data, str) or re.search(wanted, data) is not None
    ),
    "minLength": _at_least(str),
    "minItems": _at_least(list),
    "maxItems": _at_most(list),
    "minProperties": _at_least(dict),
    "maxProperties": _at_most(dict),
}
