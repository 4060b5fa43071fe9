"""What random search on worker processes promises: the same report, and nothing lost."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import attrs
import pytest
from worker_toys import Endless, Mortal, Toy, Unbuildable

from kspec.distribute.crew import Crew
from kspec.distribute.executor import CrewExecutor
from kspec.distribute.places import on_workers
from kspec.distribute.recipe import SceneRecipe
from kspec.errors import InputError, KspecError
from kspec.explore import search
from kspec.explore.task import RunTask
from kspec.suite import Parts, load_suite

BINDING = Toy("binding", (4,))
TOYS = (
    Toy("two_phase_commit", (3,), ("consistent", "all_commit", "someone_dances")),
    Toy("service", (), ("submitted_leads_to_served",)),
    Toy("stale_cache", (), ("acts_on_fresh",)),
    Toy("livelock", (), ("gets_on", "gets_to_four")),
)


@pytest.fixture(scope="module")
def crews():
    found = {count: Crew(count) for count in (1, 2, 3)}
    yield found
    for crew in found.values():
        crew.close()


def alone(recipe, **options):
    built = recipe()
    return search(built.system, built.properties, **options)


def shared(recipe, crew, **options):
    built = recipe()
    executor = CrewExecutor(crew, recipe)
    return search(built.system, built.properties, executor=executor, **options)


def has_ended(process, seconds=60):
    """Wait until a process that need not be a child has ended."""
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], seconds)[0])
    finally:
        os.close(handle)


@pytest.mark.parametrize("recipe", TOYS, ids=lambda recipe: recipe.name)
def test_workers_report_the_same_however_many_they_are(crews, recipe):
    expected = alone(recipe, seed=7, steps=3_000)
    assert expected.steps
    for crew in crews.values():
        assert shared(recipe, crew, seed=7, steps=3_000) == expected


def test_workers_report_the_same_of_a_kubernetes_world(crews):
    suite = load_suite()
    names = tuple(prop.name for prop in suite.properties() if not prop.known_false)
    recipe = SceneRecipe(
        suite=suite.name, world=suite.bench_world(2, 3), parts=Parts(), properties=names
    )
    expected = alone(recipe, seed=1, steps=2_000)
    assert expected.states > 500
    for crew in crews.values():
        assert shared(recipe, crew, seed=1, steps=2_000) == expected


def test_a_place_serves_one_search_after_another():
    with on_workers(2) as place:
        for recipe in TOYS:
            built = recipe()
            executor, ahead = place.executor(recipe), place.ahead
            found = search(
                built.system, built.properties, seed=7, steps=500, executor=executor, ahead=ahead
            )
            assert found == alone(recipe, seed=7, steps=500)


def test_a_recipe_brings_the_properties_of_the_user(crews):
    recipe = SceneRecipe(
        suite="kubernetes",
        world=load_suite().bench_world(1, 1),
        parts=Parts(),
        properties=("below-five",),
        references={"below-five": "worker_toys:below_five"},
    )
    found = shared(recipe, crews[2], seed=1, steps=200)
    assert found.properties == {"below-five"} and found.steps >= 200


def test_a_worker_that_dies_is_replaced_and_its_run_done_again(tmp_path):
    fuse = tmp_path / "fuse"
    recipe = Mortal(str(fuse))
    expected = alone(recipe, seed=5, steps=3_000)
    fuse.touch()
    with Crew(2) as crew:
        assert shared(recipe, crew, seed=5, steps=3_000) == expected
        assert not fuse.exists() and max(crew.members) == 3


def test_a_run_that_kills_three_workers_is_one_clear_error(tmp_path):
    fuse = tmp_path / "fuse"
    fuse.touch()
    recipe = Mortal(str(fuse), once=False)
    built = recipe()
    with Crew(1) as crew, pytest.raises(KspecError, match=r"seed 5\) ended its worker 3 times"):
        search(
            built.system, built.properties, seed=5, steps=99, executor=CrewExecutor(crew, recipe)
        )


def test_an_error_that_cannot_be_sent_arrives_with_its_type_and_text():
    with Crew(1) as crew:
        executor = CrewExecutor(crew, Unbuildable())
        executor.submit(RunTask(0, 0, 0, "fifo", 0, 1, 10, ()))
        with pytest.raises(KspecError, match="Local: no system"):
            executor.next()


def test_an_error_of_the_model_is_that_of_the_serial_search(crews):
    recipe = Toy("die_hard", (), ("consistent",))
    with pytest.raises(AttributeError, match="managers"):
        alone(recipe, seed=0, steps=10)
    with pytest.raises(AttributeError, match="managers"):
        shared(recipe, crews[2], seed=0, steps=10)


def test_a_recipe_that_cannot_be_sent_is_an_input_error(crews):
    with pytest.raises(InputError, match="a module's name leads to"):
        crews[1].use(lambda: None)


def test_fewer_than_one_worker_are_an_input_error():
    with pytest.raises(InputError, match="0 workers"):
        Crew(0)


def test_an_interrupted_search_keeps_what_it_had(crews):
    expected = alone(BINDING, seed=2, steps=50_000)

    def interrupt(steps, states, runs):
        if steps > 2_000:
            raise KeyboardInterrupt

    found = shared(BINDING, crews[2], seed=2, steps=50_000, on_progress=interrupt)
    assert found.interrupted and 2_000 < found.steps < expected.steps
    again = shared(BINDING, crews[2], seed=2, steps=3_000)
    assert again == alone(BINDING, seed=2, steps=3_000)


def test_what_a_run_that_is_cut_short_had_found_is_handed_in(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with Crew(1) as crew:
        executor = CrewExecutor(crew, Endless(str(pipe)))
        names = ("below-five", "small-number")
        for run in range(3):
            executor.submit(RunTask(0, 1, run, "walk", 1 << 60, 1, 10, names))
        assert pipe.read_text() == "ten"
        (outcome,) = executor.discard(interrupted=True)
        assert outcome.interrupted and outcome.steps >= 10
        assert [violation.property for violation in outcome.violations] == ["below-five"]


def test_runs_that_are_dropped_do_not_show_in_the_next_search(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with Crew(1) as crew:
        executor = CrewExecutor(crew, Endless(str(pipe)))
        executor.submit(RunTask(0, 1, 0, "walk", 1 << 60, 1, 10, ("small-number",)))
        assert pipe.read_text() == "ten"
        assert executor.discard() == ()
        assert shared(TOYS[0], crew, seed=7, steps=300) == alone(TOYS[0], seed=7, steps=300)


def test_no_worker_is_left_when_the_crew_is_left(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with Crew(2) as crew:
        executor = CrewExecutor(crew, Endless(str(pipe)))
        executor.submit(RunTask(0, 1, 0, "walk", 1 << 60, 1, 10, ("small-number",)))
        assert pipe.read_text() == "ten"
        processes = [crew.process_of(member) for member in crew.members]
    for process in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


DRIVER = """
import sys
from worker_toys import Endless
from kspec.distribute.crew import Crew
from kspec.distribute.executor import CrewExecutor
from kspec.explore import search

recipe = Endless(sys.argv[1])
built = recipe()
with Crew(2) as crew:
    executor = CrewExecutor(crew, recipe)
    print(*map(crew.process_of, crew.members), flush=True)
    found = search(
        built.system, built.properties, seed=0, steps=1 << 60, strategies=(("walk", 1),),
        executor=executor,
    )
    print(found.interrupted, [violation.property for violation in found.violations])
"""


@pytest.fixture
def driver(tmp_path):
    """A driver in a process of its own, and its two workers in the middle of their runs."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    here = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(pipe)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": here},
    )
    with process:
        workers = [int(word) for word in process.stdout.readline().split()]
        assert len(workers) == 2 and pipe.read_text().startswith("ten")
        yield process, workers
        process.kill()


def test_an_interrupted_driver_reports_and_leaves_no_worker(driver):
    process, workers = driver
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (out.split()[0], process.returncode, err) == ("True", 0, "")
    assert "below-five" in out
    assert all(map(has_ended, workers))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_when_their_driver_is_killed(driver, how):
    process, workers = driver
    process.send_signal(how)
    assert all(map(has_ended, workers))


def test_the_wire_keeps_every_field_of_an_outcome(crews):
    built = TOYS[0]()
    executor = CrewExecutor(crews[1], TOYS[0])
    names = tuple(prop.name for prop in built.properties)
    task = RunTask(3, 1, 0, "pct", 40, 5, 100, names, with_orders=True)
    from kspec.explore.performer import Performer

    executor.submit(task)
    found, expected = executor.next(), Performer(*built[:2]).perform(task)
    assert attrs.asdict(found, recurse=False) == attrs.asdict(expected, recurse=False)
    assert found.schedule and found.states


def test_an_interruption_while_answers_are_read_does_not_lose_them(crews, monkeypatch):
    crew = crews[1]
    crew.use(BINDING)
    number = crew.ask(*crew.members, "perform", RunTask(0, 0, 0, "fifo", 0, 1, 10, ()))
    receive = crew._receive

    def interrupted(member):
        signal.raise_signal(signal.SIGINT)
        return receive(member)

    monkeypatch.setattr(crew, "_receive", interrupted)
    with pytest.raises(KeyboardInterrupt):
        crew.wait(60)
    monkeypatch.undo()
    assert [event.number for event in crew.wait(60)] == [number]
