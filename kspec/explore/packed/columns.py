"""The fields of a whole level as numpy arrays, and guards and effects evaluated on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from kspec.explore.packed.fields import Field, Layout, out_of_range
from kspec.explore.packed.numbers import COMPARISONS, LOGICAL, OPERATIONS, Number, bounds_of
from kspec.explore.packed.system import PackedSystem

Words = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]
_DTYPES = tuple((2 ** (bits - 1), np.dtype(f"i{bits // 8}")) for bits in (8, 16, 32, 64))
_UFUNCS: dict[str, np.ufunc] = {name: getattr(np, name) for name in OPERATIONS}


def narrowest(low: int, high: int) -> np.dtype[Any]:
    """The narrowest type of signed integers that holds all values from `low` to `high`."""
    return next(dtype for end, dtype in _DTYPES if -end <= low and high < end)


class Column(Number):
    """One number for each state of a level."""

    __slots__ = ("array",)

    def __init__(self, low: int, high: int, array: npt.NDArray[Any]) -> None:
        super().__init__(low, high)
        self.array = array

    def make(self, name: str, left: Any, right: Any, low: int, high: int) -> Column:
        a, b = _operand(left), _operand(right)
        if name in COMPARISONS or (name in LOGICAL and _is_truth(a) and _is_truth(b)):
            return Column(0, 1, _UFUNCS[name](a, b))
        ends = (low, high, *bounds_of(left), *bounds_of(right))
        return Column(low, high, _UFUNCS[name](a, b, dtype=narrowest(min(ends), max(ends))))


def _operand(value: Any) -> npt.NDArray[Any] | int:
    return value.array if isinstance(value, Column) else int(value)


def _is_truth(operand: npt.NDArray[Any] | int) -> bool:
    return not isinstance(operand, int) and operand.dtype == np.bool_


class Columns(dict[Field, Column]):
    """`columns[field]` for each state of a level; unpacked when first asked for."""

    def __init__(self, layout: Layout, words: Words) -> None:
        super().__init__()
        self.layout, self.words = layout, words

    def __missing__(self, field: Field) -> Column:
        at, mask = self.layout.places[field]
        value = (self.words >> np.uint64(at)) & np.uint64(mask)
        self[field] = column = Column(0, field.top, value.astype(narrowest(0, field.top)))
        return column


def truth(answer: Any, count: int) -> Mask:
    """Where a guard or a predicate holds, for each of `count` states."""
    if isinstance(answer, Column):
        array = answer.array
        return array if array.dtype == np.bool_ else array != 0
    return np.full(count, bool(answer))


def changed(layout: Layout, words: Words, updates: Mapping[Field, Any], who: str) -> Words:
    """The words with some fields set. Raises InputError for a value outside its field."""
    kept, added = (1 << 64) - 1, np.uint64(0)
    result: Words | None = None
    for field, value in updates.items():
        at, mask = layout.place(field, who)
        kept &= ~(mask << at)
        number = _in_range(field, value, who)
        if isinstance(number, int):
            added |= np.uint64(number << at)
            continue
        shifted: Words = number.astype(np.uint64) << np.uint64(at)
        result = shifted if result is None else result | shifted
    unchanged = words & np.uint64(kept) | added
    return unchanged if result is None else unchanged | result


def _in_range(field: Field, value: Any, who: str) -> int | npt.NDArray[Any]:
    low, high = bounds_of(value)
    if isinstance(value, Column) and (low < 0 or high > field.top):  # it may be outside: look
        low, high = int(value.array.min()), int(value.array.max())
    if low < 0 or high > field.top:
        raise out_of_range(who, field, low if low < 0 else high)
    return value.array if isinstance(value, Column) else int(value)


def successors(system: PackedSystem, words: Words) -> Iterator[tuple[Mask, Words]]:
    """For each action that is enabled somewhere: where, and the states it leads to from there."""
    values = Columns(system.layout, words)
    for action in system.actions:
        enabled = truth(action.guard(values), len(words))
        chosen = words[enabled]
        if chosen.size:
            updates = action.effect(Columns(system.layout, chosen))
            yield enabled, changed(system.layout, chosen, updates, action.name)
