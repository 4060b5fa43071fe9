"""InterPodAffinity: what upstream's tables do not show, and a restatement of the documentation."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kspec.errors import InputError
from kspec_models.apiserver.pod_affinity import with_label_keys
from kspec_models.objects import Namespace, Node, Pod
from kspec_models.scheduler.cycle import decide
from kspec_models.scheduler.events import (
    ADD,
    DELETE,
    NODE,
    POD,
    UPDATE_NODE_LABEL,
    UPDATE_POD_LABEL,
    ClusterEvent,
)
from kspec_models.scheduler.framework import (
    SKIP,
    SUCCESS,
    SUCCESS_CODE,
    UNRESOLVABLE,
    UNSCHEDULABLE,
    Context,
)
from kspec_models.scheduler.nodeinfo import (
    has_affinity,
    has_required_anti_affinity,
    node_info,
)
from kspec_models.scheduler.plugins.inter_pod_affinity import EVENTS, NAME, InterPodAffinity
from kspec_models.scheduler.profile import LOCAL_FILTERS, Profile
from kspec_models.store import Entry, Snapshot

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
NEAR, AWAY = "podAffinity", "podAntiAffinity"
TEAMS = {"d": {"team": "red"}, "e": {}}
PLUGIN = InterPodAffinity()


def term(key="zone", app="x", **more):
    return {"topologyKey": key, "labelSelector": {"matchLabels": {"app": app}}, **more}


def weighted(weight, given):
    return {"weight": weight, "podAffinityTerm": given}


def pod(name, app="", affinity=None, namespace="d", node=""):
    labels = {"app": app} if app else {}
    metadata = {"name": name, "namespace": namespace, "uid": f"uid-{name}", "labels": labels}
    return Pod.from_json(
        {"metadata": metadata, "spec": {"affinity": affinity, "nodeName": node, "containers": [{}]}}
    )


def node(name, **labels):
    allocatable = {"cpu": "4", "memory": "4Gi", "pods": "10"}
    return Node.from_json(
        {
            "metadata": {"name": name, "labels": {"host": name, **labels}},
            "status": {"allocatable": allocatable},
        }
    )


def context(nodes, pods=(), namespaces=TEAMS):
    cache = Snapshot()
    for name, labels in namespaces.items():
        key = f"namespaces/{name}"
        namespace = Namespace.from_json({"metadata": {"name": name, "labels": labels}})
        cache = cache.patched(key, Entry(key, namespace, 1, 1, 1))
    infos = [node_info(n, tuple(p for p in pods if p.spec.node_name == n.name)) for n in nodes]
    return Context(tuple(infos), {"namespaces": cache})


def verdicts(incoming, at):
    """What the plugin says of each node of the context, by name."""
    status, _, state = PLUGIN.pre_filter(incoming, at)
    if status.code == SKIP:
        return {info.name: SUCCESS_CODE for info in at.nodes}
    assert status.ok
    return {info.name: PLUGIN.filter_with(state, incoming, info).code for info in at.nodes}


def scores(incoming, at, plugin=PLUGIN):
    """Raw and normalised scores by node; None where PreScore skips."""
    status, state = plugin.pre_score(incoming, at.nodes, at)
    if status.code == SKIP:
        return None
    raw = [plugin.score_with(state, incoming, info) for info in at.nodes]
    final = plugin.normalize_with(state, raw, at.nodes)
    return {i.name: pair for i, pair in zip(at.nodes, zip(raw, final, strict=True), strict=True)}


ZONES = (node("a1", zone="a"), node("a2", zone="a"), node("b1", zone="b"), node("none"))


def test_a_pod_that_keeps_others_away_does_so_as_if_they_had_said_it():
    guard = pod("guard", affinity={AWAY: {REQUIRED: [term()]}}, node="a1")
    found = verdicts(pod("p", "x"), context(ZONES, [guard]))
    assert found == {
        "a1": UNSCHEDULABLE,
        "a2": UNSCHEDULABLE,
        "b1": SUCCESS_CODE,
        "none": SUCCESS_CODE,
    }
    assert set(verdicts(pod("p", "y"), context(ZONES, [guard])).values()) == {SUCCESS_CODE}


def test_required_affinity_of_a_pod_that_is_there_filters_nobody_and_scores():
    friend = pod("friend", affinity={NEAR: {REQUIRED: [term()]}}, node="b1")
    at, incoming = context(ZONES, [friend]), pod("p", "x")
    assert PLUGIN.pre_filter(incoming, at).status.code == SKIP
    assert scores(incoming, at) == {"a1": (0, 0), "a2": (0, 0), "b1": (1, 100), "none": (0, 0)}
    assert scores(incoming, at, InterPodAffinity(hard_pod_affinity_weight=0)) is None


def test_the_first_pod_of_a_collection_goes_anywhere_that_has_every_topology_key():
    own = {NEAR: {REQUIRED: [term("zone"), term("host")]}}
    first = verdicts(pod("p", "x", own), context(ZONES))
    assert first == {name: SUCCESS_CODE for name in ("a1", "a2", "b1")} | {"none": UNRESOLVABLE}
    assert set(verdicts(pod("p", "y", own), context(ZONES)).values()) == {UNRESOLVABLE}
    second = verdicts(pod("p", "x", own), context(ZONES, [pod("q", "x", node="a1")]))
    assert second["a1"] == SUCCESS_CODE
    assert {second["a2"], second["b1"], second["none"]} == {UNRESOLVABLE}


def test_one_pod_must_match_all_affinity_terms():
    both = {NEAR: {REQUIRED: [term(app="x"), term(labelSelector={}, namespaces=["e"])]}}
    apart = [pod("q", "x", node="a1"), pod("r", "y", namespace="e", node="a1")]
    assert verdicts(pod("p", "z", both), context(ZONES, apart))["a1"] == UNRESOLVABLE
    one = pod("s", "x", namespace="e", node="a1")
    reach = {NEAR: {REQUIRED: [term(namespaces=["e"]), term(labelSelector={}, namespaces=["e"])]}}
    assert verdicts(pod("p", "z", reach), context(ZONES, [one]))["a1"] == SUCCESS_CODE


@pytest.mark.parametrize(
    ("more", "meant"),
    [
        ({}, {"d"}),
        ({"namespaces": ["e"]}, {"e"}),
        ({"namespaceSelector": {}}, {"d", "e", "unknown"}),
        ({"namespaceSelector": {"matchLabels": {"team": "red"}}}, {"d"}),
        ({"namespaceSelector": {"matchLabels": {"team": "red"}}, "namespaces": ["e"]}, {"d", "e"}),
        ({"namespaceSelector": {"matchLabels": {"team": "blue"}}}, set()),
    ],
)
def test_a_term_means_the_namespaces_that_it_names_or_selects(more, meant):
    for namespace in ("d", "e", "unknown"):
        other = pod("q", "x", namespace=namespace, node="a1")
        incoming = pod("p", affinity={AWAY: {REQUIRED: [term(**more)]}})
        is_refused = verdicts(incoming, context(ZONES, [other]))["a1"] == UNSCHEDULABLE
        assert is_refused == (namespace in meant)
        guard = pod("q", affinity={AWAY: {REQUIRED: [term(**more)]}}, node="a1")
        found = verdicts(pod("p", "x", namespace=namespace), context(ZONES, [guard]))
        assert (found["a1"] == UNSCHEDULABLE) == (namespace in meant)


def test_a_term_without_a_label_selector_means_no_pod():
    bare = {AWAY: {REQUIRED: [{"topologyKey": "zone"}]}}
    found = verdicts(pod("p", "x", bare), context(ZONES, [pod("q", "x", node="a1")]))
    assert set(found.values()) == {SUCCESS_CODE}


def test_a_pod_whose_selector_cannot_be_parsed_fits_nowhere():
    bad = {"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "no spaces please"}}}
    status = PLUGIN.pre_filter(pod("p", affinity={NEAR: {REQUIRED: [bad]}}), context(ZONES)).status
    assert status.code == UNRESOLVABLE
    assert status.reasons[0].startswith("parsing pod: requiredAffinityTerms: ")


def test_preferred_terms_count_for_both_pods_and_are_scaled_to_the_whole_range():
    likes = {NEAR: {PREFERRED: [weighted(10, term(app="y"))]}}
    hates = {AWAY: {PREFERRED: [weighted(5, term(app="x"))]}}
    there = [pod("q", "y", node="a1"), pod("r", "z", hates, node="b1")]
    assert scores(pod("p", "x", likes), context(ZONES, there)) == {
        "a1": (10, 100),
        "a2": (10, 100),
        "b1": (-5, 0),
        "none": (0, 33),
    }


def test_preferences_of_others_can_be_ignored_for_a_pod_that_has_none():
    hates = {AWAY: {PREFERRED: [weighted(5, term(app="x"))]}}
    at = context(ZONES, [pod("q", "y", hates, node="a1")])
    frugal = InterPodAffinity(ignore_preferred_terms_of_existing_pods=True)
    assert scores(pod("p", "x"), at, frugal) is None
    assert scores(pod("p", "x"), at)["a1"] == (-5, 0)
    likes = {NEAR: {PREFERRED: [weighted(1, term(app="y"))]}}
    assert scores(pod("p", "x", likes), at, frugal)["a1"] == (-4, 0)


def test_an_empty_topology_value_is_a_domain_and_an_absent_one_is_none():
    empty, absent = node("empty", zone=""), node("absent")
    likes = {NEAR: {PREFERRED: [weighted(10, term(app="y"))]}}
    at = context((empty, absent), [pod("q", "y", node="empty")])
    assert scores(pod("p", affinity=likes), at) == {"empty": (10, 100), "absent": (0, 0)}


def test_the_api_server_makes_requirements_of_label_keys_when_it_creates_a_pod():
    def sent(**more):
        given = pod("p", "x", {AWAY: {REQUIRED: [{**term(), **more}], PREFERRED: []}})
        return with_label_keys(given)

    other, twin = pod("q", "y", node="a1"), pod("q", "x", node="a1")
    alike = sent(labelSelector={}, matchLabelKeys=["app", "absent"])
    unlike = sent(labelSelector={}, mismatchLabelKeys=["app"])
    nobody = sent(labelSelector=None, matchLabelKeys=["app"])
    found = [
        [verdicts(each, context(ZONES, [met]))["a1"] == UNSCHEDULABLE for met in (twin, other)]
        for each in (alike, unlike, nobody)
    ]
    assert found == [[True, False], [False, True], [False, False]]
    assert with_label_keys(twin) == twin
    likes = {NEAR: {PREFERRED: [weighted(3, term(labelSelector={}, matchLabelKeys=["app"]))]}}
    at = context(ZONES, [other, twin])
    assert scores(with_label_keys(pod("p", "x", likes)), at)["a1"] == (3, 100)


@pytest.mark.parametrize("weight", [-1, 101])
def test_a_hard_weight_outside_its_range_is_refused(weight):
    with pytest.raises(InputError, match=str(weight)):
        InterPodAffinity(hard_pod_affinity_weight=weight)


def test_a_profile_with_the_plugin_puts_pods_apart_until_no_node_is_left():
    profile = Profile("apart", (*LOCAL_FILTERS, PLUGIN), ((PLUGIN, 2),), resources=("namespaces",))
    apart, placed = {AWAY: {REQUIRED: [term("host")]}}, []
    for name in ("p", "q", "r", "s"):
        waiting = pod(name, "x", apart)
        chosen = decide(profile, waiting, context(ZONES, placed)).node
        placed.append(waiting.replace(spec=waiting.spec.replace(node_name=chosen)))
    assert sorted(p.spec.node_name for p in placed) == ["a1", "a2", "b1", "none"]
    last = decide(profile, pod("t", "x", apart), context(ZONES, placed))
    assert not last.node
    assert last.rejectors == (NAME,)
    assert "4 node(s) didn't match pod anti-affinity rules" in last.message


APPS = st.sampled_from(["", "x", "y"])
SELECTORS = st.sampled_from(
    [
        {"matchLabels": {"app": "x"}},
        {"matchLabels": {"app": "y"}},
        {"matchExpressions": [{"key": "app", "operator": "Exists"}]},
        {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["x"]}]},
        {},
        None,
    ]
)
TERMS = st.builds(
    lambda key, selector, namespaces, namespace_selector: {
        "topologyKey": key,
        "labelSelector": selector,
        "namespaces": namespaces,
        "namespaceSelector": namespace_selector,
    },
    st.sampled_from(["zone", "host"]),
    SELECTORS,
    st.sampled_from([[], [], ["e"], ["d", "e"]]),
    st.sampled_from([None, None, {}, {"matchLabels": {"team": "red"}}]),
)
WEIGHTED = st.builds(weighted, st.integers(1, 100), TERMS)
SIDES = st.fixed_dictionaries(
    {REQUIRED: st.lists(TERMS, max_size=2), PREFERRED: st.lists(WEIGHTED, max_size=2)}
)
AFFINITIES = st.one_of(st.none(), st.fixed_dictionaries({}, optional={NEAR: SIDES, AWAY: SIDES}))
NAMESPACES = st.sampled_from(["d", "e"])
NODES = tuple(
    node(name, **({"zone": zone} if zone else {}))
    for name, zone in zip("nmok", ["a", "a", "b", ""], strict=True)
)


@st.composite
def clusters(draw):
    """An incoming pod, and pods on nodes."""
    incoming = pod("p", draw(APPS), draw(AFFINITIES), draw(NAMESPACES))
    places = st.tuples(APPS, AFFINITIES, NAMESPACES, st.sampled_from("nmok"))
    drawn = draw(st.lists(places, max_size=5))
    return incoming, [pod(f"q{index}", *place) for index, place in enumerate(drawn)]


def means(given, owner, other):
    """The documentation's words: whether a term of the owner's spec means the other pod."""
    names, wanted = given["namespaces"] or [], given["namespaceSelector"]
    here = other.namespace in (names or ([owner.namespace] if wanted is None else []))
    if wanted is not None:
        labels = wanted.get("matchLabels", {}).items()
        here = here or all(TEAMS[other.namespace].get(k) == v for k, v in labels)
    return here and selects(given["labelSelector"], other.metadata.labels)


def selects(selector, labels):
    if selector is None:
        return False
    if any(labels.get(k) != v for k, v in selector.get("matchLabels", {}).items()):
        return False
    for asked in selector.get("matchExpressions", []):
        holds = labels.get("app") not in asked["values"] if "values" in asked else "app" in labels
        if not holds:
            return False
    return True


def required(pod, side):
    return pod.to_json()["spec"].get("affinity", {}).get(side, {}).get(REQUIRED, [])


def filled(given):
    return {"labelSelector": None, "namespaces": [], "namespaceSelector": None, **given}


def fits(incoming, there, on):
    """The documentation's words: whether the pod may go to the node."""

    def terms(owner, side):
        return [filled(each) for each in required(owner, side)]

    def label(name, key):
        return next(n for n in NODES if n.name == name).metadata.labels.get(key)

    def shares(other, key):
        return label(on.name, key) is not None and label(other, key) == label(on.name, key)

    for owner, met in [(incoming, p) for p in there] + [(p, incoming) for p in there]:
        place = (met if owner is incoming else owner).spec.node_name
        if any(
            means(t, owner, met) and shares(place, t["topologyKey"]) for t in terms(owner, AWAY)
        ):
            return False
    near = terms(incoming, NEAR)
    if any(label(on.name, t["topologyKey"]) is None for t in near):
        return False
    fitting = [p for p in there if all(means(t, incoming, p) for t in near)]
    keys = {t["topologyKey"] for t in near}
    if all(any(shares(p.spec.node_name, key) for p in fitting) for key in keys):
        return True
    is_counted = any(label(p.spec.node_name, k) is not None for p in fitting for k in keys)
    return not is_counted and all(means(t, incoming, incoming) for t in near)


@settings(max_examples=300, deadline=None)
@given(clusters())
def test_a_node_passes_exactly_if_the_documentation_says_so(cluster):
    incoming, there = cluster
    found = verdicts(incoming, context(NODES, there))
    assert {name: code == SUCCESS_CODE for name, code in found.items()} == {
        n.name: fits(incoming, there, n) for n in NODES
    }


@settings(max_examples=150, deadline=None)
@given(clusters(), st.data())
def test_after_add_and_remove_the_state_is_that_of_a_fresh_pre_filter(cluster, data):
    incoming, there = cluster
    before = PLUGIN.pre_filter(incoming, context(NODES, there))
    if before.status.code == SKIP or not there:
        return
    changed = data.draw(st.sampled_from(there))
    others = [p for p in there if p is not changed]
    at = context(NODES, there)
    info = next(i for i in at.nodes if i.name == changed.spec.node_name)
    less = PLUGIN.remove_pod(before.state, incoming, changed, info)
    fresh = PLUGIN.pre_filter(incoming, context(NODES, others))
    if fresh.status.code == SKIP:
        assert all(PLUGIN.filter_with(less, incoming, i) == SUCCESS for i in at.nodes)
    else:
        assert less == fresh.state
    assert PLUGIN.add_pod(less, incoming, changed, info) == before.state
    assert before == PLUGIN.pre_filter(incoming, context(NODES, there)), "nothing was mutated"


@settings(max_examples=100, deadline=None)
@given(clusters(), st.randoms(use_true_random=False))
def test_the_order_of_nodes_pods_and_terms_does_not_matter(cluster, shuffle):
    incoming, there = cluster

    def shuffled(items):
        items = list(items)
        random.Random(shuffle.random()).shuffle(items)
        return items

    data = incoming.to_json()
    for side in data["spec"].get("affinity", {}).values():
        for rule in side:
            side[rule] = shuffled(side[rule])
    again = Pod.from_json(data)
    nodes, pods = shuffled(NODES), shuffled(there)
    assert verdicts(again, context(nodes, pods)) == verdicts(incoming, context(NODES, there))
    assert scores(again, context(nodes, pods)) == scores(incoming, context(NODES, there))


@settings(max_examples=100, deadline=None)
@given(clusters())
def test_scores_are_within_their_range_and_reach_both_ends(cluster):
    incoming, there = cluster
    found = scores(incoming, context(NODES, there))
    if found is None:
        return
    raw, final = zip(*found.values(), strict=True)
    assert all(type(score) is int and 0 <= score <= 100 for score in final)
    assert sorted(zip(raw, final, strict=True)) == sorted(
        zip(sorted(raw), sorted(final), strict=True)
    )
    ends = {0, 100} if max(raw) > min(raw) else {0}
    assert {min(final), max(final)} == ends


@settings(max_examples=100, deadline=None)
@given(clusters(), st.data())
def test_a_node_lists_its_pods_with_affinity_whatever_came_and_went(cluster, data):
    _, there = cluster
    info = node_info(NODES[0])
    for each in there:
        info = info.with_pod(each)
    gone = data.draw(st.sets(st.sampled_from(there))) if there else set()
    for each in data.draw(st.permutations(sorted(gone, key=lambda p: p.name))):
        info = info.without_pod(each.metadata.uid)
    assert info.pods_with_affinity == tuple(p for p in info.pods if has_affinity(p.spec))
    assert info.pods_with_required_anti_affinity == tuple(
        p for p in info.pods if has_required_anti_affinity(p.spec)
    )


APART, TOGETHER = {AWAY: {REQUIRED: [term()]}}, {NEAR: {REQUIRED: [term()]}}


def hinted(waiting, resource, action, old=None, new=None):
    return EVENTS[resource, action](waiting, ClusterEvent(resource, action, old, new))


def test_a_pod_is_retried_after_another_pod_changed_to_suit_it():
    x, y = pod("q", "x", node="a1"), pod("q", "y", node="a1")
    near, apart = pod("p", affinity=TOGETHER), pod("p", affinity=APART)
    assert hinted(near, POD, ADD, new=x)
    assert not hinted(near, POD, ADD, new=y)
    assert not hinted(near, POD, ADD, new=pod("q", "x"))
    assert hinted(near, POD, UPDATE_POD_LABEL, y, x)
    assert not hinted(near, POD, UPDATE_POD_LABEL, x, y)
    assert hinted(apart, POD, UPDATE_POD_LABEL, x, y)
    assert not hinted(apart, POD, UPDATE_POD_LABEL, y, x)
    assert hinted(apart, POD, DELETE, x)
    assert not hinted(apart, POD, DELETE, y)
    assert hinted(pod("p", "x"), POD, DELETE, pod("q", affinity=APART, node="a1"))
    assert not hinted(pod("p", "y"), POD, DELETE, pod("q", affinity=APART, node="a1"))
    assert hinted(near, POD, UPDATE_POD_LABEL, near, near)


def test_a_pod_is_retried_after_a_node_came_into_or_left_a_domain():
    near, apart, bare = pod("p", affinity=TOGETHER), pod("p", affinity=APART), pod("p")
    in_a, in_b, out = node("n", zone="a"), node("n", zone="b"), node("n")
    assert hinted(near, NODE, ADD, new=in_a)
    assert not hinted(near, NODE, ADD, new=out)
    assert hinted(apart, NODE, ADD, new=out)
    assert not hinted(bare, NODE, ADD, new=in_a)
    changes = [(out, in_a), (in_a, in_b), (in_a, out), (in_a, in_a)]
    found = [hinted(near, NODE, UPDATE_NODE_LABEL, *change) for change in changes]
    assert found == [True, True, False, False]
    found = [hinted(apart, NODE, UPDATE_NODE_LABEL, *change) for change in changes]
    assert found == [False, True, True, False]
