"""Random packed systems: the search of whole levels and the ordinary search agree in everything."""

from __future__ import annotations

import operator

from hypothesis import given, settings
from hypothesis import strategies as st

from kspec.explore import bfs
from kspec.explore.packed import Action, Field, PackedSystem, search
from kspec.explore.packed.search import packed_bfs
from kspec.property import Kind, Property

BINARY = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "&": operator.and_, "|": operator.or_,
    "^": operator.xor, "<": operator.lt, "<=": operator.le, "==": operator.eq, "!=": operator.ne,
    ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
BY_CONSTANT = {"//": operator.floordiv, "%": operator.mod}


def value_of(tree, values):
    """What an expression tree is worth, on integers and on columns."""
    match tree:
        case Field():
            return values[tree]
        case (op, left, right):
            left, right = value_of(left, values), value_of(right, values)
            return (BINARY | BY_CONSTANT)[op](left, right)
        case _:
            return tree


def trees(fields):
    leaves = st.sampled_from(fields) | st.integers(-3, 5)
    positive = st.integers(1, 4)
    return st.recursive(
        leaves,
        lambda inner: (
            st.tuples(st.sampled_from(sorted(BINARY)), inner, inner)
            | st.tuples(st.sampled_from(sorted(BY_CONSTANT)), inner, positive)
        ),
        max_leaves=6,
    )


@st.composite
def systems(draw):
    """A few small fields, and actions with any guard; effects are brought into range by %."""
    tops = draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    fields = tuple(Field(f"f{i}", top) for i, top in enumerate(tops))
    actions = []
    for number in range(draw(st.integers(1, 5))):
        guard = draw(trees(fields))
        targets = draw(st.lists(st.sampled_from(fields), min_size=1, max_size=2, unique=True))
        effects = {field: ("%", draw(trees(fields)), field.top + 1) for field in targets}
        actions.append(
            Action(
                name=f"a{number}",
                guard=lambda s, tree=guard: value_of(tree, s),
                effect=lambda s, to=effects: {f: value_of(tree, s) for f, tree in to.items()},
            )
        )
    initial = {field: draw(st.integers(0, field.top)) for field in fields}
    return PackedSystem(fields, tuple(actions), initial), draw(trees(fields)), draw(trees(fields))


def declared(name, kind, predicate):
    return Property(
        name=name, kind=kind, promise="", conditions="", source="random", predicate=predicate
    )


@given(drawn=systems(), part=st.sampled_from([7, 1 << 15]))
@settings(max_examples=100, deadline=None)
def test_levels_and_single_states_agree(drawn, part):
    system, tree, other = drawn
    properties = [
        declared("holds", Kind.INVARIANT, lambda s: value_of(tree, s)),
        declared("reachable", Kind.SOMETIMES, lambda s: value_of(other, s)),
        declared("kept", Kind.TRANSITION, lambda s, t: value_of(tree, t) >= value_of(tree, s)),
        declared("always", Kind.INVARIANT, lambda s: True),
    ]
    before, search.PART = search.PART, part
    try:
        packed = packed_bfs(system, properties)
    finally:
        search.PART = before
    ordinary = bfs(system, properties)
    for name in ("exhausted", "states", "transitions", "depth"):
        assert getattr(packed, name) == getattr(ordinary, name), name
    assert packed.witnessed.keys() == ordinary.witnessed.keys()
    found = [{v.property: len(v.actions) for v in of.violations} for of in (packed, ordinary)]
    assert found[0] == found[1]
    for violation in packed.violations:
        replays(system, violation, {prop.name: prop for prop in properties})


def replays(system, violation, properties):
    """The counterexample is a run of the ordinary system that ends in what breaks the property."""
    before = state = system.init()
    for action in violation.actions:
        before, state = state, system.step(state, action)
    assert not properties[violation.property].holds(before, state)
