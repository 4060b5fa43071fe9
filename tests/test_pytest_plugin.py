"""The pytest plugin in a user's own project: silent until asked, then items, traces, reasons."""

from __future__ import annotations

import re
import sys

import pytest

import kspec.cli.replay
import kspec.report  # noqa: F401  (pytester forgets modules that only it imported)
import kspec_properties.suite  # noqa: F401
from kspec import trace as traces
from kspec.check import explore_plan

MINE = '''
from kspec.property import invariant, leads_to, sometimes

@invariant(source="mine")
def nothing_is_written(s):
    """Nothing is ever written."""
    return not s.written

@invariant(source="mine")
def all_is_well(s):
    """All is well."""
    return True

@invariant(source="mine", companion="pigs-fly")
def no_pig_crashes(s):
    """No pig crashes."""
    return True

never_asked = leads_to(
    "never-asked", promise="What is asked is done.", source="mine",
    when=lambda s: False, then=lambda s: True,
)
'''
WORLD = """
apiVersion: v1
kind: Pod
metadata: {name: one}
spec: {containers: [{name: app, image: app:1}]}
"""
POLICY = """
from kspec_models.scheduler.policies.first_fit import first_fit
mine = first_fit()
"""


@pytest.fixture
def project(pytester):
    """A project with a world of one pod, a property module and one test of its own."""
    pytester.makepyfile(mine=MINE, test_own="def test_own(): pass")
    pytester.makefile(".yaml", world=WORLD)
    return pytester


def with_ini(project, **settings):
    given = {"world": "world.yaml", "steps": 500, "faults": "none", **settings}
    lines = [f"kspec_{name} = {value}" for name, value in given.items() if value is not None]
    project.makeini("\n".join(("[pytest]", *lines)))
    return project


def run(project, *args):
    return project.runpytest_inprocess("-p", "no:xdist", "-p", "no:cacheprovider", *args)


def test_a_project_that_does_not_ask_sees_nothing(project):
    result = run(project, "-v")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*kspec::*")
    result.stdout.no_fnmatch_line("kspec: *")


def test_a_project_that_does_not_ask_pays_for_nothing(project):
    """The plugin that every pytest loads imports neither the engine nor what the engine needs."""
    heavy = "{'attr', 'hypothesis', 'yaml', 'rich', 'kspec.suite', 'kspec.explore', 'z3'}"
    project.makepyfile(
        test_own=f"import sys\ndef test_own(): assert not {heavy} & set(sys.modules)"
    )
    plugins = ("-p", "no:hypothesispytest", "-p", "no:anyio", "-p", "no:xdist")
    project.runpytest_subprocess(*plugins).assert_outcomes(passed=1)


def test_the_option_makes_an_item_of_every_property(project):
    result = run(project, "--kspec", "--kspec-steps", "50", "--collect-only", "-q")
    result.stdout.fnmatch_lines(
        [
            "test_own.py::test_own",
            "kspec::no-over-committed-binding?none?",
            "kspec::no-over-committed-binding?crash?",
        ]
    )


def test_an_ini_setting_alone_asks_for_items(project):
    result = run(with_ini(project), "-v")
    result.stdout.fnmatch_lines(
        ["kspec: world.yaml, seed 0, 500 steps", "kspec::eventual-binding?none? PASSED*"]
    )
    assert result.ret == 0


def test_an_empty_ini_setting_means_the_built_in_world(project):
    result = run(with_ini(project, world=""), "--collect-only", "-q")
    result.stdout.fnmatch_lines(["kspec::eventual-binding?none?"])


def test_naming_a_file_runs_that_file_alone_unless_the_option_is_given(project):
    run(with_ini(project), "test_own.py").assert_outcomes(passed=1)
    result = run(project, "test_own.py", "--kspec", "-k", "eventual-binding or own")
    assert result.parseoutcomes()["passed"] == 2


def test_an_item_is_named_on_the_command_line_like_any_other(project):
    result = run(with_ini(project), "kspec::eventual-binding[none]", "-v")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["kspec::eventual-binding?none? PASSED*"])
    assert run(project, "kspec::nonsense[none]").ret == pytest.ExitCode.USAGE_ERROR


def test_a_failure_shows_witness_and_steps_and_the_line_that_replays_it(project):
    result = run(with_ini(project, properties="mine:nothing_is_written"), "-k", "nothing-is-writ")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*nothing-is-written?none?*",
            "FAILS: nothing-is-written (faults: none)",
            "  promise: Nothing is ever written.",
            "    1. *(*)",
            "  replay:  kspec replay *kspec-out*nothing-is-written-none-0.yaml",
            "FAILED kspec::nothing-is-written?none? - FAILS: nothing-is-written*",
        ]
    )
    path = re.search(r"kspec replay (\S+)", result.stdout.str())[1]
    assert len(traces.read(path).actions) == 1


def test_properties_of_the_user_stand_beside_the_known_ones(project):
    own = run(with_ini(project, properties="mine:all_is_well"), "--collect-only", "-q")
    own.stdout.fnmatch_lines(["kspec::eventual-binding?none?", "kspec::all-is-well?none?"])
    chosen = run(with_ini(project, properties="mine:all_is_well eventual-binding"), "-v")
    chosen.assert_outcomes(passed=3)


def test_a_vacuous_property_is_skipped_and_never_passes(project):
    names = "mine:no_pig_crashes mine:never_asked eventual-binding"
    result = run(with_ini(project, properties=names), "-rs")
    result.assert_outcomes(passed=2, skipped=2)
    result.stdout.fnmatch_lines(["*Vacuous: its companion pigs-fly was not *"])
    result.stdout.fnmatch_lines(["*Vacuous: its antecedent never held*"])


def test_what_is_not_promised_is_skipped_with_the_reason(project):
    settings = {"faults": None, "properties": "mine:all_is_well eventual-binding"}
    result = run(with_ini(project, **settings), "-rs", "-k", "all-is-well")
    assert result.parseoutcomes()["passed"] == 1
    result.stdout.fnmatch_lines(["*NotPromised: not promised under crash"])


def test_one_exploration_serves_all_items_of_a_column(project, monkeypatch):
    columns = []

    def counted(suite, plan, options):
        columns.extend(column.name for column in plan.columns)
        return explore_plan(suite, plan, options)

    monkeypatch.setattr("kspec.check.explore_plan", counted)
    result = run(with_ini(project, faults="all"), "-k", "binding")
    assert result.parseoutcomes()["passed"] > 9
    assert len(columns) == len(set(columns)) == 11


def test_seed_and_policy_reach_the_trace(project):
    project.makepyfile(policies=POLICY)
    settings = with_ini(project, properties="mine:nothing_is_written", out="found")
    options = ("--kspec-seed", "7", "--kspec-policy", "policies:mine", "-k", "nothing-is-written")
    run(settings, *options).assert_outcomes(failed=1)
    trace = traces.read(project.path / "found" / "nothing-is-written-none-7.yaml")
    assert trace.seed == 7 and trace.options["policy"] == "policies:mine"
    assert trace.options["property"] == "mine:nothing_is_written"


@pytest.mark.parametrize(
    ("settings", "args", "what"),
    [
        ({"world": "nowhere.yaml"}, (), "*nowhere.yaml: cannot be read*"),
        ({"properties": "mine:nowhere"}, (), "*mine:nowhere cannot be loaded*"),
        ({"properties": "nonsense"}, (), "*no property is called 'nonsense'*"),
        ({"faults": "flood"}, (), "*no fault class is called 'flood'*"),
        ({"steps": "many"}, (), "*steps are 'many'*"),
        ({"controllers": "mine:nowhere"}, (), "*mine:nowhere*"),
        ({}, ("--kspec-policy", "nowhere:Policy"), "*nowhere:Policy*"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_an_error_of_usage(project, settings, args, what):
    result = run(with_ini(project, **settings), *args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.stderr.lines if line.strip()]
    assert line.startswith("ERROR: kspec: ")
    result.stderr.fnmatch_lines([what])


@pytest.fixture
def trace(project):
    """A project with the trace of its broken property."""
    run(with_ini(project, properties="mine:nothing_is_written"), "-k", "nothing-is-written")
    (path,) = (project.path / "kspec-out").iterdir()
    return path


def test_a_trace_is_an_item_that_fails_until_it_is_fixed(project, trace):
    result = run(project, "--kspec-replay", str(trace), "-k", "replay")
    result.assert_outcomes(failed=1, deselected=1)
    result.stdout.fnmatch_lines(
        [
            "nothing-is-written is still violated*",
            "*this test passes once the trace no longer ends in a violation",
            f"*kspec replay {trace}",
        ]
    )


def test_a_trace_whose_violation_is_gone_passes(project, trace):
    project.makepyfile(mine=MINE.replace("not s.written", "True"))
    sys.modules.pop("mine", None)
    result = run(project, "--kspec-replay", str(trace), "-v")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines([f"kspec::replay?{trace.name}? PASSED*"])


def test_a_trace_that_is_none_fails_in_one_line(project, trace):
    trace.write_text(trace.read_text()[:400])
    result = run(project, "--kspec-replay", str(trace))
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines([f"{trace}: *expected a kspec trace*"])


def test_workers_of_xdist_run_the_same_items(project):
    pytest.importorskip("xdist")
    settings = with_ini(project, properties="mine:nothing_is_written eventual-binding")
    args = ("-n", "2", "--dist", "loadgroup", "-p", "no:cacheprovider")
    settings.runpytest_subprocess(*args).assert_outcomes(passed=2, failed=1)
    result = settings.runpytest_subprocess("-n", "2", "--kspec-steps", "0")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
