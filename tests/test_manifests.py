"""Manifests promise to be read as kubectl reads them."""

from __future__ import annotations

import json

import pytest
import yaml

from kspec.suite import Settings
from kspec_models.kinds import lookup, plural_of
from kspec_models.manifests import Document, parse_documents, read_documents, read_object
from kspec_models.objects import Deployment, Unstructured
from kspec_models.reading_worlds import read_world
from kspec_models.worlds import deployment, pod, service

CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}


@pytest.fixture
def documents(tmp_path):
    def read(text):
        path = tmp_path / "app.yaml"
        path.write_text(text, encoding="utf-8")
        return [document.data for document in read_documents(path)]

    return read


def annotated(text):
    (document,) = parse_documents(
        f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\n  annotations:\n    a: {text}\n",
        "x",
    )
    return read_object(document).metadata.annotations["a"]


APP = [deployment("web"), service("web"), pod("a")]


@pytest.mark.parametrize(
    "text",
    [
        yaml.safe_dump_all(APP),
        yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": APP}),
        json.dumps({"apiVersion": "v1", "kind": "List", "items": APP}),
        json.dumps({"kind": "List", "items": APP}, indent="\t"),
        "\n".join(json.dumps(data) for data in APP),
        "---\n" + "\n---\n".join(json.dumps(data) for data in APP) + "\n---\n# nothing\n---\n",
        "\ufeff" + yaml.safe_dump_all(APP),
        yaml.safe_dump_all(APP).replace("\n", "\r\n"),
        yaml.safe_dump_all(APP, default_flow_style=True),
    ],
    ids=["yaml", "list", "json", "tabs", "json stream", "both", "bom", "crlf", "flow"],
)
def test_every_way_of_writing_an_application_reads_the_same(documents, text):
    assert documents(text) == APP


def test_documents_know_the_line_they_start_at(tmp_path):
    path = tmp_path / "app.yaml"
    path.write_text("# a\n---\nkind: A\n---\n\nkind: B\n")
    assert [d.where for d in read_documents(path)] == [f"{path}:3", f"{path}:6"]
    path.write_text('{"kind": "A"}\n\n{"kind": "List", "items": [{"kind": "B"}]}')
    assert [d.where for d in read_documents(path)] == [f"{path}:1", f"{path}:3: items[0]"]


def test_a_typed_list_gives_its_items_their_kind(documents):
    items = [{"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}]
    found = documents(yaml.safe_dump({"apiVersion": "v1", "kind": "PodList", "items": items}))
    assert found == [{"apiVersion": "v1", "kind": "Pod", **item} for item in items]


def test_an_empty_list_holds_nothing(documents):
    config = json.dumps(CONFIG)
    assert documents(f"kind: List\nitems:\n---\nkind: List\nitems: []\n---\n{config}") == [CONFIG]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2024-01-01", "2024-01-01"),
        ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
        ("12:30", "12:30"),
        ("=", "="),
        ("1e3", "1e3"),
        ("", ""),
        ("'yes'", "yes"),
        ("!!binary aGk=", "hi"),
        ("|-\n      two\n      lines", "two\nlines"),
        ('"\\u263a"', "\u263a"),
    ],
)
def test_text_stays_the_text_that_was_written(text, value):
    assert annotated(text) == value


def test_json_may_hold_any_character(documents):
    text = json.dumps({**CONFIG, "data": {"a": "\U0001f600", "b": "\x7f/"}}).replace("/", "\\/")
    assert documents(text)[0]["data"] == {"a": "\U0001f600", "b": "\x7f/"}


def test_keys_become_text(documents):
    text = f"{yaml.safe_dump(CONFIG)}data: {{yes: a, 2: b, 1.5: c}}"
    assert documents(text)[0]["data"] == {"true": "a", "2": "b", "1.5": "c"}


def test_anchors_and_merge_keys_are_expanded(documents):
    text = f"{yaml.safe_dump(CONFIG)}data: &x {{a: '1'}}\nmore: {{<<: *x, b: *x}}"
    assert documents(text)[0]["more"] == {"a": "1", "b": {"a": "1"}}


def test_times_of_an_object_are_read_whether_quoted_or_not():
    for text in ("2024-01-01T00:00:05Z", "'2024-01-01T00:00:05Z'"):
        source = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: a, creationTimestamp: {text}}}\n"
        (document,) = parse_documents(f"{source}spec: {{containers: [{{name: a}}]}}\n", "x")
        assert read_object(document).metadata.creation_timestamp == 5


def test_an_object_without_a_namespace_is_in_default_and_a_global_one_in_none():
    data = deployment("web")
    del data["metadata"]["namespace"]
    assert read_object(Document("x", data)).key == "default/web"
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n", "namespace": "default"}}
    assert read_object(Document("x", node)).key == "n"


def test_what_a_dump_adds_to_each_object_is_no_part_of_it():
    data = deployment("web")
    data["metadata"] |= {"resourceVersion": "17", "managedFields": [{"manager": "kubectl"}]}
    assert read_object(Document("x", data)) == read_object(Document("x", deployment("web")))


@pytest.mark.parametrize(
    ("version", "kind", "resource"),
    [
        ("apps/v1", "Deployment", "deployments"),
        ("v1", "Endpoints", "endpoints"),
        ("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies"),
        ("networking.k8s.io/v1", "IngressClass", "ingressclasses"),
        ("example.com/v1", "Pod", "pods.example.com"),
        ("example.com/v1beta1", "Y", "ies.example.com"),
        ("gateway.networking.k8s.io/v1", "Gateway", "gateways.gateway.networking.k8s.io"),
    ],
)
def test_a_kind_is_served_under_the_resource_of_its_group(version, kind, resource):
    assert lookup(version, kind).plural == resource


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ("v1", "Deployment"),
        ("apps/v1", "Pod"),
        ("apps/v1beta1", "Deployment"),
        ("extensions/v1beta1", "Ingress"),
        ("networking.k8s.io/v1", "Gateway"),
        ("example.com/v1", "No/Kind"),
        ("example.com/", "Kind"),
        ("v1/example.com", "Kind"),
    ],
)
def test_a_kind_that_does_not_exist_is_not_found(version, kind):
    assert lookup(version, kind) is None


@pytest.mark.parametrize(
    ("kind", "plural"), [("Pod", "pods"), ("Proxy", "proxies"), ("Key", "keys"), ("Box", "boxes")]
)
def test_a_plural_is_guessed_as_english_forms_it(kind, plural):
    assert plural_of(kind) == plural


def test_a_modelled_kind_is_typed_and_a_passive_one_is_kept_whole():
    assert isinstance(read_object(Document("x", deployment("web"))), Deployment)
    data = {**CONFIG, "metadata": {"name": "c", "namespace": "default"}, "data": {"a": "1"}}
    passive = read_object(Document("x", data))
    assert isinstance(passive, Unstructured) and passive.to_json() == data


def test_two_objects_without_names_are_no_duplicates(tmp_path):
    data = pod("")
    data["metadata"] = {"generateName": "a-"}
    path = tmp_path / "app.yaml"
    path.write_text(yaml.safe_dump_all([data, data]))
    assert len(read_world((path,), Settings()).objects) == 2
