"""PodTopologySpread: no constraint is skewed, preferences spread, and nothing else is refused."""

import math
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from spread_clusters import (
    HARD,
    LABELS,
    NAMESPACES,
    PLUGIN,
    SOFT,
    TAINT,
    clusters,
    codes,
    constraint,
    existing,
    incoming,
    infos_of,
    node,
    pod,
    scores,
)

from kspec_models.scheduler.cycle import decide
from kspec_models.scheduler.framework import ERROR, SKIP, UNRESOLVABLE, UNSCHEDULABLE, Context
from kspec_models.scheduler.nodeinfo import node_info
from kspec_models.scheduler.plugins.pod_topology_spread import HOSTNAME, PodTopologySpread
from kspec_models.scheduler.profile import LOCAL_FILTERS, Profile

MODEST = settings(max_examples=60, deadline=None)

# The documentation, stated once more and plainly.


def is_selected(given, own, labels):
    selector = given.get("labelSelector")
    if selector is None:
        return False
    wanted = dict(selector.get("matchLabels", {}))
    wanted |= {k: own[k] for k in given.get("matchLabelKeys", ()) if k in own}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    for each in selector.get("matchExpressions", ()):
        key, values = each["key"], each.get("values", ())
        holds = {"Exists": key in labels, "NotIn": labels.get(key) not in values}
        if not holds[each["operator"]]:
            return False
    return True


def selected_on(given, made, info):
    own = made.metadata.labels
    return sum(
        other.namespace == made.namespace
        and not other.is_terminating
        and is_selected(given, own, other.metadata.labels)
        for other in info.pods
    )


def counts_of(given, made, infos):
    """Selected pods by domain, over the nodes that have every topology key and are included."""
    found = Counter()
    keys = [
        each["topologyKey"]
        for each in made.spec.topology_spread_constraints
        if each["whenUnsatisfiable"] == given["whenUnsatisfiable"]
    ]
    for info in infos:
        labels = info.node.metadata.labels
        wanted = made.spec.node_selector
        fits = all(labels.get(key) == value for key, value in wanted.items())
        tolerated = not info.node.spec.taints or made.spec.tolerations
        is_included = (fits or given.get("nodeAffinityPolicy") == "Ignore") and (
            tolerated or given.get("nodeTaintsPolicy") != "Honor"
        )
        if is_included and all(key in labels for key in keys):
            found[labels[given["topologyKey"]]] += selected_on(given, made, info)
    return found


def skew_allows(given, made, infos, info):
    counts = counts_of(given, made, infos)
    enough = len(counts) >= given.get("minDomains", 1)
    minimum = min(counts.values(), default=0) if enough else 0
    own = is_selected(given, made.metadata.labels, made.metadata.labels)
    here = counts[info.node.metadata.labels[given["topologyKey"]]]
    return here + own - minimum <= given["maxSkew"]


@MODEST
@given(incoming(), clusters())
def test_a_node_passes_exactly_when_no_constraint_would_be_skewed(made, infos):
    for info, code in zip(infos, codes(PLUGIN, made, infos), strict=True):
        expected = "Success"
        for each in made.spec.topology_spread_constraints:
            if each["topologyKey"] not in info.node.metadata.labels:
                expected = UNRESOLVABLE
                break
            if not skew_allows(each, made, infos, info):
                expected = UNSCHEDULABLE
                break
        assert code == expected, info


@MODEST
@given(
    incoming(),
    clusters(terminating=False),
    st.lists(st.tuples(st.integers(0, 4), st.booleans(), LABELS, NAMESPACES), max_size=6),
)
def test_a_state_that_follows_pods_is_the_one_that_prefilter_would_find(made, infos, changes):
    before = state = PLUGIN.pre_filter(made, Context(infos)).state
    first, infos = infos, list(infos)
    for number, (index, adds, labels, namespace) in enumerate(changes):
        index %= len(infos)
        info = infos[index]
        if adds:
            other = existing(f"added{number}", labels, info.name, namespace)
            state = PLUGIN.add_pod(state, made, other, info)
            infos[index] = info.with_pod(other)
        elif info.pods:
            state = PLUGIN.remove_pod(state, made, info.pods[0], info)
            infos[index] = info.without_pod(info.pods[0].uid)
    fresh = PLUGIN.pre_filter(made, Context(tuple(infos))).state
    assert state == fresh
    assert [s.critical_paths for s in state] == [s.critical_paths for s in fresh]
    assert before == PLUGIN.pre_filter(made, Context(first)).state


@MODEST
@given(incoming(SOFT), clusters(), st.data())
def test_raw_scores_are_weighted_counts_of_the_domains_of_feasible_nodes(made, infos, data):
    feasible = data.draw(st.lists(st.sampled_from(infos), min_size=1, unique=True))
    state = PLUGIN.pre_score(made, feasible, Context(infos)).state
    given_ = made.spec.topology_spread_constraints
    keys = [each["topologyKey"] for each in given_]
    rated = [i for i in feasible if all(key in i.node.metadata.labels for key in keys)]
    for info in feasible:
        assert (state[info.name] is None) == (info not in rated)
    for info in rated:
        total = 0.0
        for each in given_:
            key = each["topologyKey"]
            value = info.node.metadata.labels[key]
            if key == HOSTNAME:
                count, size = selected_on(each, made, info), len(rated)
            else:
                count = counts_of(each, made, infos)[value]
                size = len({other.node.metadata.labels[key] for other in rated})
            total += count * math.log(size + 2) + (each["maxSkew"] - 1)
        assert state[info.name] == math.floor(total + 0.5)
    final = scores(PLUGIN, made, feasible, [i for i in infos if i not in feasible])
    assert all(0 <= score <= 100 for score in final)
    best = min((state[info.name] for info in rated), default=0)
    assert all(final[feasible.index(i)] == 100 for i in rated if state[i.name] == best)


@MODEST
@given(incoming(), incoming(SOFT), clusters(), st.randoms(use_true_random=False))
def test_the_order_of_nodes_and_pods_does_not_matter(hard, soft, infos, random):
    shuffled = list(infos)
    random.shuffle(shuffled)
    for i, info in enumerate(shuffled):
        pods = list(info.pods)
        random.shuffle(pods)
        shuffled[i] = node_info(info.node, tuple(pods))
    assert PLUGIN.pre_filter(hard, Context(infos)).state == (
        PLUGIN.pre_filter(hard, Context(tuple(shuffled))).state
    )
    before, after = ([i.name for i in infos], scores(PLUGIN, soft, infos)), shuffled
    names = [info.name for info in after]
    assert dict(zip(*before, strict=True)) == (
        dict(zip(names, scores(PLUGIN, soft, after), strict=True))
    )


# What the documentation names.


def test_a_node_without_the_topology_key_cannot_be_made_to_fit():
    infos = (*infos_of({("a", "1"): 0}), node_info(node("b")))
    status = PLUGIN.filter_with(
        PLUGIN.pre_filter(pod("in", constraint()), Context(infos)).state, pod("in"), infos[1]
    )
    assert status.code == UNRESOLVABLE and status.plugin == "PodTopologySpread"
    assert status.reasons == (
        "node(s) didn't match pod topology spread constraints (missing required label)",
    )


def test_with_too_few_domains_the_lowest_count_is_taken_to_be_0():
    infos = infos_of({("a", "1"): 2, ("b", "2"): 2})
    assert codes(PLUGIN, pod("in", constraint(skew=2)), infos) == ["Success"] * 2
    few = pod("in", constraint(skew=2, minDomains=3))
    assert codes(PLUGIN, few, infos) == [UNSCHEDULABLE] * 2


def test_pods_of_nodes_that_an_inclusion_policy_leaves_out_do_not_count():
    infos = infos_of({("a", "1"): 1, ("b", "2"): 0})
    tainted = node_info(node("c", zone="2", taints=[TAINT]), (pod("c1"), pod("c2")))
    keyless = node_info(node("d", rack="1"), (pod("d1"),))
    for policy, fits, rated in (("Ignore", "a", [100, 33]), ("Honor", "b", [0, 100])):
        hard = pod("in", constraint(nodeTaintsPolicy=policy))
        found = codes(PLUGIN, hard, (*infos, tainted, keyless))
        assert [i.name for i, c in zip(infos, found, strict=False) if c == "Success"] == [fits]
        soft = pod("in", constraint(when=SOFT, nodeTaintsPolicy=policy))
        assert scores(PLUGIN, soft, infos, (tainted, keyless)) == rated
    two = (constraint(when=SOFT), constraint("rack", when=SOFT))
    racked = [node_info(node(n, zone=n, rack="1")) for n in ("a", "b")]
    around = node_info(node("e", zone="a"), (pod("e1"),))
    assert scores(PLUGIN, pod("in", *two), racked, (around,)) == [100, 100]


def test_keys_of_labels_narrow_a_selector_but_do_not_replace_a_missing_one():
    infos = infos_of({("a", "1"): 1, ("b", "2"): 0})
    revision = {"labels": [("app", "x"), ("hash", "2")]}
    assert codes(PLUGIN, pod("in", constraint(), **revision), infos) == [UNSCHEDULABLE, "Success"]
    narrowed = pod("in", constraint(matchLabelKeys=["hash"]), **revision)
    assert codes(PLUGIN, narrowed, infos) == ["Success", "Success"]
    bare = constraint(matchLabelKeys=["app"])
    del bare["labelSelector"]
    assert codes(PLUGIN, pod("in", bare), infos) == ["Success", "Success"]


def test_constraints_with_one_key_are_counted_apart():
    infos = infos_of({("a", "1"): 1, ("b", "2"): 0})
    other = constraint(skew=5, labels=[("app", "y")])
    both = codes(PLUGIN, pod("in", constraint(), other), infos)
    assert both == codes(PLUGIN, pod("in", other, constraint()), infos)
    assert both == [UNSCHEDULABLE, "Success"]


def test_a_pod_that_nothing_spreads_is_skipped():
    infos = infos_of({("a", "1"): 1})
    assert codes(PLUGIN, pod("in"), infos) == [SKIP]
    assert scores(PLUGIN, pod("in"), infos) == SKIP
    assert codes(PLUGIN, pod("in", constraint(when=SOFT)), infos) == [SKIP]
    assert scores(PLUGIN, pod("in", constraint()), infos) == SKIP


def test_a_selector_that_cannot_be_parsed_ends_the_cycle():
    bad = constraint()
    bad["labelSelector"] = {"matchExpressions": [{"key": "a", "operator": "Nope"}]}
    for when in (HARD, SOFT):
        made, infos = pod("in", bad | {"whenUnsatisfiable": when}), infos_of({("a", "1"): 1})
        status = (
            PLUGIN.pre_filter(made, Context(infos)).status
            if when == HARD
            else PLUGIN.pre_score(made, infos, Context(infos)).status
        )
        assert status.code == ERROR and "Nope" in status.reasons[0]


def test_a_profile_spreads_and_says_how_many_nodes_were_skewed():
    policy = Profile("spreading", (*LOCAL_FILTERS, PodTopologySpread()))
    made = pod("in", constraint())
    infos = infos_of({("a", "1"): 2, ("b", "1"): 0, ("c", "2"): 1})
    assert decide(policy, made, Context(infos)).node == "c"
    tainted = node_info(node("c", zone="2", taints=[TAINT]), infos[2].pods)
    decision = decide(policy, made, Context((*infos[:2], tainted)))
    assert decision.rejectors == ("PodTopologySpread", "TaintToleration")
    assert "2 node(s) didn't match pod topology spread constraints" in decision.message
    # Preemption asks what would be without some pods of the node.
    _, context = policy.pre_filter(made, Context((*infos[:2], tainted)))
    without = policy.without_pod(made, context, infos[0].pods[0], infos[0])
    assert policy.filter(made, infos[0], context).code == UNSCHEDULABLE
    assert policy.filter(made, infos[0], without).ok
