"""What packed systems promise: one definition, an ordinary system, an exact search of levels."""

from __future__ import annotations

import tracemalloc

import pytest
import toys

from kspec.errors import InputError, NotEnabled
from kspec.explore import bfs, judge
from kspec.explore.packed import Action, Field, PackedSystem
from kspec.explore.packed.search import packed_bfs
from kspec.peers.binding import Size, binding
from kspec.property import Kind, invariant, leads_to, sometimes, transition
from kspec.result import Answer

BIG, SMALL = Field("big", 5), Field("small", 3)


def pour(name, source, target):
    """From one jug into the other, as much as goes in."""

    def effect(s):
        room = target.top - s[target]
        goes_in = s[source] <= room
        moved = goes_in * s[source] + (1 - goes_in) * room
        return {source: s[source] - moved, target: s[target] + moved}

    return Action(
        name=name, guard=lambda s: (s[source] > 0) & (s[target] < target.top), effect=effect
    )


def setting(name, field, value):
    return Action(name=name, guard=lambda s: s[field] != value, effect=lambda s: {field: value})


def die_hard():
    """Two jugs of 5 and 3 litres: 4 litres take 6 actions."""
    actions = [pour("big to small", BIG, SMALL), pour("small to big", SMALL, BIG)]
    for jug in (BIG, SMALL):
        actions += [setting(f"fill {jug}", jug, jug.top), setting(f"empty {jug}", jug, 0)]
    return PackedSystem((BIG, SMALL), tuple(actions))


@invariant(source=toys.TOY)
def not_four_litres(s):
    """The big jug never has 4 litres. False."""
    return s[BIG] != 4


@invariant(source=toys.TOY)
def within_the_jugs(s):
    """Together they never hold more than 8 litres."""
    return s[BIG] + s[SMALL] <= 8


@sometimes(source=toys.TOY)
def both_are_full(s):
    """Both are full."""
    return (s[BIG] == 5) & (s[SMALL] == 3)


@transition(source=toys.TOY)
def never_emptied_at_four(before, after):
    """Four litres are not poured away. False."""
    return (before[BIG] != 4) | (after[BIG] != 0)


def counter(top, **rest):
    field = Field("n", top)
    step = Action(
        name="step", guard=lambda s: s[field] < top, effect=lambda s: {field: s[field] + 1}
    )
    return field, PackedSystem((field,), (step,), **rest)


def test_packed_search_counts_as_ordinary_search_does():
    ordinary, packed = bfs(die_hard()), packed_bfs(die_hard())
    assert packed.exhausted
    assert (packed.states, packed.transitions, packed.depth) == (16, ordinary.transitions, 7)
    assert (packed.states, packed.depth) == (ordinary.states, ordinary.depth)
    assert toys.brute_force(die_hard()) == (packed.states, packed.transitions)


def test_packed_search_finds_the_shortest_counterexample_as_actions_that_replay():
    system = die_hard()
    exploration = packed_bfs(system, [not_four_litres, within_the_jugs])
    (violation,) = exploration.violations
    assert len(violation.actions) == 6
    state = system.init()
    for action in violation.actions:
        state = system.step(state, system.decode(system.encode(action)))
    assert state[BIG] == 4
    assert judge(within_the_jugs, exploration).verdict is Answer.HOLDS


def test_packed_search_judges_transitions_on_every_edge():
    (packed,) = packed_bfs(die_hard(), [never_emptied_at_four]).violations
    (ordinary,) = bfs(die_hard(), [never_emptied_at_four]).violations
    assert len(packed.actions) == len(ordinary.actions) == 7
    assert str(packed.actions[-1]) == "empty big"


def test_packed_search_witnesses_what_is_reachable():
    exploration = packed_bfs(die_hard(), [both_are_full])
    assert judge(both_are_full, exploration).verdict is Answer.HOLDS
    assert exploration.depth == 2 and "nothing was left to find" in exploration.limit


def test_packed_search_keeps_the_word_of_the_last_of_sixty_four_bits():
    low, high = Field("low", (1 << 62) - 1), Field("high", 3)
    up = Action(name="up", guard=lambda s: s[high] < 3, effect=lambda s: {high: s[high] + 1})
    system = PackedSystem((low, high), (up,), {low: low.top})
    exploration = packed_bfs(system)
    assert exploration.states == 4 == bfs(system).states
    assert system.init()[low] == low.top


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ([Field(f"n{i}", 7) for i in range(22)], "22 fields need 66 bits, a packed state has 64"),
        ([Field("n", 1), Field("n", 1)], "two fields are called n"),
        ([Field("n", 0)], "goes to 0"),
    ],
)
def test_fields_that_do_not_fit_are_refused(fields, complaint):
    with pytest.raises(InputError, match=complaint):
        PackedSystem(tuple(fields), ())


N = Field("n", 9)


@pytest.mark.parametrize(
    "guard",
    [
        lambda s: s[N] > 1 and s[N] < 4,
        lambda s: s[N] > 1 or s[N] < 4,
        lambda s: not s[N],
        lambda s: 1 < s[N] < 4,
        lambda s: s[N] in (1, 2),
        lambda s: max(s[N], 3) == 3,
        lambda s: [True, False][s[N]],
        lambda s: {1: True}[s[N]],
        lambda s: ~(s[N] == 1),
        lambda s: s[N] // s[N] == 1,
        lambda s: s[N] % 0 == 1,
        lambda s: s[N] / 2 == 1,
        lambda s: s[N] == 1.5,
        lambda s: s[N] * 2**60 == 0,
        lambda s: s[N] < 2**64,
        lambda s: s[Field("m", 3)] == 1,
        lambda s: "always",
    ],
)
def test_a_guard_that_does_not_run_on_levels_is_refused(guard):
    action = Action(name="go", guard=guard, effect=lambda s: {N: 1})
    with pytest.raises(
        InputError, match=r"the guard of go does not run on whole levels: .*expected"
    ):
        PackedSystem((N,), (action,))


@pytest.mark.parametrize(
    "effect",
    [
        lambda s: {N: s[N] if s[N] else 1},
        lambda s: {Field("m", 3): 1},
        lambda s: {N: 0.5},
        lambda s: 3,
    ],
)
def test_an_effect_that_does_not_run_on_levels_is_refused(effect):
    with pytest.raises(InputError, match="the effect of go"):
        PackedSystem((N,), (Action(name="go", guard=lambda s: True, effect=effect),))


def test_a_property_that_does_not_run_on_levels_is_refused():
    @invariant(source=toys.TOY)
    def small(s):
        """It is small."""
        return s[BIG] < 9 and s[SMALL] < 9

    assert bfs(die_hard(), [small]).exhausted
    with pytest.raises(InputError, match="the property small does not run on whole levels"):
        packed_bfs(die_hard(), [small])


@pytest.mark.parametrize("search", [bfs, packed_bfs])
def test_an_effect_that_leaves_its_field_is_an_error(search):
    up = Action(name="up", guard=lambda s: True, effect=lambda s: {N: s[N] + 1})
    with pytest.raises(InputError, match="up sets n to 10; expected from 0 to 9"):
        search(PackedSystem((N,), (up,)))
    down = Action(name="down", guard=lambda s: True, effect=lambda s: {N: s[N] - 1})
    with pytest.raises(InputError, match="down sets n to -1; expected from 0 to 9"):
        search(PackedSystem((N,), (down,)))


def test_sums_of_truths_are_numbers_on_levels_too():
    """Where plain arrays of truths would add up to true, not to 2."""
    a, b, n = Field("a", 1), Field("b", 1), Field("n", 2)
    actions = tuple(
        Action(name=f"set {f}", guard=lambda s, f=f: s[f] == 0, effect=lambda s, f=f: {f: 1})
        for f in (a, b)
    )
    add = Action(
        name="add", guard=lambda s: s[n] == 0, effect=lambda s: {n: (s[a] == 1) + (s[b] == 1)}
    )
    system = PackedSystem((a, b, n), (*actions, add))
    assert packed_bfs(system).states == bfs(system).states == 8


def test_a_packed_system_refuses_what_is_not_enabled():
    field, system = counter(1)
    after = system.step(system.init(), system.actions[0])
    assert after[field] == 1 and system.enabled(after) == ()
    with pytest.raises(NotEnabled):
        system.step(after, system.actions[0])
    assert system.resolve(after, system.actions[0]) is None
    assert system.describe(system.init(), after) == ("n: 0 -> 1",)
    assert system.footprint(system.actions[0]) == (("n",), ("n",))


def test_fingerprints_of_packed_states_differ_wherever_the_states_do():
    _, system = counter(300)
    state, seen = system.init(), set()
    for _ in range(300):
        seen.add(state.fingerprint)
        state = system.step(state, system.actions[0])
    assert len(seen) == 300 and all(0 <= mark < 1 << 64 for mark in seen)


def test_a_deep_and_narrow_graph_is_exhausted():
    _, system = counter(3_000)
    exploration = packed_bfs(system)
    assert (exploration.states, exploration.depth) == (3_001, 3_000)


def test_packed_search_calls_unknown_what_a_limit_stopped():
    states = packed_bfs(die_hard(), [within_the_jugs], max_states=7)
    memory = packed_bfs(die_hard(), [within_the_jugs], memory=100)
    time = packed_bfs(die_hard(), [within_the_jugs], is_out_of_time=lambda: True)
    for exploration, limit in ((states, "7 states"), (memory, "0.0 MiB of memory"), (time, "time")):
        result = judge(within_the_jugs, exploration)
        assert result.verdict is Answer.UNKNOWN and f"limit of {limit}" in result.reason
        assert not exploration.exhausted
    assert states.states == 7


@pytest.mark.parametrize(
    ("memory", "exhausts"), [(100_000, False), (500_000, False), (2**20, True)]
)
def test_packed_search_keeps_within_the_memory_that_it_is_given(memory, exhausts):
    system = binding(Size(4))
    packed_bfs(system, max_depth=2)  # so that what is imported or cached is not counted
    tracemalloc.start()
    try:
        exploration = packed_bfs(system, memory=memory)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak <= memory
    assert exploration.exhausted is exhausts and (exploration.states == 13**4) is exhausts


def test_packed_search_is_unknown_where_the_machine_has_no_more_memory():
    def give_up():
        raise MemoryError

    exploration = packed_bfs(die_hard(), [within_the_jugs], is_out_of_time=give_up)
    assert judge(within_the_jugs, exploration).verdict is Answer.UNKNOWN
    assert "no more memory" in exploration.limit


def test_packed_search_within_a_bound_of_depth():
    exploration = packed_bfs(die_hard(), [not_four_litres], max_depth=5)
    assert exploration.depth == 5 and not exploration.violations
    assert judge(not_four_litres, exploration).verdict is Answer.HOLDS_WITHIN_BOUND


def test_packed_search_interrupted_keeps_its_counts():
    def interrupt(transitions, states, depth):
        if depth == 3:
            raise KeyboardInterrupt

    exploration = packed_bfs(die_hard(), [within_the_jugs], on_progress=interrupt)
    assert exploration.interrupted and exploration.states > 3
    assert judge(within_the_jugs, exploration).verdict is Answer.UNKNOWN


def test_packed_search_leaves_liveness_to_the_liveness_search():
    ends = leads_to(
        "ends", promise="It ends.", source=toys.TOY, when=lambda s: True, then=lambda s: s[BIG] == 4
    )
    assert ends.kind is Kind.LEADS_TO
    result = judge(ends, packed_bfs(die_hard(), [ends]))
    assert result.verdict is Answer.UNKNOWN and "liveness search" in result.reason
