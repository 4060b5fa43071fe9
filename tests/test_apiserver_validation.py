"""Validation promises upstream's field path, and that a valid object stays valid with defaults."""

from __future__ import annotations

import pytest

from kspec_models.apiserver.strategies import DEFAULTS
from kspec_models.apiserver.validate import problems
from kspec_models.objects import Deployment, Node, Pod, Service
from kspec_models.worlds import deployment, node, pod, service

KINDS = {cls.KIND: cls for cls in (Pod, Deployment, Service, Node)}
MATCH = {"matchLabels": {"app": "x"}}
NO_ROOM = {"maxSurge": 0, "maxUnavailable": "0%"}
NO_NAMES = [{"port": 1}, {"port": 2}]


def read(data):
    body = {k: v for k, v in data.items() if k not in ("apiVersion", "kind")}
    return KINDS[data["kind"]].from_json(body)


def changed(make, path, value):
    """The object of a document whose field at a dotted path was changed."""
    data = make("web")
    target = data
    *parents, last = (int(part) if part.isdigit() else part for part in path.split("."))
    for part in parents:
        target = target.setdefault(part, {}) if isinstance(target, dict) else target[part]
    target[last] = value
    return read(data)


@pytest.mark.parametrize("make", [pod, deployment, service, node])
def test_a_valid_object_has_no_problem_with_or_without_defaults(make):
    obj = read(make("web"))
    assert problems(obj) == ()
    assert problems(DEFAULTS.get(obj.resource, lambda same: same)(obj)) == ()


@pytest.mark.parametrize(
    ("make", "path", "value", "problem"),
    [
        (pod, "metadata.name", "Web", 'name: Invalid value: "Web"'),
        (service, "metadata.name", "1web", 'name: Invalid value: "1web"'),
        (pod, "metadata.namespace", "a.b", 'namespace: Invalid value: "a.b"'),
        (pod, "metadata.labels", {"a b": "c"}, "labels: Invalid value"),
        (pod, "metadata.annotations", {"a b": "c"}, "annotations: Invalid value"),
        (pod, "spec.containers", [], "containers: Required value"),
        (pod, "spec.containers.0.name", "", "name: Required value"),
        (pod, "spec.containers.0.name", "A", 'name: Invalid value: "A"'),
        (pod, "spec.containers.0.ports.0.containerPort", 0, "containerPort: Required value"),
        (pod, "spec.containers.0.ports.0.protocol", "X", "protocol: Unsupported value"),
        (pod, "spec.restartPolicy", "Maybe", "restartPolicy: Unsupported value"),
        (pod, "spec.terminationGracePeriodSeconds", -1, "terminationGracePeriodSeconds: Invalid"),
        (pod, "spec.nodeSelector", {"a b": "c"}, "nodeSelector: Invalid value"),
        (deployment, "spec.replicas", -1, "replicas: Invalid value: -1"),
        (deployment, "spec.minReadySeconds", -1, "minReadySeconds: Invalid value: -1"),
        (deployment, "spec.selector", None, "selector: Required value"),
        (deployment, "spec.selector", {}, "selector: Invalid value: {}"),
        (deployment, "spec.selector.matchExpressions", 3, "matchExpressions: got 3"),
        (deployment, "spec.template.spec.restartPolicy", "Never", "restartPolicy: Unsupported"),
        (deployment, "spec.template.spec.containers.0.name", "", "name: Required value"),
        (deployment, "spec.strategy.rollingUpdate.maxSurge", "5", 'maxSurge: Invalid value: "5"'),
        (service, "spec.ports", [], "ports: Required value"),
        (service, "spec.ports.0.port", 70000, "port: Invalid value: 70000"),
        (service, "spec.ports.0.protocol", "X", "protocol: Unsupported value"),
        (service, "spec.type", "Any", "type: Unsupported value"),
        (service, "spec.selector", {"a": "b c"}, "selector: Invalid value"),
    ],
)
def test_a_problem_is_named_by_the_path_of_its_field(make, path, value, problem):
    parent = path.rpartition(".")[0].replace(".0", "[0]")
    assert problems(changed(make, path, value))[0].startswith(f"{parent}.{problem}")


@pytest.mark.parametrize(
    ("make", "path", "value", "line"),
    [
        (pod, "spec.initContainers", [{"name": "app"}], "spec.containers[0].name: Duplicate value"),
        (
            pod,
            "spec.containers.0.resources",
            {"requests": {"cpu": "-1"}},
            'spec.containers[0].resources.requests[cpu]: Invalid value: "-1"',
        ),
        (
            pod,
            "spec.containers.0.resources",
            {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}},
            'spec.containers[0].resources.requests: Invalid value: "2": must be less than',
        ),
        (
            pod,
            "spec.containers.0.resources",
            {"limits": {"cpu": "1x"}},
            'spec.containers[0].resources.limits[cpu]: Invalid value: "1x"',
        ),
        (pod, "spec.overhead", {"cpu": "-1"}, "spec.overhead[cpu]: Invalid value"),
        (pod, "spec.readinessGates", [{}], "spec.readinessGates[0].conditionType: Required value"),
        (pod, "spec.affinity", {"nodeAffinity": []}, "spec.affinity.nodeAffinity: got []"),
        (deployment, "spec.selector", MATCH, "spec.template.metadata.labels: Invalid value"),
        (
            deployment,
            "spec.strategy.type",
            "Recreate",
            "spec.strategy.rollingUpdate: Forbidden",
        ),
        (
            deployment,
            "spec.strategy.rollingUpdate",
            NO_ROOM,
            'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0',
        ),
        (
            deployment,
            "spec.strategy.type",
            "Fast",
            "spec.strategy: Unsupported value: ",
        ),
        (
            node,
            "spec.taints",
            [{"key": "a", "effect": "No"}],
            'metadata.taints[0].effect: Unsupported value: "No": supported values: "NoSchedule"',
        ),
        (service, "spec.ports", NO_NAMES, "spec.ports[0].name: Required value"),
        (node, "status.allocatable", {"cpu": "x"}, "status.allocatable[cpu]: Invalid value"),
    ],
)
def test_a_problem_between_fields_is_named_where_upstream_names_it(make, path, value, line):
    assert problems(changed(make, path, value))[0].startswith(line)


def terms(*expressions):
    term = {"matchExpressions": list(expressions)}
    required = {"nodeSelectorTerms": [term]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}


@pytest.mark.parametrize(
    ("affinity", "problem"),
    [
        (terms({"key": "a", "operator": "Near"}), "operator: Invalid value"),
        (terms({"key": "a", "operator": "In", "values": "b"}), "values: got 'b'"),
        (terms("a"), "got 'a'"),
        (
            {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {}}},
            "nodeSelectorTerms: Required value",
        ),
        (
            {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 0}]}},
            "weight: Invalid value: 0",
        ),
    ],
)
def test_node_affinity_that_no_component_could_read_is_refused(affinity, problem):
    (line,) = problems(changed(pod, "spec.affinity", affinity))
    assert line.startswith("spec.affinity.nodeAffinity.") and problem in line


def test_node_affinity_that_is_well_formed_is_accepted():
    affinity = terms({"key": "a", "operator": "In", "values": ["b"]})
    assert problems(changed(pod, "spec.affinity", affinity)) == ()


def test_scheduling_gates_have_names_and_each_of_its_own():
    gates = [{"name": "ready"}, {"name": ""}, {"name": "ready"}]
    empty, *_, twice = problems(changed(pod, "spec.schedulingGates", gates))
    assert empty.startswith('spec.schedulingGates[1]: Invalid value: "": name part must be')
    assert twice == 'spec.schedulingGates[2]: Duplicate value: "ready"'
