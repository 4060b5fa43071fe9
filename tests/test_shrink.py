"""What shrinking promises: the same violation in no more actions, deterministically."""

from __future__ import annotations

import pytest
import toys

from kspec.errors import InputError
from kspec.explore import bfs, search
from kspec.property import invariant
from kspec.replay import Replay, replay_leniently
from kspec.shrink import shrink
from kspec.trace import record


def long_violation(pods: int = 4, seed: int = 1):
    prop = toys.within_capacity()
    walks = (("walk", 1),)
    (found,) = search(
        toys.binding(pods), [prop], seed=seed, steps=50_000, strategies=walks
    ).violations
    return prop, found


@pytest.mark.parametrize("seed", range(5))
def test_shrunk_violation_is_as_short_as_the_shortest(seed):
    prop, found = long_violation(seed=seed)
    small = shrink(toys.binding(4), prop, found)
    (shortest,) = bfs(toys.binding(4), [prop]).violations
    assert small.is_minimal and len(small.violation.actions) == len(shortest.actions)


def test_shrunk_violation_cannot_lose_any_action():
    system = toys.die_hard()
    prop = toys.not_four_litres
    (found,) = search(system, [prop], seed=2, steps=50_000).violations
    small = shrink(system, prop, found).violation
    for index in range(len(small.actions)):
        fewer = small.actions[:index] + small.actions[index + 1 :]
        again = replay_leniently(system, prop, fewer, small)
        assert again is None or len(again.actions) >= len(small.actions)


def test_shrinking_is_deterministic_and_counts_its_replays():
    prop, found = long_violation()
    one, two = (shrink(toys.binding(4), prop, found) for _ in range(2))
    assert (one.violation, one.replays) == (two.violation, two.replays)
    assert 0 < one.replays < 200


def test_shrinking_stops_at_its_budget_with_the_best_so_far():
    prop, found = long_violation()
    small = shrink(toys.binding(4), prop, found, budget=2)
    assert small.replays == 2 and not small.is_minimal
    assert len(small.violation.actions) <= len(found.actions)


def test_shrinking_gives_back_what_it_cannot_reproduce():
    prop, found = long_violation()
    small = shrink(toys.binding(4, schedulers=1, capacity=9), prop, found)
    assert small.violation == found and not small.is_minimal


def test_shrinking_of_liveness_keeps_the_fair_suffix():
    system, prop = toys.service(heals=False), toys.submitted_leads_to_served
    (found,) = search(system, [prop], seed=1, steps=3_000).violations
    small = shrink(system, prop, found).violation
    assert [str(action) for action in small.actions] == ["Crash(fault)"]
    assert small.suffix is not None and small.suffix.actions > 0


def test_shrinking_makes_the_world_smaller_too():
    prop, found = long_violation(pods=5)

    def build(pods: int):
        if pods < 2:
            raise InputError("too few pods")
        return toys.binding(pods)

    small = shrink(
        toys.binding(5), prop, found, world=5, shrink_world=lambda pods: [pods - 1], build=build
    )
    assert small.world == len(small.system.init().bound)
    assert small.world <= 5 and len(small.violation.actions) == 3


class Spanning:
    """A writer of versions and a reader; one recorded sync may stand for several."""

    def __init__(self) -> None:
        syncs = tuple(toys.Act("reader", "Sync", str(version)) for version in range(1, 6))
        actions = (toys.Act("writer", "Write"), *syncs)
        self._toy = toys.toy((0, 0), self.moves, actions=actions)

    def __getattr__(self, name: str):
        return getattr(self._toy, name)

    def moves(self, s):
        version, seen = s
        if version < 5:
            yield toys.Act("writer", "Write"), (version + 1, seen)
        if seen < version:
            yield toys.Act("reader", "Sync", str(seen + 1)), (version, seen + 1)

    def resolve(self, state, action):
        if action.verb == "Sync":
            return action if state[1] < int(action.target) <= state[0] else None
        return self._toy.resolve(state, action)

    def step(self, state, action):
        if action.verb == "Sync":
            return state[0], int(action.target)
        return self._toy.step(state, action)


@invariant(source="a toy")
def never_up_to_date(s) -> bool:
    """The reader never sees the third version. False."""
    return s[1] < 3


def test_shrinking_merges_deliveries_that_span_and_the_trace_replays():
    system = Spanning()
    (found,) = search(system, [never_up_to_date], seed=1, steps=500).violations
    assert sum(action.verb == "Sync" for action in found.actions) == 3
    small = shrink(system, never_up_to_date, found).violation
    assert [str(a) for a in small.actions] == ["Write(writer)"] * 3 + ["Sync(reader, 3)"]
    again = Replay(system, never_up_to_date, record(system, small), strict=True)
    assert again.outcome.is_reproduced
