"""Preemption evicts as few and as unimportant pods as it can, and never for nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kspec.errors import InputError
from kspec_models.objects import Node, Pod, PodDisruptionBudget
from kspec_models.objects.record import encode_time
from kspec_models.scheduler.framework import (
    ERROR,
    SUCCESS,
    UNRESOLVABLE,
    UNSCHEDULABLE,
    Context,
    PluginError,
    PreFilterResult,
    Status,
)
from kspec_models.scheduler.nodeinfo import node_info
from kspec_models.scheduler.plugins.default_preemption import (
    Candidate,
    DefaultPreemption,
    best_candidates,
    dry_run,
    eligible,
    filter_pods_with_pdb_violation,
    pick_one_node,
    select_victims_on_node,
)
from kspec_models.scheduler.profile import Profile
from kspec_models.store import Entry, Snapshot

FIT = Profile("fit")
REFUSED = Status(UNSCHEDULABLE, ("Insufficient cpu",), "NodeResourcesFit")
APP = {"app": "web"}


def node(name="n1", cpu="4", **labels):
    capacity = {"cpu": cpu, "memory": "1Gi", "pods": "10"}
    status = {"capacity": capacity, "allocatable": capacity}
    return Node.from_json({"metadata": {"name": name, "labels": labels}, "status": status})


def pod(name, priority=0, cpu=1, start=None, *, labels=None, on="", status=None, **spec):
    status = dict(status or {})
    if start is not None:
        status["startTime"] = encode_time(start)
    requests = {"resources": {"requests": {"cpu": str(cpu)}}}
    meta = {"name": name, "namespace": "default", "uid": name, "labels": labels or {}}
    spec = {"priority": priority, "containers": [requests], "nodeName": on, **spec}
    return Pod.from_json({"metadata": meta, "spec": spec, "status": status})


def budget(allowed, disrupted=(), namespace="default", selector=None):
    return PodDisruptionBudget.from_json(
        {
            "metadata": {"name": "budget", "namespace": namespace},
            "spec": {"selector": {"matchLabels": APP} if selector is None else selector},
            "status": {
                "disruptionsAllowed": allowed,
                "disruptedPods": dict.fromkeys(disrupted, encode_time(0)),
            },
        }
    )


def cluster(*nodes, pods=(), budgets=(), nominated=()):
    """A context of these nodes; pods run where their spec says."""
    infos = tuple(
        node_info(each, tuple(p for p in pods if p.spec.node_name == each.name)) for each in nodes
    )
    caches = {"pods": Snapshot(), "poddisruptionbudgets": Snapshot()}
    for key, obj in [
        *((f"pods/{p.key}", p) for p in pods),
        *((f"poddisruptionbudgets/{i}", b) for i, b in enumerate(budgets)),
    ]:
        resource = key.partition("/")[0]
        caches[resource] = caches[resource].patched(key, Entry(key, obj, 1, 1, 1))
    return Context(infos, caches, {}, dict(nominated))


def names(pods):
    return [p.name for p in pods]


def post_filter(context, preemptor, statuses=None, policy=FIT, **options):
    refusals = {info.name: REFUSED for info in context.nodes} if statuses is None else statuses
    plugin = options.pop("plugin", DefaultPreemption())
    return plugin.post_filter(policy, preemptor, refusals, context, **options)


# victims

RUNNING = st.lists(
    st.tuples(st.integers(-2, 3), st.integers(1, 3), st.none() | st.integers(0, 5), st.booleans()),
    min_size=1,
    max_size=7,
)


def running(drawn):
    return [
        pod(f"p{i}", priority, cpu, start, labels=APP if protected else None, on="n1")
        for i, (priority, cpu, start, protected) in enumerate(drawn)
    ]


@given(drawn=RUNNING, priority=st.integers(-1, 3), cpu=st.integers(1, 5), allowed=st.integers(0, 2))
def test_victims_are_of_lower_priority_and_each_is_needed(drawn, priority, cpu, allowed):
    pods = running(drawn)
    context = cluster(node(cpu="5"), pods=pods)
    preemptor, (info,) = pod("preemptor", priority, cpu), context.nodes
    found = select_victims_on_node(FIT, preemptor, info, context, [budget(allowed)])
    if not found.status.ok:
        assert not found.pods
        for other in pods:
            if other.spec.priority < priority:
                info = info.without_pod(other.uid)
        assert not FIT.filter(preemptor, info, context).ok or not any(
            other.spec.priority < priority for other in pods
        )
        return
    assert all(victim.spec.priority < priority for victim in found.pods)
    for victim in found.pods:
        info = info.without_pod(victim.uid)
    assert FIT.filter(preemptor, info, context).ok
    for victim in found.pods:
        assert not FIT.filter(preemptor, info.with_pod(victim), context).ok
    protected = [victim for victim in found.pods if victim.metadata.labels]
    assert 0 <= found.violations <= len(protected)


@given(drawn=RUNNING, allowed=st.integers(0, 2), random=st.randoms(use_true_random=False))
def test_the_order_of_pods_and_nodes_given_does_not_matter(drawn, allowed, random):
    pods = running(drawn)
    shuffled = random.sample(pods, len(pods))
    preemptor = pod("preemptor", 5, 4)
    found = [
        post_filter(cluster(node(cpu="5"), pods=order, budgets=[budget(allowed)]), preemptor)
        for order in (pods, shuffled)
    ]
    assert found[0] == found[1]


def test_of_equal_priority_the_one_that_started_last_goes():
    pods = [pod("new", 0, 2, 9, on="n1"), pod("old", 0, 2, 1, on="n1")]
    assert names(post_filter(cluster(node(), pods=pods), pod("p", 1, 2)).victims) == ["new"]


def test_a_pod_that_has_not_started_goes_before_one_that_has():
    pods = [pod("a-waiting", 0, 2, on="n1"), pod("b-started", 0, 2, 9, on="n1")]
    assert names(post_filter(cluster(node(), pods=pods), pod("p", 1, 2)).victims) == ["a-waiting"]


def test_a_more_important_pod_goes_rather_than_one_that_a_budget_protects():
    pods = [pod("protected", 0, 2, labels=APP, on="n1"), pod("other", 5, 2, on="n1")]
    context = cluster(node(), pods=pods, budgets=[budget(0)])
    assert names(post_filter(context, pod("p", 9, 2)).victims) == ["other"]


def test_pods_that_are_nominated_with_higher_priority_keep_their_room():
    pods = [pod("a", 0, 2, on="n1"), pod("b", 0, 2, on="n1")]
    waiting = {"n1": (pod("urgent", 9, 2),)}
    context = cluster(node(), pods=pods, nominated=waiting)
    assert len(post_filter(context, pod("p", 5, 2)).victims) == 2
    assert len(post_filter(context, pod("p", 10, 2)).victims) == 1


def test_a_victim_is_told_of_with_the_status_that_the_informer_knows():
    context = cluster(node(), pods=[pod("a", 0, 4, 3, on="n1")])
    assert context.nodes[0].pods[0].status.start_time is None
    (victim,) = post_filter(context, pod("p", 5, 2)).victims
    assert victim.status.start_time == 3


# budgets


@pytest.mark.parametrize(
    ("budgets", "violating"),
    [
        ([], ""),
        ([budget(2)], ""),
        ([budget(1)], "b"),
        ([budget(0)], "ab"),
        ([budget(0, disrupted=["a"])], "b"),
        ([budget(0, disrupted=["a", "b"])], ""),
        ([budget(1, disrupted=["a"])], ""),
        ([budget(0, namespace="other")], ""),
        ([budget(0, selector={})], ""),
        ([budget(0, selector={"matchLabels": {}})], ""),
        ([budget(0, selector={"matchLabels": {"-": "-"}})], ""),
        ([budget(0, selector={"matchExpressions": [{"key": "x", "operator": "DoesNotExist"}]})],
         "ab"),
        ([budget(1), budget(0, disrupted=["b"])], "ab"),
    ],
)  # fmt: skip
def test_a_budget_protects_the_pods_it_selects_beyond_what_it_allows(budgets, violating):
    pods = [pod("a", labels=APP), pod("b", labels=APP), pod("unlabelled")]
    protected, others = filter_pods_with_pdb_violation(pods, budgets)
    assert "".join(names(protected)) == violating
    assert [p for p in pods if p not in protected] == list(others)


# the choice among nodes


def candidate(name, *victims, violations=0):
    pods = tuple(pod(f"{name}-{i}", p, start=start) for i, (p, start) in enumerate(victims))
    return Candidate(name, pods, violations)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (candidate("b", (9, 0), (9, 0)), candidate("a", (0, 9), violations=1)),
        (candidate("b", (4, 0), (4, 0)), candidate("a", (5, 9))),
        (candidate("b", (5, 0), (0, 0)), candidate("a", (5, 9), (1, 9))),
        (candidate("b", (5, 0), (-9, 0)), candidate("a", (5, 9), (-9, 9), (-9, 9))),
        (candidate("b", (0, 0)), candidate("a", (0, 9), (-(2**31), 9))),
        (candidate("b", (5, 4), (0, 0)), candidate("a", (5, 3), (0, 9))),
        (candidate("b", (5, None)), candidate("a", (5, 10**9))),
    ],
)
def test_each_criterion_decides_where_those_before_it_do_not(better, worse):
    for order in ([better, worse], [worse, better]):
        assert pick_one_node(order) == better
        assert best_candidates(order) == (better,)


def test_of_equal_candidates_the_first_is_taken():
    equals = [candidate("b", (1, 1)), candidate("a", (1, 1))]
    assert pick_one_node(equals).node == "b"
    assert len(best_candidates(equals)) == 2
    assert pick_one_node([]) is None


# the search


def full_nodes(count):
    every = [f"n{i}" for i in range(1, count + 1)]
    return cluster(*map(node, every), pods=[pod(f"on-{name}", 0, 4, on=name) for name in every])


@pytest.mark.parametrize(
    ("offset", "enough", "found"),
    [(0, 2, ["n1", "n2"]), (2, 2, ["n3", "n4"]), (3, 3, ["n4", "n1", "n2"]), (7, 1, ["n4"])],
)
def test_the_search_starts_at_the_offset_and_ends_with_enough_candidates(offset, enough, found):
    context = full_nodes(4)
    nodes = context.nodes
    candidates, _ = dry_run(FIT, pod("p", 1, 1), nodes, context, offset=offset, enough=enough)
    assert [c.node for c in candidates] == found


@pytest.mark.parametrize(
    ("percentage", "absolute", "nodes", "count"),
    [(10, 100, 50, 50), (10, 100, 5_000, 500), (10, 100, 150, 100), (40, 1, 5, 2), (0, 3, 2, 2)],
)
def test_a_share_of_the_nodes_is_enough_but_no_fewer_than_the_minimum(
    percentage, absolute, nodes, count
):
    assert DefaultPreemption(percentage, absolute).number_of_candidates(nodes) == count


@pytest.mark.parametrize("arguments", [(-1, 1), (101, 1), (10, -1), (0, 0)])
def test_arguments_out_of_range_are_refused(arguments):
    with pytest.raises(InputError, match="minCandidateNodes"):
        DefaultPreemption(*arguments)


def test_a_policy_without_pre_filter_extensions_is_used_as_it_is():
    class OnePod:
        name = "one-pod"

        def filter(self, pod, info, context):
            return Status(UNSCHEDULABLE, ("taken",)) if info.pods else SUCCESS

        def score(self, pod, infos, context):
            return [0] * len(infos)

    found = post_filter(full_nodes(1), pod("p", 1, 9), policy=OnePod())
    assert (found.node, names(found.victims)) == ("n1", ["on-n1"])


class Failing:
    """Fails to tell what would be without a pod on nodes with a label."""

    name = "failing"

    def pre_filter(self, pod, context):
        return PreFilterResult()

    def filter_with(self, state, pod, info):
        return SUCCESS

    def remove_pod(self, state, pod, removed, info):
        if "broken" in info.node.metadata.labels:
            raise PluginError("RemovePod", self.name, f"no state for {info.name}")
        return state

    def add_pod(self, state, pod, added, info):
        return state


def test_an_error_counts_only_where_no_other_node_helps():
    policy = Profile("failing", (*FIT.filters, Failing()))
    pods = [pod("a", 0, 4, on="n1"), pod("b", 0, 4, on="n2")]
    context = cluster(node("n1", broken="yes"), node("n2"), pods=pods)._replace(states=None)
    assert post_filter(context, pod("p", 1), policy=policy).node == "n2"
    found = post_filter(context, pod("p", 1), {"n1": REFUSED}, policy)
    assert (found.status.code, found.keeps) == (ERROR, True)
    said = 'preemption: running RemovePod on PreFilter plugin "failing": no state for n1'
    assert found.status.reasons == (said,)


# what becomes of an earlier nomination


def test_a_nomination_is_withdrawn_where_preemption_does_not_help():
    found = post_filter(full_nodes(2), pod("p", 0))
    said = "0/2 nodes are available: 2 No preemption victims found for incoming pod."
    assert found.status == Status(UNSCHEDULABLE, (f"preemption: {said}",), "DefaultPreemption")
    assert (found.node, found.keeps) == ("", False)


def test_a_nomination_is_kept_while_its_victims_terminate():
    target = {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}
    victim = pod("victim", 0, 4, on="n1", status={"conditions": [target]})
    victim = victim.with_metadata(deletion_timestamp=1)
    other = pod("other", 0, 4, on="n2")
    preemptor = pod("p", 5, status={"nominatedNodeName": "n1"})
    context = cluster(node("n1"), node("n2"), pods=[victim, other])
    found = post_filter(context, preemptor)
    assert (found.node, found.victims, found.keeps) == ("", (), True)
    resolved = {"n1": Status(UNRESOLVABLE), "n2": REFUSED}
    assert post_filter(context, preemptor, resolved).node == "n2"


def test_a_pod_that_never_preempts_is_told_so():
    found = post_filter(full_nodes(1), pod("p", 5, preemptionPolicy="Never"))
    assert (found.node, found.keeps) == ("", True)
    assert found.status.reasons == ("preemption: not eligible due to preemptionPolicy=Never.",)


@pytest.mark.parametrize(
    ("priority", "reason", "may"),
    [(0, "PreemptionByScheduler", False), (0, "EvictionByEvictionAPI", True),
     (5, "PreemptionByScheduler", True)],
)  # fmt: skip
def test_only_own_victims_are_waited_for(priority, reason, may):
    target = {"type": "DisruptionTarget", "status": "True", "reason": reason}
    leaving = pod("leaving", priority, on="n1", status={"conditions": [target]})
    leaving = leaving.with_metadata(deletion_timestamp=1)
    context = cluster(node(), pods=[leaving])
    preemptor = pod("p", 5, status={"nominatedNodeName": "n1"})
    assert eligible(preemptor, context, REFUSED)[0] is may


def test_extenders_may_take_candidates_away_or_end_the_preemption():
    policy = Profile("extended")
    policy.process_preemption = lambda pod, found, context: [c for c in found if c.node == "n2"]
    assert post_filter(full_nodes(3), pod("p", 1), policy=policy).node == "n2"
    policy.process_preemption = lambda pod, found, context: []
    found = post_filter(full_nodes(3), pod("p", 1), policy=policy)
    assert found.status.reasons == ("preemption: no candidate node for preemption",)
    policy.process_preemption = lambda pod, found, context: Status(ERROR, ("gone",))
    assert post_filter(full_nodes(3), pod("p", 1), policy=policy).status.code == ERROR
