"""What the options of the search promise: bounds, workers, a shared database, many violations."""

from __future__ import annotations

import pytest
import yaml
from toys import suite as tank

from kspec.check import Listener, Options, check, check_scale, searching
from kspec.errors import InputError
from kspec.result import Answer
from kspec.suite import Settings, load_suite
from kspec_models.worlds import pod

TWO_PUMPS = Settings(schedulers=2)


@pytest.fixture
def run(tmp_path):
    def run(suite=tank.SUITE, **options):
        given = {"steps": 3_000, "out": tmp_path / "out", "faults": "none", **options}
        return check(suite, Options(**given))

    return run


@pytest.mark.parametrize(
    "options",
    [
        {"depth": 3},
        {"delays": 1},
        {"checkpoint": "somewhere"},
        {"strategy": "bfs", "violations": 2},
        {"strategy": "deepening", "delays": 1},
        {"workers": 2, "ray": "local"},
        {"workers": 2, "is_coverage": True},
        {"is_determinism": True, "database": "somewhere"},
        {"strategy": "pct=0"},
    ],
    ids=str,
)
def test_options_that_do_not_go_together_are_refused_before_anything_runs(run, tmp_path, options):
    with pytest.raises(InputError):
        run(**options)
    assert not (tmp_path / "out").exists()


def test_every_violation_that_was_asked_for_has_a_trace_and_one_cause(run, tmp_path):
    report = run(settings=TWO_PUMPS, violations=5, properties=("no-overflow",))
    assert len(report.failures) == 5 and len({f.path for f in report.failures}) == 5
    assert len(list((tmp_path / "out").glob("*.yaml"))) == 5
    assert sum(group.count for group in report.groups) == 5
    assert not any(failure.problem for failure in report.failures)


def test_depth_and_delays_bound_what_an_exhaustive_check_claims(run):
    for bound in ({"depth": 2}, {"delays": 0}, {"fault_bound": 0, "depth": 3}):
        report = run(strategy="bfs", steps=None, properties=("no-overflow",), **bound)
        result = report.result("no-overflow", "none")
        assert result.verdict in (Answer.HOLDS_WITHIN_BOUND, Answer.VACUOUS)
        assert "all schedules" in result.reason or "never witnessed" in result.reason


def test_deepening_and_breadth_first_agree(run):
    found = [
        run(strategy=name, steps=None, settings=TWO_PUMPS, properties=("no-overflow",))
        for name in ("bfs", "deepening")
    ]
    lengths = [report.failures[0].found_after for report in found]
    assert lengths[0] == lengths[1] and all(report.exit_status == 1 for report in found)


def test_an_exhaustive_check_goes_on_from_its_checkpoint(run, tmp_path):
    kept = {"strategy": "bfs", "properties": ("no-overflow",), "checkpoint": tmp_path / "kept"}
    cut = run(**kept, steps=5)
    assert cut.exit_status == 3
    whole, fresh = run(**kept, steps=None), run(**{**kept, "checkpoint": None}, steps=None)
    assert whole.states == fresh.states and whole.exit_status == 0


def test_a_failure_in_the_shared_database_is_replayed_first(run, tmp_path):
    shared = {"settings": TWO_PUMPS, "properties": ("no-overflow",), "database": tmp_path / "db"}
    first = run(**shared, seed=1)
    again = run(**shared, seed=2, strategy="fifo", steps=1)
    assert first.failures and again.failures and again.exit_status == 1
    assert again.failures[0].trace.actions == first.failures[0].trace.actions


def test_workers_change_nothing_of_the_report(run):
    suite = load_suite()
    given = {"steps": 2_000, "properties": ("no-over-committed-binding",), "seed": 5}
    alone, two = (
        run(suite, settings=Settings(nodes=1, schedulers=2), workers=n, **given) for n in (1, 2)
    )
    assert alone.to_json() == two.to_json()


def test_a_property_that_was_asked_for_and_is_refused_is_unfinished_business(run, tmp_path):
    (tmp_path / "pod.yaml").write_text(yaml.safe_dump(pod("p")))
    given = {"files": (tmp_path / "pod.yaml",), "settings": Settings(nodes=1, granularity="fused")}
    report = run(load_suite(), strategy="bfs", properties=("watch-order",), **given)
    result = report.result("watch-order", "none")
    assert result.verdict is Answer.UNKNOWN and "fused" in result.reason
    assert report.exit_status == 3


class Impatient(Listener):
    """Presses Ctrl-C while a violation is told."""

    def found(self, prop: str, column: str, path: str) -> None:
        raise KeyboardInterrupt


@pytest.mark.parametrize("strategy", ["portfolio", "bfs"])
def test_a_violation_is_reported_although_its_telling_is_interrupted(tmp_path, strategy):
    options = Options(
        settings=TWO_PUMPS,
        properties=("no-overflow",),
        strategy=strategy,
        steps=3_000,
        faults="none",
        out=tmp_path,
    )
    report = check(tank.SUITE, options, Impatient())
    assert report.exit_status == 1 and report.is_interrupted
    assert not report.failures[0].problem


def test_an_error_after_a_violation_does_not_lose_it(run, monkeypatch):
    whole, columns = searching.search, []

    def broken_under_crash(*given, **rest):
        columns.append(rest["awaited_faults"])
        if "crash" in columns[-1]:
            raise ZeroDivisionError("a broken model")
        return whole(*given, **rest)

    monkeypatch.setattr(searching, "search", broken_under_crash)
    report = run(settings=TWO_PUMPS, faults="all")
    assert report.exit_status == 1 and report.failures
    assert any("a broken model" in remark for remark in report.remarks)
    with pytest.raises(ZeroDivisionError):
        run(settings=TWO_PUMPS, faults="crash")


def test_a_mutant_is_told_from_its_control_with_a_checkpoint_and_a_database(run, tmp_path):
    given = {"mutant": "blind", "faults": None, "strategy": "bfs", "steps": None}
    report = run(**given, checkpoint=tmp_path / "kept")
    assert report.exit_status == 1 and any("passes" in remark for remark in report.remarks)
    database = {**given, "strategy": "portfolio", "steps": 3_000, "database": tmp_path / "db"}
    run(**database)
    again = run(**database)
    assert again.exit_status == 1
    assert any("no control" in remark for remark in again.remarks)


def test_scale_refuses_what_check_refuses(tmp_path):
    options = Options(strategy="walk", delays=3, out=tmp_path)
    with pytest.raises(InputError, match="about all schedules"):
        check_scale(tank.SUITE, options, "orders=1..2")


def test_a_trace_of_another_check_is_not_replaced(run, tmp_path):
    first = run(settings=TWO_PUMPS, properties=("no-overflow",))
    second = run(mutant="blind", faults=None)
    assert first.failures[0].path != second.failures[0].path
    again = run(settings=TWO_PUMPS, properties=("no-overflow",))
    assert again.failures[0].path == first.failures[0].path
    assert len(list((tmp_path / "out").glob("*.yaml"))) == 2
