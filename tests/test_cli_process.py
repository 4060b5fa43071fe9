"""What only a process of its own shows: imports, signals, pipes and hash seeds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from kspec.cli import COMMANDS

TESTS = Path(__file__).parent
ON_TOYS = """
import kspec.suite, toys.suite
kspec.suite.load_suite = lambda name="": toys.suite.SUITE
from kspec.cli import main
main(prog_name="kspec")
"""
ANNOUNCED = f"""
from kspec.cli.progress import Lines
Lines.begin = lambda lines, *column: lines.say("begun")
{ON_TOYS}"""
HEAVY = ("z3", "hypothesis", "jsonschema", "rich", "yaml", "attrs", "kspec_models")


def environment(**more):
    paths = [str(TESTS), str(TESTS.parent), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), **more}


def start(*arguments, code=ON_TOYS, **more):
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from kspec.cli import main\n"
        "try: main(['--help'])\n"
        f"finally: print('heavy:', [m for m in {HEAVY} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=True
    )
    assert "heavy: []" in done.stdout
    assert all(name in done.stdout for name in COMMANDS)


def test_report_and_trace_do_not_depend_on_the_hash_seed(tmp_path):
    results = []
    for hash_seed in ("1", "2"):
        folder = tmp_path / hash_seed
        folder.mkdir()
        process = start(
            *("check", "--schedulers", "2", "--steps", "2000", "--json", "report.json"),
            cwd=folder,
            env=environment(PYTHONHASHSEED=hash_seed),
        )
        text, _ = process.communicate(timeout=60)
        assert process.returncode == 1
        written = sorted(path for path in folder.rglob("*") if path.is_file())
        results.append((text, [path.read_bytes() for path in written]))
    assert results[0] == results[1]


def test_interrupt_prints_what_was_covered(tmp_path):
    arguments = ("check", "--seconds", "120")
    process = start(*arguments, code=ANNOUNCED, cwd=tmp_path, env=environment())
    assert process.stderr.readline() == "begun\n"
    process.send_signal(signal.SIGINT)
    text, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "interrupted; so far nothing" in text and "Traceback" not in errors


def test_closed_pipe_is_quiet(tmp_path):
    process = start("check", "--steps", "200", cwd=tmp_path, env=environment())
    process.stdout.close()
    errors = process.stderr.read()
    assert process.wait(timeout=60) == 0
    assert "Broken" not in errors and "Traceback" not in errors
