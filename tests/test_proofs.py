"""The proofs: right code is proved, each wrong variant is refuted, and refutations are concrete."""

import itertools
import re

import pytest

from kspec.errors import InputError
from kspec_models.manifests import Document, read_objects
from kspec_models.objects import Node, Pod
from kspec_models.resources import amounts_of
from kspec_models.scheduler.cache import EMPTY_CACHE, Cache
from kspec_models.scheduler.cycle import decide
from kspec_models.scheduler.framework import SUCCESS, UNSCHEDULABLE, Context, Status
from kspec_models.scheduler.policies import POLICIES, as_policy
from kspec_models.scheduler.policies.default import default_policy
from kspec_models.scheduler.profile import LOCAL_FILTERS, Profile
from kspec_properties.proofs import filters, overcommit, progress, running_sum, watch_order
from kspec_properties.proofs.concrete import counterexample_manifests
from kspec_properties.proofs.discrete import VOCABULARIES, check_discrete, scene_of
from kspec_properties.proofs.run import CLAIMS, KNOWN_FALSE, KNOWN_OPEN, prove
from kspec_properties.proofs.score_scene import read

OF_POLICY = (filters.NAME, progress.NAME, overcommit.NAME, overcommit.STALE_VIEW)
OF_ONE_NODE = VOCABULARIES[0]
OTHER_FILTERS = tuple(p for p in default_policy().filters if p.name != "NodeResourcesFit")


class Fits:
    """A right policy over plain numbers, which a wrong one changes in one place."""

    numeric = True
    name = "fits"
    forgotten = ""

    def left(self, node, resource):
        return getattr(node, f"allocatable_{resource}") - getattr(node, f"requested_{resource}")

    def filter(self, pod, node):
        for resource in ("milli_cpu", "memory", "ephemeral_storage"):
            if resource == self.forgotten:
                continue
            if getattr(pod, resource) > self.left(node, resource):
                return False
        return self.forgotten == "pods" or node.pods < node.allowed_pods

    def score(self, pod, node):
        return node.pods


class ForgetsCpu(Fits):
    forgotten = "milli_cpu"


class ForgetsMemory(Fits):
    forgotten = "memory"


class ForgetsStorage(Fits):
    forgotten = "ephemeral_storage"


class ForgetsPods(Fits):
    forgotten = "pods"


class ForgetsWhatIsUsed(Fits):
    def left(self, node, resource):
        return getattr(node, f"allocatable_{resource}")


class TooStrict(Fits):
    def left(self, node, resource):
        return super().left(node, resource) - 1


class Refuses(Fits):
    def filter(self, pod, node):
        return False


class Divides(Fits):
    """Right on small numbers, where a float is exact."""

    def filter(self, pod, node):
        return super().filter(pod, node) and pod.memory / 1 <= self.left(node, "memory")


class Overflows(Fits):
    def filter(self, pod, node):
        return super().filter(pod, node) and pod.memory * 1000 >= 0


class ReadsText:
    """Right on real objects, and blind to amounts that are not in their text."""

    name = "reads-text"

    def filter(self, pod, node_info, context):
        texts = [c.resources.requests.get("memory", "0") for c in pod.spec.containers]
        left = node_info.allocatable.memory - node_info.requested.memory
        status = Profile("others", LOCAL_FILTERS).filter(pod, node_info, context)
        if sum(map(int, texts)) <= left and (status.ok or "Insufficient memory" in status.reasons):
            return SUCCESS
        return Status(UNSCHEDULABLE)

    def score(self, pod, node_infos, context):
        return [0] * len(node_infos)


class Raises(ReadsText):
    name = "raises"

    def filter(self, pod, node_info, context):
        raise KeyError("x")


class ScoresTooFew(ReadsText):
    """A policy that forgets to score the last node."""

    def filter(self, pod, node_info, context):
        return POLICIES["first-fit"]().filter(pod, node_info, context)

    def score(self, pod, node_infos, context):
        return [0] * (len(node_infos) - 1)


@pytest.mark.parametrize("policy", ["default", "first-fit"])
def test_every_claim_is_answered_as_expected_for_every_policy(policy):
    """Proved with an accepting path; the stale view Refuted. Some do not depend on the policy."""
    names = OF_POLICY if policy != "default" else ()
    results = prove(names, POLICIES[policy]())
    every = len(CLAIMS) + len(KNOWN_FALSE) + len(KNOWN_OPEN)
    assert len(results) == (len(OF_POLICY) if names else every)
    for result in results:
        assert result.is_as_expected, result.proof
        assert result.proof.accepting_path or result.expected == "Unknown", result.proof


def test_a_users_numeric_policy_is_proved():
    """Another right filter than the default one."""
    assert filters.check_quantities(as_policy(Fits())).verdict == "Proved"


def test_claims_are_chosen_by_name_and_timed_by_the_callers_clock():
    """Nothing here reads a clock of its own."""
    name = overcommit.STALE_VIEW
    (result,) = prove([name], clock=itertools.count().__next__)
    assert (result.claim.name, result.seconds) == (name, 1)
    assert prove([name])[0].seconds == 0
    with pytest.raises(InputError, match="no claim is called 'x'; expected one of running-sum"):
        prove(["x"])


def objects_of(proof):
    """The counterexample as the model reads it: a node, the pods on it, the pending pod."""
    node, *pods = counterexample_manifests(proof)
    read = [Pod.from_json(pod) for pod in pods]
    return Node.from_json(node), [pod.with_metadata(uid=pod.name) for pod in read]


def over_committed_after_one_cycle(policy, proof):
    """What is requested beyond allocatable once the policy has had its way."""
    node, (*bound, pending) = objects_of(proof)
    cache = EMPTY_CACHE.set_node(node)
    for pod in bound:
        cache = cache.add_pod(pod)
    chosen = decide(policy, pending, Context(cache.snapshot())).node
    assert chosen == node.name
    (info,) = cache.assume(pending, chosen).snapshot()
    over = [r for r in info.requested._fields[:3] if _over(info, r)]
    return over + ["pods"] * (len(info.pods) > info.allowed_pods)


def _over(info, resource):
    return getattr(info.requested, resource) > getattr(info.allocatable, resource)


@pytest.mark.parametrize("wrong", [ForgetsCpu, ForgetsMemory, ForgetsStorage, ForgetsPods])
def test_a_filter_that_forgets_something_is_refuted_and_over_commits_it_concretely(wrong):
    """The smallest pod and node, built from manifests, show it in one cycle."""
    policy = as_policy(wrong())
    proof = filters.check(policy)
    assert (proof.verdict, proof.reason) == ("Refuted", "accepts an input that breaks the goal")
    assert over_committed_after_one_cycle(policy, proof) == [wrong.forgotten]
    assert overcommit.check(policy).verdict == "Refuted"


def test_a_counterexample_is_small_and_in_the_units_of_kubernetes():
    """CPU in milli-cores, the rest in bytes, and what is used is a pod that is bound."""
    node, pending = counterexample_manifests(filters.check(as_policy(ForgetsCpu())))
    assert pending["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "1m"}
    assert node["status"]["allocatable"]["cpu"] == "0m"

    policy = as_policy(ForgetsWhatIsUsed())
    proof = filters.check(policy)
    node, bound, pending = counterexample_manifests(proof)
    assert (bound["spec"]["nodeName"], "nodeName" in pending["spec"]) == ("node", False)
    _, (on_node, _) = objects_of(proof)
    assert amounts_of(on_node).requests[:3] == tuple(
        proof.counterexample[f"used.{name}"] for name in ("cpu", "memory", "ephemeral-storage")
    )
    assert over_committed_after_one_cycle(policy, proof)


@pytest.mark.parametrize("wrong", [Refuses, TooStrict])
def test_a_filter_that_refuses_too_much_is_refuted(wrong):
    """It is sound, and not complete; and the cycle gets stuck with it."""
    policy = as_policy(wrong())
    proof = filters.check(policy)
    assert (proof.verdict, proof.reason) == ("Refuted", "refuses an input that meets the goal")
    stuck = progress.check(policy)
    assert stuck.reason == "cycle: breaks a node is picked if one is feasible"
    assert filters.check_quantities(as_policy(Refuses())).accepting_path is False


def test_a_filter_that_cannot_be_followed_is_unknown():
    """A float; amounts that it reads from their text by itself. An overflow is a finding."""
    divides = filters.check(as_policy(Divides()))
    assert divides.verdict == "Unknown" and "float" in divides.reason
    overflows = filters.check(as_policy(Overflows()))
    assert overflows.verdict == "Refuted" and "leaves the range of int64" in overflows.reason
    for text in (filters.check_quantities, filters.check_beside, overcommit.check, progress.check):
        proof = text(ReadsText())
        assert proof.verdict == "Unknown" and "reading an amount from its text" in proof.reason
        assert "at test_proofs.py:" in proof.reason


def test_a_filter_that_raises_is_refuted_with_the_line_and_what_provokes_it():
    """On symbolic amounts as on real objects; a profile's own plugins are seen through."""
    for proof in (check_discrete("filter", Raises(), OF_ONE_NODE), filters.check(Raises())):
        assert proof.verdict == "Refuted" and proof.counterexample
        assert re.fullmatch(r"raises KeyError: 'x', at test_proofs.py:\d+", proof.reason)


def test_a_filter_that_asks_a_profile_is_proved_as_that_profile():
    """Its memo tables, scores and reasons do not come in the way."""

    class Asks(ReadsText):
        def filter(self, pod, node_info, context):
            return POLICIES["default"]().filter(pod, node_info, context)

    proof = filters.check_quantities(Asks())
    assert (proof.verdict, proof.paths) == ("Proved", 96)


def test_a_filter_that_looks_at_another_node_is_refuted():
    """It takes the emptiest node only."""

    class Emptiest(ReadsText):
        def filter(self, pod, node_info, context):
            least = min(info.requested.memory for info in context.nodes)
            if node_info.requested.memory > least:
                return Status(UNSCHEDULABLE)
            return POLICIES["default"]().filter(pod, node_info, context)

    assert filters.check_quantities(Emptiest()).verdict == "Proved"
    proof = filters.check_beside(Emptiest())
    assert (proof.verdict, proof.reason) == ("Refuted", "refuses an input that meets the goal")
    first, *_ = counterexample_manifests(proof)
    assert first["metadata"]["name"] == "node-1"


class CountsPods(ReadsText):
    """Right: it adds up what the pods of the node request, one by one."""

    def filter(self, pod, node_info, context):
        status = Profile("others", OTHER_FILTERS).filter(pod, node_info, context)
        if not status.ok or len(node_info.pods) >= node_info.allowed_pods:
            return Status(UNSCHEDULABLE)
        for resource in ("cpu", "memory", "ephemeral-storage", "example.com/device"):
            used = sum(amounts_of(other).requests.amount(resource) for other in node_info.pods)
            request = amounts_of(pod).requests.amount(resource)
            if request > 0 and request > node_info.allocatable.amount(resource) - used:
                return Status(UNSCHEDULABLE)
        return SUCCESS


def test_a_filter_that_loops_over_the_pods_of_the_node_is_proved_for_up_to_two():
    assert filters.check(CountsPods()).verdict == "Proved"
    assert progress.check(CountsPods()).verdict == "Proved"


@pytest.mark.parametrize(
    ("dropped", "broken"),
    [
        ("NodeUnschedulable", "unschedulable"),
        ("NodeName", "nodeName"),
        ("TaintToleration", "taints"),
        ("NodeAffinity", "nodeSelector"),
        ("NodePorts", "hostPort"),
        ("NodeResourcesFit", "memory"),
        ("InterPodAffinity", "podAffinity"),
        ("PodTopologySpread", "topologySpreadConstraints"),
    ],
)
def test_a_profile_without_one_filter_is_refuted_by_that_constraint(dropped, broken):
    """The combination that shows it is given as objects."""
    filters_left = tuple(p for p in POLICIES["default"]().filters if p.name != dropped)
    policy = Profile("x", filters_left)
    parts = (part() for part in filters.constraints(policy))
    proof = next(part for part in parts if part.verdict != "Proved")
    assert (proof.verdict, proof.reason) == ("Refuted", f"accepts in spite of {broken}")
    infos, pending = read(counterexample_manifests(proof))
    assert policy.filter(pending, infos[0], Context(infos)).ok
    assert not POLICIES["default"]().filter(pending, infos[0], Context(infos)).ok


@pytest.mark.parametrize("vocabulary", VOCABULARIES, ids=lambda vocabulary: vocabulary.name)
def test_every_scene_of_a_vocabulary_is_one_that_the_api_server_takes(vocabulary):
    """As far as the model validates; both answers occur, and an index gives the same scene."""
    scenes = [vocabulary.scene(chosen) for chosen in vocabulary.combinations()]
    assert {bool(scene.refused_by) for scene in scenes} == {True, False}
    written = {each.fingerprint: each for scene in scenes for each in scene.objects}
    for each in written.values():
        assert read_objects((Document("scene", each.to_json()),))
    chosen = list(vocabulary.combinations())[-1]
    assert scene_of(chosen).objects == scenes[-1].objects


def test_a_cycle_that_picks_an_infeasible_node_or_none_is_refuted():
    """By a filter that forgets memory, and by scores that do not match the nodes."""
    forgets = progress.check(as_policy(ForgetsMemory()))
    assert forgets.reason == "cycle: breaks the node that is picked is feasible"
    too_few = progress.check(ScoresTooFew())
    assert too_few.verdict == "Refuted" and "the cycle raises ValueError" in too_few.reason


class ForgetsNothing(Cache):
    """Forget does not subtract."""

    def forget(self, uid, node):
        return self._replace(pods=self.pods.without(uid))


class ConfirmsTwice(Cache):
    """Confirm adds the watched pod beside the assumed one."""

    def add_pod(self, pod):
        return self._charge(pod, False)


class Expires(Cache):
    """An answered binding ends the assumption before the watch has shown it."""

    def finish_binding(self, uid):
        return self._discharge(self.pods[uid].pod)


class KeepsDeleted(Cache):
    """A pod that was never confirmed is not removed."""

    def remove_pod(self, pod):
        return self if self.is_assumed(pod.metadata.uid) else super().remove_pod(pod)


class LosesNodes(Cache):
    """A node update forgets what is charged."""

    def set_node(self, node):
        return EMPTY_CACHE.set_node(node)


@pytest.mark.parametrize(
    ("wrong", "operation"),
    [
        (ForgetsNothing, "bind answered no"),
        (ConfirmsTwice, "confirm"),
        (Expires, "bind answered yes"),
        (KeepsDeleted, "delete before it was confirmed"),
        (LosesNodes, "node update"),
    ],
)
def test_a_cache_that_charges_wrongly_is_refuted_by_the_operation(wrong, operation):
    """One unit of memory on one node shows it."""
    proof = running_sum.check(wrong)
    assert proof.verdict == "Refuted"
    assert proof.reason == f"{operation}: breaks the cache is the true sum"
    assert max(proof.counterexample.values()) == 1


@pytest.mark.parametrize(
    ("variant", "reason"),
    [
        ({"first_after": lambda resume: resume}, "revisions are in order"),
        ({"first_after": lambda resume: resume + 2}, "told exactly once"),
        ({"is_gone": lambda resume, compacted: False}, "told exactly once"),
        ({"is_gone": lambda resume, compacted: resume + 2 < compacted}, "told exactly once"),
        ({"is_gone": lambda resume, compacted: resume < compacted}, "relists only if needed"),
    ],
)
def test_a_watch_that_resumes_elsewhere_or_misjudges_gone_is_refuted(variant, reason):
    """One too early, one too late, 410 ignored, judged one too late, judged one too early."""
    proof = watch_order.check(watch_order.Protocol(**variant))
    assert (proof.verdict, proof.reason) == ("Refuted", f"resume: breaks {reason}")


def test_a_stale_view_over_commits_and_the_lemma_mends_it():
    """The counterexample of the known-false form: the store has a pod that the view lacks."""
    policy = POLICIES["default"]()
    stale = overcommit.stale_view(policy).check()
    assert (stale.verdict, stale.reason) == ("Refuted", "bind: breaks a binding fits in cpu")
    assert stale.counterexample == {"allocatable": 1, "charged": 0, "stored": 1, "request": 1}
    assert overcommit.check(policy).verdict == "Proved"


def test_manifests_are_only_made_of_a_filters_counterexample():
    """A proof has none; another claim's numbers are no single pod and node."""
    policy = POLICIES["default"]()
    assert counterexample_manifests(overcommit.check(policy)) == ()
    stale = overcommit.stale_view(policy).check()
    assert stale.counterexample and counterexample_manifests(stale) == ()
