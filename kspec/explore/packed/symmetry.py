"""The canonical form of packed states under declared renamings, exact, and the check of both.

Elements that no value names are sorted by their columns; for the others every permutation is tried
and the least word kept. A search of canonical forms is exact only if the declaration is true, so
renamed states must have the same canonical form, the same successors up to renaming, and the same
answers to every predicate: a sample of each level is checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import permutations, product
from math import factorial, prod
from random import Random
from typing import Any

import numpy as np

from kspec.errors import InputError, KspecError
from kspec.explore.packed.columns import Columns, Words, successors, truth
from kspec.explore.packed.fields import Field, Layout
from kspec.explore.packed.interchangeable import Interchangeable
from kspec.explore.packed.system import PackedSystem

MAX_PERMUTATIONS = 5_040
SAMPLE = 16
Renaming = tuple[Interchangeable, Sequence[int]]


class BrokenSymmetry(KspecError):
    """Something tells apart what was declared interchangeable."""


def _tied(sets: tuple[Interchangeable, ...]) -> tuple[list[Interchangeable], list[Interchangeable]]:
    """Which sets are sorted, and of which every permutation is tried."""
    sorted_sets: list[Interchangeable] = []
    permuted: list[Interchangeable] = []
    taken: list[Field] = []
    for one in sets:
        own = [field for column in one.columns for field in column]
        if one.names or any(field in taken for field in own):
            permuted.append(one)
        else:
            sorted_sets.append(one)
            taken += own
    return sorted_sets, permuted


def renamed(layout: Layout, words: Words, renamings: Iterable[Renaming]) -> Words:
    """Every element i of a set becomes element permutation[i], in columns and by name."""
    for one, permutation in renamings:
        targets = {
            field: moved
            for i, column in enumerate(one.columns)
            for field, moved in zip(column, one.columns[permutation[i]], strict=True)
        }
        result = np.zeros_like(words)
        for field, (at, mask) in layout.places.items():
            values = (words >> np.uint64(at)) & np.uint64(mask)
            if field in one.names:
                table = [*range(one.first), *(one.first + target for target in permutation)]
                values = np.array(table, np.uint64)[values]
            result |= values << np.uint64(layout.places[targets.get(field, field)][0])
        words = result
    return words


def _sorted(layout: Layout, words: Words, one: Interchangeable) -> Words:
    """The columns of a set in ascending order."""
    columns = np.zeros((len(words), one.count), np.uint64)
    cleared = (1 << 64) - 1
    for i, column in enumerate(one.columns):
        for field in column:
            at, mask = layout.places[field]
            width = np.uint64(mask.bit_length())
            columns[:, i] = columns[:, i] << width | (words >> np.uint64(at)) & np.uint64(mask)
            cleared &= ~(mask << at)
    columns.sort(axis=1)
    result = words & np.uint64(cleared)
    for i, column in enumerate(one.columns):
        for field in reversed(column):
            at, mask = layout.places[field]
            result |= (columns[:, i] & np.uint64(mask)) << np.uint64(at)
            columns[:, i] >>= np.uint64(mask.bit_length())
    return result


def canonical_form(system: PackedSystem) -> Callable[[Words], Words] | None:
    """The function to the canonical words, or None where nothing is interchangeable."""
    if not system.symmetry:
        return None
    layout = system.layout
    sorted_sets, permuted = _tied(system.symmetry)
    count = prod(factorial(one.count) for one in permuted)
    if count > MAX_PERMUTATIONS:
        raise InputError(
            f"a canonical form would try {count:,} permutations of interchangeable elements",
            expected=f"at most {MAX_PERMUTATIONS:,}",
        )
    choices = [list(permutations(range(one.count))) for one in permuted]
    renamings = [tuple(zip(permuted, chosen, strict=True)) for chosen in product(*choices)]

    def canonical(words: Words) -> Words:
        least: Words | None = None
        for renaming in renamings:
            one = renamed(layout, words, renaming)
            for columns in sorted_sets:
                one = _sorted(layout, one, columns)
            least = one if least is None else np.minimum(least, one)
        return words if least is None else least

    return canonical


def check_symmetry(
    system: PackedSystem,
    canonical: Callable[[Words], Words],
    words: Words,
    draws: Random,
    predicates: Iterable[tuple[str, Callable[[Any], Any]]] = (),
) -> None:
    """Rename a sample of these states at random. Raises BrokenSymmetry where that shows."""
    sample = words[np.unique(np.linspace(0, len(words) - 1, SAMPLE).astype(np.int64))]
    renaming = [(one, draws.sample(range(one.count), one.count)) for one in system.symmetry]
    other = renamed(system.layout, sample, renaming)
    broken = "what is declared interchangeable is not: renaming changes "
    if not np.array_equal(canonical(sample), canonical(other)):
        raise BrokenSymmetry(broken + "the canonical form")
    if not np.array_equal(_edges(system, canonical, sample), _edges(system, canonical, other)):
        raise BrokenSymmetry(broken + "what the actions do")
    for name, predicate in predicates:
        answers = [truth(predicate(Columns(system.layout, of)), len(of)) for of in (sample, other)]
        if not np.array_equal(answers[0], answers[1]):
            raise BrokenSymmetry(f"{broken}the answer of {name}")


def _edges(system: PackedSystem, canonical: Callable[[Words], Words], words: Words) -> Words:
    """Number of the state and canonical successor of each edge, in order."""
    rows, targets = [np.empty(0, np.uint64)], [np.empty(0, np.uint64)]
    for enabled, after in successors(system, words):
        rows.append(np.flatnonzero(enabled).astype(np.uint64))
        targets.append(after)
    row, target = np.concatenate(rows), canonical(np.concatenate(targets))
    order = np.lexsort((target, row))
    return np.stack((row[order], target[order]))
