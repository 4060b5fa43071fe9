"""What `--coverage` promises: counts of what was exercised, and what never was."""

from __future__ import annotations

import json

import jsonschema
import pytest
import toys
from toys import suite as tank

from kspec import schema
from kspec.check import Options, check
from kspec.coverage import Branches, Recording
from kspec.explore import bfs
from kspec.suite import load_suite


def test_recording_counts_every_action_and_changes_nothing():
    recording = Recording(toys.binding(3))
    assert bfs(recording).transitions == bfs(toys.binding(3)).transitions
    assert sum(recording.taken.values()) == bfs(toys.binding(3)).transitions
    assert recording.never_taken == ()


def test_branches_are_those_taken_inside_the_measured_body():
    branches = Branches(("kspec_models.worlds",))
    suite = load_suite()
    with branches.measuring():
        suite.read_world((), tank.Settings())
    (file,) = [found for found in branches.files() if found.file.endswith("models/worlds.py")]
    assert 0 <= file.covered <= file.branches
    assert "set_image" not in file.never_entered and "service" not in file.never_entered
    assert "bench" in file.never_entered


def test_coverage_of_a_check_names_what_never_happened(tmp_path):
    options = Options(steps=2_000, out=tmp_path, is_coverage=True, faults="pause", seed=3)
    report = check(tank.SUITE, options)
    found = report.exercised
    assert found is not None
    assert found.actions["Pour"] > 0 and found.faults == {"pause": 0}  # this toy has no classes
    assert set(found.held) | set(found.never_held) >= {
        prop.name for prop in tank.SUITE.properties() if prop.kind.value == "leads-to"
    }
    document = json.loads(json.dumps(found.to_json()))
    jsonschema.validate(document, schema.load("kspec", "coverage"))


def test_coverage_without_its_library_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "coverage", None)
    with pytest.raises(Exception, match=r"kspec\[coverage\]"):
        Branches(("kspec_models",))
