"""DaemonSets among the other components: scheduler, kubelets, admission, pod garbage collector."""

import pytest
from cluster_runs import fifo, get, objects, settled

from kspec_models.actions import Advance
from kspec_models.building import build
from kspec_models.controllers.pods import is_ready
from kspec_models.world import World
from kspec_models.worlds import delete, node, pod
from kspec_models.worlds_daemonset import (
    daemon_set,
    revision_of,
    running_daemon,
    set_daemon_image,
    taint,
)
from kspec_properties.bugs.k8s_61886 import BUG

AGENT = daemon_set("agent")


def world(*operations, nodes=2, owner=AGENT, **fields):
    return World(
        nodes=nodes, objects=(owner,), operations=operations, granularity="reconcile", **fields
    )


def before_time_passes(cluster):
    """Where a FIFO run has nothing left but to wait; the scheduler tries pending pods for ever."""
    state = cluster.init()
    for action, after in fifo(cluster):
        if isinstance(action, Advance):
            break
        state = after
    return state


def places(state):
    """(node, image) of the ready pods."""
    pods = [p for p in objects(state, "pods") if is_ready(p)]
    return sorted((p.spec.node_name, p.spec.containers[0].image) for p in pods)


@pytest.mark.parametrize("surge", [0, 1])
def test_an_update_ends_on_every_node(surge):
    owner = daemon_set("agent", unavailable=1 - surge, surge=surge)
    state = settled(build(world(set_daemon_image("agent", "app:2"), owner=owner)))
    assert places(state) == [("n1", "app:2"), ("n2", "app:2")]
    status = get(state, "daemonsets/default/agent").status
    assert status.updated_number_scheduled == status.number_available == 2


def test_a_tainted_node_loses_its_pod_and_a_new_node_gets_one():
    operations = (taint("n1", "NoExecute"), {"apply": node("n3")})
    state = settled(build(world(*operations)))
    assert places(state) == [("n2", "app:1"), ("n3", "app:1")]


def test_a_node_that_goes_takes_its_pod_along_and_brings_one_back():
    state = settled(build(world(delete("Node", "n2"), {"apply": node("n2")})))
    assert [place for place, _ in places(state)] == ["n1", "n2"]


def test_a_daemon_pod_waits_for_room_without_being_made_again():
    room = {"cpu": "50m", "memory": "1Gi", "pods": "8"}
    state = before_time_passes(build(world(nodes=1, node_capacity=room)))
    (waiting,) = objects(state, "pods")
    assert not waiting.spec.node_name and waiting.name == "agent-1"


def test_running_pods_of_a_world_are_of_its_revision():
    """They are neither adopted anew nor replaced."""
    start = World(
        objects=(node("n1"), AGENT, running_daemon(AGENT, "agent-x", "n1")),
        keep_status=True,
        granularity="reconcile",
    )
    state = settled(build(start))
    (kept,) = objects(state, "pods")
    (revision,) = objects(state, "controllerrevisions")
    assert kept.name == "agent-x" and revision.name == f"agent-{revision_of(AGENT)}"


def test_a_kubelet_rejects_a_pod_that_its_node_does_not_match():
    """Only a pod that names its node itself comes there."""
    preset = pod("preset", nodeName="n1", nodeSelector={"pool": "other"})
    state = settled(build(World(nodes=1, objects=(preset,))))
    status = get(state, "pods/default/preset").status
    assert (status.phase, status.reason) == ("Failed", "NodeAffinity")


def test_a_pod_that_admission_narrows_stays_pending():
    """The scheduler places daemon pods, so that no kubelet has to reject one (kubernetes#61886)."""
    state = before_time_passes(build(BUG.world))
    (waiting,) = objects(state, "pods")
    assert waiting.spec.node_selector == {"pool": "other"} and not waiting.spec.node_name


def test_a_controller_that_binds_its_pods_fights_the_kubelet():
    with pytest.raises(AssertionError, match="still going"):
        for _ in fifo(build(BUG.world, mutate=BUG.change), limit=500):
            pass
