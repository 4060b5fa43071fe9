"""A policy under guard: each kind of misconduct is named, with its input and its line."""

import itertools
import sys
import time
from pathlib import Path

import numpy
import pytest
import yaml

from kspec_models.objects import Node, Pod
from kspec_models.scheduler.cycle import decide, post_filter
from kspec_models.scheduler.framework import (
    SUCCESS,
    UNSCHEDULABLE,
    Context,
    Nomination,
    Status,
)
from kspec_models.scheduler.nodeinfo import node_info
from kspec_models.scheduler.policies import POLICIES, as_policy
from kspec_models.scheduler.policies.errors import PolicyError
from kspec_models.scheduler.profile import LOCAL_FILTERS, Profile
from kspec_properties.trial.guard import Guarded, charge_of
from kspec_properties.trial.instances import Instance

LINES = Path(__file__).read_text().splitlines()


def node(name, cpu="4"):
    room = {"cpu": cpu, "memory": "4Gi", "pods": "3"}
    return Node.from_json({"metadata": {"name": name}, "status": {"allocatable": room}})


def pod(name="p", node_name=""):
    container = {"name": "c", "image": "i", "resources": {"requests": {"cpu": "1"}}}
    metadata = {"name": name, "namespace": "d", "uid": name}
    spec = {"containers": [container], "nodeName": node_name}
    return Pod.from_json({"metadata": metadata, "spec": spec})


CLUSTER = Instance((node("a"), node("b")), (pod("x", "a"),), (pod(),))


class Mine:
    """A policy that does nothing wrong, for the wrong ones to differ from."""

    name = "mine"

    def filter(self, pod, node_info, context):
        return SUCCESS

    def score(self, pod, node_infos, context):
        return [50] * len(node_infos)


class Raises(Mine):
    def filter(self, pod, node_info, context):
        return self.helper({}, pod)

    def helper(self, table, pod):
        return table[pod.name]  # raises


class Exits(Mine):
    def score(self, pod, node_infos, context):
        sys.exit(0)  # exits


class Mute(Mine):
    def filter(self, pod, node_info, context):
        if node_info.name == "none":
            return SUCCESS
        return None  # wrong-type


class OneScore(Mine):
    def score(self, pod, node_infos, context):
        return [1]  # wrong-type


class Generates(Mine):
    def score(self, pod, node_infos, context):
        return (1 for _ in node_infos)  # wrong-type


class Unranked(Mine):
    def score(self, pod, node_infos, context):
        return ["high", "low"]  # wrong-type


class NotANumber(Mine):
    def score(self, pod, node_infos, context):
        return [float("nan")] * len(node_infos)  # not-a-number


class Fractions(Mine):
    def score(self, pod, node_infos, context):
        return [0.5] * len(node_infos)  # not-an-integer


class TooHigh(Mine):
    def score(self, pod, node_infos, context):
        return [101] * len(node_infos)  # score-out-of-range


class Negative(Mine):
    def score(self, pod, node_infos, context):
        return [-1] * len(node_infos)  # score-out-of-range


class Loops(Mine):
    def filter(self, pod, node_info, context):
        for attempt in itertools.count():
            while attempt >= 0:  # hangs
                attempt = self.next(attempt)
        return SUCCESS

    def next(self, attempt):
        return attempt + sum(1 for _ in range(3))


class Sleeps(Mine):
    def filter(self, pod, node_info, context):
        time.sleep(60)  # hangs
        return SUCCESS


class HoldsOn(Mine):
    def filter(self, pod, node_info, context):
        while True:  # hangs
            try:
                pod.no_such_thing()
            except Exception:
                continue


class ChargesTheNode(Mine):
    def filter(self, pod, node_info, context):
        name = node_info.name
        node_info.requested = node_info.allocatable  # mutates-input
        return SUCCESS if name else Status(UNSCHEDULABLE)


class DropsPods(Mine):
    def score(self, pod, node_infos, context):
        for info in context.nodes:
            info.pods = ()  # mutates-input
        return [1] * len(node_infos)


class KeepsInTheCaches(Mine):
    def filter(self, pod, node_info, context):
        context.caches["seen"] = pod  # mutates-input
        return SUCCESS


class RenamesThePod(Mine):
    def filter(self, pod, node_info, context):
        object.__setattr__(pod, "metadata", node_info.node.metadata)  # mutates-input
        return SUCCESS


WRONG = (
    *(Raises, Exits, Mute, OneScore, Generates, Unranked, NotANumber, Fractions, TooHigh, Negative),
    *(Loops, Sleeps, HoldsOn, ChargesTheNode, DropsPods, KeepsInTheCaches, RenamesThePod),
)


def marked(cls):
    """The line and the charge that a comment in the class names."""
    start = next(i for i, line in enumerate(LINES) if line.startswith(f"class {cls.__name__}("))
    at = next(i for i in range(start, len(LINES)) if "  # " in LINES[i])
    return f"{Path(__file__).name}:{at + 1}", LINES[at].rpartition("  # ")[2]


def convicted(policy, seconds=0.2, cluster=CLUSTER):
    with pytest.raises(PolicyError) as caught:
        decide(Guarded(policy, seconds), cluster.pending[0], cluster.context())
    return caught.value


@pytest.mark.parametrize("cls", WRONG, ids=lambda cls: cls.__name__)
def test_misconduct_is_named_with_its_line_and_its_input(cls):
    error = convicted(cls())
    place, charge = marked(cls)
    assert (Path(error.place).name, error.charge) == (place, charge)
    kinds = [document["kind"] for document in yaml.safe_load_all(error.input)]
    assert kinds[0] == "Node" and kinds[-1] == "Pod"
    assert error.policy == "mine" and error.extension_point in ("Filter", "Score")
    assert len(str(error).splitlines()) == 1


@pytest.mark.parametrize("cls", WRONG, ids=lambda cls: cls.__name__)
def test_the_same_misconduct_is_told_in_the_same_words(cls):
    assert charge_of(convicted(cls()), "sanity") == charge_of(convicted(cls()), "sanity")


def test_what_was_changed_is_put_back():
    context = CLUSTER.context()
    before = [(info.requested, info.pods) for info in context.nodes]
    for cls in (ChargesTheNode, DropsPods, KeepsInTheCaches):
        with pytest.raises(PolicyError):
            decide(Guarded(cls()), CLUSTER.pending[0], context)
    assert [(info.requested, info.pods) for info in context.nodes] == before
    assert "seen" not in context.caches


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_a_policy_that_behaves_decides_as_without_a_guard(name):
    policy, context = POLICIES[name](), CLUSTER.context()
    waiting = CLUSTER.pending[0]
    assert decide(Guarded(policy), waiting, context) == decide(policy, waiting, context)


def test_truth_values_numpy_scores_and_whole_floats_are_understood():
    class Numeric(Mine):
        def filter(self, pod, node_info, context):
            return node_info.name != "a"

        def score(self, pod, node_infos, context):
            return numpy.array([3] * len(node_infos))

    class Whole(Mine):
        def score(self, pod, node_infos, context):
            return [1.0, 2.0]

    assert decide(Guarded(Numeric()), pod(), CLUSTER.context()).node == "b"
    assert decide(Guarded(Whole()), pod(), CLUSTER.context()).node == "b"


def test_what_a_policy_prints_does_not_reach_standard_output(capsys):
    class Chatty(Mine):
        def filter(self, pod, node_info, context):
            print("looking at", node_info.name)
            return SUCCESS

    assert decide(Guarded(Chatty()), pod(), CLUSTER.context()).node == "a"
    assert capsys.readouterr().out == ""


def test_a_declared_range_of_scores_is_taken_at_its_word():
    class Wide(TooHigh):
        highest_score = 1000

    assert decide(Guarded(Wide()), pod(), CLUSTER.context()).node == "a"


class Plugin:
    """A plugin within a profile."""

    name = "Mine"
    is_relative = False

    def score(self, spec, node_info):
        return 900 if node_info.name == "a" else 0  # score-out-of-range

    def normalize(self, scores):
        return scores


class Rejects:
    name = "Rejects"

    def filter(self, spec, node_info):
        return "no"  # wrong-type


def test_a_plugin_within_a_profile_is_checked_by_itself():
    error = convicted(Profile("p", LOCAL_FILTERS, ((Plugin(), 1),)))
    assert error.charge == "score-out-of-range" and error.place.endswith(marked_line("return 900"))
    error = convicted(Profile("p", (*LOCAL_FILTERS, Rejects())))
    assert error.charge == "wrong-type" and error.place.endswith(marked_line('return "no"'))


def marked_line(text):
    return f":{next(i for i, line in enumerate(LINES, start=1) if text in line)}"


def test_a_numeric_policy_is_checked_too():
    class Forgetful:
        name = "forgetful"
        numeric = True

        def filter(self, pod, node):
            node.allowed_pods  # noqa: B018 - the mistake: nothing is returned

        def score(self, pod, node):
            return 0

    error = convicted(as_policy(Forgetful()))
    assert error.charge == "wrong-type"
    assert yaml.safe_load(error.input)["NodeNumbers"]["allowed_pods"] == 3


class Nominates:
    """PostFilter of a policy that refuses every node."""

    name = "nominates"

    def __init__(self, nomination):
        self.nomination = nomination

    def filter(self, pod, node_info, context):
        return Status(UNSCHEDULABLE, ("no",), self.name)

    def score(self, pod, node_infos, context):
        return [0] * len(node_infos)

    def post_filter(self, pod, statuses, context):
        return self.nomination


@pytest.mark.parametrize(
    ("nomination", "charge"),
    [
        (Nomination("nowhere"), "unknown-node"),
        (Nomination("b", (pod("x", "a"),)), "unknown-victim"),
        (None, "wrong-type"),
        (Nomination("a", (pod("x", "a"),)), ""),
        (Nomination(), ""),
    ],
)
def test_a_nomination_names_a_node_and_victims_that_exist(nomination, charge):
    policy, context = Guarded(Nominates(nomination)), CLUSTER.context()
    decision = decide(policy, pod(), context)
    if not charge:
        assert post_filter(policy, pod(), decision, context)[1] == nomination
        return
    with pytest.raises(PolicyError) as caught:
        post_filter(policy, pod(), decision, context)
    assert caught.value.charge == charge


def test_an_interruption_by_the_user_is_no_misconduct():
    class Interrupted(Mine):
        def filter(self, pod, node_info, context):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Guarded(Interrupted()).filter(pod(), node_info(node("a")), Context())
