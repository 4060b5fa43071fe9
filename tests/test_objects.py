"""Objects promise that JSON survives them, and that equal values are equal everywhere."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import yaml
from cluster_runs import manifest
from hypothesis import given
from hypothesis import strategies as st

from kspec.errors import InputError
from kspec_models.manifests import read_documents, read_object
from kspec_models.objects import (
    EMPTY,
    Condition,
    Container,
    Deployment,
    FrozenMap,
    Node,
    Pod,
    Service,
    freeze,
    thaw,
    with_condition,
)
from kspec_models.objects.record import encode_time
from kspec_models.worlds import deployment, node, pod, service

POD = {
    "metadata": {"name": "a", "namespace": "default", "labels": {"app": "a"}},
    "spec": {
        "containers": [{"name": "app", "image": "x", "ports": [{"containerPort": 80}]}],
        "tolerations": [{"key": "k", "operator": "Exists"}],
    },
}
names = st.text("abcdefgh", min_size=1, max_size=4)
labels = st.dictionaries(names, names, max_size=2)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | names,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=2),
    max_leaves=6,
)


@st.composite
def pods(draw):
    containers = st.fixed_dictionaries(
        {"name": names},
        optional={
            "image": names,
            "command": st.lists(names, min_size=1, max_size=2),
            "resources": st.fixed_dictionaries(
                {"requests": st.dictionaries(st.just("cpu"), st.just("100m"), min_size=1)}
            ),
        },
    )
    spec = {"containers": draw(st.lists(containers, min_size=1, max_size=2))}
    spec |= draw(
        st.dictionaries(st.sampled_from(["hostAliases", "dnsConfig", "other"]), json_values)
    )
    meta = {"name": draw(names), "uid": draw(names)}
    if given_labels := draw(labels):
        meta["labels"] = given_labels
    if (created := draw(st.none() | st.integers(-1000, 10**9))) is not None:
        meta["creationTimestamp"] = encode_time(created)
    return {"metadata": meta, "spec": spec}


def without_kind(data):
    return {k: v for k, v in data.items() if k not in ("apiVersion", "kind")}


@given(pods())
def test_a_pod_survives_the_round_trip_with_fields_that_nobody_models(data):
    read = Pod.from_json(data)
    assert without_kind(read.to_json()) == data
    assert Pod.from_json(without_kind(read.to_json())) == read


@pytest.mark.parametrize(
    ("cls", "data"),
    [(Deployment, deployment("web")), (Service, service("web")), (Node, node("n1"))],
)
def test_a_modelled_kind_writes_what_it_read(cls, data):
    assert cls.from_json(without_kind(data)).to_json() == data


@pytest.mark.parametrize(
    "name", ["online-boutique.yaml", "guestbook.yaml", "voting-app.yaml", "cassandra.yaml"]
)
def test_every_document_of_a_real_manifest_survives_the_round_trip(name):
    for document in read_documents(manifest(name)):
        obj = read_object(document, ignore_unmodelled=True)
        if obj is None:
            continue
        assert contains(obj.to_json(), document.data)
        again = read_object(type(document)("again", obj.to_json()))
        assert again == obj and again.fingerprint == obj.fingerprint


def contains(whole, part):
    """Nothing of `part` is missing but zero values, which JSON of Kubernetes leaves out."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(
            contains(whole[k], v) if k in whole else v in (0, "", False, None, [], {})
            for k, v in part.items()
        )
    if isinstance(part, list):
        return len(whole) == len(part) and all(map(contains, whole, part))
    return whole == part or str(whole) == str(part)


@given(json_values)
def test_frozen_json_thaws_to_what_it_was(value):
    assert thaw(freeze(value)) == value


@given(json_values, json_values)
def test_frozen_json_is_equal_where_json_is(a, b):
    assert (freeze(a) == freeze(b)) == (a == b)


def test_a_map_is_equal_whatever_its_order_and_keeps_the_order_it_was_written_in():
    one, other = FrozenMap({"a": 1, "b": 2}), FrozenMap({"b": 2, "a": 1})
    assert one == other and hash(one) == hash(other) and one.fingerprint == other.fingerprint
    assert (list(one), list(other)) == (["a", "b"], ["b", "a"])


def test_records_are_equal_by_content_and_differ_by_type():
    assert Pod.from_json(POD) == Pod.from_json(POD)
    assert Pod.from_json(POD) != Pod.from_json({"metadata": {"name": "b"}})
    assert Container(name="a") != Condition(type="a")
    assert len({Pod.from_json(POD), Pod.from_json(POD)}) == 1


def test_a_changed_copy_leaves_the_original_as_it_was():
    before = Pod.from_json(POD)
    after = before.with_metadata(labels=before.metadata.labels.set("app", "b"))
    assert before.metadata.labels["app"] == "a" and after.metadata.labels["app"] == "b"
    assert before.fingerprint == Pod.from_json(POD).fingerprint != after.fingerprint


def test_replacing_an_unknown_field_is_refused():
    with pytest.raises(TypeError, match="no field"):
        Pod().replace(colour="red")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2024-01-01T00:00:00Z", 0),
        ("2024-01-01T00:01:00+00:00", 60),
        ("2024-01-01T02:00:00+02:00", 0),
        ("2023-12-31T23:59:59Z", -1),
        ("2024-01-01T00:00:01.999999Z", 1),
        ("0001-01-01T00:00:00Z", None),
        (None, None),
    ],
)
def test_a_time_becomes_virtual_seconds(text, seconds):
    meta = Pod.from_json({"metadata": {"name": "a", "creationTimestamp": text}}).metadata
    assert meta.creation_timestamp == seconds


@pytest.mark.parametrize(
    "text", ["tomorrow", 5, "2024-13-01T00:00:00Z", "9999-12-31T23:00:00-05:00"]
)
def test_what_is_no_time_is_refused_with_its_path(text):
    with pytest.raises(InputError, match=r"metadata\.creationTimestamp: got .* RFC 3339"):
        Pod.from_json({"metadata": {"creationTimestamp": text}})


@pytest.mark.parametrize("value", [1, "25%"])
def test_a_surge_is_a_number_or_a_percentage_and_stays_what_it_was(value):
    read = Deployment.from_json(without_kind(deployment("web", surge=value)))
    assert read.spec.strategy.rolling_update.max_surge == value


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"replicas": "3"}, "spec.replicas"),
        ({"replicas": 2**63}, "spec.replicas"),
        ({"replicas": True}, "spec.replicas"),
        ({"template": {"spec": {"containers": {}}}}, "spec.template.spec.containers"),
        (
            {"template": {"spec": {"containers": [{"ports": [{"containerPort": "80"}]}]}}},
            "spec.template.spec.containers[0].ports[0].containerPort",
        ),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": 1.5}}},
            "spec.strategy.rollingUpdate.maxSurge",
        ),
        ({"selector": {"matchLabels": 1}, "paused": "no"}, "spec.paused"),
    ],
)
def test_an_unfit_value_is_refused_with_the_path_of_its_field(spec, path):
    with pytest.raises(InputError) as refused:
        Deployment.from_json({"metadata": {"name": "web"}, "spec": spec})
    assert str(refused.value).startswith(f"{path}: got ")


def test_null_is_the_same_as_absent_and_an_empty_label_value_is_empty_text():
    data = {"metadata": {"name": "a", "labels": {"role": None}}, "spec": None, "status": None}
    assert Pod.from_json(data) == Pod.from_json({"metadata": {"name": "a", "labels": {"role": ""}}})
    affinity = {"nodeAffinity": None, "podAffinity": {}}
    assert Pod.from_json({"spec": {"affinity": affinity}}).spec.affinity == {"podAffinity": EMPTY}


def test_a_strategy_keeps_a_field_that_it_does_not_know():
    data = {"strategy": {"type": "Recreate", "later": 1}}
    assert Deployment.from_json({"spec": data}).to_json()["spec"] == data


def test_a_condition_takes_the_place_of_its_type():
    ready, other = Condition(type="Ready", status="False"), Condition(type="Other", status="True")
    true = ready.replace(status="True")
    assert with_condition((ready, other), true) == (true, other)
    assert with_condition((other,), true) == (other, true)


SCRIPT = """
import sys, yaml
from kspec_models.manifests import Document, read_object
from kspec_models.building import build
from kspec_models.world import World
data = yaml.safe_load(sys.stdin)
print([read_object(Document("x", d)).fingerprint for d in data])
cluster = build(World(objects=tuple(data)))
state = cluster.init()
for _ in range(60):
    state = cluster.step(state, cluster.enabled(state)[-1])
    print(cluster.fingerprint(state), cluster.encode(cluster.enabled(state)[0]))
"""


def test_fingerprints_and_steps_are_the_same_in_every_process():
    given_objects = [deployment("web", 2), service("web"), pod("bare", nodeSelector={"b": "1"})]
    outputs = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            input=yaml.safe_dump(given_objects),
            text=True,
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1 and outputs.pop().count("\n") == 61
