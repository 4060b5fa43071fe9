"""Bad input promises one line with file, line and object, whatever the input; never a traceback."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kspec.errors import InputError
from kspec.suite import Settings
from kspec_models.building import build
from kspec_models.reading_worlds import read_world
from kspec_models.world import World
from kspec_models.worlds import deployment, node, pod, service

C = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"
DEPLOYMENT = yaml.safe_dump(deployment("web"))
LAUGHS = "a0: &a0 [x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}, *a{i - 1}, *a{i - 1}]\n" for i in range(1, 12)
)


def changed(data, path, value):
    """A document, in YAML, with the value at a path changed; dotted, or the keys one by one."""
    target = data
    if isinstance(path, str):
        path = [int(part) if part.isdigit() else part for part in path.split(".")]
    *parents, last = path
    for part in parents:
        target = target[part]
    target[last] = value
    return yaml.safe_dump(data)


def world(spec):
    return f"# a world\napiVersion: kspec.dev/v1\nkind: World\nspec: {spec}\n"


@pytest.fixture
def refused(tmp_path):
    def refused(content, **given_settings):
        path = tmp_path / "app.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.raises(InputError) as caught:
            build(read_world((path,), Settings(**given_settings))).init()
        line = str(caught.value)
        assert "\n" not in line and line.startswith(str(path)) and caught.value.exit_status == 2
        return line.removeprefix(str(path))

    return refused


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: [1,\n", ":3: not YAML:"),
        ("a: 1\nb: }\n", ":2: not YAML:"),
        ("a:\n\tb: 1\n", ":2: not YAML:"),
        ("a: *nowhere\n", ":1: not YAML:"),
        ("? [a]\n: b\n", ":1: not YAML:"),
        ("a: !!python/object:os.system {}\n", ":1: not YAML:"),
        ("a: !!int x\n", ": not YAML:"),
        ("a: !!binary '*'\n", ": not YAML:"),
        ("a: \x00\n", ": not YAML:"),
        (b"\xff\xfe\x00a", ": cannot be read: not UTF-8 text"),
        (b"\x89PNG\r\n\x1a\n", ": cannot be read: not UTF-8 text"),
        ("", ": holds no object"),
        ("# only a comment\n---\n---\n", ": holds no object"),
        ("apiVersion: v1\nkind: List\nitems:\n", ": holds no object"),
        ("\n- a\n", ":2: a document that is a list; expected a map"),
        ("hello\n", ":1: a document that is text; expected a map"),
        ("5\n", ":1: a document that is a number"),
        ("true\n", ":1: a document that is true or false"),
        ('{"a": 1', ":1: not YAML:"),
        ("kind: List\nitems: {a: 1}\n", ":1: items is a map; expected a list"),
        ("kind: List\nitems: [null]\n", ":1: items[0]: a document that is null"),
        (f"{C}---\n{C}data: {'[' * 900}{']' * 900}\n", ":8: nested deeper than 100"),
        (f"{C}data: {'[' * 200_000}\n", ":4: nested deeper than 100"),
        (f"{C}data:\n{'- ' * 200_000}a\n", ":5: nested deeper than 100"),
        (f"{C}data: &x {{a: *x}}\n", ":1: nested deeper than 100"),
        (f"{C}{LAUGHS}", ":1: aliases repeat too much"),
        (f"{C}data: {{a: .nan}}\n", ":1: the number nan"),
        (f"{C}data: {{a: -.inf}}\n", ":1: the number -inf"),
        (f"{C}data: !!set {{a}}\n", ":1: a value of type set"),
        (f"{C}data: {{null: a}}\n", ":1: the key None"),
    ],
)
def test_what_is_no_document_is_refused_where_it_is_wrong(refused, text, line):
    assert refused(text).startswith(line)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("\na: 1\n", ":2: no Kubernetes object: apiVersion is missing; expected a document with"),
        ("apiVersion: v1\n", ":1: no Kubernetes object: kind is missing"),
        ("apiVersion: 1\nkind: Pod\n", ":1: no Kubernetes object: apiVersion is missing"),
        ("apiVersion: v1\nkind: [Pod]\n", ":1: no Kubernetes object: kind is missing"),
        (DEPLOYMENT.replace("Deployment", "Deploymnet"), ":1: kind Deploymnet of apps/v1 does not"),
        (DEPLOYMENT.replace("/v1", "/v1beta1"), ":1: kind Deployment of apps/v1beta1 does not"),
        ("apiVersion: v1\nkind: Pod\n", ":1: Pod without a name; expected metadata.name"),
        ("apiVersion: v1\nkind: Pod\nmetadata: [a]\n", ":1: Pod without a name"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: 5}\n", ":1: Pod without a name"),
        (C.replace("{name: c}", "{name: c, labels: [a]}"), ":1: ConfigMap c: metadata.labels: got"),
        (C.replace("{name: c}", "{name: a/c}"), ":1: ConfigMap a/c: metadata.name: Invalid value"),
        (C.replace("c}", "c, namespace: ../x}"), ":1: ConfigMap c: metadata.namespace: Invalid"),
        (f"{C}---\n{C}", ":5: duplicate name: configmaps default/c is also at "),
    ],
)
def test_what_is_no_object_is_named_with_its_line(refused, text, line):
    assert refused(text).startswith(line)


APP, TEMPLATE = "spec.containers.0", "spec.template.spec.containers"


@pytest.mark.parametrize(
    ("make", "path", "value", "problem"),
    [
        (deployment, "spec.replicas", "three", "spec.replicas: got 'three'; expected a whole"),
        (deployment, "spec.replicas", -1, "spec.replicas: Invalid value: -1"),
        (deployment, "spec.replicas", 1.5, "spec.replicas: got 1.5"),
        (deployment, "spec.replicas", 10**30, "spec.replicas: got 1000"),
        (deployment, "spec", [], "spec: got []; expected a map"),
        (deployment, "spec", None, "spec.selector: Required value"),
        (deployment, "spec.selector", None, "spec.selector: Required value"),
        (deployment, "spec.selector", 5, "spec.selector: got 5"),
        (deployment, "spec.selector.matchLabels", ["a"], "spec.selector.matchLabels: got ['a']"),
        (deployment, "spec.selector.matchLabels.app", "x", "spec.template.metadata.labels: Inv"),
        (deployment, TEMPLATE, {}, "spec.template.spec.containers: got {}; expected a list"),
        (deployment, TEMPLATE, [None], "spec.template.spec.containers[0].name: Required value"),
        (deployment, "spec.strategy.rollingUpdate.maxSurge", "1", "spec.strategy.rollingUpdate"),
        (pod, "spec.containers", "app", "spec.containers: got 'app'; expected a list"),
        (pod, f"{APP}.resources.requests.cpu", "-1", "spec.containers[0].resources.requests[cpu]"),
        (pod, f"{APP}.resources.requests.cpu", "1x", "spec.containers[0].resources.requests[cpu]"),
        (pod, f"{APP}.resources.requests.cpu", True, "spec.containers[0].resources.requests.cpu"),
        (pod, "spec.affinity", 5, "spec.affinity: got 5"),
        (pod, "spec.topologySpreadConstraints", 5, "spec.topologySpreadConstraints: got 5"),
        (pod, "spec.readinessGates", [5], "spec.readinessGates[0]: got 5"),
        (pod, "metadata.creationTimestamp", "now", "metadata.creationTimestamp: got 'now'"),
        (pod, "metadata.ownerReferences", {}, "metadata.ownerReferences: got {}"),
        (service, "spec.ports.0.port", "80", "spec.ports[0].port: got '80'"),
        (service, "status", 5, "status: got 5"),
        (node, "status.capacity.cpu", "x", "status.capacity[cpu]: Invalid value"),
    ],
)
def test_an_invalid_field_is_named_with_line_and_object(refused, make, path, value, problem):
    data = make("web")
    line = f":1: {data['kind']} web: {problem}"
    assert refused(changed(data, path, value)).startswith(line)


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ("{node: 3}", "spec: Additional properties are not allowed ('node' was unexpected)"),
        ("{nodes: three}", "spec.nodes: 'three' is not of type 'integer'"),
        ("{nodes: -1}", "spec.nodes: -1 is less than the minimum of 0"),
        ("{faults: {meteor: 1}}", "spec.faults: Additional properties"),
        ("{granularity: fine}", "spec.granularity: 'fine' is not one of"),
        ("[]", "spec: [] is not of type 'object'"),
        ("{nodeCapacity: {cpu: lots}}", "spec.nodeCapacity: cpu=lots: "),
        ("{nodeCapacity: {cpu: -1}}", "spec.nodeCapacity: cpu=-1 is negative"),
        ("{objects: [{kind: Pod}]}", "objects[0]: no Kubernetes object"),
        (f"{{objects: [{pod('a')}, {pod('a')}]}}", "objects[1]: duplicate name: pods"),
        ("{operations: [{explode: {}}]}", "spec.operations.0: Additional properties"),
        ("{operations: [{}]}", "spec.operations.0: {} "),
        ("{operations: [{apply: {}}]}", "spec.operations[0]: apply: no Kubernetes object"),
        ("{operations: [{delete: {kind: Pod}}]}", "spec.operations.0.delete: 'name' is a"),
        ("{operations: [{delete: {kind: X, name: a}}]}", "spec.operations[0]: operation on"),
        ("{operations: [{scale: {kind: Pod, name: a, replicas: 2}}]}", "spec.operations[0]: scale"),
    ],
)
def test_a_world_that_cannot_be_is_refused_with_the_path_of_what_is_wrong(refused, spec, problem):
    assert refused(world(spec)).startswith(f":2: {problem}")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (world("{}").replace("v1", "v9"), ":2: apiVersion: 'kspec.dev/v1' was expected"),
        (world("{}").replace("World", "Galaxy"), ":2: kind: 'World' was expected"),
        (f"{world('{}')}---\n{world('{}')}", ":7: a second World; expected at most one"),
        (f"{world(dict(objects=[pod('a')]))}---\n{yaml.safe_dump(pod('a'))}", ":6: duplicate name"),
    ],
)
def test_a_file_holds_at_most_one_world_of_this_version(refused, text, line):
    assert refused(text).startswith(line)


def test_a_kind_that_acts_and_is_not_modelled_is_refused_or_left_out(tmp_path, refused):
    text = "apiVersion: scheduling.k8s.io/v1alpha2\nkind: PodGroup\nmetadata: {name: gang}\n"
    assert "PodGroup gang: this kind creates, moves or scales pods" in refused(text)
    path = tmp_path / "app.yaml"
    path.write_text(f"{text}---\n{C}")
    found = read_world((path,), Settings(ignore_unmodelled=True))
    assert [o["kind"] for o in found.objects] == ["ConfigMap"]
    path.write_text(world(f"{{objects: [{yaml.safe_load(text)}, {deployment('web')}]}}"))
    found = read_world((path,), Settings(ignore_unmodelled=True))
    assert [o["kind"] for o in found.objects] == ["Deployment"]
    build(found).init()


@pytest.mark.parametrize("capacity", [{"cpu": "lots"}, {"cpu": "-1"}])
def test_a_capacity_on_the_command_line_must_be_a_quantity(capacity):
    with pytest.raises(InputError, match=r"^--node-capacity: cpu="):
        read_world((), Settings(node_capacity=capacity))


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    for path in (tmp_path / "missing.yaml", tmp_path):
        with pytest.raises(InputError) as caught:
            read_world((path,), Settings())
        assert str(caught.value).startswith(f"{path}: cannot be read: ")


@pytest.mark.parametrize("nodes", [0, 1])
def test_a_world_without_a_node_is_allowed(nodes):
    state = build(World(nodes=nodes, objects=(pod("a"),))).init()
    assert len(state.api.store.bucket("nodes")) == nodes


VALUES = st.recursive(
    st.sampled_from([None, True, -1, 0, 2**70, 1.5, "", "x", "100m", "a/b", "-1", []]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.just("name"), inner),
    max_leaves=4,
)


def paths(value, prefix=()):
    yield prefix
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from paths(value[key], (*prefix, key))


AFFINITY = {
    "nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [
                {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}
            ]
        }
    }
}
RICH = pod("a", affinity=AFFINITY, tolerations=[{"key": "a", "operator": "Exists"}])
SOURCES = [deployment("web"), service("web"), RICH, node("n")]
PLACES = [(data, path) for data in SOURCES for path in paths(data) if path]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(PLACES), VALUES)
def test_any_value_at_any_place_is_read_and_run_or_refused_in_one_line(
    tmp_path_factory, place, value
):
    data, path = place
    text = changed(yaml.safe_load(yaml.safe_dump(data)), path, value)
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_text(text, encoding="utf-8")
    try:
        cluster = build(read_world((file,), Settings()))
        state = cluster.init()
    except InputError as error:
        assert "\n" not in str(error)
        return
    for _ in range(25):
        enabled = cluster.enabled(state)
        if not enabled:
            return
        state = cluster.step(state, enabled[0])
