"""The rules of admission that a world declares, read from its document and checked."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from kspec.errors import InputError
from kspec_models.apiserver.admission_rules import CREATE, EVERY, OPERATIONS, Rule
from kspec_models.kinds import KINDS
from kspec_models.objects import EMPTY, freeze

_FIELDS: Final = (
    *("name", "resources", "operations", "match", "patch", "deny", "call", "validating"),
)
_DOES: Final = ("patch", "deny", "call")
_MATCHES: Final = ("namespace", "namespaces", "labels")


def rules_of(options: Mapping[str, Any]) -> tuple[Rule, ...]:
    """The rules of the component `admission`; raises InputError where it says something else."""
    _known(options, ("rules",), "admission")
    given = options.get("rules", ())
    if not isinstance(given, list | tuple):
        raise InputError(f"admission: rules is {given!r}", expected="a list of rules")
    found = tuple(_rule(data, f"admission: rules[{i}]") for i, data in enumerate(given))
    names = [rule.name for rule in found]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"admission: two rules are named {name!r}", expected="one of a name")
    return found


def _known(data: Any, fields: tuple[str, ...], where: str) -> None:
    if not isinstance(data, Mapping):
        raise InputError(f"it is {data!r}", where=where, expected="a mapping")
    for key in data:
        if key not in fields:
            expected = "one of " + ", ".join(fields)
            raise InputError(f"unknown field {key!r}", where=where, expected=expected)


def _rule(data: Any, where: str) -> Rule:
    """One rule of the list."""
    _known(data, _FIELDS, where)
    name = data.get("name")
    if not isinstance(name, str) or not name:
        raise InputError("it has no name", where=where, expected="name: TEXT")
    does = [field for field in _DOES if field in data]
    if len(does) != 1:
        raise InputError(f"it has {' and '.join(does) or 'none'}", where=where, expected=_EXPECTED)
    match = data.get("match", EMPTY)
    _known(match, _MATCHES, f"{where}.match")
    namespaces = _texts(match.get("namespaces", ()), f"{where}.match.namespaces")
    if "namespace" in match:
        namespaces = (*namespaces, *_texts([match["namespace"]], f"{where}.match.namespace"))
    return Rule(
        name=name,
        resources=_resources(data.get("resources"), f"{where}.resources"),
        operations=_operations(data.get("operations", (CREATE,)), f"{where}.operations"),
        namespaces=namespaces,
        labels=freeze(_mapping(match.get("labels", EMPTY), f"{where}.match.labels")),
        is_validating=_is_validating(data, where),
        **_doing(does[0], data[does[0]], f"{where}.{does[0]}"),
    )


_EXPECTED: Final = "exactly one of patch, deny and call"


def _doing(field: str, value: Any, where: str) -> dict[str, Any]:
    """What the rule does, as a field of `Rule`."""
    if field == "patch":
        return {"patch": freeze(_mapping(value, where))}
    if field == "deny":
        if not isinstance(value, str) or not value:
            raise InputError(f"it is {value!r}", where=where, expected="a message")
        return {"deny": value}
    return {"call": _function(value, where)}


def _is_validating(data: Mapping[str, Any], where: str) -> bool:
    found = data.get("validating", "deny" in data)
    if not isinstance(found, bool) or (found and "patch" in data):
        expected = "true or false, and true for no patch"
        raise InputError(f"validating is {found!r}", where=where, expected=expected)
    return found


def _texts(given: Any, where: str) -> tuple[str, ...]:
    if not isinstance(given, list | tuple) or not all(isinstance(e, str) and e for e in given):
        raise InputError(f"it is {given!r}", where=where, expected="a list of names")
    return tuple(given)


def _resources(given: Any, where: str) -> tuple[str, ...]:
    found = _texts(given or (), where)
    known = sorted({kind.plural for kind in KINDS.values()})
    for resource in found:
        if resource != EVERY and resource not in known and "." not in resource:
            raise InputError(
                f"{resource!r} is no resource",
                where=where,
                expected=f"plural names such as pods, or {EVERY}",
            )
    if not found:
        raise InputError("there are none", where=where, expected=f"plural names, or {EVERY}")
    return found


def _operations(given: Any, where: str) -> tuple[str, ...]:
    found = _texts(given, where)
    for operation in found:
        if operation not in OPERATIONS:
            expected = "one of " + ", ".join(OPERATIONS)
            raise InputError(f"{operation!r} is no operation", where=where, expected=expected)
    return found


def _mapping(given: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise InputError(f"it is {given!r}", where=where, expected="a mapping")
    return given


def _function(text: Any, where: str) -> Callable[[dict[str, Any]], Any]:
    """The user's function; raises InputError where it cannot be had."""
    module, _, name = str(text).partition(":")
    expected = "MODULE:NAME of a function that can be imported"
    try:
        found = getattr(importlib.import_module(module), name)
    except Exception as error:
        problem = f"{text}: {type(error).__name__}: {' '.join(str(error).split())}"
        raise InputError(problem, where=where, expected=expected) from None
    if not callable(found):
        raise InputError(f"{text} is {found!r}", where=where, expected=expected)
    function: Callable[[dict[str, Any]], Any] = found
    return function
