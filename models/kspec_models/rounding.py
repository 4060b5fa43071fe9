"""Rounder quantities, for worlds that are easy to read: 370m of CPU becomes 500m or 200m.

Round is 1, 2 or 5 times a power of ten of millicores, or half cores; for memory a power of two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kspec_models.quantity import Quantity, milli, whole
from kspec_models.quantity_text import BINARY_SI, QuantityError

_HOLDERS = ("requests", "limits", "capacity", "allocatable")
_HALF_CORE = 500


def rounder(documents: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str, str]]:
    """(resource, quantity, rounder quantity) for each that is not round, the nearest first."""
    found: dict[tuple[str, str], None] = {}
    for document in documents:
        found.update(dict.fromkeys(_quantities_in(document)))
    for resource, text in found:
        try:
            amount = milli(text) if resource == "cpu" else whole(text)
        except QuantityError:
            continue  # the world does not stand anyway
        around = _round_cpu(amount) if resource == "cpu" else _round_memory(amount)
        for rounded in sorted(around, key=lambda number: (abs(number - amount), number)):
            if resource == "cpu":
                yield resource, text, str(Quantity.new_milli(rounded))
            else:
                yield resource, text, str(Quantity.new(rounded, BINARY_SI))


def with_quantity(data: Mapping[str, Any], resource: str, text: str, to: str) -> dict[str, Any]:
    """The document with every such quantity of that resource replaced."""
    changed: dict[str, Any] = _rewritten(data, resource, text, to)
    return changed


def _rewritten(data: Any, resource: str, text: str, to: str) -> Any:
    if isinstance(data, Mapping):
        new = {key: _rewritten(item, resource, text, to) for key, item in data.items()}
        for holder in _HOLDERS:
            amounts = new.get(holder)
            if isinstance(amounts, Mapping) and str(amounts.get(resource)) == text:
                new[holder] = {**amounts, resource: to}
        return new
    if isinstance(data, list | tuple):
        return [_rewritten(item, resource, text, to) for item in data]
    return data


def _quantities_in(data: Any) -> Iterator[tuple[str, str]]:
    if isinstance(data, Mapping):
        for key, item in data.items():
            if key in _HOLDERS and isinstance(item, Mapping):
                for resource in ("cpu", "memory"):
                    if resource in item:
                        yield resource, str(item[resource])
            else:
                yield from _quantities_in(item)
    elif isinstance(data, list | tuple):
        for item in data:
            yield from _quantities_in(item)


def _round_cpu(amount: int) -> tuple[int, ...]:
    """The round numbers of millicores on both sides; none where it is round."""
    if amount <= 0 or amount % _HALF_CORE == 0:
        return ()
    if amount > _HALF_CORE:
        down = amount // _HALF_CORE * _HALF_CORE
        return (down, down + _HALF_CORE)
    steps = [digit * 10**power for power in range(3) for digit in (1, 2, 5)]
    if amount in steps:
        return ()
    return (max(s for s in steps if s < amount), min(s for s in steps if s > amount))


def _round_memory(amount: int) -> tuple[int, ...]:
    """The powers of two on both sides; none where it is one."""
    if amount <= 0 or amount & (amount - 1) == 0:
        return ()
    up: int = 1 << amount.bit_length()
    return (up // 2, up)
