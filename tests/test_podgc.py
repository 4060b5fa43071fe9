"""What PodGC promises: pods that nobody else would delete are deleted, and no others."""

import pytest

from kspec_models.building import build
from kspec_models.controllers.podgc import PodGCController
from kspec_models.controllers.podgc_choice import choose
from kspec_models.host import Call, View
from kspec_models.objects import Node, Pod
from kspec_models.requests import NOT_FOUND, TIMEOUT, Delete, Get, Patch, Response, describe
from kspec_models.store import Entry, Snapshot
from kspec_models.world import World
from kspec_models.worlds import delete, deployment, pod
from tests.cluster_runs import fifo, get, objects, settled

OUT_OF_SERVICE = {"key": "node.kubernetes.io/out-of-service", "effect": "NoExecute"}


def a_pod(name, node="", phase="Running", created=0, deleted=False, reason=""):
    meta = {"name": name, "namespace": "default", "uid": name, "creationTimestamp": created}
    meta["creationTimestamp"] = f"2024-01-01T00:00:{created:02}Z"
    if deleted:
        meta["deletionTimestamp"] = "2024-01-01T00:00:00Z"
    status = {"phase": phase, "reason": reason}
    return Pod.from_json({"metadata": meta, "spec": {"nodeName": node}, "status": status})


def a_node(name, ready="True", taints=()):
    status = {"conditions": [{"type": "Ready", "status": ready}]}
    return Node.from_json(
        {"metadata": {"name": name}, "spec": {"taints": list(taints)}, "status": status}
    )


def view(*objs, now=0):
    caches = {"pods": Snapshot(), "nodes": Snapshot()}
    for obj in objs:
        key = f"{obj.resource}/{obj.key}"
        caches[obj.resource] = caches[obj.resource].patched(key, Entry(key, obj, 1, 1, 1))
    return View(caches, now)


def run(controller, seen, answers=None, memory=None):
    """One pass; every request and the last result."""
    memory = controller.initial() if memory is None else memory
    worked, log = controller.reconcile(memory, "gc", seen), []
    while worked.requests:
        request, *rest = worked.requests
        log.append(describe(request))
        response = Response((answers or {}).get(log[-1], ""))
        call = Call("gc", tuple(rest), worked.phase)
        worked = controller.answer(worked.memory, call, request, response, seen)
    return log, worked


def test_podgc_quarantines_a_node_and_asks_for_it_before_it_gives_up_its_pods():
    gc, orphan = PodGCController(), a_pod("p", "gone")
    log, worked = run(gc, view(orphan))
    assert log == [] and worked.requeue_after == 40
    gone = {"Get nodes gone": NOT_FOUND}
    log, after = run(gc, view(orphan, now=40), gone, worked.memory)
    expected = ["Get nodes gone", "Patch pods default/p/status", "Delete pods default/p"]
    assert log == expected and after.requeue_after is None
    assert run(gc, view(orphan, now=40), {}, worked.memory)[0] == ["Get nodes gone"]


def test_podgc_marks_an_orphan_as_disrupted_and_deletes_it_without_grace():
    gc, seen = PodGCController(), view(a_pod("p", "gone"), now=40)
    memory = gc.initial().adding(("gone",), 0)
    worked = gc.reconcile(memory, "gc", seen)
    call = Call("gc", (), worked.phase)
    worked = gc.answer(worked.memory, call, worked.requests[0], Response(NOT_FOUND), seen)
    mark, removal = worked.requests
    status = mark.patch["status"]
    assert (status["phase"], status["conditions"][0]["reason"]) == ("Failed", "DeletionByPodGC")
    assert mark.uid == "p" and isinstance(mark, Patch)
    assert removal == Delete("pods", "default/p", grace_period_seconds=0)


def test_podgc_does_not_delete_a_pod_that_it_could_not_mark():
    gc, seen = PodGCController(), view(a_pod("p", deleted=True), a_pod("q", deleted=True))
    log, worked = run(gc, seen, {"Patch pods default/p/status": TIMEOUT})
    assert "Delete pods default/p" not in log and "Delete pods default/q" in log
    assert worked.requeue_after == 20
    _, worked = run(gc, seen, {"Patch pods default/p/status": NOT_FOUND})
    assert worked.requeue_after is None, "a pod that is gone needs no other pass"


def test_podgc_keeps_as_many_finished_pods_as_the_threshold_allows():
    pods = (
        a_pod("old", phase="Succeeded", created=1),
        a_pod("new", phase="Failed", created=9),
        a_pod("evicted", phase="Failed", created=30, reason="Evicted"),
        a_pod("running"),
    )
    chosen = choose(view(*pods).caches, 1).first
    assert [v.key for v in chosen] == ["default/evicted", "default/old"]
    assert choose(view(*pods).caches, 0).first == ()


@pytest.mark.parametrize(("ready", "taken"), [("False", True), ("Unknown", True), ("True", False)])
def test_podgc_takes_terminating_pods_off_nodes_that_are_out_of_service(ready, taken):
    seen = view(
        a_pod("p", "n1", deleted=True), a_pod("q", "n1"), a_node("n1", ready, [OUT_OF_SERVICE])
    )
    log, _ = run(PodGCController(), seen)
    assert log == (["Patch pods default/p/status", "Delete pods default/p"] if taken else [])


@pytest.mark.parametrize("granularity", ["request", "reconcile"])
def test_podgc_lets_pods_of_a_deleted_node_be_replaced(granularity):
    world = World(
        nodes=2,
        objects=(deployment("web", 2),),
        operations=(delete("Node", "n1"),),
        granularity=granularity,
    )
    cluster = build(world)
    end = settled(cluster)
    assert {p.spec.node_name for p in objects(end, "pods")} == {"n2"}
    assert len(objects(end, "pods")) == 2 and get(end, "nodes/n1") is None
    assert not any(cluster.kind_of(a) == "clock" for a in cluster.enabled(end)), "at rest"


def test_podgc_runs_only_where_pods_can_lose_their_node():
    def runs(world):
        return "podgc" in build(world).layout.by_host

    assert not runs(World(objects=(deployment("web"),)))
    assert runs(World(objects=(pod("p", nodeName="elsewhere"),)))
    assert not runs(World(objects=(pod("p", nodeName="n1"),)))
    assert runs(World(controllers=("*",)))


def test_podgc_deletes_a_pod_that_names_a_node_which_never_was():
    end = settled(build(World(nodes=1, objects=(pod("p", nodeName="elsewhere"),))))
    assert objects(end, "pods") == [] and end.clock == 40


def test_podgc_asks_for_nodes_live():
    cluster = build(World(nodes=1, objects=(pod("p", nodeName="elsewhere"),)))
    sent = [s.request for _, state in fifo(cluster) for s in state.sent if s.host == "podgc"]
    assert Get("nodes", "elsewhere") in sent
