"""What the commands promise: their exit status, one line for bad input, and JSON that is alone."""

from __future__ import annotations

import json

import pytest
import yaml
from click.testing import CliRunner
from toys import suite as tank

from kspec import bench, schema
from kspec import suite as suites
from kspec.cli import COMMANDS, main

TRACE = "kspec-out/no-overflow-none-0.yaml"


@pytest.fixture
def kspec(tmp_path, monkeypatch):
    """Runs a command in an empty folder, on the toy suite."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(suites, "load_suite", lambda name="": tank.SUITE)
    return lambda *arguments: CliRunner().invoke(main, arguments, prog_name="kspec")


@pytest.fixture
def trace(kspec, tmp_path):
    """A trace that `check` wrote."""
    assert kspec("check", "--schedulers", "2", "--steps", "500").exit_code == 1
    return tmp_path / TRACE


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_every_command_shows_an_example(kspec, name):
    result = kspec(name, "--help")
    assert result.exit_code == 0
    assert f"kspec {name}" in result.stdout.split("Example")[1]


def test_check_tells_its_answer_and_its_progress_apart(kspec):
    result = kspec("check", "--steps", "600")
    assert result.exit_code == 0
    assert "no-overflow" in result.stdout and "[1/3]" not in result.stdout
    assert result.stderr.startswith("[1/3] faults none: ")


def test_check_reads_a_file(kspec, tmp_path):
    (tmp_path / "mine.yaml").write_text("spec: {name: mine, capacity: 1}")
    assert "world mine" in kspec("check", "mine.yaml", "--steps", "100").stdout


def test_json_on_standard_output_is_alone(kspec):
    result = kspec("check", "--steps", "300", "--json", "-")
    document = json.loads(result.stdout)
    schema.validate(document, "kspec", "report", "report")
    assert document["seed"] == 0 and document["strategy"] == "portfolio"


def test_json_in_a_file_names_the_trace(kspec, tmp_path):
    result = kspec("check", "--schedulers", "2", "--steps", "500", "--json", "deep/report.json")
    assert result.exit_code == 1 and "FAILS" in result.stdout
    (cell,) = (
        r
        for r in json.loads((tmp_path / "deep" / "report.json").read_text())["results"]
        if r["verdict"] == "Fails"
    )
    assert (cell["trace"], cell["actions"]) == (TRACE, 4)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["check", "missing.yaml"], "missing.yaml"),
        (["check", "--nodes", "0"], "--nodes"),
        (["check", "--nodes", "-3"], "--nodes"),
        (["check", "--steps", "many"], "--steps"),
        (["check", "--seconds", "0"], "--seconds"),
        (["check", "--strategy", "luck"], "no strategy is called"),
        (["check", "--node-capacity", "cpu"], "--node-capacity"),
        (["check", "--node-capacity", "cpu=4,"], "--node-capacity"),
        (["check", "--faults", "gremlins"], "gremlins"),
        (["check", "--mutant", "x"], "'x'"),
        (["check", "--frobnicate"], "--frobnicate"),
        (["check", "--json", "."], "cannot write"),
        (["replay"], "TRACE"),
        (["replay", "missing.yaml"], "cannot read"),
        (["properties", "nothing-like-it"], "nothing-like-it"),
        (["schema", "nothing"], "nothing"),
        (["frobnicate"], "frobnicate"),
    ],
)
def test_bad_usage_is_one_line_and_status_two(kspec, arguments, problem):
    result = kspec(*arguments)
    assert result.exit_code == 2 and not result.stdout
    assert result.stderr.startswith("kspec: ") and problem in result.stderr
    assert result.stderr.count("\n") == 1


def test_output_folder_that_is_a_file_is_refused_before_the_work(kspec, tmp_path):
    (tmp_path / "taken").write_text("")
    for out in ("taken", "taken/below"):
        result = kspec("check", "--out", out)
        assert result.exit_code == 2 and "cannot write" in result.stderr


def test_internal_error_is_one_line_and_status_four(kspec, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("oh\nno")

    monkeypatch.setattr(tank.SUITE, "read_world", broken, raising=False)
    result = kspec("check")
    assert result.exit_code == 4
    assert result.stderr.startswith("kspec: internal error: ZeroDivisionError: oh no (KSPEC_TRACE")
    assert result.stderr.count("\n") == 1
    monkeypatch.setenv("KSPEC_TRACEBACK", "1")
    assert "Traceback" in kspec("check").stderr


def test_replay_shows_every_step_and_reproduces(kspec, trace):
    result = kspec("replay", TRACE)
    assert result.exit_code == 1
    assert "Start(pump1)" in result.stdout and "level=2" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("reproduced: no-overflow is violated")
    assert "Start" not in kspec("replay", TRACE, "--quiet").stdout


def test_replay_as_json(kspec, trace):
    document = json.loads(kspec("replay", TRACE, "--json", "-").stdout)
    assert document["outcome"] == "Reproduced"
    assert [step["number"] for step in document["steps"]] == [1, 2, 3, 4]


def test_liveness_of_a_users_own_is_told_with_its_suffix(kspec, tmp_path, monkeypatch):
    (tmp_path / "pouring.py").write_text(
        "from kspec.property import leads_to\n"
        "everything = leads_to('everything-is-poured', promise='All is poured.', source='me',\n"
        "    when=lambda s: s.pending > 0, then=lambda s: s.pending == 0)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    result = kspec("check", "--property", "pouring:everything", "--steps", "200")
    assert result.exit_code == 1 and "after which nothing more happens" in result.stdout
    again = kspec("replay", "kspec-out/everything-is-poured-none-0.yaml", "--strict")
    assert again.exit_code == 1 and "nothing more happens" in again.stdout


def edit(path, change):
    document = yaml.safe_load(path.read_text())
    change(document)
    path.write_text(yaml.safe_dump(document, sort_keys=False))


def test_replay_that_diverges_names_the_first_difference(kspec, trace):
    def skip_first(document):
        for key in ("actions", "fingerprints"):
            document[key] = document[key][1:]
        document["length"] -= 1

    edit(trace, skip_first)
    result = kspec("replay", TRACE, "--json", "out.json")
    assert result.exit_code == 3
    assert "diverged: step " in result.stderr
    assert json.loads((trace.parent.parent / "out.json").read_text())["outcome"] == "Diverged"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda d: d.update(schema="kspec.dev/trace/v9"), "kspec.dev/trace/v9"),
        (lambda d: d["world"]["spec"].update(capacity=9), "edited"),
        (lambda d: d.pop("checksum"), "cut short"),
        (lambda d: d["violation"].update(property="no-such"), "no-such"),
    ],
)
def test_replay_refuses_a_trace_that_is_not_whole(kspec, trace, change, problem):
    edit(trace, change)
    result = kspec("replay", TRACE)
    assert result.exit_code == 2 and problem in result.stderr
    assert result.stderr.count("\n") == 1


def test_replay_refuses_half_a_file(kspec, trace):
    trace.write_text(trace.read_text()[: len(trace.read_text()) // 2])
    result = kspec("replay", TRACE)
    assert result.exit_code == 2 and result.stderr.count("\n") == 1


def test_properties_as_table_details_and_json(kspec):
    assert "no-overflow" in kspec("properties").stdout
    assert "mutant:    blind: It never looks." in kspec("properties", "no-overflow").stdout
    document = json.loads(kspec("properties", "--json", "-").stdout)
    assert document["schema"] == "kspec.dev/properties/v1"
    first = document["properties"][0]
    assert first["name"] == "no-overflow" and first["faults"] == ["none", "pause"]
    assert first["mutants"] == [{"name": "blind", "description": "It never looks."}]
    assert first["companion"] == "tank-is-full" and first["kind"] == "invariant"


def test_prove_passes_in_spite_of_what_is_known_to_be_false(kspec):
    result = kspec("prove")
    assert result.exit_code == 0
    assert "Proved   sum: The sum is kept." in result.stdout
    assert "1 proved, 1 refuted that are known to be false" in result.stdout


def test_prove_shows_a_counterexample_and_replays_it_on_the_engine(kspec, tmp_path):
    result = kspec("prove", "--policy", "my:Policy", "--json", "proofs.json")
    assert result.exit_code == 1
    assert "kind: Pump" in result.stdout and "FAILS: no-overflow" in result.stdout
    sums = json.loads((tmp_path / "proofs.json").read_text())["proofs"][0]
    assert sums["verdict"] == "Refuted" and sums["traces"] == [TRACE]
    assert kspec("replay", TRACE).exit_code == 1


@pytest.mark.parametrize("name", ["world", "trace", "report"])
def test_schema_prints_json(kspec, name):
    assert json.loads(kspec("schema", name).stdout)["title"]


def test_bench_checks_its_answers_and_names_its_measures(kspec, monkeypatch):
    monkeypatch.setattr(bench, "SMALL_STEPS", 300)
    monkeypatch.setattr(bench, "LARGE_STEPS", 300)
    monkeypatch.setattr(bench, "HUGE_STEPS", 300)
    monkeypatch.setattr(bench, "HUGE", (10, 30))
    monkeypatch.setattr(bench, "LARGE", (10, 30))
    monkeypatch.setattr(bench, "STARTS", 1)
    here = lambda suite: lambda name, seed: bench.MEASURES[name](tank.SUITE, seed)  # noqa: E731
    monkeypatch.setattr(bench, "spawn_for", here)
    result = kspec("bench", "--seed", "5", "--json", "-")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["schema"] == "kspec.dev/bench/v1" and document["seed"] == 5
    values = {measure["name"]: measure["value"] for measure in document["measures"]}
    assert values["startup.seconds"] < 5 and values["bfs.states"] > 5
    growth = ("walk.cost_growth", "walk.cost_growth_1000")
    for name in ("walk.steps_per_second", *growth, "bfs.states_per_second"):
        assert values[name] > 0
    assert "walk.steps_per_second" in kspec("bench", "--seed", "5").stdout


def test_bench_refuses_a_model_that_fails(monkeypatch):
    broken = tank.world(pumps=2)
    monkeypatch.setattr(tank.SUITE, "bench_world", lambda *size: broken, raising=False)
    with pytest.raises(bench.WrongAnswer, match="no-overflow"):
        bench.walk(tank.SUITE, (5, 20), 2_000, seed=1)
