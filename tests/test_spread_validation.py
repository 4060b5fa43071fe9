"""The API server refuses topology spread constraints that it should, with field path and reason."""

import pytest

from kspec_models.apiserver.validate import problems
from kspec_models.objects import Pod

GOOD = {
    "maxSkew": 1,
    "topologyKey": "zone",
    "whenUnsatisfiable": "DoNotSchedule",
    "labelSelector": {"matchLabels": {"app": "web"}},
}


def problems_of(*constraints):
    spec = {
        "containers": [{"name": "main", "image": "main"}],
        "topologySpreadConstraints": list(constraints),
    }
    metadata = {"name": "a", "namespace": "default"}
    return problems(Pod.from_json({"metadata": metadata, "spec": spec}))


def test_a_whole_constraint_is_accepted():
    keys = {"minDomains": 2, "nodeTaintsPolicy": "Honor", "matchLabelKeys": ["pod-template-hash"]}
    assert problems_of(GOOD, {**GOOD, **keys, "topologyKey": "host"}) == ()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"maxSkew": 0}, "[0].maxSkew: Invalid value: 0: must be greater than zero"),
        ({"topologyKey": ""}, "[0].topologyKey: Required value: can not be empty"),
        (
            {"whenUnsatisfiable": "Never"},
            '[0].whenUnsatisfiable: Unsupported value: "Never": supported values: '
            '"DoNotSchedule", "ScheduleAnyway"',
        ),
        ({"minDomains": 0}, "[0].minDomains: Invalid value: 0: must be greater than zero"),
        (
            {"minDomains": 1, "whenUnsatisfiable": "ScheduleAnyway"},
            "[0].minDomains: Invalid value: 1: can only use minDomains if "
            "whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway",
        ),
        (
            {"nodeAffinityPolicy": "honor"},
            '[0].nodeAffinityPolicy: Unsupported value: "honor": supported values: '
            '"Honor", "Ignore"',
        ),
        (
            {"matchLabelKeys": ["app"]},
            '[0].matchLabelKeys[0]: Invalid value: "app": exists in both matchLabelKeys and '
            "labelSelector",
        ),
        (
            {"matchLabelKeys": ["x"], "labelSelector": None},
            "[0].matchLabelKeys: Forbidden: must not be specified when labelSelector is not set",
        ),
    ],
)
def test_a_bad_constraint_is_refused(change, expected):
    constraint = {k: v for k, v in {**GOOD, **change}.items() if v is not None}
    assert problems_of(constraint) == (f"spec.topologySpreadConstraints{expected}",)


def test_the_same_key_and_action_twice_are_refused():
    assert problems_of(GOOD, {**GOOD, "maxSkew": 3}) == (
        "spec.topologySpreadConstraints[1].{topologyKey, whenUnsatisfiable}: Duplicate value: "
        '"{zone, DoNotSchedule}"',
    )


def test_a_text_where_a_number_belongs_is_refused():
    (problem,) = problems_of({**GOOD, "minDomains": "2"})
    assert "minDomains" in problem
