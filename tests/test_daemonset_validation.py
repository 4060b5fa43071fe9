"""What the API server makes of DaemonSets and ReplicationControllers, and what it refuses."""

import pytest

from kspec_models.apiserver import daemon_set, replication_controller
from kspec_models.apiserver.validate import is_immutable_change, problems
from kspec_models.objects import DaemonSet, ReplicationController
from kspec_models.worlds_daemonset import daemon_set as daemon_document
from kspec_models.worlds_daemonset import replication_controller as controller_document

ROLLING = "spec.updateStrategy.rollingUpdate"


def daemon(**spec):
    body = daemon_document("agent")
    return daemon_set.default(DaemonSet.from_json({**body, "spec": {**body["spec"], **spec}}))


def controller(**spec):
    body = controller_document("web")
    return replication_controller.default(
        ReplicationController.from_json({**body, "spec": {**body["spec"], **spec}})
    )


def limits(unavailable, surge):
    rolling = {"maxUnavailable": unavailable, "maxSurge": surge}
    return {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": rolling}}


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"selector": None}, "spec.selector: Required value"),
        ({"selector": {}}, "spec.selector: Invalid value: {}: empty selector is invalid for daem"),
        ({"selector": {"matchLabels": {"app": "x"}}}, "spec.template.metadata.labels: Invalid va"),
        ({"minReadySeconds": -1}, "spec.minReadySeconds: Invalid value: -1: must be greater than"),
        ({"revisionHistoryLimit": -1}, "spec.revisionHistoryLimit: Invalid value: -1: must be"),
        ({"updateStrategy": {"type": "Recreate"}}, 'spec.updateStrategy: Unsupported value: "Rec'),
        (limits(0, 0), f"{ROLLING}.maxUnavailable: Required value: cannot be 0 when maxSurge is 0"),
        (limits(1, 1), f"{ROLLING}.maxSurge: Invalid value: 1: may not be set when maxUnavailable"),
        (limits("0%", "10%"), None),
        (
            limits("101%", 0),
            f'{ROLLING}.maxUnavailable: Invalid value: "101%": must not be greater',
        ),
        (limits(-1, 0), f"{ROLLING}.maxUnavailable: Invalid value: -1: must be greater than"),
        (limits("x", 0), f'{ROLLING}.maxUnavailable: Invalid value: "x": a valid percent string'),
    ],
)
def test_a_daemon_set_is_refused_with_the_field_that_is_wrong(spec, problem):
    found = problems(daemon(**spec))
    assert found == () if problem is None else found[0].startswith(problem), found


def test_a_daemon_set_replaces_one_pod_at_a_time_unless_told_otherwise():
    made = daemon(updateStrategy={})
    rolling = made.spec.update_strategy.rolling_update
    assert made.spec.update_strategy.type == "RollingUpdate"
    assert (rolling.max_unavailable, rolling.max_surge) == (1, 0)
    assert made.spec.revision_history_limit == 10
    assert daemon(updateStrategy={"type": "OnDelete"}).spec.update_strategy.rolling_update is None


def test_the_selector_of_a_daemon_set_stays():
    changed = daemon(selector={"matchLabels": {"app": "agent", "more": "x"}})
    assert is_immutable_change(daemon(), changed) == (
        'spec.selector: Invalid value: {"matchLabels":{"app":"agent","more":"x"}}: '
        "field is immutable",
    )
    assert not is_immutable_change(daemon(), daemon(minReadySeconds=3))


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"replicas": -1}, "spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
        ({"minReadySeconds": -1}, "spec.minReadySeconds: Invalid value: -1"),
        ({"selector": {"app": "x"}}, "spec.template.metadata.labels: Invalid value"),
        ({"template": None}, "spec.template: Required value"),
        ({"template": None, "selector": {}}, "spec.selector: Required value"),
        ({}, None),
    ],
)
def test_a_replication_controller_is_refused_with_the_field_that_is_wrong(spec, problem):
    found = problems(controller(**spec))
    assert found == () if problem is None else found[0].startswith(problem), found


def test_a_replication_controller_takes_selector_and_labels_from_its_template():
    made = controller(selector={}, replicas=None)
    assert made.spec.selector == made.metadata.labels == {"app": "web"}
    assert made.spec.replicas == 1
