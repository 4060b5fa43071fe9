"""A set of packed states: sorted arrays of 8 bytes a state, merged as they grow."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from kspec.explore.packed.columns import Words


def distinct(parts: Iterable[Words]) -> Words:
    """All words of these arrays, each once, in ascending order."""
    words = np.concatenate([*parts, np.empty(0, np.uint64)])
    words.sort()
    if len(words) < 2:
        return words
    is_new = np.empty(len(words), np.bool_)
    is_new[0] = True
    np.not_equal(words[1:], words[:-1], out=is_new[1:])
    return words[is_new]


class Visited:
    """Sorted runs, each at least twice as long as the next: an addition costs a constant number
    of merges on average, a look-up one binary search in each run."""

    def __init__(self) -> None:
        self.runs: list[Words] = []

    def __len__(self) -> int:
        return sum(len(run) for run in self.runs)

    def without(self, words: Words) -> Words:
        """Those of these ascending words that are not in the set."""
        for run in self.runs:
            at = np.searchsorted(run, words)
            at[at == len(run)] = 0
            words = words[run[at] != words]
        return words

    def add(self, words: Words) -> None:
        """Add ascending words, none of which is in the set."""
        while self.runs and len(self.runs[-1]) < 2 * len(words):
            words = np.concatenate([self.runs.pop(), words])
            words.sort(kind="stable")  # which merges what is in order already
        if len(words):
            self.runs.append(words)

    def merged(self) -> Words:
        """All of them, in ascending order."""
        return distinct(self.runs)
