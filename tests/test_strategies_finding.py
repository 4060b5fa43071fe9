"""What each strategy is for: on a toy made for it, it needs far fewer runs than a random walk."""

from __future__ import annotations

from functools import cache

import pytest
import toys

from kspec.explore import search
from kspec.explore.orders import Orders
from kspec.explore.strategies.guided import Guided, races
from kspec.explore.strategies.pos import Pos
from kspec.explore.strategies.staleness import Staleness
from kspec.explore.strategies.strategy import Scale, rng_of
from kspec.explore.strategies.swarm import Swarm
from kspec.explore.strategies.weighted import Weighted
from kspec.property import invariant
from kspec.system import AnySystem, Footprint


class Touching:
    """A toy whose verbs say what they read and write."""

    def __init__(self, system: AnySystem, **footprints: Footprint) -> None:
        self.system, self.footprints = system, footprints

    def __getattr__(self, name):
        return getattr(self.system, name)

    def footprint(self, action):
        return self.footprints[action.verb]


def stale_cache() -> Touching:
    """The race of the toys: the actor reads nothing but the cache that the reader has filled."""
    return Touching(
        toys.stale_cache(),
        Write=Footprint((), ("store",)),
        Read=Footprint(("store",), ("cache",)),
        Act=Footprint(("cache",), ("pods",)),
    )


RIGHT = tuple("LRRLRLLRLLRR")


def lock(levels: int = len(RIGHT)) -> AnySystem:
    """Two hands, and one right sequence of turns: after a wrong one nothing more happens."""

    def moves(s):
        if s < levels:
            for hand in "LR":
                yield toys.Act(hand, "Turn", f"{s}"), s + 1 if hand == RIGHT[s] else len(RIGHT) + 1

    return toys.toy(0, moves)


@invariant(source="a toy")
def the_lock_stays_shut(s) -> bool:
    """False of one sequence in 4,096."""
    return s != len(RIGHT)


def stack() -> AnySystem:
    """The stack of the swarm testing paper: it overflows where hardly anything is taken off."""

    def moves(s):
        yield toys.Act("pusher", "Push"), s + 1
        yield toys.Act("popper", "Pop"), max(0, s - 1)

    return toys.toy(0, moves)


@invariant(source="a toy")
def never_overflows(s) -> bool:
    """False: 32 items are too many."""
    return s < 32


TARGETS = {
    "stale cache": (stale_cache(), toys.acts_on_fresh(), 20_000),
    "lock": (lock(), the_lock_stays_shut, 10_000),
    "stack": (stack(), never_overflows, 20_000),
}
"""Each with the steps after which a search is given up."""


@cache
def runs_until_found(target: str, strategy: str) -> int:
    """Runs that five searches made until they found it, or until they had spent their steps."""
    system, prop, steps = TARGETS[target]
    mix = (("fifo", 1), (strategy, 1))
    found = (
        search(system, [prop], seed=seed, steps=steps, strategies=mix, stop_at_first=True)
        for seed in range(5)
    )
    return sum(sum(exploration.runs.values()) for exploration in found)


@pytest.mark.parametrize(
    ("strategy", "target"),
    [
        ("pos", "stale cache"),
        ("staleness", "stale cache"),
        ("weighted", "stale cache"),
        ("swarm", "stack"),
        ("guided", "lock"),
    ],
)
def test_strategy_finds_what_it_is_for_in_far_fewer_runs_than_a_walk(strategy, target):
    assert runs_until_found(target, strategy) * 8 < runs_until_found(target, "walk")


def test_pos_draws_again_only_the_priorities_of_what_races():
    system = stale_cache()
    strategy = Pos(system)
    strategy.begin(rng_of("pos"), Scale(100, 1))
    write, act = toys.Act("writer", "Write"), toys.Act("actor", "Act")
    priorities = strategy._priority
    of_act, of_write = priorities[act], priorities[write]
    priorities.taken(write)
    assert priorities[act] == of_act and priorities[write] != of_write


def test_staleness_window_keeps_an_actor_from_acting_until_only_it_is_left():
    def moves(s):
        for index, name in enumerate("abc"):
            if s[index] < 5:
                yield toys.Act(name, "Go"), (*s[:index], s[index] + 1, *s[index + 1 :])

    system = toys.toy((0, 0, 0), moves)
    strategy = Staleness(system)
    strategy.begin(rng_of("window"), Scale(100, 1))
    strategy._frozen, strategy._left = "b", 1_000
    state, acted = system.init(), []
    while enabled := system.enabled(state):
        action = enabled[strategy.choose(state, enabled)]
        acted.append(action.actor)
        state = system.step(state, action)
    assert acted[10:] == ["b"] * 5


def test_weighted_gives_all_actions_of_a_class_one_weight_for_a_whole_run():
    system = toys.binding(3)
    strategy = Weighted(system)
    strategy.begin(rng_of("weights"), Scale(100, 1))
    strategy.choose(system.init(), system.enabled(system.init()))
    assert len({strategy._weight[action] for action in system.enabled(system.init())}) == 1


def two_faults() -> AnySystem:
    """A counter that two kinds of faults may strike at any time."""

    def moves(s):
        yield toys.Act("counter", "Count"), s + 1
        yield toys.Act("fault", "Crash"), s
        yield toys.Act("fault", "Lose"), s

    class Classes(Touching):
        def fault_class(self, action):
            return action.verb if action.actor == "fault" else ""

    footprint = Footprint(("counter",), ("counter",))
    return Classes(toys.toy(0, moves), Count=footprint, Crash=footprint, Lose=footprint)


def test_swarm_leaves_fault_classes_out_of_whole_runs():
    system = two_faults()
    strategy, struck = Swarm(system), set()
    for run in range(40):
        strategy.begin(rng_of("swarm", run), Scale(200, 1))
        actions = [system.enabled(0)[strategy.choose(0, system.enabled(0))] for _ in range(200)]
        struck.add(frozenset(map(system.fault_class, actions)) - {""})
    assert struck == {
        frozenset(),
        frozenset({"Crash"}),
        frozenset({"Lose"}),
        frozenset({"Crash", "Lose"}),
    }


def path_of(strategy, system, length: int) -> list[str]:
    state, taken = system.init(), []
    for _ in range(length):
        enabled = system.enabled(state)
        if not enabled:
            break
        action = enabled[strategy.choose(state, enabled)]
        taken.append(str(action))
        state = system.step(state, action)
    return taken


def test_guided_replays_what_it_is_given_and_skips_what_is_disabled():
    system = lock(3)
    turns = [toys.Act(RIGHT[level], "Turn", str(level)) for level in range(3)]
    strategy = Guided(system)
    strategy.begin(rng_of("replay"), Scale(10, 1))
    strategy._plan = [turns[2], toys.Act("L", "Turn", "9"), turns[1], turns[0]]
    assert path_of(strategy, system, 3) == [str(turn) for turn in turns]


def test_guided_goes_another_way_where_nothing_of_its_record_is_enabled():
    system = lock(3)
    strategy = Guided(system)
    strategy.begin(rng_of("lost"), Scale(10, 1))
    strategy._plan = [toys.Act("L", "Turn", "9")] * 1_000
    assert len(path_of(strategy, system, 1)) == 1
    assert strategy._plan == []


def test_guided_takes_the_steps_towards_an_action_that_spans_several():
    """The system resolves a jump to 3, which it never lists, as what it is: three steps."""

    class Spanning(Touching):
        def resolve(self, state, action):
            return action if state < int(action.target) else None

    def moves(s):
        yield toys.Act("cursor", "Sync", str(s + 1)), s + 1
        yield toys.Act("other", "Go"), s

    system = Spanning(toys.toy(0, moves))
    strategy = Guided(system)
    strategy.begin(rng_of("span"), Scale(10, 1))
    strategy._plan = [toys.Act("cursor", "Sync", "3")]
    assert path_of(strategy, system, 3) == [f"Sync(cursor, {n})" for n in (1, 2, 3)]
    assert strategy._plan == []


def test_race_is_where_one_writes_what_both_touch():
    reads, writes = Footprint(("a",), ("b",)), Footprint((), ("a",))
    assert races(reads, writes) and races(writes, reads) and races(writes, writes)
    assert not races(reads, Footprint(("a",), ("c",)))


def test_orders_are_those_of_conflicting_actions_without_their_versions():
    system = stale_cache()
    write, read, act = (
        toys.Act(actor, verb)
        for actor, verb in (("writer", "Write"), ("reader", "Read"), ("actor", "Act"))
    )
    orders = Orders(system)
    assert len(orders.of([write, read])) == 1
    assert orders.of([write, read]) != orders.of([read, write])
    assert not orders.of([write, act])
    versioned = Orders(Touching(toys.stale_cache(), Write=Footprint((), ("store",))))
    first, second, third = (toys.Act("writer", "Write", f"pods/a@{n}") for n in (1, 2, 3))
    assert versioned.of([first, second]) == versioned.of([second, third]) == frozenset()


@pytest.mark.parametrize("mutation", ["delay", "swap"])
def test_guided_changes_the_order_of_a_schedule_and_loses_nothing(mutation):
    schedule = [toys.Act("reader", "Read"), toys.Act("actor", "Act")]
    schedule += [toys.Act("writer", "Write", str(number)) for number in range(10)]
    strategy, made = Guided(stale_cache()), set()
    for number in range(50):
        plan = list(schedule)
        getattr(strategy, f"_{mutation}")(plan, rng_of(mutation, number))
        assert sorted(plan) == sorted(schedule)
        writes = [action for action in plan if action.verb == "Write"]
        made.add(tuple(plan))
        if mutation == "delay":
            assert writes == schedule[2:]
    assert len(made) > 5


def test_guided_swaps_only_with_what_conflicts():
    strategy = Guided(stale_cache())
    write, act = toys.Act("writer", "Write"), toys.Act("actor", "Act")
    for number in range(20):
        plan = [write, act]
        strategy._swap(plan, rng_of("swap", number))
        assert plan == [write, act]


def test_guided_cuts_a_schedule_after_its_first_action_at_the_earliest():
    strategy, lengths = Guided(stale_cache()), set()
    for number in range(200):
        plan = [toys.Act("writer", "Write", str(n)) for n in range(8)]
        strategy._cut(plan, rng_of("cut", number))
        assert plan == [toys.Act("writer", "Write", str(n)) for n in range(len(plan))]
        lengths.add(len(plan))
    assert lengths == set(range(1, 8))


def test_guided_lets_the_environment_act_where_its_schedule_has_a_place_for_it():
    system = toys.service()
    strategy = Guided(system)
    plan = [toys.Act("server", "Serve")]
    strategy._insert(plan, rng_of("insert"))
    strategy.begin(rng_of("place"), Scale(10, 1))
    strategy._plan = plan[::-1]
    enabled = system.enabled(system.init())
    index = strategy.choose(system.init(), enabled)
    assert system.kind_of(enabled[index]) != "system" and len(strategy._plan) == 1
