"""Symmetry of packed systems: exact canonical forms, concrete traces, and a check that bites."""

from __future__ import annotations

from itertools import permutations
from random import Random

import numpy as np
import pytest
import toys

from kspec.errors import InputError
from kspec.explore.packed import Action, Field, Interchangeable, PackedSystem
from kspec.explore.packed.search import packed_bfs
from kspec.explore.packed.symmetry import BrokenSymmetry, canonical_form, renamed
from kspec.peers.binding import Size, binding
from kspec.property import invariant

CELLS = tuple(Field(f"cell[{i}]", 2) for i in range(4))
EACH = Interchangeable(columns=tuple((cell,) for cell in CELLS))


def raising(cells=CELLS, tops=(2, 2, 2, 2), symmetry=(EACH,)):
    """Counters side by side: 3 ** 4 states, 15 up to their order."""
    actions = tuple(
        Action(
            name=f"raise {cell}",
            guard=lambda s, c=cell, top=top: s[c] < top,
            effect=lambda s, c=cell: {c: s[c] + 1},
        )
        for cell, top in zip(cells, tops, strict=True)
    )
    return PackedSystem(cells, actions, symmetry=symmetry)


def test_sorting_counts_states_up_to_order():
    assert packed_bfs(raising(symmetry=())).states == 81
    assert packed_bfs(raising()).states == 15


@pytest.mark.parametrize(("pods", "states"), [(1, 5), (2, 25), (3, 105), (4, 375), (5, 1_191)])
def test_the_binding_model_has_this_many_states_up_to_symmetry(pods, states):
    exploration = packed_bfs(binding(Size(pods), symmetric=True))
    assert exploration.exhausted and exploration.states == states


def test_the_canonical_form_is_the_same_for_every_renaming_and_for_no_other_state():
    """Orbits counted by brute force over all permutations of 3 pods and 3 nodes."""
    system = binding(Size(3), symmetric=True)
    plain = binding(Size(3))
    words = np.array(sorted(reachable(plain)), np.uint64)
    forms = canonical_form(system)(words)
    orbits = set()
    pods, nodes = system.symmetry
    orders = list(permutations(range(3)))
    everywhere = [
        renamed(system.layout, words, [(pods, p), (nodes, n)]) for p in orders for n in orders
    ]
    for row in np.stack(everywhere, axis=1):
        orbits.add(tuple(sorted(set(row.tolist()))))
    assert len(orbits) == len(set(forms.tolist())) == 105
    for one in everywhere:
        assert np.array_equal(canonical_form(system)(one), forms)


def reachable(system):
    seen, waiting = {system.init().word}, [system.init()]
    while waiting:
        state = waiting.pop()
        for action in system.enabled(state):
            after = system.step(state, action)
            if after.word not in seen:
                seen.add(after.word)
                waiting.append(after)
    return seen


@pytest.mark.parametrize("seed", range(5))
def test_random_renamings_have_the_same_canonical_form(seed):
    system, random = binding(Size(5), symmetric=True), Random(seed)
    words = np.array([random.getrandbits(30) for _ in range(200)], np.uint64)
    renaming = [(one, random.sample(range(one.count), one.count)) for one in system.symmetry]
    canonical = canonical_form(system)
    assert np.array_equal(canonical(words), canonical(renamed(system.layout, words, renaming)))
    assert np.array_equal(canonical(canonical(words)), canonical(words))


def test_sets_that_share_fields_are_permuted_and_still_exact():
    """A square of bits, its rows and its columns interchangeable: 36 of 512 up to both."""
    bits = [[Field(f"x[{i}][{j}]", 1) for j in range(3)] for i in range(3)]
    fields = tuple(field for row in bits for field in row)
    both = tuple(
        Interchangeable(columns=tuple(map(tuple, lines)))
        for lines in (bits, zip(*bits, strict=True))
    )
    actions = tuple(
        Action(name=f"set {f}", guard=lambda s, f=f: s[f] == 0, effect=lambda s, f=f: {f: 1})
        for f in fields
    )
    assert packed_bfs(PackedSystem(fields, actions)).states == 512
    assert packed_bfs(PackedSystem(fields, actions, symmetry=both)).states == 36


def within_capacity(system, size):
    @invariant(source=toys.TOY)
    def no_overcommit(s):
        """No node has more pods than its capacity. False: caches lag behind the bindings."""
        bound = system.layout.fields[: size.pods]
        fits = True
        for node in range(1, size.nodes + 1):
            fits = fits & (sum(s[pod] == node for pod in bound) <= size.capacity)
        return fits

    return no_overcommit


def test_a_counterexample_under_symmetry_is_a_concrete_and_shortest_run():
    size = Size(4)
    lengths = []
    for symmetric in (False, True):
        system = binding(size, symmetric=symmetric)
        prop = within_capacity(system, size)
        (violation,) = packed_bfs(system, [prop]).violations
        state = system.init()
        for action in violation.actions:
            assert prop.predicate(state)
            state = system.step(state, action)
        assert not prop.predicate(state)
        lengths.append(len(violation.actions))
    assert lengths == [3, 3]


def test_actions_that_tell_elements_apart_are_caught():
    with pytest.raises(BrokenSymmetry, match="what the actions do"):
        packed_bfs(raising(tops=(2, 2, 2, 1)))


def test_a_property_that_tells_elements_apart_is_caught():
    @invariant(source=toys.TOY)
    def the_first_leads(s):
        """The first is never behind the second. False, and it names them."""
        return s[CELLS[0]] >= s[CELLS[1]]

    with pytest.raises(BrokenSymmetry, match="first-leads"):
        packed_bfs(raising(), [the_first_leads])


@pytest.mark.parametrize(
    ("symmetry", "complaint"),
    [
        (Interchangeable(), "neither columns nor names"),
        (Interchangeable(columns=((CELLS[0],), (Field("other", 2),))), "other is no field"),
        (Interchangeable(columns=((CELLS[0],), (CELLS[1], CELLS[2]))), "differ in their fields"),
        (Interchangeable(columns=((CELLS[0],),), names=(CELLS[1],)), "name interchangeable"),
    ],
)
def test_a_symmetry_that_makes_no_sense_is_refused(symmetry, complaint):
    with pytest.raises(InputError, match=complaint):
        raising(symmetry=(symmetry,))


def test_a_symmetry_of_too_many_permutations_is_refused():
    owner = Field("owner", 8)
    system = PackedSystem((owner,), (), symmetry=(Interchangeable(names=(owner,)),))
    with pytest.raises(InputError, match="40,320 permutations"):
        packed_bfs(system)
