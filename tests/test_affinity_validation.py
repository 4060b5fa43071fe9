"""The API server refuses pod affinity that it should, with field path and reason."""

import pytest

from kspec_models.apiserver.pod_affinity import with_label_keys
from kspec_models.apiserver.validate import problems
from kspec_models.objects import Pod

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
GOOD = {"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "web"}}}


def pod(affinity):
    spec = {"containers": [{"name": "main", "image": "main"}], "affinity": affinity}
    metadata = {"name": "a", "namespace": "default", "labels": {"app": "web", "version": "2"}}
    return Pod.from_json({"metadata": metadata, "spec": spec})


def problems_of(affinity):
    return problems(pod(affinity))


def test_whole_terms_are_accepted_before_and_after_their_keys_are_merged():
    keys = {"matchLabelKeys": ["version"], "mismatchLabelKeys": ["app"]}
    wide = {"topologyKey": "host", "namespaceSelector": {}, "namespaces": ["b"]}
    preferred = [{"weight": 100, "podAffinityTerm": wide}]
    rules = {REQUIRED: [{**GOOD, **keys}], PREFERRED: preferred}
    made = pod({"podAffinity": rules, "podAntiAffinity": {}})
    assert problems(made) == problems(with_label_keys(made)) == ()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"topologyKey": ""}, ".topologyKey: Required value: can not be empty"),
        ({"topologyKey": "a b"}, '.topologyKey: Invalid value: "a b": name part must consist of'),
        (
            {"labelSelector": {"matchExpressions": [{"key": "a", "operator": "Gt"}]}},
            ".labelSelector: Invalid value: ",
        ),
        (
            {"namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}},
            ".namespaceSelector: Invalid value: ",
        ),
        (
            {"labelSelector": None, "matchLabelKeys": ["version"]},
            ".matchLabelKeys: Forbidden: must not be specified when labelSelector is not set",
        ),
        (
            {"mismatchLabelKeys": ["-"]},
            '.mismatchLabelKeys[0]: Invalid value: "-": name part must consist of',
        ),
        (
            {"matchLabelKeys": ["app"]},
            '[0]: Invalid value: "app": exists in both matchLabelKeys and labelSelector',
        ),
        (
            {"matchLabelKeys": ["version"], "mismatchLabelKeys": ["version"]},
            '.matchLabelKeys[0]: Invalid value: "version": exists in both matchLabelKeys and '
            "mismatchLabelKeys",
        ),
    ],
)
@pytest.mark.parametrize("kind", ["podAffinity", "podAntiAffinity"])
def test_what_upstream_refuses_of_a_term_is_refused(kind, change, expected):
    term = {**GOOD, **change}
    for rules, where in (
        ({REQUIRED: [term]}, f"{REQUIRED}[0]"),
        ({PREFERRED: [{"weight": 1, "podAffinityTerm": term}]}, f"{PREFERRED}[0].podAffinityTerm"),
    ):
        found = problems(with_label_keys(pod({kind: rules})))
        assert any(each.startswith(f"spec.affinity.{kind}.{where}{expected}") for each in found)


@pytest.mark.parametrize("weight", [0, 101])
def test_a_weight_out_of_range_is_refused(weight):
    rules = {PREFERRED: [{"weight": weight, "podAffinityTerm": GOOD}]}
    said = f"spec.affinity.podAffinity.{PREFERRED}[0].weight: Invalid value: {weight}: "
    assert problems_of({"podAffinity": rules}) == (said + "must be in the range 1-100",)


@pytest.mark.parametrize(
    "affinity",
    [
        {"podAffinity": {REQUIRED: [{**GOOD, "matchLabelKeys": "app"}]}},
        {"podAffinity": {REQUIRED: ["zone"]}},
        {"podAffinity": {REQUIRED: GOOD}},
        {"podAntiAffinity": {PREFERRED: [{"weight": "1", "podAffinityTerm": GOOD}]}},
        {"podAntiAffinity": []},
    ],
)
def test_another_shape_is_refused(affinity):
    (problem,) = problems_of(affinity)
    assert "expected" in problem
