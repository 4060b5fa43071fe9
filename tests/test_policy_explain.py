"""`kspec policy explain`: the reasons are real, minimal, and in names that a user knows."""

import itertools
import json

import pytest
import yaml
from click.testing import CliRunner

from kspec.cli import main
from kspec_models.scheduler.policies import load_policy
from kspec_models.world import World
from kspec_models.worlds import node, pod
from kspec_properties.trial.constraints import Constraint
from kspec_properties.trial.core import core_of
from kspec_properties.trial.explain import explain
from kspec_properties.trial.from_world import instance_of


def with_labels(made, **labels):
    made["metadata"]["labels"] = made["metadata"].get("labels", {}) | labels
    return made


def with_spec(made, **spec):
    return {**made, "spec": {**made.get("spec", {}), **spec}}


TAINT = {"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}
PORT = [{"containerPort": 80, "hostPort": 80, "protocol": "TCP"}]


def with_port(made):
    made["spec"]["containers"][0]["ports"] = PORT
    return made


def explained(name, *objects, policy="default"):
    loaded = instance_of(World(objects=objects, nodes=0))
    return explain(load_policy(policy), loaded, name)


def reasons(answer):
    return [str(each) for each in answer.core.constraints]


def test_each_node_is_named_with_the_constraint_that_keeps_the_pod_away():
    answer = explained(
        "train",
        with_spec(node("n1"), taints=[TAINT]),
        node("n2", cpu="2"),
        with_spec(node("n3"), unschedulable=True),
        with_labels(node("n4"), disk="hdd"),
        pod("old", cpu="1500m", nodeName="n2"),
        pod("train", cpu="1", nodeSelector={"kubernetes.io/hostname": "n2"}),
    )
    assert answer.state == "waiting" and answer.core.is_minimal
    assert [each.node for each in answer.core.constraints] == ["n1", "n2", "n3", "n4"]
    assert "n2: cpu 500m short: asks 1, 500m of 2 is free (NodeResourcesFit)" in reasons(answer)
    others = {str(each) for each in answer.constraints} - set(reasons(answer))
    assert "n1: taint dedicated=gpu:NoSchedule (TaintToleration)" in others | set(reasons(answer))
    remedies = [(each.kind, each.node) for each in answer.remedies]
    assert remedies == [("relax", "n4"), ("evict", "n2")]


def test_a_single_constraint_of_a_node_is_a_remedy():
    answer = explained(
        "a", with_spec(node("n1"), taints=[TAINT]), node("n2", "1"), pod("a", cpu="2")
    )
    assert [(each.kind, each.node) for each in answer.remedies] == [("relax", "n1")]
    assert reasons(answer) == [
        "n1: taint dedicated=gpu:NoSchedule (TaintToleration)",
        "n2: cpu 1 short: asks 2, 1 of 1 is free (NodeResourcesFit)",
    ]


@pytest.mark.parametrize(
    ("objects", "reason"),
    [
        (
            [node("n1"), with_port(pod("b", nodeName="n1")), with_port(pod("a"))],
            "n1: host port 80/TCP is taken by default/b (NodePorts)",
        ),
        (
            [node("n1", pods="1"), pod("b", nodeName="n1"), pod("a")],
            "n1: has its 1 pods already (NodeResourcesFit)",
        ),
        (
            [node("n1"), pod("a", memory="9Gi")],
            "n1: memory 1Gi short: asks 9Gi, 8Gi of 8Gi is free (NodeResourcesFit)",
        ),
        (
            [node("n1"), pod("a", nodeSelector={"disk": "ssd"})],
            "n1: node selector disk=ssd, and the node has no label disk (NodeAffinity)",
        ),
        (
            [with_spec(node("n1"), unschedulable=True), pod("a")],
            "n1: cordoned (NodeUnschedulable)",
        ),
    ],
)
def test_constraints_are_told_in_plain_words(objects, reason):
    assert reasons(explained("default/a", *objects)) == [reason]


def test_constraints_among_pods_are_told_in_upstreams_words():
    term = {
        "labelSelector": {"matchLabels": {"app": "web"}},
        "topologyKey": "kubernetes.io/hostname",
    }
    apart = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    old = with_labels(pod("old", nodeName="n1"), app="web")
    answer = explained("a", node("n1"), old, pod("a", affinity=apart))
    assert [each.plugin for each in answer.core.constraints] == ["InterPodAffinity"]
    assert ("evict", "default/old") in [(each.kind, each.what) for each in answer.remedies]


def test_a_pod_that_others_took_the_room_of_is_told_so():
    answer = explained("b", node("n1", "1"), pod("a", cpu="800m"), pod("b", cpu="800m"))
    assert answer.fits_alone == ("n1",) and "a" in answer.remedies[0].what


def test_a_pod_that_can_be_placed_gets_its_node_and_the_scores():
    answer = explained("a", node("n1"), node("n2"), with_spec(node("n3"), taints=[TAINT]), pod("a"))
    assert (answer.state, answer.node, answer.judgement.best) == ("placed", "n1", ("n1", "n2"))
    assert len(answer.judgement.scores) == 2
    assert [each.node for each in answer.constraints] == ["n3"]


def test_bound_and_gated_pods_are_told_apart():
    gated = with_spec(pod("a"), schedulingGates=[{"name": "wait"}])
    objects = (node("n1"), gated, pod("b", nodeName="n1"))
    assert explained("a", *objects).state == "gated"
    assert (explained("b", *objects).state, explained("b", *objects).node) == ("bound", "n1")


def test_a_cluster_without_nodes_is_reason_enough():
    assert reasons(explained("a", pod("a"))) == ["every node: there is no node (default)"]


def test_a_core_is_minimal_and_sufficient():
    nodes = ("n1", "n2", "n3")
    constraints = tuple(
        Constraint(name, plugin, "in the way", *amounts)
        for name, (plugin, amounts) in itertools.product(
            nodes, [("Fit", (2, 1)), ("Taint", ()), ("Affinity", ())]
        )
    )
    found = core_of(constraints, nodes)
    assert found.is_minimal and [c.node for c in found.constraints] == list(nodes)
    assert not any(c.is_about_room for c in found.constraints)
    for one in found.constraints:
        assert core_of([c for c in found.constraints if c is not one], nodes) is None
    assert core_of([Constraint("n1", "Fit", "fits", 1, 1)], ("n1",)) is None


@pytest.fixture
def world(tmp_path):
    def written(*objects):
        path = tmp_path / "world.yaml"
        path.write_text(yaml.safe_dump_all(json.loads(json.dumps(objects))))
        return str(path)

    return written


def run(*arguments):
    return CliRunner().invoke(main, ["policy", "explain", *arguments], standalone_mode=False)


def test_the_command_answers_people_and_machines(world):
    path = world(node("n1", "1"), node("n2"), pod("a", cpu="2"), pod("b", cpu="9"))
    said = run("b", path)
    assert said.return_value == 0 and "because of all of these together:" in said.output
    assert "n1: cpu 8 short" in said.output and "no single change would do" in said.output
    found = json.loads(
        run("default/a", "--world", path, "--policy", "first-fit", "--json", "-").output
    )
    assert (found["schema"], found["state"], found["node"]) == (
        "kspec.dev/explain/v1",
        "placed",
        "n2",
    )


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("webb", "there is no pod called webb; expected NAMESPACE/NAME, such as web"),
        ("twin", "there are several pods called twin; expected default/twin or other/twin"),
    ],
)
def test_a_name_that_is_no_pod_gets_one_clear_line(world, name, problem):
    other = pod("twin")
    other["metadata"]["namespace"] = "other"
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}}
    path = world(node("n1"), namespace, pod("web"), pod("twin"), other)
    assert str(run(name, path).exception).startswith(problem)
