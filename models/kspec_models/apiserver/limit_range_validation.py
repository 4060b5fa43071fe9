"""Validation of LimitRange, after ValidateLimitRange of pkg/apis/core/validation/validation.go at
1.36."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kspec_models.apiserver.validate_common import quantities
from kspec_models.objects import LimitRange, LimitRangeItem
from kspec_models.objects.record import Resources
from kspec_models.quantity import Quantity, parse
from kspec_models.resources import HUGE_PAGES_PREFIX, is_extended
from kspec_models.validation import is_qualified_name

_POD, _CLAIM = "Pod", "PersistentVolumeClaim"
_FIELDS: Final = {
    "max": "max",
    "min": "min",
    "default": "default",
    "defaultRequest": "default_request",
    "maxLimitRequestRatio": "max_limit_request_ratio",
}
_NAMES: Final = ("cpu", "memory", "ephemeral-storage", "storage")


def limit_range_problems(obj: LimitRange) -> Iterator[str]:
    """What ValidateLimitRange refuses."""
    seen: list[str] = []
    for i, item in enumerate(obj.spec.limits):
        path = f"spec.limits[{i}]"
        yield from _type(item.type, f"{path}.type")
        if item.type in seen:
            yield f'{path}.type: Duplicate value: "{item.type}"'
        seen.append(item.type)
        yield from _item(item, path)


def _type(name: str, path: str) -> Iterator[str]:
    errors = is_qualified_name(name)
    yield from (f'{path}: Invalid value: "{name}": {error}' for error in errors)
    if not errors and "/" not in name and name not in (_POD, "Container", _CLAIM):
        yield f'{path}: Invalid value: "{name}": must be a standard limit type or fully qualified'


def _item(item: LimitRangeItem, path: str) -> Iterator[str]:
    for field, name in _FIELDS.items():
        amounts: Resources = getattr(item, name)
        if item.type == _POD and field.startswith("default"):
            if amounts:
                yield f"{path}.{field}: Forbidden: may not be specified when `type` is 'Pod'"
            continue
        for resource in amounts:
            yield from _resource(resource, f"{path}.{field}[{resource}]")
        yield from quantities(amounts, f"{path}.{field}")
    if item.type == _CLAIM and "storage" not in item.min and "storage" not in item.max:
        yield (
            f"{path}.limits: Required value: either minimum or maximum storage value is required, "
            "but neither was provided"
        )
    yield from _order(item, path)


def _resource(name: str, path: str) -> Iterator[str]:
    errors = is_qualified_name(name)
    yield from (f'{path}: Invalid value: "{name}": {error}' for error in errors)
    is_known = name in _NAMES or name.startswith(HUGE_PAGES_PREFIX)
    if not errors and "/" not in name and not is_known:
        where = f'{path}: Invalid value: "{name}"'
        yield f"{where}: must be a standard resource type or fully qualified"


def _order(item: LimitRangeItem, path: str) -> Iterator[str]:
    """Minimum, default request, default limit and maximum must not exceed the one after."""
    names = dict.fromkeys(n for field in _FIELDS.values() for n in getattr(item, field))
    for name in names:
        try:
            found = {
                f: parse(getattr(item, a)[name]) for f, a in _FIELDS.items() if _has(item, a, name)
            }
        except ValueError:
            continue  # told by `quantities`
        yield from _compared(found, name, path)
        yield from _ratio(found, name, path)


def _has(item: LimitRangeItem, field: str, name: str) -> bool:
    return name in getattr(item, field)


_ORDERED: Final = (
    ("min", "max", "min", "min value {} is greater than max value {}"),
    (
        *("min", "defaultRequest", "defaultRequest"),
        "min value {} is greater than default request value {}",
    ),
    (
        *("defaultRequest", "max", "defaultRequest"),
        "default request value {} is greater than max value {}",
    ),
    (
        *("defaultRequest", "default", "defaultRequest"),
        "default request value {} is greater than default limit value {}",
    ),
    ("min", "default", "default", "min value {} is greater than default value {}"),
    ("default", "max", "default", "default value {} is greater than max value {}"),
)
"""The lower field, the higher one, which of them is named, and what is said."""


def _compared(found: dict[str, Quantity], name: str, path: str) -> Iterator[str]:
    for low, high, named, text in _ORDERED:
        if low in found and high in found and found[low].cmp(found[high]) > 0:
            shown = found[low if low == named else high]
            if named == "default":
                shown = found["min"] if low == "min" else found["max"]
            reason = text.format(found[low], found[high])
            yield f'{path}.{named}[{name}]: Invalid value: "{shown}": {reason}'
    if _is_overcommitted(name) or not {"default", "defaultRequest"} <= found.keys():
        return
    limit, request = found["default"], found["defaultRequest"]
    if limit.cmp(request) != 0:
        yield (
            f'{path}.defaultRequest[{name}]: Invalid value: "{request}": default value {limit} '
            f"must equal to defaultRequest value {request} in {name}"
        )


def _is_overcommitted(name: str) -> bool:
    """Whether less of it may be requested than the limit says."""
    return not is_extended(name) and not name.startswith(HUGE_PAGES_PREFIX)


def _ratio(found: dict[str, Quantity], name: str, path: str) -> Iterator[str]:
    ratio = found.get("maxLimitRequestRatio")
    if ratio is None:
        return
    where = f'{path}.maxLimitRequestRatio[{name}]: Invalid value: "{ratio}"'
    if ratio.cmp(parse("1")) < 0:
        yield f"{where}: ratio {ratio} is less than 1"
    if "min" in found and "max" in found and not found["min"].is_zero:
        limit = found["max"].as_fraction() / found["min"].as_fraction()
        if ratio.as_fraction() > limit:
            yield f"{where}: ratio {ratio} is greater than max/min = {float(limit):f}"
