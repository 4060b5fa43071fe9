"""What a kubelet promises of its node: it says what is true, as soon as anybody can hear it."""

import pytest

from kspec_models.building import build
from kspec_models.host import Call, Notification, View
from kspec_models.kubelet_nodestatus import Known, NodeStatus
from kspec_models.objects import Node, condition
from kspec_models.requests import NOT_FOUND, TIMEOUT, Response
from kspec_models.store import Entry, Snapshot
from kspec_models.world import World
from kspec_models.worlds import deployment, node
from tests.cluster_runs import fifo, get, objects, settled, step_to


def a_node(**statuses):
    made = node("n1")
    made["status"]["conditions"] = [{"type": k, "status": s} for k, s in statuses.items()]
    return Node.from_json(made)


def seen(obj):
    entry = Entry("nodes/n1", obj, 1, 1, 1)
    return View({"nodes": Snapshot().patched("nodes/n1", entry)}, 60), entry


def told(memory, obj):
    view, entry = seen(obj)
    return NodeStatus("n1").handle(memory, Notification("nodes", None, entry), view)


def reported(memory, obj):
    requests = NodeStatus("n1").reconcile(memory, "n1", seen(obj)[0]).requests
    patches = [r.patch["status"]["conditions"] for r in requests]
    return {c["type"]: c["status"] for conditions in patches for c in conditions}


def cut_off(faults="partition"):
    """A cluster at rest whose first kubelet with a pod is then struck."""
    world = World(
        nodes=2, objects=(deployment("web", 1),), faults={faults: 1}, granularity="reconcile"
    )
    cluster = build(world)
    state = settled(cluster)
    name = objects(state, "pods")[0].spec.node_name
    verb = {"partition": "Partition", "pause": "Pause"}[faults]
    return cluster, step_to(cluster, state, f"{verb}(kubelet/{name})"), name


def ready(obj):
    return condition(obj.status.conditions, "Ready").status


def until(cluster, state, holds):
    for _, after in fifo(cluster, state):
        if holds(after):
            return after
    raise AssertionError("it never came to that")


def test_a_kubelet_that_is_well_says_nothing():
    memory, keys = told(Known(), a_node(Ready="True"))
    assert keys == () and reported(memory, a_node(Ready="True")) == {}


def test_a_kubelet_says_again_what_was_called_unknown():
    memory, _ = told(Known(), a_node(Ready="True", MemoryPressure="True"))
    forgotten = a_node(Ready="Unknown", MemoryPressure="Unknown")
    memory, keys = told(memory, forgotten)
    assert keys == ("n1",)
    assert reported(memory, forgotten) == {"Ready": "True", "MemoryPressure": "True"}


def test_a_kubelet_reports_everything_of_a_node_that_never_said_anything():
    found = reported(Known(), a_node())
    assert found["Ready"] == "True" and found["DiskPressure"] == "False" and len(found) == 4


@pytest.mark.parametrize(("reason", "wait"), [(TIMEOUT, 10), (NOT_FOUND, None), ("", None)])
def test_a_kubelet_whose_report_failed_reports_later(reason, wait):
    kubelet, view = NodeStatus("n1"), seen(a_node())[0]
    worked = kubelet.reconcile(Known(), "n1", view)
    call = Call("n1", ())
    answered = kubelet.answer(Known(), call, worked.requests[0], Response(reason), view)
    assert answered.requeue_after == wait


@pytest.mark.parametrize("fault", ["partition", "pause"])
def test_the_pods_of_a_node_that_is_silent_for_long_run_elsewhere(fault):
    cluster, state, name = cut_off(fault)
    began = state.clock
    unknown = until(cluster, state, lambda s: ready(get(s, f"nodes/{name}")) == "Unknown")
    assert unknown.clock == began + 51
    moved = until(cluster, unknown, lambda s: len(objects(s, "pods")) == 2)
    assert moved.clock == began + 51 + 300


@pytest.mark.parametrize(("fault", "end"), [("partition", "Rejoin"), ("pause", "Resume")])
def test_a_node_that_returns_in_time_keeps_its_pods_and_is_forgiven(fault, end):
    cluster, state, name = cut_off(fault)
    state = until(cluster, state, lambda s: get(s, f"nodes/{name}").spec.taints)
    end_state = settled(cluster, step_to(cluster, state, f"{end}(kubelet/{name})"))
    found = get(end_state, f"nodes/{name}")
    assert ready(found) == "True" and found.spec.taints == ()
    (pod,) = objects(end_state, "pods")
    assert pod.spec.node_name == name and ready(pod) == "True"
