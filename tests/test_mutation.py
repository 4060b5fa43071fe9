"""Generated mutants: the operators, the places, and that a judge kills what it should, no more.

The judges are heard on one small world; the whole run is `python -m kspec_properties.mutation`.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys

import attrs
import pytest

from kspec_properties.mutation import report
from kspec_properties.mutation.cells import COLUMNS, Cell
from kspec_properties.mutation.forked import in_child
from kspec_properties.mutation.importing import READ_BY_PROPERTIES, Sources
from kspec_properties.mutation.judges import BEYOND, Baseline, Judges, Outcome
from kspec_properties.mutation.sites import (
    MODEL,
    NOWHERE,
    Module,
    Site,
    mutated,
    sample,
    sites,
)

FUNCTION = "def f(x: int, y: int = 2) -> {returns}:\n    {body}\n"

CHANGES = (
    ("comparison", "int", "return g(x < y)", ["return g(x <= y)"]),
    (
        "comparison",
        "int",
        "return g(0 < x is not y)",
        ["return g(0 <= x is not y)", "return g(0 < x is y)"],
    ),
    ("and-or", "int", "return g(x and y and 1)", ["return g(x or y or 1)"]),
    ("negation", "int", "return x if x < y else y", ["return x if not x < y else y"]),
    ("negation", "int", "return x if x == y else y", []),
    ("negation", "int", "return [i for i in x if i]", ["return [i for i in x if not i]"]),
    ("not", "int", "return g(not x)", ["return g(x)"]),
    ("plus-minus", "int", "return x + y - g", ["return x + y + g", "return x - y - g"]),
    ("plus-minus", "int", "x += y", ["x -= y"]),
    ("plus-minus", "int", "return x + 'a'", []),
    ("constant", "int", "return g(1)", ["return g(2)"]),
    ("constant", "int", "return g(deep=True)", ["return g(deep=False)"]),
    ("return", "bool", "return x", ["return True", "return False"]),
    ("return", "bool", "return True", ["return False"]),
    ("return", "int | None", "return x", ["return None"]),
    ("return", "tuple[int, ...]", "return g(x)", ["return ()"]),
    ("return", "int", "return x", []),
    ("statement", "int", "g(x)", ["pass"]),
    ("statement", "int", "x = y", ["pass"]),
    ("statement", "int", "new = y", []),
    ("statement", "int", "x.field, y = g", ["pass"]),
    (
        "keyword",
        "int",
        "return x.replace(a=1, b=y)",
        ["return x.replace(b=y)", "return x.replace(a=1)"],
    ),
    ("keyword", "int", "return g(a=1)", []),
    ("branch", "int", "if x: return y", ["if x: pass"]),
    ("branch", "int", "if x: raise NotEnabled(x)", []),
)
"""Operator, return type, body, and all that this operator makes of the body."""


def module_of(text):
    return Module(f"{MODEL}.example", f"/somewhere/{MODEL}/example.py", text)


def mutants_of(text, operator):
    module = module_of(text)
    chosen = (s for s in sites({module.name: module}) if s.operator == operator)
    return [ast.unparse(mutated(module, site)) for site in chosen]


@pytest.mark.parametrize(("operator", "returns", "body", "bodies"), CHANGES)
def test_an_operator_makes_every_change_and_no_other(operator, returns, body, bodies):
    made = mutants_of(FUNCTION.format(returns=returns, body=body), operator)
    if operator == "constant":
        made = [text for text in made if "y: int=2" in text]  # the default is a place too
    expected = [FUNCTION.format(returns=returns, body=other) for other in bodies]
    assert sorted(made) == sorted(ast.unparse(ast.parse(text)) for text in expected)


UNSEEN = '''"""Text 1."""
import a
NAMES: dict[str, Literal[1]] = {}
@attrs.frozen(eq=False)
class C:
    """Text 2."""
    def __str__(self) -> str:
        return f"{1 + 2}"
def f() -> None:
    """Text 3."""
    assert 1 < 2
    raise ValueError(f"{1 + 2}" + "a")
'''


def test_texts_types_and_messages_are_no_places():
    assert sites({"x": module_of(UNSEEN)}, "*") == ()


def test_a_place_names_its_line_and_both_texts():
    module = module_of("def f(x):\n    if x:\n        return x < 1\n")
    site = next(s for s in sites({module.name: module}) if s.operator == "comparison")
    assert (site.place, site.source) == (f"{MODEL}/example.py:3", "return x < 1")
    assert (site.before, site.after, site.first, site.last) == ("x < 1", "x <= 1", 3, 3)


def test_the_sample_is_the_same_under_every_hash_seed():
    code = (
        "from kspec_properties.mutation.sites import *\n"
        f"s = sites(read_modules({MODEL!r}), 'scheduler.queue')\n"
        "print(len(s), [(x.number, x.place, x.operator, x.after) for x in sample(s, 50, 7)])"
    )
    answers = [
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    ]
    assert answers[0] == answers[1]
    assert len(answers[0].splitlines()) == 1


def test_a_sample_is_drawn_by_its_seed_in_the_order_of_the_places():
    places = tuple(range(100))
    assert sample(places, 10, 0) == sample(places, 10, 0) != sample(places, 10, 1)
    assert list(sample(places, 10, 0)) == sorted(sample(places, 10, 0))
    assert sample(places, 1_000, 0) == places


# The judges


@pytest.fixture(scope="module")
def sources():
    return Sources.read()


@pytest.fixture(scope="module")
def judges(sources):
    return Judges(sources, seed=0)


CELL = Cell("one-service", COLUMNS[0])


@pytest.fixture(scope="module")
def baseline(judges):
    """One world without faults; the judges beyond the properties are left out."""
    _, imported = judges.start()
    expected, executed = judges.hear(CELL)
    lines = {"": imported, CELL.label: executed, **{judge: {} for judge in BEYOND}}
    return Baseline(cells={CELL: expected}, lines=lines)


def unchanged(module):
    """A mutant that is the model as it is."""
    return Site(0, f"{MODEL}.{module}", module, 1, "none", "", "", "", NOWHERE, 0, 1, 10_000)


def test_the_model_as_it_is_survives(judges, baseline):
    assert judges.judge(unchanged("store"), baseline) == Outcome("survived")


def test_the_model_beside_faithful_twins_survives(judges, baseline):
    """What the properties call is imported twice there; that alone must change nothing."""
    twin = unchanged(READ_BY_PROPERTIES[0])
    assert judges.judge(twin, baseline) == Outcome("survived")


def test_a_mutant_is_killed_by_the_property_that_it_breaks(sources, judges, baseline):
    """For the endpoints of a Service no pod is ever ready, though the pods are."""
    name = f"{MODEL}.service_pods"
    every = sites({name: sources.modules[name]})
    site = next(s for s in every if s.after == "return False" and "ready" in s.before)
    outcome = judges.judge(site, baseline)
    assert outcome == Outcome("property", "endpoints-follow-readiness", CELL.label)


def test_what_no_world_executes_is_said_to_survive_unseen(judges, baseline):
    site = unchanged("store")._replace(first=10_000)
    assert judges.judge(site, baseline) == Outcome("survived", is_reached=False)


def test_a_model_that_crashes_is_killed_by_its_exception(sources, baseline):
    name = f"{MODEL}.workqueue"
    broken = attrs.evolve(sources.modules[name], text="1 // 0")
    crashing = Judges(Sources({**sources.modules, name: broken}, sources.code), seed=0)
    outcome = crashing.judge(unchanged("workqueue"), baseline)
    assert outcome.judge == "exception"
    assert outcome.by.startswith("ZeroDivisionError")


# The processes


def loop():
    while True:
        pass


def test_a_child_answers_or_says_why_not():
    assert in_child(lambda: {"a": [1]}, 5).value == {"a": [1]}
    assert in_child(lambda: 1 // 0, 5).trouble == "exception"
    assert in_child(loop, 1).trouble == "timeout"


# The report


def judged():
    site = unchanged("store")._replace(operator="comparison", before="a < b", after="a <= b")
    outcomes = (
        Outcome("property", "watch-order", "two-pods, none"),
        Outcome("conformance", "quantity/001"),
        Outcome("survived"),
        Outcome("survived", is_reached=False),
    )
    return [(site, outcome) for outcome in outcomes]


def test_the_rates_tell_properties_from_other_judges():
    assert report.rates(judged()) == (0.25, 0.5)
    assert report.rates([]) == (0.0, 0.0)


def test_the_report_lists_every_survivor_with_both_texts():
    text = "\n".join(report.lines(judged(), 1_000, 0))
    assert "4 mutants of 1,000 possible ones, seed 0: killed by the properties 25.0%" in text
    assert "survivors, executed by a world: 1\n" in text
    assert "survivors that no world executes: 1\n" in text
    assert text.count("- a < b\n    + a <= b") == 3


def test_the_report_for_machines_holds_every_mutant():
    data = json.loads(json.dumps(report.to_json(judged(), 1_000, 0)))
    assert data["schema"] == report.SCHEMA
    assert [m["verdict"] for m in data["mutants"]] == [o.judge for _, o in judged()]
