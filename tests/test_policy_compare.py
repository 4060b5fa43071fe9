"""What `kspec policy compare` promises: a table, its files, and one line for bad input."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys

import pytest
from click.testing import CliRunner

from kspec import schema
from kspec.cli import main

NODES = "sn,cpu_milli,memory_mib,gpu,model\n" + "".join(
    f"node-{i},{cpu},65536,{gpus},{model}\n"
    for i, (cpu, gpus, model) in enumerate(
        [(32000, 4, "T4"), (32000, 4, "T4"), (64000, 8, "G2"), (16000, 2, "P100"), (32000, 0, "")]
    )
)
POD_HEADER = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase\n"
PODS = POD_HEADER + "".join(
    f"pod-{i:02},{cpu},1024,{gpus},{milli},{spec},LS,Running\n"
    for i, (cpu, gpus, milli, spec) in enumerate(
        [(4000, 1, 470, ""), (8000, 1, 1000, ""), (2000, 1, 320, "T4|G2")] * 6
        + [(4000, 0, 0, ""), (8000, 2, 1000, "G2"), (16000, 4, 1000, "")] * 2
    )
)
MAIN = "from kspec.cli import main; main(prog_name='kspec')"
GPU_POLICIES = ("random", "dot-product", "gpu-clustering", "gpu-packing", "best-fit", "fgd")
WORLD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 6
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: main, image: web, resources: {requests: {cpu: "1"}}}]
"""
WRONG = """\
from kspec_models.scheduler.framework import Status

class Anywhere:
    name = "anywhere"
    def filter(self, pod, node_info, context):
        return Status()
    def score(self, pod, node_infos, context):
        return [50] * len(node_infos)

class Raises(Anywhere):
    name = "raises"
    def score(self, pod, node_infos, context):
        return [1 // 0]
"""


@pytest.fixture
def trace(tmp_path, monkeypatch):
    """A small trace in a folder below the working directory."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "openb_node_list_gpu_node.csv").write_text(NODES)
    (folder / "openb_pod_list_default.csv").write_text(PODS)
    return "small"


def start(*arguments):
    return subprocess.Popen(
        [sys.executable, "-c", MAIN, "policy", "compare", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def compare(*arguments):
    """(exit status, standard output, standard error) of the command in a process of its own."""
    process = start(*arguments)
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def test_the_table_and_its_files_say_the_same(trace, tmp_path):
    files = ("--json", "out.json", "--csv", "out.csv")
    status, out, err = compare(*GPU_POLICIES, "--trace", trace, "--seeds", "2", *files)
    assert status == 0, err
    assert "small: 5 nodes, 18 GPUs, 24 pods" in out
    assert "no placement over-commits" in out
    document = json.loads((tmp_path / "out.json").read_text())
    schema.validate(document, "kspec", "compare", "out.json")
    rows = document["rows"]
    assert [policy["name"] for policy in document["policies"]] == list(GPU_POLICIES)
    keys = {(r["policy"], r["tie_break"], r["metric"], r["load"]) for r in rows}
    assert len(keys) == len(rows) == 6 * 3 * 3 * 130
    assert all(row["seeds"] == 2 and 0 <= row["mean"] <= 100 for row in rows)
    written = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text())))
    assert [list(map(str, row.values())) for row in rows] == [list(r.values()) for r in written]


def test_the_rows_do_not_depend_on_the_number_of_workers_or_the_form(trace, tmp_path):
    documents = []
    for extra in (("--workers", "1"), ("--workers", "3"), ("--workers", "2", "--plain")):
        arguments = ("best-fit", "fgd", "--trace", trace, "--seeds", "2", "--json", "-", *extra)
        status, out, err = compare(*arguments)
        assert status == 0, err
        documents.append(json.loads(out))
    assert documents[0] == documents[1] == documents[2]


def test_the_curves_are_drawn(trace, tmp_path):
    pytest.importorskip("matplotlib")
    for name, head in (("curves.svg", b"<?xml"), ("curves.png", b"\x89PNG")):
        status, _, err = compare("fgd", "--trace", trace, "--seeds", "1", "--plot", name)
        assert status == 0, err
        assert (tmp_path / name).read_bytes().startswith(head)


def test_any_policy_is_compared_on_a_trace(trace, tmp_path):
    """Through the scheduling cycle; a policy that knows no GPUs still gets those that fit."""
    arguments = ("first-fit", "default", "--trace", trace, "--seeds", "1")
    status, _, err = compare(*arguments, "--tie-break", "lowest-name", "--json", "out.json")
    assert status == 0, err
    rows = json.loads((tmp_path / "out.json").read_text())["rows"]
    assert {row["tie_break"] for row in rows} == {"lowest-name"}
    assert {row["metric"] for row in rows} >= {"gpu_allocation_percent", "placed_percent"}
    assert max(r["mean"] for r in rows if r["metric"] == "gpu_allocation_percent") > 50
    assert "default: decided by the whole scheduling cycle" in err


def test_a_policy_is_compared_in_a_world(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app.yaml").write_text(WORLD)
    status, out, err = compare("default", "first-fit", "--world", "app.yaml", "--json", "-")
    assert status == 0, err
    document = json.loads(out)
    assert "6 pods to place" in document["source"]
    assert {row["metric"] for row in document["rows"]} == {"placed_percent"}
    assert [r["mean"] for r in document["rows"] if r["load"] == 100] == [100.0] * 6


def test_a_policy_that_over_commits_is_convicted_and_the_others_go_on(trace, tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(WRONG)
    names = ("mine:Anywhere", "mine:Raises", "best-fit")
    status, out, err = compare(*names, "--trace", trace, "--seeds", "1", "--json", "out.json")
    assert status == 1, err
    found = {f["policy"]: f for f in json.loads((tmp_path / "out.json").read_text())["faults"]}
    assert set(found) == {"mine:Anywhere", "mine:Raises"}
    assert "over-commits node" in found["mine:Anywhere"]["first"]
    assert "raised ZeroDivisionError at mine.py:13" in found["mine:Raises"]["first"]
    assert "mine:Raises FAILS" in out


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("best-fit",), "give either --trace DIR or --world FILE"),
        (("best-fit", "--trace", "absent"), "absent: no such folder"),
        (("best-fit", "best-fit", "--trace", "small"), "policy best-fit is given twice"),
        (("no-such", "--trace", "small"), "no-such"),
        (("fgd", "--trace", "small", "--pods", "x.csv"), "no such file"),
        (("fgd", "--trace", "small", "--plot", "x.bmp"), ".bmp: not a format that is drawn"),
        (("fgd", "--world", "x.yaml", "--pods", "x.csv"), "--pods needs --trace"),
        (("fgd", "--trace", "small", "--seeds", "0"), "0 is not in the range"),
    ],
)
def test_bad_input_is_one_line(trace, arguments, line):
    found = CliRunner().invoke(main, ["policy", "compare", *arguments], prog_name="kspec")
    assert (found.exit_code, found.stdout) == (2, "")
    assert line in found.stderr and found.stderr.count("\n") == 1


def test_an_interruption_reports_the_runs_that_were_made(trace, tmp_path):
    process = start("best-fit", "fgd", "--trace", trace, "--seeds", "100", "--json", "out.json")
    for line in process.stderr:
        if line.startswith("best-fit: done"):
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert json.loads((tmp_path / "out.json").read_text())["interrupted"] is True
    assert "best-fit" in out and "Traceback" not in err
