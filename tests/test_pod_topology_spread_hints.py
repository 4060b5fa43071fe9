"""PodTopologySpread: queueing hints retry a pod after whatever may help it, and little else."""

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from spread_clusters import (
    LABELS,
    PLUGIN,
    TAINT,
    VALUES,
    clusters,
    codes,
    constraint,
    existing,
    incoming,
    node,
    pod,
)

from kspec_models.objects import EMPTY
from kspec_models.scheduler.events import NODE, POD, ClusterEvent, node_events, pod_events
from kspec_models.scheduler.nodeinfo import node_info
from kspec_models.scheduler.plugins.pod_topology_spread import EVENTS


def retries(made, event):
    hint = EVENTS.get((event.resource, event.action))
    return hint is not None and hint(made, event)


def changed_cluster(draw, infos):
    """One change, with its events: a pod or node comes, goes, or has other labels or taints."""
    index = draw(st.integers(0, len(infos) - 1))
    info, rest = infos[index], infos[:index] + infos[index + 1 :]
    what = draw(st.sampled_from(["add", "delete", "relabel", "node", "nodes"]))
    if what == "add":
        other = existing("new", draw(LABELS), info.name)
        return (*rest, info.with_pod(other)), [ClusterEvent(POD, "Add", None, other)]
    if what == "nodes":
        assume(rest)
        return rest, [ClusterEvent(NODE, "Delete", info.node, None)]
    if what == "node":
        labels = draw(st.dictionaries(st.sampled_from(["zone", "rack"]), VALUES))
        labels["_host"] = info.name
        taints = draw(st.sampled_from([[], [TAINT]]))
        new = node(info.name, taints=taints, **labels)
        if draw(st.booleans()):
            return (*rest, info.with_node(new)), list(node_events(info.node, new))
        new = node("new", taints=taints, **labels)
        return (*infos, node_info(new)), [ClusterEvent(NODE, "Add", None, new)]
    assume(info.pods)
    other = info.pods[0]
    without = info.without_pod(other.uid)
    if what == "delete":
        return (*rest, without), [ClusterEvent(POD, "Delete", other, None)]
    new = existing(other.name, draw(LABELS), info.name, other.namespace)
    return (*rest, without.with_pod(new)), list(pod_events(other, new))


def fitting(made, infos):
    found = zip(infos, codes(PLUGIN, made, infos), strict=True)
    return [info.name for info, code in found if code == "Success"]


@settings(max_examples=200, deadline=None)
@given(incoming(), clusters(terminating=False), st.data())
def test_no_event_that_makes_a_pod_fit_is_skipped(made, infos, data):
    # Upstream's hints miss that a node starts or ceases to match the pod's node affinity.
    made = made.replace(spec=made.spec.replace(node_selector=EMPTY))
    after, events = changed_cluster(data.draw, infos)
    if set(fitting(made, after)) - set(fitting(made, infos)):
        assert any(retries(made, event) for event in events), events


def test_events_that_cannot_help_are_skipped():
    made = pod("in", constraint(), nodeSelector={"a": "b"})
    bound = pod("other", nodeName="a")
    unlike = {"labels": [("app", "y")], "nodeName": "a"}
    skipped = [
        ClusterEvent(POD, "Add", None, pod("other")),
        ClusterEvent(POD, "Add", None, pod("other", **unlike)),
        ClusterEvent(POD, "Add", None, pod("other", namespace="e", nodeName="a")),
        ClusterEvent(POD, "Delete", pod("other", **unlike), None),
        ClusterEvent(POD, "UpdatePodLabel", bound, bound),
        ClusterEvent(POD, "UpdatePodToleration", made, pod("in", constraint(), tolerations=[{}])),
        ClusterEvent(NODE, "Add", None, node("n")),
        ClusterEvent(NODE, "Delete", node("n"), None),
        ClusterEvent(NODE, "UpdateNodeLabel", node("n", zone="1"), node("n", zone="1", disk="a")),
        ClusterEvent(NODE, "UpdateNodeTaint", node("n"), node("n", taints=[TAINT])),
        ClusterEvent(NODE, "UpdateNodeAllocatable", node("n", zone="1"), node("n", zone="1")),
    ]
    assert [event for event in skipped if retries(made, event)] == []
    helping = [
        ClusterEvent(POD, "Add", None, bound),
        ClusterEvent(POD, "Delete", bound, None),
        ClusterEvent(POD, "UpdatePodLabel", bound, pod("other", **unlike)),
        ClusterEvent(NODE, "Add", None, node("n", zone="1")),
        ClusterEvent(NODE, "Delete", node("n", zone="1"), None),
        ClusterEvent(NODE, "UpdateNodeLabel", node("n", zone="1"), node("n", zone="2")),
        ClusterEvent(NODE, "UpdateNodeLabel", node("n", zone="1"), node("n")),
        ClusterEvent(
            NODE, "UpdateNodeTaint", node("n", zone="1", taints=[TAINT]), node("n", zone="1")
        ),
    ]
    assert [event for event in helping if not retries(made, event)] == []
    heeds = constraint(nodeTaintsPolicy="Honor")
    tolerant = pod("in", heeds, tolerations=[{"operator": "Exists"}])
    assert retries(
        pod("in", heeds), ClusterEvent(POD, "UpdatePodToleration", pod("in", heeds), tolerant)
    )


def test_a_pod_that_a_default_constraint_keeps_away_is_retried_after_any_event():
    assert retries(pod("in"), ClusterEvent(NODE, "Add", None, node("n")))
    assert retries(pod("in"), ClusterEvent(POD, "Delete", pod("other", nodeName="a"), None))
