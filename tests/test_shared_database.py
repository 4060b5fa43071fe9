"""What the shared database of examples promises: found on one machine, replayed on every other."""

from __future__ import annotations

import attrs
import pytest
from hypothesis.database import InMemoryExampleDatabase, MultiplexedDatabase, ReadOnlyDatabase
from toys import suite as toy_suite

from kspec import trace as traces
from kspec.check.failures import Scene
from kspec.check.options import Options
from kspec.check.plan import make_plan
from kspec.distribute.examples import (
    MOST,
    forget,
    key_of,
    open_database,
    recall,
    remember,
    still_failing,
)
from kspec.errors import InputError
from kspec.explore import search

NEVER_FULL = toy_suite.never_full


def scene_of(mutant=None, **settings):
    """The fault-free column of the tank's world, as a machine builds it for itself."""
    options = Options(faults="none", mutant=mutant, properties=("never-full",), **settings)
    plan = make_plan(toy_suite.SUITE, options)
    return Scene.of(toy_suite.SUITE, plan, plan.columns[0])


def trace_of(scene):
    found = search(scene.system, [NEVER_FULL], seed=0, steps=2_000, stop_at_first=True)
    violation = found.violation_of("never-full")
    assert violation is not None
    return traces.record(
        scene.system, violation, world=scene.world, options=scene.options_of(NEVER_FULL)
    )


def test_a_failure_found_on_one_machine_is_replayed_on_another(tmp_path):
    here, there = scene_of(), scene_of()
    trace = trace_of(here)
    remember(open_database(tmp_path / "shared"), key_of(here, NEVER_FULL), trace)

    database = open_database(tmp_path / "shared")
    assert recall(database, key_of(there, NEVER_FULL)) == (trace,)
    (violation,) = still_failing(database, there, NEVER_FULL)
    assert tuple(map(str, violation.actions)) == trace.actions
    assert violation.property == "never-full"


def test_what_no_longer_fails_is_removed(tmp_path):
    scene, database = scene_of(), open_database(tmp_path)
    key, trace = key_of(scene, NEVER_FULL), trace_of(scene)
    remember(database, key, trace)
    cut = attrs.evolve(trace, actions=trace.actions[:1], fingerprints=trace.fingerprints[:1])
    remember(database, key, cut)
    assert len(recall(database, key)) == 2
    assert len(still_failing(database, scene, NEVER_FULL)) == 1
    assert recall(database, key) == (trace,)


def test_another_model_or_property_has_examples_of_its_own():
    scene = scene_of()
    keys = {
        key_of(scene, NEVER_FULL),
        key_of(scene, toy_suite.no_debt),
        key_of(scene_of(mutant="blind"), NEVER_FULL),
        key_of(scene_of(mutant="dull"), NEVER_FULL),
    }
    assert len(keys) == 4
    assert key_of(scene_of(), NEVER_FULL) in keys


def test_only_the_shortest_of_many_examples_are_kept():
    scene, database = scene_of(), InMemoryExampleDatabase()
    key, trace = key_of(scene, NEVER_FULL), trace_of(scene)
    for times in range(MOST + 5, 0, -1):
        actions, marks = trace.actions * times, trace.fingerprints * times
        remember(database, key, attrs.evolve(trace, actions=actions, fingerprints=marks))
    lengths = [len(kept.actions) for kept in recall(database, key)]
    assert lengths == [len(trace.actions) * times for times in range(1, MOST + 1)]


def test_what_another_version_wrote_is_left_alone():
    scene, database = scene_of(), InMemoryExampleDatabase()
    key = key_of(scene, NEVER_FULL)
    database.save(key, b"schema: kspec.dev/trace/v99\n")
    database.save(key, b"\xff\xfe")
    assert recall(database, key) == () and still_failing(database, scene, NEVER_FULL) == ()
    assert len(list(database.fetch(key))) == 2


def test_any_database_of_hypothesis_will_do(tmp_path):
    scene, trace = scene_of(), trace_of(scene_of())
    key, shared = key_of(scene, NEVER_FULL), open_database(tmp_path)
    remember(shared, key, trace)
    both = MultiplexedDatabase(InMemoryExampleDatabase(), ReadOnlyDatabase(shared))
    assert recall(both, key) == (trace,)
    forget(shared, key, trace)
    assert recall(both, key) == ()


def test_a_directory_that_cannot_be_made_is_an_input_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="a directory to write to"):
        open_database(tmp_path / "file" / "shared")
