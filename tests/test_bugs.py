"""The zoo: what is listed, when a hunt counts, and that each entry of the real zoo holds."""

import json

import pytest
from click.testing import CliRunner
from toys import suite as tank

from kspec import schema
from kspec import suite as suites
from kspec.cli import main
from kspec.suite import load_suite
from kspec.zoo import hunting
from kspec_properties.bugs import BUGS
from kspec_properties.catalogue import PROPERTIES


@pytest.fixture
def kspec(tmp_path, monkeypatch):
    """Runs a command in an empty folder, on the toy suite."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(suites, "load_suite", lambda name="": tank.SUITE)
    return lambda *arguments: CliRunner().invoke(main, arguments, prog_name="kspec")


def test_the_list_names_each_bug_its_report_and_the_live_limits(kspec):
    shown = kspec("bugs", "list").stdout
    assert "toy-blind" in shown and "https://example.test/1" in shown
    assert "live limit, not fixed upstream: It still gets full." in shown


def test_a_hunt_finds_a_bug_and_writes_a_trace_that_replays(kspec):
    result = kspec("bugs", "hunt", "toy-blind", "--seconds", "5", "--json", "-")
    document = json.loads(result.stdout)
    schema.validate(document, "kspec", "bugs", "hunt")
    (found,) = document["bugs"]
    assert result.exit_code == 0 and found["found"] and found["property"] == "no-overflow"
    assert kspec("replay", found["trace"]).exit_code == 1


def test_a_live_limit_is_found_in_the_faithful_model(kspec):
    result = kspec("bugs", "hunt", "toy-full", "--seconds", "5")
    assert result.exit_code == 0 and "toy-full (live limit)" in result.stdout


def test_a_bug_that_is_not_found_is_said_and_leaves_the_hunt_unfinished(kspec):
    result = kspec("bugs", "hunt", "toy-dull", "--seconds", "0.2")
    assert result.exit_code == 3
    assert "NOT FOUND" in result.stdout and "0 of 1 found" in result.stdout


def test_an_unknown_bug_is_one_line(kspec):
    result = kspec("bugs", "hunt", "toy-blond")
    assert result.exit_code == 2 and "toy-blind" in result.stderr


def test_every_bug_breaks_a_property_of_the_catalogue_in_a_world_that_can_be_built():
    names = {prop.name for prop in PROPERTIES}
    assert len({bug.id for bug in BUGS}) == len(BUGS)
    for bug in load_suite().bugs():
        assert bug.property in names and bug.url.startswith("https://github.com/"), bug.name


@pytest.mark.parametrize("bug", load_suite().bugs(), ids=lambda bug: bug.name)
def test_each_bug_is_found_with_a_short_trace_and_only_with_its_change(bug, tmp_path):
    (caught,) = hunting.hunts(load_suite(), [bug], out=tmp_path)
    assert caught.found, caught.problem
    assert caught.is_short, f"{caught.actions} actions, at most {bug.longest_trace}"
