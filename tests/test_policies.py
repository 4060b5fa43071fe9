"""Policies: what the built-in ones choose, and how users write their own."""

import sys
import types

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kspec.errors import InputError
from kspec.smt import explore, integers, prove_implication
from kspec_models.objects import Node, Pod, ReplicaSet, Service
from kspec_models.scheduler.cycle import decide
from kspec_models.scheduler.framework import (
    MAX_NODE_SCORE,
    UNRESOLVABLE,
    UNSCHEDULABLE,
    Context,
    Status,
    choose,
    default_normalize,
)
from kspec_models.scheduler.nodeinfo import node_info
from kspec_models.scheduler.plugins import node_affinity, pod_topology_spread
from kspec_models.scheduler.plugins.node_resources_balanced_allocation import balanced
from kspec_models.scheduler.plugins.node_resources_fit import (
    fits,
    least_allocated,
    most_allocated,
)
from kspec_models.scheduler.policies import POLICIES, as_policy, load_policy
from kspec_models.scheduler.policies.numeric import NodeNumbers, PodNumbers
from kspec_models.store import Entry, Snapshot

AMOUNT = st.integers(0, 2**40)


def pod(cpu="1", memory="1Gi", labels=None, owner=None, **spec):
    requests = {"requests": {"cpu": cpu, "memory": memory}}
    metadata = {"name": "p", "namespace": "d", "uid": "u", "labels": labels or {}}
    if owner:
        metadata["ownerReferences"] = [{"kind": "ReplicaSet", "name": owner, "controller": True}]
    return Pod.from_json(
        {"metadata": metadata, "spec": {"containers": [{"resources": requests}]} | spec}
    )


def node(name, cpu="4", memory="4Gi", labels=None, **spec):
    return Node.from_json(
        {
            "metadata": {"name": name, "labels": labels or {}},
            "spec": spec,
            "status": {"allocatable": {"cpu": cpu, "memory": memory, "pods": "3"}},
        }
    )


def context(*nodes, **caches):
    infos = [n if not isinstance(n, Node) else node_info(n) for n in nodes]
    return Context(tuple(infos), caches)


def chosen(policy, made, *nodes, **caches):
    return decide(POLICIES[policy](), made, context(*nodes, **caches)).node


def used(name, cpu):
    return node_info(node(name), (pod(cpu),))


def test_the_built_in_policies_differ_where_they_should():
    nodes = (used("a", "1"), used("b", "2"), node("c"))
    assert chosen("first-fit", pod(), *nodes) == "a"
    assert chosen("default", pod(), *nodes) == "c"
    assert chosen("most-allocated", pod(), *nodes) == "b"


def test_equals_are_broken_by_the_lowest_name():
    for policy in sorted(POLICIES):
        assert chosen(policy, pod(), node("a"), node("b")) == "a"
    infos = context(node("a"), node("b")).nodes
    assert choose(infos, [1, 2]).name == "b"


def test_every_policy_obeys_every_filter():
    cases = {
        "node(s) were unschedulable": (pod(), {"unschedulable": True}),
        "node(s) had untolerated taint(s)": (
            pod(),
            {"taints": [{"key": "k", "effect": "NoExecute"}]},
        ),
        "node(s) didn't match Pod's node affinity/selector": (pod(nodeSelector={"a": "b"}), {}),
        "node(s) didn't match the requested node name": (pod(nodeName="elsewhere"), {}),
    }
    for policy in sorted(POLICIES):
        for reason, (made, spec) in cases.items():
            decision = decide(POLICIES[policy](), made, context(node("n", **spec)))
            assert decision.message == f"0/1 nodes are available: 1 {reason}."


def test_a_message_counts_the_reasons_of_all_nodes_and_names_the_plugins():
    nodes = (node("a", cpu="500m"), node("b", cpu="500m"), node("c", unschedulable=True))
    decision = decide(POLICIES["default"](), pod(), context(*nodes))
    assert decision.rejectors == ("NodeResourcesFit", "NodeUnschedulable")
    assert decision.message == (
        "0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu."
    )


def test_a_request_beyond_the_whole_node_cannot_be_resolved():
    policy = POLICIES["default"]()
    full = node_info(node("n"), (pod("3"),))
    assert policy.filter(pod("2"), full, Context()).code == UNSCHEDULABLE
    assert policy.filter(pod("5"), full, Context()).code == UNRESOLVABLE


def test_a_node_takes_no_more_pods_than_it_allows():
    three = tuple(pod("100m").with_metadata(uid=str(i)) for i in range(3))
    status = POLICIES["default"]().filter(pod("100m"), node_info(node("n"), three), Context())
    assert status.reasons == ("Too many pods",)


def test_preferences_outweigh_free_room():
    tainted = node("b", taints=[{"key": "k", "effect": "PreferNoSchedule"}])
    assert chosen("default", pod(), used("a", "2"), tainted) == "a"
    preferred = {
        "nodeAffinity": {
            node_affinity.PREFERRED: [
                {
                    "weight": 1,
                    "preference": {"matchExpressions": [{"key": "disk", "operator": "Exists"}]},
                }
            ]
        }
    }
    disk = node_info(node("b", labels={"disk": "ssd"}), (pod("2"),))
    assert chosen("default", pod(affinity=preferred), node("a"), disk) == "b"


def test_affinity_to_names_that_contradict_each_other_fits_nowhere():
    fields = [{"key": "metadata.name", "operator": "In", "values": [name]} for name in ("a", "b")]
    terms = {"nodeSelectorTerms": [{"matchFields": fields}]}
    made = pod(affinity={"nodeAffinity": {node_affinity.REQUIRED: terms}})
    decision = decide(POLICIES["default"](), made, context(node("a"), node("b")))
    assert decision.message == "0/2 nodes are available: 2 pod affinity terms conflict."
    assert decision.rejectors == ("NodeAffinity",)


HOST, ZONE = pod_topology_spread.HOSTNAME, pod_topology_spread.ZONE


def replica_set():
    made = ReplicaSet.from_json(
        {
            "metadata": {"name": "rs", "namespace": "d"},
            "spec": {"selector": {"matchLabels": {"app": "x"}}},
        }
    )
    return Snapshot().patched("replicasets/d/rs", Entry("replicasets/d/rs", made, 1, 1, 1))


def test_replicas_spread_over_nodes_even_against_free_room():
    mine = pod("100m", labels={"app": "x"}, owner="rs")
    with_replica = node_info(node("a", labels={HOST: "a"}), (mine.with_metadata(uid="1"),))
    busy = node_info(node("b", labels={HOST: "b"}), (pod("1", labels={"app": "y"}),))
    assert chosen("default", mine, with_replica, busy, replicasets=replica_set()) == "b"
    assert chosen("default", mine, with_replica, busy) == "a"


def test_pods_of_a_service_spread_over_zones():
    service = Service.from_json(
        {"metadata": {"name": "s", "namespace": "d"}, "spec": {"selector": {"app": "x"}}}
    )
    services = Snapshot().patched("services/d/s", Entry("services/d/s", service, 1, 1, 1))
    mine = pod("100m", labels={"app": "x"})

    def at(name, zone, *pods):
        return node_info(node(name, labels={HOST: name, ZONE: zone}), pods)

    nodes = (at("a", "1", mine.with_metadata(uid="1")), at("b", "1"), at("c", "2"))
    selector = pod_topology_spread.default_selector(mine, Context(caches={"services": services}))
    # log(3 + 2) for the node and log(2 + 2) for the zone, per matching pod.
    raw = pod_topology_spread.raw_scores(mine, nodes, nodes, selector)
    assert raw == [round(1.6094 + 2 + 1.3863 + 4), round(2 + 1.3863 + 4), 6]
    assert pod_topology_spread.normalized(raw) == [66, 88, 100]
    assert chosen("default", mine, *nodes, services=services) == "c"


def test_terminating_pods_and_other_namespaces_do_not_count_for_spreading():
    mine = pod(labels={"app": "x"}, owner="rs")
    leaving = mine.with_metadata(uid="1", deletion_timestamp=1)
    foreign = mine.with_metadata(uid="2", namespace="other")
    nodes = (node_info(node("a", labels={HOST: "a"}), (leaving, foreign)),)
    found = Context(nodes, {"replicasets": replica_set()})
    selector = pod_topology_spread.default_selector(mine, found)
    assert pod_topology_spread.raw_scores(mine, nodes, nodes, selector) == [2]


@given(AMOUNT, AMOUNT)
def test_allocation_scores_are_between_0_and_100_and_complement_each_other(requested, offered):
    least, most = least_allocated(requested, offered), most_allocated(requested, offered)
    assert 0 <= least <= MAX_NODE_SCORE and 0 <= most <= MAX_NODE_SCORE
    if offered > 0 and requested <= offered:
        assert least + most in (99, 100)


@given(st.lists(st.tuples(AMOUNT, AMOUNT), max_size=4))
def test_balanced_scores_are_between_0_and_100(usages):
    assert 0 <= balanced(usages) <= MAX_NODE_SCORE


@given(st.lists(st.integers(0, 10**6), min_size=1), st.booleans())
def test_normalised_scores_are_between_0_and_100(scores, reverse):
    scaled = default_normalize(scores, reverse)
    assert all(0 <= score <= MAX_NODE_SCORE for score in scaled)


def test_the_fit_filter_is_proved_to_mean_that_it_fits():
    proof = prove_implication(
        "fits",
        lambda v: fits(v["request"], v["allocatable"], v["requested"]),
        lambda v: v["request"] == 0 or v["requested"] + v["request"] <= v["allocatable"],
        ("request", "allocatable", "requested"),
        assuming=lambda v: all(v[name] >= 0 for name in ("request", "allocatable", "requested")),
    )
    assert proof.verdict == "Proved", proof


def test_the_scores_run_on_symbolic_numbers():
    symbols = integers("requested", "allocatable")
    for score in (least_allocated, most_allocated):
        paths = list(explore(lambda score=score: score(*symbols.values())))
        assert paths and not any(path.unknown or path.exception for path in paths)


class Tight:
    """Leaves a tenth of the CPU free, and prefers full nodes."""

    name = "tight"
    numeric = True

    def filter(self, pod, node):
        return 10 * (node.requested_milli_cpu + pod.milli_cpu) <= 9 * node.allocatable_milli_cpu

    def score(self, pod, node):
        return most_allocated(node.requested_milli_cpu, node.allocatable_milli_cpu)


def test_a_policy_over_plain_numbers_runs_beside_the_default_filters():
    policy = as_policy(Tight())
    found = context(node("a"), used("b", "1"), node("c", unschedulable=True))
    assert decide(policy, pod("1"), found).node == "b"
    rejected = decide(policy, pod("4"), found)
    assert rejected.rejectors == ("NodeUnschedulable", "tight")
    assert "2 node(s) refused by policy tight" in rejected.message


def test_a_policy_over_plain_numbers_runs_symbolically_as_it_stands():
    symbols = integers(*PodNumbers._fields, *NodeNumbers._fields)
    numbers = PodNumbers(*(symbols[name] for name in PodNumbers._fields))
    target = NodeNumbers(*(symbols[name] for name in NodeNumbers._fields))
    paths = list(explore(lambda: bool(Tight().filter(numbers, target))))
    assert sorted(path.result for path in paths) == [False, True]


class Reluctant:
    name = "reluctant"

    def filter(self, pod, node_info, context):
        return Status("Error", ("no idea",))

    def score(self, pod, node_infos, context):
        return [0] * len(node_infos)


def test_an_error_of_a_policy_ends_the_cycle():
    decision = decide(Reluctant(), pod(), context(node("a")))
    assert (decision.node, decision.reason, decision.message) == ("", "SchedulerError", "no idea")


def test_policies_are_found_by_name_or_module(monkeypatch):
    module = types.ModuleType("my_policies")
    module.Tight, module.Nothing = Tight, object
    monkeypatch.setitem(sys.modules, "my_policies", module)
    assert load_policy("first-fit").name == "first-fit"
    assert load_policy("my_policies:Tight").name == "tight"
    for text in ("no-such", "my_policies:Missing", "no_module_of_that_name:X"):
        with pytest.raises(InputError):
            load_policy(text)
    with pytest.raises(InputError, match="has no method score"):
        load_policy("my_policies:Nothing")


def test_what_a_policy_says_is_memoised_on_spec_and_node_info():
    policy = POLICIES["default"]()
    found = context(*(node(f"memo{i}") for i in range(5)))
    decide(policy, pod("7m"), found)
    misses = policy._verdicts.misses
    decide(policy, pod("7m").with_metadata(name="other", uid="other"), found)
    assert policy._verdicts.misses == misses
