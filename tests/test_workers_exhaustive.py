"""What exhaustive search on worker processes promises: the counts and traces of the serial one."""

from __future__ import annotations

import os
import signal
from functools import partial

import attrs
import numpy as np
import pytest
import toys
from worker_toys import Mortal, Toy

from kspec.distribute.bfs import fleet_bfs
from kspec.distribute.crew import Crew
from kspec.distribute.fleet import CrewFleet
from kspec.distribute.places import on_workers
from kspec.distribute.recipe import SceneRecipe
from kspec.distribute.shard import Shard
from kspec.errors import KspecError
from kspec.explore import bfs, judge
from kspec.property import LIVENESS
from kspec.result import Answer
from kspec.suite import Parts, load_suite

BINDING = Toy("binding", (3,))
TOYS = (
    BINDING,
    Toy("two_phase_commit", (3,), ("consistent", "all_commit", "someone_dances")),
    Toy("die_hard", (), ("not_four_litres",)),
    Toy("peterson", (), ("mutual_exclusion",)),
    Toy("service", (), ("submitted_leads_to_served",)),
    Toy("dropping_worker", (), ("asked_leads_to_done",)),
)


@pytest.fixture(scope="module")
def crews():
    found = {count: Crew(count) for count in (1, 2, 3)}
    yield found
    for crew in found.values():
        crew.close()


def alone(recipe, **options):
    built = recipe()
    return plain(bfs(built.system, built.properties, **options))


def shared(recipe, crew, **options):
    return plain(shared_whole(recipe, crew, **options))


def shared_whole(recipe, crew, **options):
    return fleet_bfs(partial(CrewFleet, crew), recipe, **options)


def plain(exploration):
    """Without what the storage took, and why liveness is not decided: these are not the same."""
    return attrs.evolve(exploration, memory=None, unfinished={})


@pytest.mark.parametrize("recipe", TOYS, ids=lambda recipe: recipe.name)
def test_workers_exhaust_as_one_process_does(crews, recipe, tmp_path):
    """A checkpoint keeps the graph from being searched for fair cycles, as workers do not."""
    expected = alone(recipe, checkpoint=tmp_path)
    for crew in crews.values():
        found = shared(recipe, crew)
        if expected.exhausted:
            assert found == expected
        assert found.violations == expected.violations
        assert found.witnessed == expected.witnessed


@pytest.mark.parametrize("pods", [2, 3])
def test_workers_count_thirteen_states_per_pod(crews, pods):
    recipe = Toy("binding", (pods,))
    found = shared(recipe, crews[2])
    assert found.exhausted
    assert (found.states, found.transitions) == toys.brute_force(recipe().system)
    assert found.states == 13**pods


@pytest.mark.parametrize(
    "options",
    [{"max_states": 500}, {"max_depth": 4}, {"stop_at_first": True}, {"faults": 0}, {"delays": 1}],
    ids=lambda options: next(iter(options)),
)
def test_bounds_and_limits_are_the_same_however_many_workers_there_are(crews, options):
    recipe = Toy("binding", (3,), ("within_capacity",))
    one, two, three = (shared(recipe, crew, **options) for crew in crews.values())
    assert one == two == three
    expected = alone(recipe, **options)
    assert (one.bound, one.violations) == (expected.bound, expected.violations)


def test_a_limit_of_states_is_met_exactly(crews):
    found = shared(BINDING, crews[2], max_states=500)
    assert found.states == 500 and "limit of 500 states" in found.limit


def test_workers_exhaust_a_kubernetes_world_as_one_process_does(crews):
    suite = load_suite()
    names = tuple(p.name for p in suite.properties() if p.kind not in LIVENESS)
    world = suite.with_granularity(suite.bench_world(1, 1), "reconcile")
    recipe = SceneRecipe(suite=suite.name, world=world, parts=Parts(), properties=names)
    expected = alone(recipe, max_depth=4)
    assert expected.states > 300
    for crew in crews.values():
        assert shared(recipe, crew, max_depth=4) == expected


class Killing:
    """Kills the oldest worker each time that the search has got one of so many levels deeper."""

    def __init__(self, crew, depths):
        self.crew, self.depths = crew, set(depths)

    def __call__(self, transitions, states, depth):
        if depth in self.depths:
            self.depths.discard(depth)
            os.kill(self.crew.process_of(self.crew.members[0]), signal.SIGKILL)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_counts_and_traces_are_exact_although_workers_are_killed(count):
    recipe = Toy("two_phase_commit", (3,), ("consistent", "all_commit", "someone_dances"))
    expected = alone(recipe)
    assert (expected.states, expected.exhausted) == (288, True)
    with Crew(count) as crew:
        found = shared(recipe, crew, on_progress=Killing(crew, [2, 4, 5, 7]))
        assert found == expected
        assert max(crew.members) == count + 4


def test_a_worker_that_dies_within_a_level_is_replaced_and_its_states_done_again(tmp_path):
    fuse = tmp_path / "fuse"
    recipe = Mortal(str(fuse))
    expected = alone(recipe)
    assert (expected.states, expected.transitions) == (1_296, 5_184)
    fuse.touch()
    with Crew(2) as crew:
        assert shared(recipe, crew) == expected
        assert not fuse.exists()


def test_states_that_kill_three_workers_are_one_clear_error(tmp_path):
    fuse = tmp_path / "fuse"
    fuse.touch()
    with Crew(2) as crew, pytest.raises(KspecError, match="ended its worker 3 times"):
        fleet_bfs(partial(CrewFleet, crew), Mortal(str(fuse), once=False))


def interrupting(at):
    def interrupt(transitions, states, depth):
        if depth == at:
            raise KeyboardInterrupt

    return interrupt


def test_an_interrupted_driver_resumes_from_its_checkpoint(crews, tmp_path):
    stopped = shared(BINDING, crews[2], checkpoint=tmp_path, on_progress=interrupting(5))
    assert stopped.interrupted and 0 < stopped.states < 2_197
    found = shared(BINDING, crews[3], checkpoint=tmp_path)
    assert found == alone(BINDING)


def test_one_process_and_many_resume_from_each_other(crews, tmp_path):
    recipe = Toy("two_phase_commit", (3,), ("consistent", "all_commit"))
    expected = alone(recipe)
    one, many = tmp_path / "one", tmp_path / "many"
    assert alone(recipe, checkpoint=one, on_progress=interrupting(4)).interrupted
    assert shared(recipe, crews[2], checkpoint=one) == expected
    assert shared(recipe, crews[2], checkpoint=many, on_progress=interrupting(4)).interrupted
    assert alone(recipe, checkpoint=many) == expected


def test_time_that_is_out_is_unknown_and_keeps_its_counts(crews):
    asked = iter(range(100))
    found = shared(BINDING, crews[2], is_out_of_time=lambda: next(asked) > 8)
    assert "limit of time" in found.limit and found.states > 1
    found = shared(
        Toy("two_phase_commit", (3,), ("consistent",)), crews[2], is_out_of_time=lambda: True
    )
    assert judge(toys.consistent, found).verdict is Answer.UNKNOWN


def test_visited_states_that_find_no_room_go_to_files(tmp_path):
    with on_workers(2) as place:
        found = fleet_bfs(place.fleet, BINDING, memory=4_000, spill=tmp_path)
    assert plain(found) == alone(BINDING)
    assert found.memory.file_bytes and not list(tmp_path.iterdir())


def test_violations_are_told_when_they_are_found(crews):
    told = []
    recipe = Toy("binding", (3,), ("within_capacity",))
    found = shared(recipe, crews[2], on_violation=told.append)
    assert tuple(told) == found.violations and len(told) == 1


def test_liveness_is_unknown_where_no_quiescent_state_breaks_it(crews):
    found = shared_whole(Toy("livelock", (), ("gets_to_four",)), crews[2])
    result = judge(toys.gets_to_four, found)
    assert result.verdict is Answer.UNKNOWN and "without them" in result.reason


def test_a_shard_gives_each_new_mark_to_the_least_key():
    shard = Shard()

    def numbers(*items):
        return np.array(items, np.uint64).tobytes()

    shard.visit(numbers(7))
    shard.add(numbers(5, 7, 9), numbers(4, 1, 2))
    shard.add(numbers(9, 5), numbers(3, 0))
    shard.add(numbers(9, 5), numbers(3, 0))
    assert shard.winners() == (numbers(5, 9), numbers(0, 2))
    shard.commit()
    assert len(shard) == 3
    shard.add(numbers(5, 6), numbers(0, 1))
    assert shard.winners() == (numbers(6), numbers(1))
