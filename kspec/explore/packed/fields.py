"""States packed in one 64-bit word: fields of small integers, each in bits of its own.

The word is the state: two states are the same exactly where their words are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from kspec.errors import InputError
from kspec.values import mix

WORD = 64
"""Bits of a packed state."""
LARGEST = 1 << 62
"""Numbers in guards and effects stay between -LARGEST and LARGEST, so that none overflows."""


@attrs.frozen(eq=False)
class Field:
    """One small integer of the state, from 0 to `top`. A field is itself and equals no other."""

    name: str
    top: int

    def __str__(self) -> str:
        return self.name


class Layout:
    """Where each field lies: its lowest bit, and its mask once shifted there.

    Raises InputError for fields that do not fit in a word, or that share a name.
    """

    def __init__(self, fields: Iterable[Field]) -> None:
        self.fields = tuple(fields)
        self.places: dict[Field, tuple[int, int]] = {}
        shift = 0
        for field in self.fields:
            if not 1 <= field.top < LARGEST:
                raise InputError(
                    f"the field {field} goes to {field.top}", expected="from 1 to 2**62 - 1"
                )
            width = field.top.bit_length()
            self.places[field] = (shift, (1 << width) - 1)
            shift += width
        names = [field.name for field in self.fields]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InputError(f"two fields are called {twice[0]}")
        if shift > WORD:
            raise InputError(
                f"{len(self.fields)} fields need {shift} bits, a packed state has {WORD}",
                expected="fewer fields, or smaller ones",
            )

    def unpack(self, word: int) -> dict[Field, int]:
        """The value of every field."""
        return {field: word >> at & mask for field, (at, mask) in self.places.items()}

    def changed(self, word: int, updates: Mapping[Field, Any], who: str) -> int:
        """The word with some fields set. Raises InputError for a value outside its field."""
        for field, value in updates.items():
            at, mask = self.place(field, who)
            number = int(value)
            if not 0 <= number <= field.top:
                raise out_of_range(who, field, number)
            word = word & ~(mask << at) | number << at
        return word

    def place(self, field: Field, who: str) -> tuple[int, int]:
        if field not in self.places:
            raise InputError(f"{who}: {field} is no field of this system")
        return self.places[field]


def out_of_range(who: str, field: Field, value: int) -> InputError:
    """What an effect that leaves its field raises."""
    return InputError(f"{who} sets {field} to {value}", expected=f"from 0 to {field.top}")


class PackedState:
    """One state: its word, and `state[field]`, the value of a field."""

    __slots__ = ("_values", "layout", "word")

    def __init__(self, layout: Layout, word: int) -> None:
        self.layout, self.word = layout, word
        self._values: dict[Field, int] | None = None

    @property
    def values(self) -> dict[Field, int]:
        """The value of every field, unpacked when first asked for."""
        if self._values is None:
            self._values = self.layout.unpack(self.word)
        return self._values

    def __getitem__(self, field: Field) -> int:
        return self.values[field]

    @property
    def fingerprint(self) -> int:
        """The word, its bits spread: a one-to-one image, so that no two states share it."""
        return mix(self.word, 0)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PackedState) and self.word == other.word

    def __hash__(self) -> int:
        return self.word

    def __repr__(self) -> str:
        return " ".join(f"{field}={value}" for field, value in self.values.items())
