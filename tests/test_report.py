"""What the report reads like: the matrix, what was covered, and each failure as a story."""

from __future__ import annotations

import pytest
from toys import suite as tank

from kspec import report as reports
from kspec.check import Options, Shown, check
from kspec.suite import Settings


@pytest.fixture
def rendered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def rendered(**options):
        report = check(tank.SUITE, Options(**{"steps": 2_000, **options}))
        return reports.render(report)

    return rendered


def test_matrix_has_a_row_for_each_property_and_a_legend(rendered):
    text = rendered()
    rows = [line.split() for line in text.splitlines()]
    assert ["property", "none", "crash", "pause"] in rows
    assert ["no-overflow", "kept", "-", "kept"] in rows
    assert "  kept     no violation in the random runs made" in text
    assert "FAILS" not in text
    assert text.splitlines()[-1].startswith("nothing that was promised or asked for failed")


def test_failure_is_told_step_by_step_and_ends_with_its_replay_line(rendered):
    text = rendered(settings=Settings(schedulers=2))
    story = text[text.index("FAILS: no-overflow") :]
    told = [line.strip() for line in story.splitlines()]
    lines = [line for line in told if "Tank(" not in line]
    assert lines == [
        "FAILS: no-overflow (faults: none)",
        "promise: The tank never holds more than its capacity.",
        "witness: the last state below",
        lines[3],
        lines[4],
        "1. Order(user)",
        "2. Order(user)",
        "3. Start(pump0)",
        "4. Start(pump1)",
        "why:",
        "If Look(pump1) comes before step 4, nothing breaks.",
        "replay:  kspec replay kspec-out/no-overflow-none-0.yaml",
        "",
        lines[-1],
    ]
    assert "4 actions, shrunk from" in lines[3]
    assert lines[4].startswith("shrunk: schedule ") and "world: capacity 2 -> 1" in lines[4]
    assert any(line.startswith("Step 4 breaks it, Start(pump1): Tank(") for line in told)
    assert lines[-1].startswith("1 property fails: no-overflow")


def test_report_holds_no_time_and_no_colour(rendered):
    assert rendered() == rendered()
    assert "\x1b" not in rendered()


def test_colours_change_no_word(tmp_path):
    report = check(tank.SUITE, Options(steps=500, out=tmp_path))
    assert "\x1b[" in reports.render(report, is_color=True)


def test_undecided_cells_say_why(rendered):
    text = rendered(strategy="bfs", steps=5)
    assert "  no-debt is unknown under none" in text
    assert "stopped by the limit of 2 states" in text
    assert "unfinished, a limit came first" in text


def test_brackets_are_no_markup():
    lines = reports.step_lines(1, Shown("Bind([bold]a)", ("x: [red] -> [/red]",)))
    assert "x: [red] -> [/red]" in reports.to_text(lines)


def test_long_traces_and_long_steps_are_cut_in_the_middle():
    steps = tuple(Shown(f"Step({n})", ()) for n in range(1, 101))
    text = reports.to_text(reports.steps_of(steps))
    assert "Step(30)" in text and "Step(31)" not in text and "Step(71)" in text
    assert "40 steps that the replay shows" in text
    many = Shown("Do()", tuple(f"field {n}" for n in range(20)))
    assert "and 12 more fields" in reports.to_text(reports.step_lines(1, many))


def test_replay_line_is_quoted_for_a_shell():
    assert reports.replay_line("my out/a.yaml") == "kspec replay 'my out/a.yaml'"


def test_narrow_terminals_get_several_tables_and_lose_no_word(tmp_path):
    report = check(tank.SUITE, Options(steps=300, out=tmp_path))
    lines = [line.split() for line in reports.render(report, width=40).splitlines()]
    assert ["property", "none", "crash"] in lines and ["property", "pause"] in lines
