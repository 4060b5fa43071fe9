"""Sanity of policies: a wrong policy per relation is convicted of it, the built-ins are clean."""

import random
import time

import pytest
import yaml

from kspec_models.manifests import Document, read_object
from kspec_models.scheduler.framework import SUCCESS, UNSCHEDULABLE, Status
from kspec_models.scheduler.policies import POLICIES
from kspec_models.scheduler.profile import LOCAL_FILTERS, Profile
from kspec_properties.trial.generated import instances
from kspec_properties.trial.sanity import section


class Local:
    """The default filters, for policies that only score wrongly."""

    name = "mine"

    def __init__(self):
        self.filters_of_default = Profile("filters", LOCAL_FILTERS)

    def filter(self, pod, node_info, context):
        return self.filters_of_default.filter(pod, node_info, context)

    def score(self, pod, node_infos, context):
        return [self.rate(pod, info) for info in node_infos]

    def rate(self, pod, info):
        return 0


class LikesAName(Local):
    def rate(self, pod, info):
        return 100 if info.name.endswith("1") else 0


class TakesTheFirst(Local):
    def score(self, pod, node_infos, context):
        return [100 - i for i in range(len(node_infos))]


class LooksAtOneContainer(Local):
    def rate(self, pod, info):
        return 50 if "cpu" in pod.spec.containers[0].resources.requests and info.pods else 0


class LooksAtOnePod(Local):
    def rate(self, pod, info):
        return 100 if info.pods and info.pods[0].name < "b2" else 0


class LooksAtOneTaint(Local):
    def filter(self, pod, node_info, context):
        taints = node_info.node.spec.taints[:1]
        if any(taint.effect == "NoSchedule" for taint in taints) and not pod.spec.tolerations:
            return Status(UNSCHEDULABLE, ("tainted",), self.name)
        return SUCCESS


class CountsTheNodes(Local):
    def rate(self, pod, info):
        return min(100, len(info.pods) * 30) if self.many else 0

    def score(self, pod, node_infos, context):
        self.many = len(context.nodes) % 2
        return super().score(pod, node_infos, context)


class CountsCores(Local):
    def rate(self, pod, info):
        return min(100, (info.allocatable.milli_cpu - info.requested.milli_cpu) // 2000)


class DeclaresThatItCounts(CountsCores):
    is_scale_free = False


class Remembers(Local):
    def __init__(self):
        super().__init__()
        self.calls = 0

    def rate(self, pod, info):
        self.calls += 1
        return self.calls % 101


class Draws(Local):
    def rate(self, pod, info):
        return random.randint(0, 100)


class WritesBelow(Local):
    def rate(self, pod, info):
        info.node.metadata.labels._items["seen"] = pod.name
        return 0


WRONG = {
    LikesAName: ("node-names", "depends-on-node-names"),
    TakesTheFirst: ("list-order", "depends-on-list-order"),
    LooksAtOneContainer: ("list-order", "depends-on-list-order"),
    LooksAtOnePod: ("list-order", "depends-on-list-order"),
    LooksAtOneTaint: ("list-order", "depends-on-list-order"),
    CountsTheNodes: ("refused-node", "depends-on-refused-node"),
    CountsCores: ("scale", "depends-on-scale"),
    Remembers: ("determinism", "not-deterministic"),
    Draws: ("determinism", "not-deterministic"),
    WritesBelow: ("inputs-unchanged", "mutates-input"),
}


def judged(policy, clusters=60, seconds=5.0):
    made = section(policy, time.perf_counter, clusters=clusters, seconds=seconds)
    return {finding.name: finding for finding in made.findings}


def manifests(text):
    documents = yaml.safe_load_all(text)
    return [read_object(Document("input", document)) for document in documents]


@pytest.mark.parametrize("cls", WRONG, ids=lambda cls: cls.__name__)
def test_a_wrong_policy_is_convicted_of_the_relation_that_it_breaks(cls):
    name, charge = WRONG[cls]
    finding = judged(cls())[name]
    assert finding.verdict == "Fails" and finding.charge.name == charge
    kinds = [obj.KIND for obj in manifests(finding.charge.input)]
    assert kinds[0] == "Node" and kinds[-1] == "Pod"


@pytest.mark.parametrize("cls", [LikesAName, TakesTheFirst])
def test_the_witness_is_a_cluster_of_which_nothing_can_be_left_out(cls):
    finding = judged(cls())[WRONG[cls][0]]
    kinds = [obj.KIND for obj in manifests(finding.charge.input)]
    assert kinds == ["Node", "Node", "Pod"]
    assert "default/pending goes to n" in finding.text
    assert "test_trial_sanity.py:" in finding.charge.place


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_a_built_in_policy_breaks_no_relation(name):
    found = judged(POLICIES[name](), clusters=30)
    verdicts = {finding.verdict for finding in found.values()}
    assert verdicts <= {"NoViolation", "NotPromised"}, found
    assert found["node-names"].verdict == found["conduct"].verdict == "NoViolation"


def test_the_default_policy_declares_that_it_rounds_and_says_where():
    found = judged(POLICIES["default"](), clusters=30)["scale"]
    assert found.verdict == "NotPromised" and "NodeResourcesFit declares rounds" in found.text


def test_a_declared_relation_is_not_charged():
    assert judged(DeclaresThatItCounts())["scale"].verdict == "NotPromised"


def test_a_memory_of_verdicts_does_not_hide_a_plugin_that_is_not_deterministic():
    class Counts:
        name = "Counts"
        is_relative = False
        calls = 0

        def score(self, spec, node_info):
            Counts.calls += 1
            return Counts.calls % 101

        def normalize(self, scores):
            return scores

    policy = Profile("counting", LOCAL_FILTERS, ((Counts(), 1),))
    assert judged(policy)["determinism"].verdict == "Fails"


def test_misconduct_is_shown_on_the_smallest_cluster_that_provokes_it():
    class DividesByOverhead(Local):
        def filter(self, pod, node_info, context):
            if pod.spec.overhead:
                raise ZeroDivisionError("overhead")
            return super().filter(pod, node_info, context)

    finding = judged(DividesByOverhead())["conduct"]
    assert finding.charge.name == "raises"
    node, pod = manifests(finding.charge.input)
    assert pod.spec.overhead and not pod.spec.affinity and not node.spec.taints


def test_a_policy_that_hangs_ends_its_own_trial_only():
    class Hangs(Local):
        def filter(self, pod, node_info, context):
            while pod:
                pass

    found = judged(Hangs(), seconds=0.2)
    assert found["conduct"].charge.name == "hangs"
    assert found["scale"].verdict == "Unknown"


def test_a_node_that_the_policy_does_not_refuse_promises_nothing():
    class AcceptsAll(Local):
        def filter(self, pod, node_info, context):
            return SUCCESS

        def rate(self, pod, info):
            return 100 - min(100, len(info.pods))

    class RefusesAll(Local):
        def filter(self, pod, node_info, context):
            return Status(UNSCHEDULABLE, ("no",), self.name)

    assert judged(AcceptsAll(), clusters=30)["refused-node"].verdict == "Unknown"
    assert judged(RefusesAll(), clusters=30)["refused-node"].verdict == "NoViolation"


def test_the_clusters_follow_from_the_seed():
    first, again = (tuple(i.to_yaml() for i in instances(7, 20)) for _ in range(2))
    assert first == again and first != tuple(i.to_yaml() for i in instances(8, 20))
    assert all(
        read_object(Document("cluster", obj.to_json()))
        for instance in instances(0, 60)
        for obj in instance.objects()
    )
