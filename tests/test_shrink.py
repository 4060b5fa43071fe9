"""What shrinking promises: the same violation in no more actions, deterministically."""

from __future__ import annotations

from itertools import pairwise

import pytest
import toys

from kspec.errors import InputError
from kspec.explore import bfs, search
from kspec.property import invariant
from kspec.replay import Replay, replay_leniently
from kspec.shrink import shrink
from kspec.shrinking.remembering import Remembering
from kspec.shrinking.tried import tried_text
from kspec.suite import Smaller
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


def fewer_machines(machines: int):
    yield Smaller("world", f"machines {machines} -> {machines - 1}", machines - 1)


def build_machines(machines: int):
    if machines < 2:
        raise InputError("too few machines")
    return toys.binding(4, machines=machines)


def shrunk_with_its_world():
    prop = toys.within_capacity()
    system, walks = toys.binding(4, machines=4), (("walk", 1),)
    (found,) = search(system, [prop], seed=3, steps=50_000, strategies=walks).violations
    return shrink(system, prop, found, world=4, shrink_world=fewer_machines, build=build_machines)


def test_shrinking_makes_the_world_smaller_too():
    small = shrunk_with_its_world()
    used = {int(str(action.target).partition("=")[2]) for action in small.violation.actions}
    assert small.world == max(2, *used) < 4 and len(small.violation.actions) == 3
    free = {a.target.partition("=")[2] for a in small.system.enabled(small.system.init())}
    assert free == set(map(str, range(1, small.world + 1)))


def test_shrinking_says_what_each_stage_tried():
    small = shrunk_with_its_world()
    schedule, world = small.tried
    assert (schedule.stage, world.stage) == ("schedule", "world")
    assert schedule.before > schedule.after == len(small.violation.actions) == 3
    assert world.cuts == tuple(f"machines {n} -> {n - 1}" for n in range(4, small.world, -1))
    assert 1 + schedule.replays + world.replays == small.replays
    text = tried_text(small.tried)
    assert f"schedule {schedule.before} -> 3 actions" in text and "machines 4 -> 3" in text


def test_shrinking_tries_a_cut_that_fails_once_in_a_pass():
    asked = []

    def smaller(pods: int):
        for n in (3, 4):
            yield Smaller("world", f"cut {n}", n)

    def build(pods: int):
        asked.append(pods)
        raise InputError("no such world")

    prop, found = long_violation(pods=5)
    small = shrink(toys.binding(5), prop, found, world=5, shrink_world=smaller, build=build)
    assert asked == [3, 4] and small.world == 5 and small.is_minimal


def test_shrunk_actions_of_one_actor_stand_together_where_that_is_possible():
    system = toys.binding(4)
    prop, found = long_violation(seed=3)
    small = shrink(system, prop, found).violation
    actors = [system.actor(action) for action in small.actions]
    changes = sum(a != b for a, b in pairwise(actors))
    assert changes <= len(set(actors))


def test_remembered_steps_cost_nothing_and_lead_to_the_same_states():
    system = toys.binding(4)
    _, found = long_violation()
    remembering = Remembering(system)
    remembering.remember(found.actions)
    taken = remembering.stepped
    assert taken == len(found.actions)
    plain, state = system.init(), remembering.init()
    for action in found.actions:
        assert remembering.resolve(state, action) == action
        plain, state = system.step(plain, action), remembering.step(state, action)
        assert state == plain
    assert remembering.stepped == taken
    remembering.remember((*found.actions[:-1],))
    assert remembering.stepped == taken


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
