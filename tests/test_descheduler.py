"""The descheduler: what it evicts, what it spares, and how often it looks."""

import attrs
import pytest
from cluster_runs import fifo

from kspec.errors import InputError
from kspec_models.building import build
from kspec_models.requests import Evict
from kspec_models.world import World
from kspec_models.worlds_kivi import spread
from kspec_models.worlds_running import deployment_of, machine, pod_template, running

NAMES = ("n1", "n2", "n3")
DUPLICATES, SPREAD = "RemoveDuplicates", "RemovePodsViolatingTopologySpreadConstraint"


def policy(plugin, *, evictor=None, **args):
    config = [{"name": "DefaultEvictor", "args": evictor or {}}]
    config += [{"name": plugin, "args": args}] if args else []
    plugins = {"balance": {"enabled": [plugin]}}
    return {"profiles": [{"name": "default", "pluginConfig": config, "plugins": plugins}]}


def world(places, descheduler, *, template=None, nodes=None, **workload):
    deployment = deployment_of(template or pod_template("100m", "64Mi"), len(places), **workload)
    return World(
        objects=(*(nodes or map(machine, NAMES)), *running(deployment, places)),
        granularity="reconcile",
        keep_status=True,
        components={"descheduler": descheduler},
    )


def first_round(given):
    """The nodes that the first round evicts from, sorted."""
    cluster = build(given)
    for action, state in fifo(cluster):
        if cluster.encode(action) == "Reconcile(descheduler, round)":
            asked = [s.request for s in state.sent if isinstance(s.request, Evict)]
            before = {p.key: p.spec.node_name for p in map(lambda e: e.value, pods(state))}
            return sorted(before[request.key] for request in asked)
    raise AssertionError("there was no round")


def pods(state):
    return state.api.store.bucket("pods").entries()


def test_duplicates_are_averaged_over_the_nodes_that_would_take_them():
    assert first_round(world(["n1"] * 6, policy(DUPLICATES))) == ["n1"] * 4
    assert first_round(world(["n1", "n1", "n2", "n3"], policy(DUPLICATES))) == []


def test_a_node_whose_taint_or_label_does_not_suit_is_no_target():
    taint = {"key": "k", "value": "v", "effect": "NoSchedule"}
    nodes = (machine("n1"), machine("n2", taints=[taint]), machine("n3", taints=[taint]))
    assert first_round(world(["n1"] * 3, policy(DUPLICATES), nodes=nodes)) == []
    bound = pod_template("100m", "64Mi", nodeSelector={"kubernetes.io/hostname": "n1"})
    assert first_round(world(["n1"] * 3, policy(DUPLICATES), template=bound)) == []


def test_with_node_fit_a_pod_that_nobody_else_has_room_for_stays():
    nodes = (machine("n1"), machine("n2", "50m"), machine("n3", "50m"))
    crowded = ["n1"] * 4
    assert first_round(world(crowded, policy(DUPLICATES), nodes=nodes)) == ["n1"] * 2
    fitting = policy(DUPLICATES, evictor={"nodeFit": True})
    assert first_round(world(crowded, fitting, nodes=nodes)) == []


def test_limits_hold_a_round_back():
    limited = {**policy(DUPLICATES), "maxNoOfPodsToEvictPerNode": 1}
    assert first_round(world(["n1"] * 6, limited)) == ["n1"]
    total = {**policy(DUPLICATES), "maxNoOfPodsToEvictTotal": 3}
    assert first_round(world(["n1"] * 6, total)) == ["n1"] * 3


@pytest.mark.parametrize(
    ("spec", "evictor"),
    [
        (
            {"volumes": [{"name": "tmp", "emptyDir": {"medium": ""}}]},
            {"evictLocalStoragePods": True},
        ),
        ({"priority": 2_000_000_000}, {"evictSystemCriticalPods": True}),
    ],
)
def test_pods_that_are_not_to_be_evicted_are_spared_unless_asked_for(spec, evictor):
    template = pod_template("100m", "64Mi", **spec)
    places = ["n1"] * 3
    assert first_round(world(places, policy(DUPLICATES), template=template)) == []
    asked = policy(DUPLICATES, evictor=evictor)
    assert first_round(world(places, asked, template=template)) == ["n1"] * 2


def spreading(when, places, descheduler):
    constraint = spread("kubernetes.io/hostname", when)
    template = pod_template("100m", "64Mi", topologySpreadConstraints=[constraint])
    return first_round(world(places, descheduler, template=template))


def test_domains_with_too_many_are_evened_out():
    places = [*["n1"] * 5, "n2"]
    assert spreading("DoNotSchedule", places, policy(SPREAD)) == ["n1"] * 3
    assert spreading("DoNotSchedule", ["n1", "n2", "n2"], policy(SPREAD)) == ["n2"]
    assert spreading("DoNotSchedule", ["n1", "n2", "n3", "n3"], policy(SPREAD)) == []


def test_soft_constraints_count_only_where_they_are_asked_for():
    places = [*["n1"] * 3, "n2"]
    assert spreading("ScheduleAnyway", places, policy(SPREAD)) == []
    both = policy(SPREAD, constraints=["DoNotSchedule", "ScheduleAnyway"])
    assert spreading("ScheduleAnyway", places, both) == ["n1"]


def rounds(given, seconds):
    """The virtual seconds of the passes that a descheduler made until then."""
    cluster, found = build(given), []
    for action, state in fifo(cluster, limit=3_000):
        if state.clock > seconds:
            return found
        if cluster.encode(action) == "Reconcile(descheduler, round)":
            found.append(state.clock)
    return found


def test_a_round_is_made_where_there_is_news_and_at_the_end_of_an_interval():
    calm = world(["n1", "n2", "n3"], policy(DUPLICATES))
    assert rounds(calm, 10_000) == [0]
    nodes = (machine("n1"), machine("n2", "50m"), machine("n3", "50m"))
    endless = world(["n1"] * 3, policy(DUPLICATES), nodes=nodes)
    assert [when for when in rounds(endless, 900) if when % 300 == 0][-1] == 900
    often = attrs.evolve(
        endless,
        components={"descheduler": {**policy(DUPLICATES), "deschedulingIntervalSeconds": 60}},
    )
    assert 60 in rounds(often, 60)


@pytest.mark.parametrize(
    "wrong",
    [
        {"profile": []},
        {"profiles": []},
        {"deschedulingIntervalSeconds": 0},
        {"maxNoOfPodsToEvictTotal": -1},
        policy("LowNodeUtilization"),
        policy(DUPLICATES, evictor={"minPodAge": "1h"}),
        policy(SPREAD, constraints=["Sometimes"]),
    ],
)
def test_a_policy_that_is_not_followed_is_refused(wrong):
    with pytest.raises(InputError):
        build(world(["n1"], wrong))
