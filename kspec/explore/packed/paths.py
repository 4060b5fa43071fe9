"""The shortest path to a packed state, found backwards through the levels of a search.

Under symmetry the levels hold canonical forms; the path is one of concrete states all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from kspec.explore.packed.columns import Words, successors
from kspec.explore.packed.fields import PackedState
from kspec.explore.packed.symmetry import BrokenSymmetry
from kspec.explore.packed.system import Action, PackedSystem

PART = 1 << 14
Form = Callable[[Words], Words] | None


def path_to(
    system: PackedSystem, canonical: Form, levels: Sequence[Words], word: np.uint64
) -> tuple[list[PackedState], list[Action]]:
    """The states from the initial one to a state of the last level, and the actions between."""
    targets = [word]
    for level in reversed(levels[:-1]):
        targets.append(_before(system, canonical, level, targets[-1]))
    states, actions = [system.init()], []
    for target in reversed(targets[:-1]):
        for action in system.enabled(states[-1]):
            after = system.step(states[-1], action)
            if _form(canonical, np.array([after.word], np.uint64))[0] == target:
                break
        else:
            raise BrokenSymmetry("no action leads on from a state as from its canonical form")
        states.append(after)
        actions.append(action)
    return states, actions


def _form(canonical: Form, words: Words) -> Words:
    return words if canonical is None else canonical(words)


def _before(system: PackedSystem, canonical: Form, level: Words, target: np.uint64) -> np.uint64:
    """The first state of a level with an action to `target`."""
    for at in range(0, len(level), PART):
        part = level[at : at + PART]
        sources = [
            part[enabled][_form(canonical, after) == target]
            for enabled, after in successors(system, part)
        ]
        found = np.concatenate(sources)
        if found.size:
            return np.uint64(found.min())
    raise BrokenSymmetry("a state has no predecessor in the level before its own")
