"""What trace files promise: whole, readable, and refused in one line when they are not."""

from __future__ import annotations

import pytest
import toys
import yaml

from kspec import trace as traces
from kspec.errors import InputError
from kspec.explore import bfs, search

WORLD = {"nodes": 2, "pods": [{"name": "a", "cpu": "1"}, {"name": "b", "cpu": "1"}]}
OPTIONS = {"granularity": "reconcile", "faults": ["none"], "mutant": None}


@pytest.fixture
def trace() -> traces.Trace:
    (violation,) = bfs(toys.die_hard(), [toys.not_four_litres]).violations
    return traces.record(toys.die_hard(), violation, world=WORLD, options=OPTIONS)


def refusal(text: str) -> str:
    with pytest.raises(InputError) as caught:
        traces.from_text(text, "broken.yaml")
    message = str(caught.value)
    assert "\n" not in message and message.startswith("broken.yaml: ")
    return message


def edited(trace: traces.Trace, change) -> str:
    document = yaml.safe_load(traces.to_text(trace))
    change(document)
    return yaml.safe_dump(document, sort_keys=False)


def test_trace_is_read_as_it_was_written(trace, tmp_path):
    path = tmp_path / "new" / "trace.yaml"
    traces.write(trace, path)
    assert traces.read(path) == trace
    assert [p.name for p in path.parent.iterdir()] == ["trace.yaml"]


def test_trace_of_liveness_keeps_its_suffix():
    (violation,) = search(toys.livelock(), [toys.gets_to_four], seed=7, steps=100).violations
    trace = traces.record(toys.livelock(), violation)
    again = traces.from_text(traces.to_text(trace))
    assert again.suffix == violation.suffix and again.seed == 7


def test_trace_reads_as_text(trace):
    assert traces.to_text(trace).startswith(
        """\
schema: kspec.dev/trace/v1
kspec: 0.1.0
violation:
  property: not-four-litres
  kind: ''
  witness: ''
length: 6
actions:
  - Fill(big)
  - Pour(big)
  - Empty(small)
  - Pour(big)
  - Fill(big)
  - Pour(big)
suffix: null
seed: null
strategy: bfs
options:
  granularity: reconcile
"""
    )


def test_trace_ends_with_its_checksum(trace):
    assert traces.to_text(trace).splitlines()[-1].startswith("checksum: ")


def test_trace_has_no_anchors_even_where_the_world_shares_parts(trace):
    shared = {"cpu": "1"}
    document = traces.to_text(
        traces.Trace(
            property="p",
            kind="",
            witness="",
            actions=(),
            fingerprints=(),
            world={"a": shared, "b": shared},
        )
    )
    assert "&" not in document and "*" not in document


@pytest.mark.parametrize(
    "text", ["a: [", "\x00", "a: b: c", "- 1\n- 2", "plain", "", "? {a: 1}\n: 2"]
)
def test_what_is_not_a_yaml_mapping_is_refused(text):
    assert "a kspec trace" in refusal(text) or "schema is" in refusal(text)


def test_other_schema_version_is_refused(trace):
    text = traces.to_text(trace).replace("trace/v1", "trace/v2")
    assert "kspec.dev/trace/v2" in refusal(text) and "expected kspec.dev/trace/v1" in refusal(text)


def test_file_cut_short_anywhere_is_refused(trace):
    lines = traces.to_text(trace).splitlines(keepends=True)
    for end in range(len(lines)):
        refusal("".join(lines[:end]))


def test_missing_actions_are_noticed(trace):
    assert "length is 6, and actions has 5" in refusal(edited(trace, lambda d: d["actions"].pop()))


def test_edited_world_is_refused(trace):
    def change(document) -> None:
        document["world"]["nodes"] = 3

    assert "edited" in refusal(edited(trace, change))


def test_edited_layout_is_not_an_edited_world(trace):
    assert traces.from_text(edited(trace, lambda d: None)) == trace


@pytest.mark.parametrize("place", [(), ("violation",)])
def test_unknown_key_is_refused_by_name(trace, place):
    def change(document) -> None:
        for key in place:
            document = document[key]
        document["colour"] = "blue"

    assert "'colour'" in refusal(edited(trace, change))


@pytest.mark.parametrize(
    ("key", "value"),
    [("length", -1), ("length", "6"), ("actions", [1]), ("fingerprints", ["xyz"]), ("world", [])],
)
def test_wrong_type_is_refused_with_its_place(trace, key, value):
    assert f"{key}" in refusal(edited(trace, lambda d: d.update({key: value})))


def test_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot read"):
        traces.read(tmp_path / "none.yaml")


def test_file_that_is_not_text_is_refused(tmp_path):
    path = tmp_path / "binary.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not UTF-8"):
        traces.read(path)


def test_write_where_nothing_can_be_written_is_one_clear_line(trace, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot write"):
        traces.write(trace, tmp_path / "file" / "trace.yaml")
