"""The disruption controller says what its pods are, and never forgets an approved eviction."""

import attrs
import pytest
from cluster_runs import get, objects, settled, walk

from kspec_models.budgets import is_ready
from kspec_models.building import build
from kspec_models.controllers.disruption import DisruptionController
from kspec_models.host import Call, Notification, View
from kspec_models.manifests import Document, read_object
from kspec_models.objects import PodDisruptionBudget
from kspec_models.objects.record import encode_time
from kspec_models.requests import CONFLICT, FORBIDDEN, NOT_FOUND, Get, Response, Update
from kspec_models.store import Snapshot, Store
from kspec_models.world import World
from kspec_models.worlds import delete, deployment, node
from kspec_models.worlds_disruption import budget, evict, replica_set, running

KEY, WEB = "default/web", "poddisruptionbudgets/default/web"
RESOURCES = ("pods", "poddisruptionbudgets", "replicasets", "deployments")
CONTROLLER = DisruptionController(("replicasets", "deployments"))


def numbers(status):
    return (
        status.expected_pods,
        status.desired_healthy,
        status.current_healthy,
        status.disruptions_allowed,
    )


def world(*objects, **options):
    return World(nodes=1, objects=objects, granularity="reconcile", **options)


def view(*documents, now=0, uids=()):
    store = Store()
    for document in documents:
        obj = read_object(Document("test", document))
        store, _ = store.put(f"{obj.resource}/{obj.key}", obj.with_metadata(generation=1))
    return View({name: store.bucket(name) for name in RESOURCES}, now)


def owned(data, kind="ReplicaSet", uid="u"):
    owner = {"apiVersion": "apps/v1", "kind": kind, "name": "web", "uid": uid, "controller": True}
    return {**data, "metadata": {**data["metadata"], "ownerReferences": [owner]}}


def synced(*documents, now=0):
    return CONTROLLER.reconcile(None, KEY, view(*documents, now=now))


def written(worked):
    (update,) = worked.requests
    assert isinstance(update, Update) and update.subresource == "status"
    return update.object.status


def web(name, **spec):
    return running(name, "n1", app="web", **spec)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"min_available": 2}, (3, 2, 3, 1)),
        ({"min_available": "50%"}, (3, 2, 3, 1)),
        ({"max_unavailable": "50%"}, (3, 1, 3, 2)),
        ({"max_unavailable": 5}, (3, 0, 3, 3)),
        ({"min_available": 4}, (3, 4, 3, 0)),
    ],
)
@pytest.mark.parametrize("make", [replica_set, deployment])
def test_a_budget_counts_against_the_scale_of_the_controllers(make, given, expected):
    state = settled(build(world(make("web", 3), budget("web", **given))))
    status = get(state, WEB).status
    assert numbers(status) == expected and status.observed_generation == 1
    assert [c.status for c in status.conditions] == ["True" if expected[3] else "False"]


def test_a_budget_without_pods_allows_nothing():
    assert numbers(written(synced(budget("web", min_available=0)))) == (0, 0, 0, 0)


def test_pods_without_a_controller_count_for_a_number_and_not_for_a_share():
    pods = (web("a"), web("b"))
    assert numbers(written(synced(budget("web", min_available=1), *pods))) == (2, 1, 2, 1)
    assert numbers(written(synced(budget("web", min_available="50%"), *pods))) == (0, 0, 2, 0)


def test_a_controller_that_the_cache_lacks_is_read_live():
    documents = (budget("web", max_unavailable=1), owned(web("a")))
    worked = synced(*documents)
    assert worked.requests == (Get("replicasets", KEY),)
    found = read_object(Document("test", replica_set("web", 3))).with_metadata(uid="u")
    store, _ = Store().put(f"replicasets/{KEY}", found)
    answer = Response(entry=store.get(f"replicasets/{KEY}"))
    call = Call(KEY, (), worked.phase)
    after = CONTROLLER.answer(None, call, worked.requests[0], answer, view(*documents))
    assert numbers(written(after)) == (3, 2, 1, 0)


@pytest.mark.parametrize("kind", ["ReplicaSet", "Job"])
def test_a_scale_that_is_not_known_allows_nothing(kind):
    allowing = {**budget("web", max_unavailable=1), "status": {"disruptionsAllowed": 1}}
    documents = (allowing, owned(web("a"), kind))
    worked = synced(*documents)
    if kind == "ReplicaSet":
        call = Call(KEY, (), worked.phase)
        gone = Response(NOT_FOUND)
        worked = CONTROLLER.answer(None, call, worked.requests[0], gone, view(*documents))
    status = written(worked)
    assert status.disruptions_allowed == 0
    assert [c.reason for c in status.conditions] == ["SyncFailed"]


def noted(since, **more):
    status = {"disruptedPods": {"a": encode_time(since)}, **more}
    return {**budget("web", min_available=1), "status": status}


@pytest.mark.parametrize(("now", "healthy"), [(0, 1), (119, 1), (120, 2), (121, 2)])
def test_an_approved_eviction_counts_for_two_minutes(now, healthy):
    worked = synced(noted(0), web("a"), web("b"), now=now)
    assert written(worked).current_healthy == healthy
    assert bool(written(worked).disrupted_pods) is (now <= 120)


def test_a_noted_pod_is_looked_at_again_when_its_note_ends():
    worked = synced(noted(0), web("a"), web("b"), now=50)
    call = Call(KEY, (), worked.phase)
    after = CONTROLLER.answer(None, call, worked.requests[0], Response(), view(now=50))
    assert after.requeue_after == 70 and not after.failed


def test_a_note_ends_when_the_pod_is_seen_to_go():
    going = web("a")
    going["metadata"]["deletionTimestamp"] = encode_time(30)
    status = written(synced(noted(0), going, web("b")))
    assert not status.disrupted_pods and status.current_healthy == 1
    assert not written(synced(noted(0), web("b"))).disrupted_pods


def test_a_conflict_means_to_compute_anew():
    worked = synced(budget("web", min_available=1), web("a"))
    call = Call(KEY, (), worked.phase)
    after = CONTROLLER.answer(None, call, worked.requests[0], Response(CONFLICT), view())
    assert after.failed and not after.requests


def test_another_error_allows_nothing_until_the_next_event():
    worked = synced(budget("web", min_available=1), web("a"))
    call = Call(KEY, (), worked.phase)
    after = CONTROLLER.answer(None, call, worked.requests[0], Response(FORBIDDEN), view())
    assert written(after).conditions[0].reason == "SyncFailed"


def test_an_event_of_a_workload_wakes_nobody():
    snapshot = Snapshot()
    assert not CONTROLLER.concerns(Notification("replicasets", None, snapshot.get("x")))
    assert CONTROLLER.concerns(Notification("pods", None, None))


@pytest.mark.parametrize("seed", range(6))
def test_a_budget_is_kept_where_pods_go_by_evictions_alone(seed):
    operations = tuple(evict(f"web-{i}") for i in (1, 2, 3))
    cluster = build(
        world(replica_set("web", 3), budget("web", min_available=2), operations=operations)
    )
    was_full = False
    for _, _, state in walk(cluster, seed, 2500):
        left = sum(is_ready(pod) and not pod.is_terminating for pod in objects(state, "pods"))
        was_full = was_full or left == 3
        assert not was_full or left >= 2
    assert was_full


@pytest.mark.parametrize("seed", range(3))
def test_no_status_is_written_that_is_equal_to_the_stored_one(seed):
    operations = (evict("web-1"), delete("Pod", "web-2"))
    cluster = build(
        world(replica_set("web", 2), budget("web", min_available=1), operations=operations)
    )
    for _, _, state in walk(cluster, seed, 1500):
        for change in state.written:
            assert change.previous is None or change.previous.value != change.entry


def test_a_status_that_a_dump_gives_stays():
    given = {**budget("web", min_available=1), "status": {"disruptionsAllowed": 7}}
    kept = World(objects=(node("n1"), web("a"), given), keep_status=True)
    assert get(settled(build(kept)), WEB).status.disruptions_allowed == 7
    named = attrs.evolve(kept, controllers=("disruption-controller",))
    assert get(settled(build(named)), WEB).status.disruptions_allowed == 0
    assert isinstance(
        objects(settled(build(named)), "poddisruptionbudgets")[0], PodDisruptionBudget
    )
