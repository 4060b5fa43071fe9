"""A report card for people fits its width; for programs it follows its schema."""

import json

import pytest
from click.testing import CliRunner

from kspec import schema
from kspec.cli import main
from kspec.errors import EXIT_VIOLATION
from kspec.trial import Card, Charge, Finding, Section, report
from kspec.trial.card import FAILS, NO_VIOLATION, NOT_PROMISED

COLUMNS = ("none", "crash", "stale-list", "disconnect", "lost-request", "lost-answer", "throttle")
EVIDENCE = "scheduler sends default/b to n1, which would hold memory 2147483648 of 1073741824"


def row(name, schedulers):
    return {"property": name, "schedulers": schedulers, **dict.fromkeys(COLUMNS, NO_VIOLATION)}


def card(*charges):
    failed = [Finding("a-promise-with-a-long-name", FAILS, "", charge) for charge in charges]
    kept = Finding("another-promise", NO_VIOLATION, "not promised under stale-list, lost-answer")
    rows = tuple(row(name, count) for name in ("one-promise", "another") for count in (1, 2))
    text = "47,599 random steps in 15 small worlds, with 1 and 2 schedulers, without faults"
    return Card("mine", (Section("safety", (*failed, kept), rows, 1.5, True, text),))


OVER = Charge("safety", "over-commit", EVIDENCE, trace="out/over.yaml", actions=2)
SAME = Charge("safety", "over-commit", f"{EVIDENCE}, again", trace="out/again.yaml", actions=3)
RAISES = Charge("safety", "raises", "Filter raises KeyError", "kind: Node\n", "mine.py:7")


@pytest.mark.parametrize("width", [80, 100, 140])
def test_no_line_of_a_card_is_wider_than_the_terminal(width):
    lines = report.render(card(OVER, SAME, RAISES), width, False).splitlines()
    assert [line for line in lines if len(line) > width] == []


def test_the_columns_of_a_matrix_are_in_as_many_tables_as_fit():
    narrow, wide = (report.render(card(), width, False) for width in (60, 140))
    assert wide.count("one-promise") == 1
    assert narrow.count("one-promise") == 2
    for text in (narrow, wide):
        assert text.count("kept") == len(COLUMNS) * 4 + 1


def test_a_charge_is_told_once_with_all_that_shows_it():
    text = report.render(card(OVER, SAME, RAISES), 140, False)
    assert text.count("charge 1: over-commit (safety)") == 1
    assert "also: " in text
    assert "kspec replay out/over.yaml" in text
    assert "kspec replay out/again.yaml" in text
    assert "charge 2: raises (safety, mine.py:7)" in text
    assert "    kind: Node" in text


def test_what_nothing_was_promised_of_is_a_dash():
    section = Section("safety", (Finding("a-promise", NOT_PROMISED),))
    assert "  -  a-promise" in report.render(Card("mine", (section,)), 80, False)


def test_cards_follow_the_schema_that_is_printed(tmp_path):
    file, policy = tmp_path / "cards.json", "wrong_policies.stale_cache:StaleCache"
    asked = ["--section", "safety", "--steps", "60", "--out", str(tmp_path), "--json", str(file)]
    done = CliRunner().invoke(main, ["policy", "check", policy, *asked])
    assert done.exit_code == EXIT_VIOLATION, done.output
    document = json.loads(file.read_text())
    schema.validate(document, "kspec", "cards", str(file))
    assert document["cards"][0]["charges"][0]["name"] == "over-commit"
    printed = CliRunner().invoke(main, ["schema", "cards"])
    assert json.loads(printed.output) == schema.load("kspec", "cards")
