"""The ReplicaSet controller keeps spec.replicas active pods, and counts a write only once."""

import pytest
from workload_loop import Loop, pod, ready, replica_set

from kspec.values import fingerprint
from kspec_models.controllers.pods import is_active, is_available, owner_reference, scaled_value
from kspec_models.controllers.ranking import Ranking, victims
from kspec_models.controllers.replicaset import ReplicaSetController
from kspec_models.host import Call, Notification
from kspec_models.objects import Time, controller_of
from kspec_models.requests import (
    CONFLICT,
    FORBIDDEN,
    NAMESPACE_TERMINATING,
    NOT_FOUND,
    TIMEOUT,
    Create,
    Delete,
    Get,
    Patch,
    Response,
    Update,
)

KEY = "default/web"
CONTROLLER = ReplicaSetController()


@pytest.fixture
def loop():
    return Loop(ReplicaSetController())


def owned(rs, name, **metadata):
    return pod(name, ownerReferences=[owner_reference(rs).to_json()], **metadata)


def pods_of(loop):
    return [p for p in loop.objects("pods") if is_active(p)]


def answered(memory, worked, reason="", view=None):
    """The pass after its next request was answered with `reason`."""
    request, *rest = worked.requests
    call = Call(KEY, tuple(rest), worked.phase, worked.failed)
    return CONTROLLER.answer(worked.memory, call, request, Response(reason), view)


def test_missing_pods_are_created_from_the_template(loop):
    rs = loop.add(replica_set(2)).value
    loop.settle()
    first, second = loop.objects("pods")
    assert first.name.startswith("web-") and first.name != second.name
    assert controller_of(first) == owner_reference(rs)
    assert first.metadata.labels == {"app": "web"}
    assert first.spec == rs.spec.template.spec


def test_own_creates_are_not_repeated_before_the_cache_shows_them(loop):
    """The expectation stands between a stale cache and a second round of creates."""
    loop.add(replica_set(2))
    view = loop.view
    worked = CONTROLLER.reconcile(CONTROLLER.initial(), KEY, view)
    assert [type(r) for r in worked.requests] == [Create]
    again = CONTROLLER.reconcile(worked.memory, KEY, view)
    assert not [r for r in again.requests if isinstance(r, Create)]


@pytest.mark.parametrize("reason", [FORBIDDEN, TIMEOUT])
def test_a_failed_create_is_no_longer_expected(loop, reason):
    """Also when no answer came: with a lagging cache that is how a surplus comes about."""
    loop.add(replica_set(1))
    worked = CONTROLLER.reconcile(CONTROLLER.initial(), KEY, loop.view)
    after = answered(worked.memory, worked, reason, loop.view)
    assert after.memory.expectations.are_satisfied(KEY, 0)
    (update,) = after.requests
    (condition,) = update.object.status.conditions
    assert (condition.type, condition.reason) == ("ReplicaFailure", "FailedCreate")


def test_creates_in_a_terminating_namespace_stay_expected(loop):
    """So the controller does not try again until the expectation expires."""
    loop.add(replica_set(1))
    loop.refuse = lambda request: NAMESPACE_TERMINATING if isinstance(request, Create) else ""
    loop.settle()
    assert [type(r) for r in loop.writes()] == [Create, Update]
    assert not loop.memories[0].own.expectations.are_satisfied(KEY, 300)
    assert loop.get("replicasets", "web").value.status.conditions == ()


def test_a_failed_create_is_retried_and_the_condition_goes(loop):
    loop.add(replica_set(1))
    refusals = iter([FORBIDDEN])
    loop.refuse = lambda request: next(refusals, "") if isinstance(request, Create) else ""
    loop.settle()
    assert len(pods_of(loop)) == 1
    assert loop.get("replicasets", "web").value.status.conditions == ()


def test_deleting_a_pod_that_is_gone_is_no_error(loop):
    rs = loop.add(replica_set(0)).value
    loop.add(owned(rs, "a"))
    worked = CONTROLLER.reconcile(CONTROLLER.initial(), KEY, loop.view)
    assert worked.requests == (Delete("pods", "default/a"),)
    after = answered(worked.memory, worked, NOT_FOUND, loop.view)
    assert after.memory.expectations.are_satisfied(KEY, 0) and not after.failed
    assert not any(r.object.status.conditions for r in after.requests)


def test_a_pass_writes_no_more_than_the_burst():
    loop = Loop(ReplicaSetController(burst_replicas=3))
    loop.add(replica_set(5))
    loop.reconcile(0, KEY)
    assert len(pods_of(loop)) == 3


def test_creates_start_slowly_and_stop_after_a_batch_that_failed(loop):
    """Of seven the first goes alone, then two: one of them fails, and four are never sent."""
    loop.add(replica_set(7))
    answers = iter(["", "", FORBIDDEN])
    loop.refuse = lambda request: next(answers, "") if isinstance(request, Create) else ""
    loop.reconcile(0, KEY)
    sent = [reason for request, reason in loop.requests if isinstance(request, Create)]
    assert sent == ["", "", FORBIDDEN]
    assert loop.memories[0].own.expectations.of[KEY].creations == 2
    loop.settle()
    assert len(pods_of(loop)) == 7


def test_a_terminating_replica_set_neither_creates_nor_adopts(loop):
    loop.add(replica_set(2, metadata={"deletionTimestamp": "2024-01-01T00:00:00Z"}))
    loop.add(pod("loose"))
    worked = CONTROLLER.reconcile(CONTROLLER.initial(), KEY, loop.view)
    assert [type(r) for r in worked.requests] == [Update]


def test_an_orphan_is_adopted_after_a_live_read(loop):
    rs = loop.add(replica_set(1)).value
    loop.add(pod("loose"))
    loop.settle()
    assert [type(r) for r, _ in loop.requests[:2]] == [Get, Patch]
    assert controller_of(loop.get("pods", "loose").value) == owner_reference(rs)
    assert len(pods_of(loop)) == 1


@pytest.mark.parametrize("change", [{"uid": "new"}, {"deletion_timestamp": Time(0)}])
def test_an_owner_replaced_or_deleted_adopts_nothing_but_releases(loop, change):
    rs = loop.add(replica_set(1)).value
    loop.add(pod("loose"))
    loop.add(owned(rs, "other", labels={"app": "else"}))
    view = loop.view
    loop.put(rs.with_metadata(**change))
    loop.reconcile(0, KEY, view)
    assert loop.memories[0].queue.failures.get(KEY) == 1
    assert controller_of(loop.get("pods", "loose").value) is None
    assert controller_of(loop.get("pods", "other").value) is None
    assert [type(r) for r, _ in loop.requests] == [Get, Patch]


def test_a_pod_that_no_longer_matches_is_released_and_replaced(loop):
    rs = loop.add(replica_set(1)).value
    loop.add(owned(rs, "a", labels={"app": "else"}))
    loop.settle()
    assert controller_of(loop.get("pods", "a").value) is None
    assert len(pods_of(loop)) == 2


def test_a_settled_replica_set_writes_nothing(loop):
    loop.add(replica_set(2))
    loop.run_pods()
    loop.writes()
    loop.now += 1000
    loop.reconcile(0, KEY)
    assert loop.requests == []


def test_the_status_counts_ready_available_and_terminating_pods(loop):
    rs = loop.add(replica_set(3, minReadySeconds=10)).value
    loop.now = 20
    loop.add(ready(owned(rs, "a"), since=10))
    loop.add(ready(owned(rs, "b"), since=11))
    loop.add(owned(rs, "c", labels={"app": "web", "extra": "x"}))
    loop.add(owned(rs, "d", deletionTimestamp="2024-01-01T00:00:00Z"))
    worked = CONTROLLER.reconcile(CONTROLLER.initial(), KEY, loop.view)
    (update,) = worked.requests
    status = update.object.status
    assert (status.replicas, status.fully_labeled_replicas) == (3, 3)
    assert (status.ready_replicas, status.available_replicas) == (2, 1)
    assert (status.terminating_replicas, status.observed_generation) == (1, 1)
    assert answered(worked.memory, worked, "", loop.view).requeue_after == 1


def test_a_status_conflict_is_retried_once_on_a_live_read(loop):
    loop.add(replica_set(0))
    conflicts = iter([CONFLICT])
    loop.refuse = lambda request: next(conflicts, "") if isinstance(request, Update) else ""
    loop.settle()
    assert [type(r) for r, _ in loop.requests] == [Update, Get, Update]
    assert loop.get("replicasets", "web").value.status.observed_generation == 1


def test_unready_pods_and_crowded_nodes_lose_pods_first():
    a, b, c = (
        ready(pod(name)).replace(spec=pod(name).spec.replace(node_name=node))
        for name, node in (("a", "n1"), ("b", "n1"), ("c", "n2"))
    )
    unready = c.replace(status=c.status.replace(conditions=())).with_metadata(name="d")
    ranking = Ranking(100)
    assert victims((a, b, c), (a, b, c), 1, ranking) == (a,)
    assert victims((a, b, c, unready), (a, b, c, unready), 1, ranking) == (unready,)
    assert victims((c, b), (), 5, ranking) == (c, b)


def test_related_replica_sets_crowd_a_node_too(loop):
    """Pods of another ReplicaSet of the same Deployment count for the rank."""
    owner = [{"kind": "Deployment", "name": "d", "uid": "u", "controller": True}]
    rs = loop.add(replica_set(1, metadata={"ownerReferences": owner})).value
    other = replica_set(1, "other", metadata={"ownerReferences": owner})
    other = loop.add(other.replace(spec=other.spec.replace(selector=labels("other")))).value
    for owner_rs, name, node, label in (
        (rs, "a", "n1", "web"),
        (rs, "b", "n2", "web"),
        (other, "c", "n2", "other"),
    ):
        made = ready(owned(owner_rs, name, labels={"app": label}))
        loop.add(made.replace(spec=made.spec.replace(node_name=node)))
    worked = CONTROLLER.reconcile(CONTROLLER.initial(), KEY, loop.view)
    assert worked.requests == (Delete("pods", "default/b"),)


def labels(value):
    return replica_set().spec.selector.set("matchLabels", {"app": value})


def handle(loop, memory, old, new):
    return CONTROLLER.handle(memory, Notification("pods", old, new), loop.view)


def test_a_deletion_timestamp_counts_as_the_deletion(loop):
    rs = loop.add(replica_set(0)).value
    old = loop.add(owned(rs, "a"))
    new = loop.put(old.value.with_metadata(deletion_timestamp=Time(0)))
    memory = CONTROLLER.initial()
    expected = memory.expectations.expect_deletions(KEY, ["default/a"], 0)
    after, keys = handle(loop, memory._replace(expectations=expected), old, new)
    assert keys == (KEY,) and after == memory


def test_a_changed_owner_wakes_both_replica_sets(loop):
    first, second = loop.add(replica_set(1)).value, loop.add(replica_set(1, "b")).value
    old = loop.add(owned(first, "a"))
    new = loop.put(owned(second, "a").with_metadata(uid=old.value.uid))
    assert handle(loop, CONTROLLER.initial(), old, new)[1] == (KEY, "default/b")


def test_an_orphan_wakes_every_replica_set_that_selects_it(loop):
    loop.add(replica_set(1))
    loop.add(replica_set(1, "b"))
    entry = loop.add(pod("loose"))
    memory = CONTROLLER.initial()
    assert handle(loop, memory, None, entry) == (memory, ("default/b", KEY))
    assert handle(loop, memory, entry, entry) == (memory, ())


def test_a_replica_set_made_anew_starts_without_expectations(loop):
    old = loop.add(replica_set(1))
    loop.apply(Delete("replicasets", KEY))
    new = loop.add(replica_set(1))
    memory = CONTROLLER.initial()
    expected = memory.expectations.expect_creations(KEY, 1, 0)
    event = Notification("replicasets", old, new)
    after, keys = CONTROLLER.handle(memory._replace(expectations=expected), event, loop.view)
    assert after == memory and keys == (KEY,)


def test_the_stale_check_waits_for_own_writes(loop):
    loop.add(replica_set(1))
    seen = []
    controller = ReplicaSetController(stale_check=lambda view, *write: seen.append(write))
    loop.workers[0].controller = controller
    loop.reconcile(0, KEY)
    worked = controller.reconcile(loop.memories[0].own, KEY, loop.view)
    assert worked.failed and not worked.requests
    assert seen[0][0] == "pods"


def test_memory_and_phases_are_values(loop):
    """Each state of a pass has a fingerprint that a second run repeats."""
    rs = loop.add(replica_set(1)).value
    loop.add(pod("loose"))
    loop.add(owned(rs, "b"))
    first, second = (CONTROLLER.reconcile(CONTROLLER.initial(), KEY, loop.view) for _ in range(2))
    assert fingerprint((first.memory, first.phase)) == fingerprint((second.memory, second.phase))
    assert hash(first.memory) == hash(second.memory)


def test_percentages_round_as_asked():
    assert scaled_value("25%", 10, round_up=True) == 3
    assert scaled_value("25%", 10, round_up=False) == 2
    assert scaled_value(7, 10, round_up=True) == 7


def test_a_pod_is_available_once_ready_for_long_enough():
    assert is_available(ready(pod("a"), since=5), 10, 15)
    assert not is_available(ready(pod("a"), since=5), 10, 14)
    assert not is_available(pod("a"), 0, 100)
