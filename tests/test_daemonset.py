"""The DaemonSet controller keeps one pod on each node that should run one."""

import pytest
from daemon_loop import KEY, DaemonLoop, daemon_set, node
from workload_loop import pod, ready

from kspec.values import fingerprint
from kspec_models.controllers.daemonset import DaemonSetController
from kspec_models.controllers.daemonset_events import is_same_place
from kspec_models.controllers.daemonset_nodes import fit, target_node
from kspec_models.controllers.history import REVISION_LABEL
from kspec_models.controllers.pods import owner_reference
from kspec_models.host import Notification
from kspec_models.objects import controller_of, freeze
from kspec_models.requests import FORBIDDEN, NOT_FOUND, Create, Delete, Update
from kspec_models.store import Entry

MAINTENANCE = "example.com/maintenance"


def test_each_eligible_node_gets_one_pod_that_only_fits_there():
    loop = DaemonLoop(node("a", pool="x"), node("b", pool="y"), node("c", pool="x"))
    made = loop.add(daemon_set(template=selecting(pool="x"))).value
    loop.settle()
    pods = loop.objects("pods")
    assert sorted(map(target_node, pods)) == ["a", "c"]
    (revision,) = loop.objects("controllerrevisions")
    for each in pods:
        assert controller_of(each) == owner_reference(made) and not each.spec.node_name
        assert each.metadata.labels[REVISION_LABEL] == revision.metadata.labels[REVISION_LABEL]
        tolerated = {(t.key, t.effect) for t in each.spec.tolerations}
        assert ("node.kubernetes.io/not-ready", "NoExecute") in tolerated
        assert ("node.kubernetes.io/unschedulable", "NoSchedule") in tolerated
    status = loop.daemon_set.status
    assert (status.desired_number_scheduled, status.current_number_scheduled) == (2, 2)


def selecting(**labels):
    body = daemon_set().spec.template.to_json()
    body["spec"]["nodeSelector"] = labels
    return body


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        ("NoSchedule", (False, True)),
        ("NoExecute", (False, False)),
        ("PreferNoSchedule", (True,) * 2),
    ],
)
def test_a_taint_keeps_new_pods_away_or_all(effect, expected):
    assert fit(node("a", (MAINTENANCE, effect)), daemon_set()) == expected


def test_a_node_in_trouble_still_runs_its_daemon():
    """Not ready, unreachable, under pressure and cordoned are tolerated by default."""
    kinds = ["not-ready", "unreachable"]
    taints = [(f"node.kubernetes.io/{kind}", "NoExecute") for kind in kinds]
    taints += [(f"node.kubernetes.io/{k}", "NoSchedule") for k in ("unschedulable", "pid-pressure")]
    assert fit(node("a", *taints), daemon_set()) == (True, True)
    assert not fit(
        node("a", ("node.kubernetes.io/network-unavailable", "NoSchedule")), daemon_set()
    )[0]


def test_a_taint_that_drives_pods_away_deletes_them_and_lets_them_return():
    loop = DaemonLoop("a", "b")
    loop.add(daemon_set())
    loop.run_pods()
    loop.put(node("a", (MAINTENANCE, "NoExecute")))
    loop.settle()
    assert [n for n, _ in loop.images()] == ["b"]
    loop.put(node("a"))
    loop.settle()
    assert [n for n, _ in loop.images()] == ["a", "b"]


def test_a_pod_that_was_never_bound_goes_with_its_node():
    """One that is bound is left to the pod garbage collector."""
    loop = DaemonLoop("a", "b")
    loop.add(daemon_set())
    loop.settle()
    loop.run(loop.pods_on("b")[0])
    for name in ("a", "b"):
        loop.store, _ = loop.store.delete(f"nodes/{name}")
    loop.settle()
    assert [n for n, _ in loop.images()] == ["b"]


def test_an_orphan_is_adopted_and_of_two_pods_the_oldest_stays():
    loop = DaemonLoop("a")
    loop.add(daemon_set())
    loop.run_pods()
    (kept,) = loop.objects("pods")
    loose = pod("loose")
    loop.add(loose.replace(spec=loose.spec.replace(node_name="a")))
    loop.settle()
    assert [p.name for p in loop.objects("pods")] == [kept.name]


def test_a_pod_with_other_labels_is_released_and_replaced():
    loop = DaemonLoop("a")
    loop.add(daemon_set())
    loop.run_pods()
    (old,) = loop.objects("pods")
    loop.put(old.with_metadata(labels=freeze({"app": "other"})))
    loop.settle()
    released = loop.get("pods", old.name).value
    assert controller_of(released) is None and len(loop.objects("pods")) == 2


def test_a_failed_pod_is_replaced_with_a_backoff_that_doubles():
    loop = DaemonLoop("a")
    loop.add(daemon_set())
    loop.settle()
    waits = []
    for _ in range(4):
        (failed,) = loop.objects("pods")
        since = loop.now
        loop.put(loop.bind(failed, "Failed"))
        loop.settle()
        while loop.get("pods", failed.name) is not None:
            loop.now = loop.workers[0].deadline(loop.memories[0])
            loop.settle()
        waits.append(loop.now - since)
    assert waits == [0, 1, 2, 4]


def test_a_succeeded_pod_is_replaced_at_once():
    loop = DaemonLoop("a")
    loop.add(daemon_set())
    loop.settle()
    (done,) = loop.objects("pods")
    loop.put(loop.bind(done, "Succeeded"))
    loop.settle()
    assert loop.get("pods", done.name) is None and len(loop.objects("pods")) == 1


def test_creates_start_slowly_and_stop_after_a_batch_that_failed():
    loop = DaemonLoop(*"abcdefg")
    loop.add(daemon_set())
    answers = iter(["", "", FORBIDDEN])
    loop.refuse = lambda request: next(answers, "") if _makes_a_pod(request) else ""
    loop.reconcile(0, KEY)
    assert [reason for r, reason in loop.requests if _makes_a_pod(r)] == ["", "", FORBIDDEN]
    assert loop.memories[0].own.expectations.of[KEY].creations == 2
    loop.settle()
    assert len(loop.objects("pods")) == 7


def _makes_a_pod(request):
    return isinstance(request, Create) and request.object.resource == "pods"


def test_a_pod_that_is_gone_already_is_no_longer_expected_to_go():
    """kubernetes#91008: otherwise nothing would tell for five minutes."""
    loop = DaemonLoop("a")
    loop.add(daemon_set())
    loop.run_pods()
    loop.put(loop.bind(loop.objects("pods")[0], "Succeeded"))
    loop.refuse = lambda request: NOT_FOUND if isinstance(request, Delete) else ""
    loop.deliver(0)
    loop.reconcile(0, KEY)
    assert not loop.memories[0].own.expectations.of
    assert not loop.workers[0].enabled(loop.memories[0], loop.now)


def test_while_something_is_expected_only_the_status_is_written():
    loop = DaemonLoop("a")
    loop.add(daemon_set())
    loop.reconcile(0, KEY)
    loop.requests.clear()
    loop.roll("v2")
    loop.reconcile(0, KEY)
    assert not [r for r, _ in loop.requests if isinstance(r, Delete) or _makes_a_pod(r)]
    assert loop.daemon_set.status.observed_generation == 1


def test_availability_needs_min_ready_seconds():
    loop = DaemonLoop("a")
    loop.add(daemon_set(minReadySeconds=10))
    loop.run_pods()
    assert loop.daemon_set.status.number_ready == 1
    assert loop.daemon_set.status.number_available == 0
    loop.now = loop.workers[0].deadline(loop.memories[0])
    loop.settle()
    assert loop.now == 10 and loop.daemon_set.status.number_available == 1


def test_a_status_write_that_conflicts_is_made_again_over_the_newest():
    loop = DaemonLoop("a")
    loop.add(daemon_set())
    reasons = iter(["Conflict"])
    loop.refuse = lambda r: next(reasons, "") if getattr(r, "subresource", "") else ""
    loop.settle()
    assert loop.daemon_set.status.desired_number_scheduled == 1


def test_of_nodes_only_labels_and_taints_concern_it():
    loop = DaemonLoop("a")
    old = loop.store.get("nodes/a")
    beat = old.value.replace(status=old.value.status.replace(phase="Running"))
    new = Entry(old.key, beat, old.create_revision, old.mod_revision + 1, old.version + 1)
    event = Notification("nodes", old, new)
    assert is_same_place(event) and not DaemonSetController().concerns(event)
    tainted = Entry(old.key, node("a", (MAINTENANCE, "NoSchedule")), 1, 9, 9)
    assert DaemonSetController().concerns(Notification("nodes", old, tainted))


def test_memory_and_phases_are_values():
    loop = DaemonLoop("a", "b")
    loop.add(daemon_set())
    loop.add(ready(pod("loose")))
    controller = DaemonSetController()
    one, two = (controller.reconcile(controller.initial(), KEY, loop.view) for _ in range(2))
    assert fingerprint((one.memory, one.phase)) == fingerprint((two.memory, two.phase))
    assert hash(one.memory) == hash(two.memory)


def test_a_deleted_daemon_set_is_left_to_the_garbage_collector():
    loop = DaemonLoop("a")
    gone = daemon_set().with_metadata(deletion_timestamp=0)
    loop.add(gone)
    loop.settle()
    assert not [r for r, _ in loop.requests if isinstance(r, Create | Update)]
