"""A created pod has the priority that its PriorityClass stands for, and no other."""

import pytest
from api_calls import Server

from kspec_models import requests as api
from kspec_models.manifests import Document, read_object
from kspec_models.objects import PodDisruptionBudget, PriorityClass
from kspec_models.worlds import pod


@pytest.fixture
def server():
    return Server()


def priority_class(name, value, **fields):
    kind = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass"}
    return {**kind, "metadata": {"name": name}, "value": value, **fields}


def without_kind(data):
    return {key: value for key, value in data.items() if key not in ("apiVersion", "kind")}


def created(server, **spec):
    response = server.create(pod("a", **spec))
    assert response.ok, response.message
    made = response.entry.value.spec
    return made.priority_class_name, made.priority, made.preemption_policy


def test_a_pod_without_class_has_priority_0(server):
    assert created(server) == ("", 0, "")


def test_a_pod_has_the_value_and_the_policy_of_its_class(server):
    server.create(priority_class("high", 1000))
    server.create(priority_class("batch", -5, preemptionPolicy="Never"))
    assert created(server, priorityClassName="high") == ("high", 1000, "PreemptLowerPriority")
    server.delete("pods/default/a")
    assert created(server, priorityClassName="batch") == ("batch", -5, "Never")


def test_the_default_class_is_that_of_pods_that_name_none(server):
    server.create(priority_class("usual", 7, globalDefault=True, preemptionPolicy="Never"))
    assert created(server) == ("usual", 7, "Never")


@pytest.mark.parametrize(
    ("name", "value"),
    [("system-cluster-critical", 2_000_000_000), ("system-node-critical", 2_000_001_000)],
)
def test_the_system_classes_are_always_known(server, name, value):
    assert created(server, priorityClassName=name) == (name, value, "PreemptLowerPriority")


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"priorityClassName": "unknown"}, "no PriorityClass with name unknown was found"),
        ({"priority": 5}, "integer value of priority (5) must not be provided"),
        ({"priorityClassName": "high", "priority": 5}, "computed 1000 from"),
        ({"priorityClassName": "high", "preemptionPolicy": "Never"}, "value of PreemptionPolicy"),
        ({"preemptionPolicy": "Never"}, "string value of PreemptionPolicy (Never)"),
    ],
)
def test_a_pod_that_contradicts_its_class_is_forbidden(server, spec, said):
    server.create(priority_class("high", 1000))
    response = server.create(pod("a", **spec))
    assert response.reason == api.FORBIDDEN
    assert said in response.message


def test_a_pod_may_repeat_what_its_class_says(server):
    server.create(priority_class("high", 1000))
    spec = {"priority": 1000, "preemptionPolicy": "PreemptLowerPriority"}
    assert created(server, priorityClassName="high", **spec)[1] == 1000


def test_a_pod_keeps_its_priority_when_the_class_is_gone(server):
    server.create(priority_class("high", 1000))
    created(server, priorityClassName="high")
    server.delete("priorityclasses/high")
    assert server.get("pods/default/a").spec.priority == 1000


def test_only_one_class_is_the_default(server):
    server.create(priority_class("first", 1, globalDefault=True))
    assert server.create(priority_class("second", 2, globalDefault=True)).reason == api.FORBIDDEN
    assert server.create(priority_class("second", 2)).ok
    refused = server.patch("priorityclasses/second", {"globalDefault": True})
    assert refused.reason == api.FORBIDDEN
    assert server.patch("priorityclasses/first", {"globalDefault": False}).ok
    assert server.patch("priorityclasses/second", {"globalDefault": True}).ok


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (priority_class("big", 1_000_000_001), "maximum allowed value"),
        (priority_class("system-mine", 5), "reserved for system use"),
        (priority_class("odd", 5, preemptionPolicy="Sometimes"), "Unsupported value"),
    ],
)
def test_a_class_out_of_range_is_invalid(server, wrong, said):
    response = server.ask(api.Create(PriorityClass.from_json(without_kind(wrong))))
    assert (response.reason, said in response.message) == (api.INVALID, True)


def test_the_value_of_a_class_never_changes(server):
    server.create(priority_class("high", 1000))
    assert server.patch("priorityclasses/high", {"value": 7}).reason == api.INVALID
    assert server.patch("priorityclasses/high", {"preemptionPolicy": "Never"}).reason == api.INVALID
    assert server.patch("priorityclasses/high", {"description": "for the few"}).ok


def test_the_class_of_a_dump_of_the_system_is_accepted(server):
    assert server.create(priority_class("system-node-critical", 2_000_001_000)).ok


def budget(**spec):
    kind = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget"}
    return {**kind, "metadata": {"name": "b", "namespace": "default"}, "spec": spec}


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"minAvailable": 1, "maxUnavailable": 1}, "cannot be both set"),
        ({"minAvailable": -1}, "spec.minAvailable"),
        ({"maxUnavailable": "101%"}, "must not be greater than 100%"),
        ({"maxUnavailable": "half"}, "a valid percent"),
        ({"selector": {"matchLabels": {"-": "x"}}}, "spec.selector"),
    ],
)
def test_a_budget_that_upstream_refuses_is_invalid(server, spec, said):
    data = without_kind(budget(**spec))
    response = server.ask(api.Create(PodDisruptionBudget.from_json(data)))
    assert (response.reason, said in response.message) == (api.INVALID, True)


def test_a_budget_reads_and_writes_the_json_of_the_api(server):
    data = budget(minAvailable="50%", selector={"matchLabels": {"app": "web"}})
    status = {"disruptionsAllowed": 1, "disruptedPods": {"a": "2024-01-01T00:00:00Z"}}
    obj = read_object(Document("test", data | {"status": status}))
    assert obj.status.disrupted_pods["a"]
    assert obj.to_json() == data | {"status": status}
    assert server.create(data).entry.value.metadata.generation == 1
