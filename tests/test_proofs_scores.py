"""Scores are proved to stay in their range, refuted with objects, or left open with the reason."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kspec.smt.solving import INT64_MAX
from kspec_models.objects import Node
from kspec_models.resources import AMOUNTS, amounts_of
from kspec_models.scheduler.plugins.node_resources_fit import NodeResourcesFit, most_allocated
from kspec_models.scheduler.policies import as_policy
from kspec_models.scheduler.policies.default import default_policy
from kspec_models.scheduler.profile import Profile
from kspec_properties.proofs import score_scene, scores
from kspec_properties.proofs.concrete import counterexample_manifests
from kspec_properties.proofs.scene import amounts
from kspec_properties.proofs.score_samples import scenes


class Numeric:
    """A policy over plain numbers whose score each test gives."""

    numeric = True
    name = "mine"

    def __init__(self, score):
        self.score = lambda pod, node: score(pod, node)

    def filter(self, pod, node):
        return True


class Plain:
    """A policy over objects whose score of all nodes each test gives."""

    name = "mine"

    def __init__(self, score):
        self.score = lambda pod, infos, context: score(pod, infos)

    def filter(self, pod, node_info, context):
        return default_policy().filter(pod, node_info, context)


def free_share(pod, node):
    left = node.allocatable_memory - node.requested_memory - pod.memory
    return 100 * left // max(1, node.allocatable_memory)


def numeric(score):
    return scores.check(as_policy(Numeric(score)))


def plain(score):
    return scores.check(Plain(score))


def test_the_scorers_of_the_default_profile_are_proved_or_named_as_open():
    """Fit, taints and node affinity before and after normalisation; floats are open, and why."""
    proved = {part.label: part for part in scores.parts(default_policy()) if not part.is_open}
    assert len(proved) == 7
    for label in ("NodeResourcesFit", "TaintToleration", "NodeAffinity"):
        assert f"score-range of {label}" in proved
        assert f"score-range of {label}, normalised" in proved
    assert scores.check(default_policy()).verdict == "Proved"

    open_ones = {claim.name: claim.check() for claim in scores.open_claims(default_policy())}
    assert {proof.verdict for proof in open_ones.values()} == {"Unknown"}
    balanced = open_ones["score-range-of-NodeResourcesBalancedAllocation"].reason
    assert balanced.startswith("computes with floating point")
    assert "at node_resources_balanced_allocation.py:" in balanced
    assert f"no proof: no score is out of range in {len(scenes())} scenes" in balanced


def test_the_default_score_leaves_int64_beyond_82_pebibytes_as_upstream_does():
    """The bound of the domain is needed, and is the smallest one."""
    proof = scores.of_any_quantity().check()
    assert proof.verdict == "Refuted" and "leaves the range of int64" in proof.reason
    assert proof.counterexample["allocatable.memory"] == score_scene.LARGEST + 1
    node, *_ = counterexample_manifests(proof)
    assert node["status"]["allocatable"]["memory"] == str(INT64_MAX // 100 + 1)


@pytest.mark.parametrize(
    "score",
    [
        lambda pod, node: 0,
        free_share,
        lambda pod, node: min(100, node.pods),
        lambda pod, node: 100 * (pod.memory + node.requested_memory) // max(1, 2**60),
    ],
)
def test_a_numeric_score_in_range_is_proved_for_any_number_of_nodes(score):
    policy = as_policy(Numeric(score))
    (part,) = scores.parts(policy)
    assert part.about.startswith("any number of nodes")
    assert scores.check(policy).verdict == "Proved"


def test_a_product_that_only_go_would_overflow_is_told_and_not_charged():
    proof = numeric(lambda pod, node: node.requested_memory * node.requested_milli_cpu * 0)
    assert proof.verdict == "Proved"
    assert "written in Go, used.memory*used.cpu leaves the range of int64" in proof.reason


def no_list(pod, infos):
    return 7


@pytest.mark.parametrize(
    ("score", "reason"),
    [
        (lambda pod, infos: [i.allowed_pods for i in infos], "mine scores above 100"),
        (lambda pod, infos: [i.requested.memory - 1 for i in infos], "mine scores below 0"),
        (lambda pod, infos: [0], "mine does not give a list of one score per node"),
        (no_list, "mine does not give a list of one score per node"),
        (lambda pod, infos: [None for _ in infos], "mine gives a score of type NoneType"),
        (lambda pod, infos: [math.nan for _ in infos], "mine gives a score of type float"),
        (
            lambda pod, infos: [
                i.non_zero_memory * 100 // (i.allocatable.memory + 1) for i in infos
            ],
            "mine scores above 100",
        ),
        (
            lambda pod, infos: [
                sum(len(p.spec.init_containers) for p in i.pods) - 1 for i in infos
            ],
            "mine scores below 0",
        ),
    ],
)
def test_a_wrong_score_is_refuted_on_real_objects_read_from_its_counterexample(score, reason):
    """What scoring counts for a container without a request is part of the objects."""
    proof = plain(score)
    assert (proof.verdict, proof.reason) == ("Refuted", reason)
    infos, pod = score_scene.read(counterexample_manifests(proof))
    try:
        given_scores = score(pod, infos)
        wrong = [s for s in given_scores if not (isinstance(s, int) and 0 <= s <= 100)]
    except TypeError:
        wrong = [None]
    assert wrong or len(given_scores) != len(infos)


def test_a_score_that_raises_is_refuted_with_the_line():
    """A node without memory is one that the API server takes."""
    proof = numeric(lambda pod, node: 100 * node.requested_memory // node.allocatable_memory)
    assert proof.verdict == "Refuted"
    assert "mine raises ZeroDivisionError" in proof.reason
    assert "at test_proofs_scores.py:" in proof.reason
    node, _ = counterexample_manifests(proof)
    assert node["status"]["allocatable"]["memory"] == "0"


def test_a_score_that_cannot_be_followed_is_unknown_and_never_proved():
    """Floats; hashing; and quantities that it reads from the text by itself."""
    floats = numeric(lambda pod, node: int(100 * node.pods / max(1, node.allowed_pods)))
    assert floats.verdict == "Unknown" and "floating point" in floats.reason
    hashed = plain(lambda pod, infos: [len({i.requested.memory}) for i in infos])
    assert hashed.verdict == "Unknown" and "hash()" in hashed.reason
    assert "at test_proofs_scores.py:" in hashed.reason

    def in_text(pod, infos):
        asked = pod.spec.containers[0].resources.requests.get("memory", "0")
        return [100 if int(asked) > 1 else 0 for _ in infos]

    reads = plain(in_text)
    assert reads.verdict == "Unknown" and "reading an amount from its text" in reads.reason
    assert "at test_proofs_scores.py:" in reads.reason


def test_a_wrong_float_is_refuted_by_a_sample():
    """An Unknown is not the end of it."""
    proof = plain(lambda pod, infos: [int(200.0 * len(i.pods)) for i in infos])
    assert proof.verdict == "Refuted" and proof.reason == "mine scores above 100"


class Doubles(NodeResourcesFit):
    """A plugin of a user's that doubles what it says, before or after it is normalised."""

    name = "Doubles"

    def __init__(self, early, late):
        super().__init__(most_allocated)
        self.early, self.late = early, late

    def score(self, spec, node_info):
        return super().score(spec, node_info) * self.early

    def normalize(self, given_scores):
        return [score * self.late for score in given_scores]


@pytest.mark.parametrize(
    ("early", "late", "reason"),
    [
        (1, 1, ""),
        (2, 1, "Doubles scores above 100"),
        (1, 2, "Doubles, normalised, scores above 100"),
    ],
)
def test_a_plugin_is_judged_before_and_after_normalisation(early, late, reason):
    policy = Profile("mine", default_policy().filters, ((Doubles(early, late), 1),))
    proof = scores.check(policy)
    assert proof.verdict == ("Refuted" if reason else "Proved")
    assert not reason or proof.reason == reason


def test_a_policy_may_say_what_its_highest_score_is():
    """As a profile does, whose total is the weighted sum."""
    policy = Plain(lambda pod, infos: [1000 for _ in infos])
    assert scores.check(policy).verdict == "Refuted"
    policy.highest_score = 1000
    assert scores.check(policy).verdict == "Proved"


@given(
    st.lists(st.integers(0, 2**40), min_size=8, max_size=8),
    st.lists(st.integers(0, 2), min_size=4, max_size=4),
    st.integers(1, 2),
)
@settings(max_examples=40, deadline=None)
def test_the_manifests_of_values_request_and_use_what_the_values_say(quantities, missing, pods):
    """And scoring counts for them what the symbolic scene counts."""
    values = dict.fromkeys(score_scene.inputs(1), 0)
    names = [
        name for name in values if name.startswith(("request.", "used.")) and "pods" not in name
    ]
    values |= dict(zip(names, quantities, strict=True))
    values |= dict(zip([n for n in values if n.startswith("missing.")], missing, strict=True))
    values |= {"used.pods": pods, "allocatable.pods": 9}
    written = score_scene.manifests(values)
    assert Node.from_json(written[0]).name == "node-1"
    (info,), pod = score_scene.read(written)
    requested = amounts_of(pod)
    assert requested.requests[:3] == amounts(values, "request")[:3]
    cpu, memory = score_scene.defaults(values, "request")
    assert requested.non_zero_milli_cpu == values["request.cpu"] + cpu
    assert requested.non_zero_memory == values["request.memory"] + memory
    assert (len(info.pods), info.requested[:3]) == (pods, amounts(values, "used")[:3])
    cpu, memory = score_scene.defaults(values, "used")
    assert info.non_zero_milli_cpu == values["used.cpu"] + cpu
    assert info.non_zero_memory == values["used.memory"] + memory


def test_no_symbolic_amount_stays_behind_in_a_memo_table():
    """What a proof computes is not what the model meets afterwards."""
    proof = plain(lambda pod, infos: [amounts_of(pod).requests.memory * 0 for _ in infos])
    assert proof.verdict == "Proved"
    kept = [found.requests.memory for found in AMOUNTS.table.values()]
    assert kept and all(type(amount) is int for amount in kept)
