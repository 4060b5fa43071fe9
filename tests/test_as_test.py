"""What `kspec replay --as-test` promises: a test that stands alone, red until the bug is gone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from test_explain import SUITE, small_failure

from kspec import as_test
from kspec import trace as traces
from kspec.check import failures
from kspec.check.plan import Plan
from kspec.cli import main
from kspec.errors import InputError
from kspec.testing import assert_passes, assert_reproduces
from kspec.trace import Trace, to_text

POLICY = """
class Policy:
    name = "own"
    numeric = True

    def filter(self, pod, node):
        fits = node.requested_milli_cpu + pod.milli_cpu <= node.allocatable_milli_cpu
        return {fits}

    def score(self, pod, node):
        return 0
"""
BAD, GOOD = "True", "fits and node.requested_memory + pod.memory <= node.allocatable_memory"

PODS = """
apiVersion: v1
kind: Pod
metadata: {name: a}
spec: {containers: [{name: app, image: app, resources: {requests: {cpu: 1500m}}}]}
---
apiVersion: v1
kind: Pod
metadata: {name: b}
spec: {containers: [{name: app, image: app, resources: {requests: {cpu: 1500m}}}]}
"""


def trace_of(mutant: str, folder: Path) -> Path:
    scene, prop, violation = small_failure(mutant)
    path = folder / f"{mutant}.yaml"
    failures.write(scene, prop, violation, path)
    return path


@pytest.fixture
def kspec(tmp_path, monkeypatch, capsys):
    """Run the command in this process, in the folder of the test; gives what it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))

    def run(*arguments: object, status: int = 0) -> str:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        assert ended.value.code == status, said.out + said.err
        return said.out + said.err

    return run


def run_test(file: Path, cwd: Path, hash_seed: str = "0") -> tuple[int, str]:
    """pytest of one file in a fresh process: its status and output."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(file)]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120
    )
    return done.returncode, done.stdout + done.stderr


def test_written_test_fails_with_the_cause_from_any_folder_and_hash_seed(kspec, tmp_path):
    trace = trace_of("assume-is-not-charged", tmp_path)
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    elsewhere.mkdir()
    said = kspec("replay", trace, "--as-test", home / "test_bug.py")
    assert "wrote" in said and "pytest" in said
    trace.unlink()
    assert [file.name for file in home.iterdir()] == ["test_bug.py"]
    for cwd, hash_seed in ((home, "1"), (elsewhere, "77")):
        status, output = run_test(home / "test_bug.py", cwd, hash_seed)
        assert status == 1 and "1 failed" in output
        assert "without having seen pods default/a@2" in output


def test_written_test_of_a_users_policy_passes_once_the_policy_is_fixed(
    kspec, tmp_path, monkeypatch
):
    (tmp_path / "pods.yaml").write_text(PODS)
    policy = tmp_path / "ownpolicy.py"
    policy.write_text(POLICY.replace("{fits}", BAD))
    world = ("pods.yaml", "--nodes", "1", "--node-capacity", "cpu=2")
    asked = ("--policy", "ownpolicy:Policy", "--property", "no-over-committed-binding")
    kspec("check", *world, *asked, "--steps", "2000", "--out", "out", status=1)
    (trace,) = (tmp_path / "out").glob("*.yaml")
    test = tmp_path / "tests" / "test_policy.py"
    kspec("replay", trace, "--as-test", test)
    monkeypatch.delitem(sys.modules, "ownpolicy")
    assert 'HERE / ".."' in test.read_text()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    status, output = run_test(test, elsewhere)
    assert status == 1 and "no-over-committed-binding is violated" in output
    policy.write_text(POLICY.replace("{fits}", GOOD))
    status, output = run_test(test, elsewhere)
    assert status == 0 and "1 passed" in output


def test_head_of_the_written_test_says_how_to_mark_it(tmp_path):
    trace = traces.read(trace_of("assume-is-not-charged", tmp_path))
    text = as_test.test_text(trace, "A promise.", ["Because."], tmp_path)
    assert '@pytest.mark.xfail(strict=True, reason="...")' in text
    assert "mutant assume-is-not-charged" in text and "    Because." in text
    marked = text.replace(
        "def test_no",
        'import pytest\n\n\n@pytest.mark.xfail(strict=True, reason="known")\ndef test_no',
    )
    file = tmp_path / "test_marked.py"
    file.write_text(marked)
    status, output = run_test(file, tmp_path)
    assert status == 0 and "1 xfailed" in output


def test_writing_leaves_a_file_that_is_not_its_own_alone(tmp_path):
    file = tmp_path / "test_mine.py"
    file.write_text("def test_mine(): ...\n")
    with pytest.raises(InputError, match="another file already"):
        as_test.write(f"{as_test.MARK}\n", file)
    assert file.read_text() == "def test_mine(): ...\n"
    assert [found.name for found in tmp_path.iterdir()] == ["test_mine.py"]


def test_writing_again_replaces_its_own_file_whole(tmp_path):
    file = tmp_path / "deep" / "test_bug.py"
    for text in ("one\n", "two\n"):
        marked = as_test.marked(text)
        as_test.write(marked, file)
        assert file.read_text() == marked
    assert [found.name for found in file.parent.iterdir()] == ["test_bug.py"]


def test_a_test_that_someone_has_edited_is_left_alone(tmp_path):
    file = tmp_path / "test_bug.py"
    as_test.write(as_test.marked("one\n"), file)
    edited = file.read_text() + "# known false\n"
    file.write_text(edited)
    with pytest.raises(InputError, match="left as it is"):
        as_test.write(as_test.marked("two\n"), file)
    assert file.read_text() == edited


@pytest.mark.parametrize("name", ["test_bug.txt", "test_bug", "folder.py"])
def test_a_file_that_cannot_be_a_test_is_refused(name, tmp_path):
    (tmp_path / "folder.py").mkdir()
    with pytest.raises(InputError):
        as_test.write(f"{as_test.MARK}\n", tmp_path / name)


@pytest.mark.parametrize(
    "witness", ["plain", "it's '''quoted'''", 'a """ b', "back\\slash", "tail'", "nul\x00 and \x1b"]
)
def test_any_trace_comes_back_from_the_written_text(witness, tmp_path):
    trace = Trace(
        property="some-promise",
        kind="",
        witness=witness,
        actions=("Go()",),
        fingerprints=("0" * 16,),
        world={"metadata": {"name": witness}},
    )
    space: dict[str, object] = {}
    exec(as_test.test_text(trace, witness, [witness], tmp_path), space)  # it is our own text
    assert space["TRACE"] == to_text(trace)
    assert callable(space["test_some_promise"])


def test_a_trace_that_diverges_makes_no_test(kspec, tmp_path):
    path = trace_of("assume-is-not-charged", tmp_path)
    path.write_text(path.read_text().replace("Schedule(scheduler, default/b)", "Crash(nobody)"))
    assert "diverged" in kspec("replay", path, "--as-test", "test_bug.py", status=3)
    assert not (tmp_path / "test_bug.py").exists()


def test_both_ways_of_asserting_a_trace(tmp_path):
    text = trace_of("replicaset-forgets-expectations", tmp_path).read_text()
    assert_reproduces(text)
    with pytest.raises(AssertionError, match="a-replicaset-does-not-over-create is violated"):
        assert_passes(text)


def test_a_fixed_model_passes_and_no_longer_reproduces(tmp_path):
    scene, prop, violation = small_failure("replicaset-forgets-expectations")
    parts = scene.plan.parts.__class__()
    plan: Plan = scene.plan.__class__(
        world=scene.world, parts=parts, columns=scene.plan.columns, rows=scene.plan.rows
    )
    fixed = scene.__class__(
        suite=SUITE, plan=plan, column=scene.column, world=scene.world, system=scene.system
    )
    text = to_text(failures.write(fixed, prop, violation, tmp_path / "trace.yaml"))
    assert_passes(text)
    with pytest.raises(AssertionError, match="not violated as recorded"):
        assert_reproduces(text)


def test_explaining_a_replay_shows_the_cause_in_text_and_json(kspec, tmp_path):
    trace = trace_of("failed-binds-are-forgotten", tmp_path)
    text = kspec("replay", trace, "--quiet", "--explain", "--json", "r.json", status=1)
    assert "  why:\n" in text and "The fault in step" in text
    document = json.loads((tmp_path / "r.json").read_text())
    assert document["explanation"]["cause"]["faults"] == ["lost-request"]
    assert document["explanation"]["lines"][0] in text
    assert "why:" not in kspec("replay", trace, "--quiet", status=1)


def test_a_liveness_failure_becomes_a_test_too(kspec, tmp_path):
    trace = trace_of("failed-binds-are-forgotten", tmp_path)
    kspec("replay", trace, "--as-test", "test_bug.py")
    space: dict[str, object] = {}
    exec((tmp_path / "test_bug.py").read_text(), space)  # it is our own text
    with pytest.raises(AssertionError, match="It stays so for ever"):
        space["test_eventual_binding"]()  # type: ignore[operator]  # it is the test's function
