"""What may be renamed: elements of one kind that no action and no property tells apart (say, pods).

A renaming moves the fields of each element to another element, and replaces the values that name
elements. Declared by who writes the system, and checked on the states that a search meets.
"""

from __future__ import annotations

import attrs

from kspec.errors import InputError
from kspec.explore.packed.fields import Field, Layout


@attrs.frozen(kw_only=True)
class Interchangeable:
    """One set of elements.

    columns: the fields of each element, in one order for all; empty where they have none.
    names: the fields whose value names an element: `first` the first one, `first` + 1 the next, up
    to their top; what is smaller names none.
    """

    columns: tuple[tuple[Field, ...], ...] = ()
    names: tuple[Field, ...] = ()
    first: int = 1

    @property
    def count(self) -> int:
        """How many elements there are."""
        return len(self.columns) or self.names[0].top - self.first + 1

    def check(self, layout: Layout) -> None:
        """Raises InputError where it does not make sense for these fields."""
        for field in (*self.names, *(field for column in self.columns for field in column)):
            layout.place(field, "what is interchangeable")
        shapes = {tuple(field.top for field in column) for column in self.columns}
        tops = {field.top for field in self.names}
        if len(shapes) > 1:
            raise InputError("the columns of what is interchangeable differ in their fields")
        if not shapes and not tops:
            raise InputError("what is interchangeable has neither columns nor names")
        if tops and tops != {self.first + self.count - 1}:
            raise InputError(
                f"fields that name interchangeable elements go to {max(tops)}",
                expected=f"{self.first + self.count - 1}, one value for each element",
            )
