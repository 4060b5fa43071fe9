"""What grouping promises: one bug is one entry, and two bugs are two."""

from __future__ import annotations

import attrs
import pytest
from test_explain import SUITE
from toys import suite as tank

from kspec import report as reports
from kspec.check import Options, check
from kspec.check.failures import Scene, finish
from kspec.check.plan import make_plan
from kspec.explain import group
from kspec.explain.cause import Cause, abstract
from kspec.explore import search
from kspec.suite import Settings


def failures_of(mutant: str, folder, seeds=range(3)):
    """The failures of one mutant, found with different seeds."""
    plan = make_plan(SUITE, Options(mutant=mutant))
    (column,), prop = plan.columns, plan.rows[0]
    scene = Scene.of(SUITE, plan, column)
    for seed in seeds:
        seen = search(
            scene.system,
            plan.explored(column),
            seed=seed,
            steps=40_000,
            stop_at_first=True,
            strategies=(("pct", 1),),
            awaited_faults=tuple(column.budget),
        )
        found = seen.violation_of(prop.name)
        assert found is not None
        yield finish(scene, prop, found, folder / f"{mutant}-{seed}.yaml")


BUGS = (
    "assume-is-not-charged",
    "updates-ignore-the-version",
    "watch-skips-an-event",
    "replicaset-forgets-expectations",
    "pending-pods-are-forgotten",
    "failed-binds-are-forgotten",
)


@pytest.mark.parametrize("mutant", BUGS)
def test_one_bug_found_with_many_seeds_is_one_group(mutant, tmp_path):
    failures = tuple(failures_of(mutant, tmp_path))
    (one,) = group(failures)
    assert one.count == len(failures) == 3
    lengths = [len(failure.trace.actions) for failure in one.failures]
    assert lengths == sorted(lengths)
    assert f"{failures[0].property.name} (faults: " in one.text and "found 3 times" in one.text


def test_different_bugs_are_different_groups(tmp_path):
    failures = [f for mutant in BUGS for f in failures_of(mutant, tmp_path, seeds=(0, 1))]
    groups = group(failures)
    assert [g.count for g in groups] == [2] * len(BUGS)
    assert len({g.cause for g in groups}) == len(BUGS)


def test_a_property_that_breaks_on_the_way_of_another_is_of_the_same_group(tmp_path):
    (overload,) = failures_of("kubelet-admits-everything", tmp_path, seeds=(0,))
    assert overload.also_breaks == ("no-over-committed-binding",)
    (binding,) = (p for p in SUITE.properties() if p.name == overload.also_breaks[0])
    cause = attrs.evolve(overload.explanation.cause, witness="over-commit")
    other = attrs.evolve(
        overload,
        property=binding,
        faults="crash",
        also_breaks=(),
        explanation=attrs.evolve(overload.explanation, cause=cause),
    )
    (both,) = group((overload, other))
    assert both.properties == (overload.property.name, binding.name)
    assert "; also breaks: no-over-committed-binding; also under: crash" in both.text
    faulty = attrs.evolve(cause, faults=("crash",))
    apart = attrs.evolve(other, explanation=attrs.evolve(other.explanation, cause=faulty))
    assert len(group((overload, apart))) == 2


def test_a_failure_that_joins_two_groups_makes_them_one(tmp_path):
    (one,) = failures_of("assume-is-not-charged", tmp_path, seeds=(0,))

    def failure(name, *also):
        cause = Cause(kind="safety", witness=name)
        return attrs.evolve(
            one,
            property=attrs.evolve(one.property, name=name),
            also_breaks=also,
            explanation=attrs.evolve(one.explanation, cause=cause),
        )

    assert [g.properties for g in group((failure("a"), failure("b")))] == [("a",), ("b",)]
    (joined,) = group((failure("a"), failure("b"), failure("c", "a", "b")))
    assert sorted(joined.properties) == ["a", "b", "c"] and joined.count == 3


def test_a_failure_without_explanation_is_never_lost(tmp_path):
    (one,) = failures_of("assume-is-not-charged", tmp_path, seeds=(0,))
    unexplained = attrs.evolve(one, explanation=None, also_breaks=())
    groups = group((one, unexplained, unexplained))
    assert [g.count for g in groups] == [1, 1, 1]
    assert groups[1].cause == "not explained"


def test_the_report_lists_the_causes_before_the_failures(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    report = check(tank.SUITE, Options(steps=2_000, settings=Settings(schedulers=2), faults="all"))
    text = reports.render(report)
    failing = [result for result in report.results if result.trace]
    assert sum(group.count for group in report.groups) == len(report.failures)
    assert text.index("1 cause of ") < text.index("FAILS: no-overflow")
    assert all(f"replay:  kspec replay {failure.path}" in text for failure in report.failures)
    assert failing


def test_texts_lose_their_names_and_numbers():
    assert abstract("node n1 after the bind of default/b: memory 214748 of 1Gi") == (
        "node _ after the bind of _: memory _ of _"
    )
    assert abstract("namespace staging is still Terminating", ["staging"]) == (
        "namespace _ is still Terminating"
    )
    assert abstract("default/web controls 0 active pods of 1") == "_ controls _ active pods of _"
