"""What each strategy promises, on toys."""

from __future__ import annotations

import toys

from kspec.explore import search
from kspec.explore.monitor import Monitor
from kspec.explore.runner import Runner
from kspec.explore.strategies.fifo import Fifo
from kspec.explore.strategies.pct import Pct
from kspec.explore.strategies.strategy import Scale, rng_of

PCT, WALK, FIFO = (("pct", 1),), (("walk", 1),), (("fifo", 1),)


def test_fifo_lets_the_actor_go_that_has_waited_longest():
    def moves(s):
        for name in ("a", "b", "c"):
            if len(s) < 7:
                yield toys.Act(name, "Go"), s + name

    fifo, system = Fifo(toys.toy("", moves)), toys.toy("", moves)
    fifo.begin()
    state = system.init()
    while enabled := system.enabled(state):
        state = system.step(state, enabled[fifo.choose(state, enabled)])
    assert state == "abcabca"


def test_fifo_takes_users_after_the_system_then_the_clock_and_never_a_fault():
    system = toys.service()
    runner = Runner(system, Monitor(system, []))
    ending = Fifo(system)
    ending.begin()
    state, taken = system.init(), []
    while (index := ending.choose(state, system.enabled(state))) >= 0:
        taken.append(str(system.enabled(state)[index]))
        state = system.step(state, system.enabled(state)[index])
    assert taken == ["Submit(user)", "Serve(server)", "Advance(clock)", "Advance(clock)"]
    assert state.budget == 1 and not runner.violations


def test_walk_reaches_every_state_of_a_small_system():
    assert search(toys.die_hard(), [], seed=0, steps=100_000, strategies=WALK).states == 16


def test_pct_finds_a_stale_cache_in_far_fewer_runs_than_a_walk():
    def runs(strategies) -> int:
        props = [toys.acts_on_fresh()]
        found = (
            search(toys.stale_cache(), props, seed=seed, steps=60_000, strategies=strategies)
            for seed in range(5)
        )
        return sum(sum(exploration.runs.values()) for exploration in found)

    assert runs(PCT) * 10 < runs(WALK)


def test_pct_runs_one_actor_until_a_change_point():
    """Without a change point the actor of the highest priority is never interrupted."""
    system = toys.two_phase_commit(3)
    strategy = Pct(system)
    rng = rng_of("no change point")
    strategy.begin(rng, Scale(100, 1))
    strategy._changes = set()
    state, actors = system.init(), []
    for _ in range(3):
        enabled = system.enabled(state)
        action = enabled[strategy.choose(state, enabled)]
        if not actors or actors[-1] != action.actor:
            actors.append(action.actor)
        state = system.step(state, action)
    assert len(actors) == len(set(actors))


def test_pct_lowers_an_actor_that_retries_for_ever():
    def moves(s):
        yield toys.Act("retry", "Fail"), s
        yield toys.Act("other", "Fail"), s

    system = toys.toy(0, moves)
    strategy = Pct(system)
    strategy.begin(rng_of("patience"), Scale(500, 1))
    enabled = system.enabled(0)
    assert {strategy.choose(0, enabled) for _ in range(200)} == {0, 1}


def test_pct_counts_a_step_only_where_actors_compete():
    system = toys.livelock()
    strategy = Pct(system)
    runner = Runner(system, Monitor(system, []))
    strategy.begin(rng_of(0), Scale(50, 1))
    runner.walk(strategy, system.init(), 50)
    assert len(runner.actions) == 50
    assert strategy.contested == 0
