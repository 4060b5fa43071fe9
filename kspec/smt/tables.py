"""A row of named integers for each key of an unbounded set: as z3 arrays, and on plain integers."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import attrs
import z3

from kspec.smt.numbers import Int, term_of

Row = Mapping[str, int]


class Table(Protocol):
    """A row of named integers for each key of an unbounded set."""

    def __getitem__(self, key: int) -> Row:
        """The row at a key."""

    def changed(self, key: int, row: Row) -> "Table":
        """The table with these columns of one row changed."""


@attrs.frozen(eq=False)
class SymbolicTable:
    """A table as one z3 array per column; any integer, symbolic or plain, is a key."""

    columns: Mapping[str, Any]

    @classmethod
    def of(cls, columns: Iterable[str]) -> "SymbolicTable":
        """The table about which nothing is known."""
        return cls({c: z3.Array(c, z3.IntSort(), z3.IntSort()) for c in columns})

    def __getitem__(self, key: int) -> Row:
        at = term_of(key)
        row: dict[str, Any] = {c: Int(z3.Select(array, at)) for c, array in self.columns.items()}
        return row

    def changed(self, key: int, row: Row) -> "SymbolicTable":
        at = term_of(key)
        stored = {c: z3.Store(self.columns[c], at, term_of(value)) for c, value in row.items()}
        return SymbolicTable({**self.columns, **stored})


@attrs.frozen
class PlainTable:
    """A table on plain integers, which knows only the rows that a counterexample names."""

    rows: Mapping[int, Row]

    def __getitem__(self, key: int) -> Row:
        return self.rows[key]

    def changed(self, key: int, row: Row) -> "PlainTable":
        return PlainTable({**self.rows, key: {**self.rows[key], **row}})
