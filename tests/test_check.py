"""What `check` promises without a terminal: columns, judging, budgets, and traces that stand."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
from toys import suite as tank

from kspec import schema
from kspec import trace as traces
from kspec.check import Listener, Options, check, explore_plan
from kspec.check.plan import columns_of, make_plan
from kspec.check.searching import Budget, compare
from kspec.errors import InputError
from kspec.explore import Exploration, Nondeterministic
from kspec.replay import Replay
from kspec.result import Answer
from kspec.suite import Parts, Settings

SUITE = tank.SUITE
TWO_PUMPS = Settings(schedulers=2)


@pytest.fixture
def run(tmp_path):
    def run(listener=None, **options):
        given = {"steps": 3_000, "out": tmp_path / "out", **options}
        return check(SUITE, Options(**given), listener)

    return run


def verdicts(report, prop):
    return {r.faults: r.verdict for r in report.results if r.property == prop}


def test_plain_check_judges_where_it_is_promised(run, tmp_path):
    report = run()
    assert verdicts(report, "no-overflow") == {
        "none": Answer.NO_VIOLATION,
        "crash": Answer.NOT_PROMISED,
        "pause": Answer.NO_VIOLATION,
    }
    assert report.exit_status == 0 and not report.failures
    assert not (tmp_path / "out").exists()


def test_all_shows_known_limits_that_do_not_fail_the_check(run):
    report = run(is_all=True)
    limit = report.result("no-overflow", "crash")
    assert limit.verdict is Answer.NOT_PROMISED and limit.known_limit and limit.trace
    false = report.result("never-full", "none")
    assert false.verdict is Answer.FAILS and false.known_limit
    assert report.exit_status == 0


def test_named_faults_are_one_column_where_everything_is_judged(run):
    report = run(faults="crash,pause")
    assert verdicts(report, "no-overflow") == {"crash,pause": Answer.FAILS}
    assert report.exit_status == 1


def test_all_faults_are_a_column_each(run):
    assert set(verdicts(run(faults="all"), "no-overflow")) == {"none", "crash", "pause"}


def test_several_schedulers_are_a_condition(run):
    report = run(settings=TWO_PUMPS)
    assert verdicts(report, "no-overflow") == {"none": Answer.FAILS}
    assert verdicts(report, "no-debt") == {"none": Answer.NO_VIOLATION}
    assert report.exit_status == 1


def test_known_false_counts_only_when_it_is_named(run):
    assert "never-full" not in {r.property for r in run(faults="none").results}
    report = run(properties=("never-full",))
    assert report.result("never-full", "none").verdict is Answer.FAILS
    assert report.exit_status == 1


def test_what_fails_without_faults_fails_in_each_column_with_one_trace(run):
    report = run(settings=TWO_PUMPS, faults="all")
    cells = [r for r in report.results if r.property == "no-overflow"]
    assert {r.verdict for r in cells} == {Answer.FAILS} and len({r.trace for r in cells}) == 1
    assert len(report.failures) == 1


def test_failure_is_small_coarse_and_replays_strictly(run):
    (failure,) = run(settings=TWO_PUMPS).failures
    assert failure.found_after > len(failure.trace.actions) == 4
    assert failure.trace.world["spec"]["granularity"] == "reconcile"
    assert failure.trace.world["spec"]["capacity"] == 1
    assert not failure.problem
    trace = traces.read(failure.path)
    replay = Replay(SUITE.build(trace.world, Parts()), tank.no_overflow, trace, strict=True)
    assert replay.outcome.is_reproduced


def test_trace_is_on_disk_before_the_search_ends(run):
    seen = []

    class Watching(Listener):
        def found(self, prop, column, path):
            seen.append((prop, column, traces.read(path).property))

    run(Watching(), settings=TWO_PUMPS)
    assert seen == [("no-overflow", "none", "no-overflow")]


def test_failed_shrinking_keeps_the_trace(run, monkeypatch):
    def broken(document):
        raise RuntimeError("no smaller worlds today")

    monkeypatch.setattr(SUITE, "smaller", broken, raising=False)
    report = run(settings=TWO_PUMPS)
    (failure,) = report.failures
    assert Path(failure.path).exists() and not failure.problem
    assert any("no smaller worlds today" in remark for remark in report.remarks)


def test_interruption_reports_what_was_covered(run):
    class Impatient(Listener):
        def progress(self, steps, states):
            raise KeyboardInterrupt

    report = run(Impatient())
    assert report.is_interrupted and report.exit_status == 130
    assert report.explorations["none"].steps > 0
    cell = report.result("no-debt", "crash")
    assert cell.verdict is Answer.UNKNOWN and "ended before" in cell.reason


def test_interruption_after_a_failure_is_still_a_failure(run):
    class Impatient(Listener):
        def shrinking(self, prop, column):
            raise KeyboardInterrupt

    report = run(Impatient(), settings=TWO_PUMPS)
    assert report.is_interrupted and report.exit_status == 1
    assert Path(report.failures[0].path).exists()


def test_mutant_is_found_in_its_own_world_and_told_from_the_model(run):
    report = run(mutant="blind")
    assert report.exit_status == 1 and report.world_name == "blind-world"
    assert [r.property for r in report.results] == ["no-overflow"]
    assert any("without the mutant no-overflow passes" in r for r in report.remarks)
    assert report.failures[0].trace.options["mutant"] == "blind"


def test_mutant_that_survives_is_named(run):
    report = run(mutant="dull")
    assert report.exit_status == 0
    assert any("mutant dull survived" in remark for remark in report.remarks)


def test_world_of_a_mutant_is_not_changed_by_options():
    with pytest.raises(InputError, match="world of its own"):
        make_plan(SUITE, Options(mutant="blind", settings=TWO_PUMPS))


def test_exhaustive_search_says_holds_and_unfinished(run):
    report = run(strategy="bfs", steps=None)
    assert verdicts(report, "no-overflow")["none"] is Answer.HOLDS
    assert report.exit_status == 0
    assert run(strategy="bfs", steps=5).exit_status == 3


def test_result_under_steps_is_a_function_of_the_seed(run):
    assert run(seed=3).to_json() == run(seed=3).to_json()


def test_report_meets_its_schema(run):
    for report in (run(is_all=True), run(mutant="blind"), run(strategy="bfs", steps=5)):
        schema.validate(report.to_json(), "kspec", "report", "report")


def test_determinism_compares_two_runs(run):
    assert run(is_determinism=True).exit_status == 0
    first = Exploration(properties=frozenset(), steps=3)
    with pytest.raises(Nondeterministic, match=r"crash: .* differ in steps"):
        compare("crash", first, attrs.evolve(first, steps=4))


def test_determinism_refuses_a_clock(run):
    with pytest.raises(InputError, match="--steps"):
        run(is_determinism=True, seconds=1.0)


def test_properties_of_a_user_join_and_replay(run, tmp_path, monkeypatch):
    (tmp_path / "my_promises.py").write_text(
        "from kspec.property import invariant\n"
        "@invariant(source='me')\n"
        "def half_full(s):\n"
        "    '''At most one.'''\n"
        "    return s.level <= 1\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    report = run(properties=("my_promises:half_full",))
    assert [r.property for r in report.results] == ["half-full"] * 3
    assert report.failures[0].trace.options["property"] == "my_promises:half_full"
    assert report.exit_status == 1


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"properties": ("nobody:knows",)}, "cannot be loaded"),
        ({"properties": ("toys.suite:SUITE",)}, "is a ToySuite"),
        ({"properties": ("no-overflw",)}, "expected no-overflow"),
        ({"mutant": "blnd"}, "expected blind"),
        ({"faults": "none,crash"}, "no fault class is called 'none'"),
        ({"faults": ""}, "no fault class is called ''"),
    ],
)
def test_names_that_do_not_exist_are_refused(options, problem):
    with pytest.raises(InputError, match=problem) as caught:
        make_plan(SUITE, Options(**options))
    assert "\n" not in str(caught.value)


def test_budget_of_the_world_sizes_the_column():
    crash, both = (
        columns_of("crash", tank.CLASSES, {"crash": 3}),
        columns_of("pause,crash", tank.CLASSES, {"crash": 3}),
    )
    assert crash[0].budget == {"crash": 3}
    assert both[0].name == "pause,crash" and both[0].budget == {"pause": 1, "crash": 3}


def test_fault_free_column_gets_half_and_what_is_left_over_is_shared():
    now = [0.0]
    budget = Budget(1_000, 10.0, lambda: now[0])
    assert budget.share(4, 8) == (500, 5.0)
    budget.spend(100)
    now[0] = 6.0
    assert budget.share(1, 4) == (225, 1.0)
    budget.pause(2.0)
    assert budget.share(1, 2)[1] == 3.0


def test_columns_for_which_no_time_is_left_are_unknown():
    now = iter(range(0, 10_000, 5))
    plan = make_plan(SUITE, Options())
    report = explore_plan(SUITE, plan, Options(seconds=20.0), clock=lambda: float(next(now)))
    assert verdicts(report, "no-debt")["pause"] is Answer.UNKNOWN
    assert any("time ran out" in remark for remark in report.remarks)
    assert report.exit_status == 0
