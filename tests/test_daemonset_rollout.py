"""A rolling update of a DaemonSet replaces pods within its bounds, and keeps its revisions."""

import pytest
from daemon_loop import KEY, DaemonLoop, daemon_set, node

from kspec_models.controllers.daemonset_history import new_revision
from kspec_models.controllers.daemonset_rollout import max_surge, max_unavailable
from kspec_models.controllers.history import REVISION_LABEL, template_data
from kspec_models.controllers.pods import is_ready
from kspec_models.objects import DaemonSetUpdateStrategy, freeze, thaw
from kspec_models.requests import Delete

SOFT = ("example.com/soft", "NoSchedule")


def available(loop):
    return sum(any(map(is_ready, loop.pods_on(name))) for name in "abcd")


@pytest.mark.parametrize(("unavailable", "least"), [(1, 3), (2, 2), ("50%", 2), ("30%", 2)])
def test_an_update_keeps_enough_pods_available_and_ends(unavailable, least):
    """Percentages of the nodes round up."""
    loop = DaemonLoop(*"abcd")
    loop.add(daemon_set(unavailable=unavailable))
    loop.run_pods()
    lowest = []
    loop.after_write = lambda: lowest.append(available(loop))
    loop.roll("v2")
    loop.run_pods()
    assert loop.images() == [(name, "v2") for name in "abcd"]
    assert min(lowest) == least


def test_a_surge_makes_the_new_pod_first():
    loop = DaemonLoop(*"abcd")
    loop.add(daemon_set(unavailable=0, surge=1))
    loop.run_pods()
    lowest, most = [], []
    loop.after_write = lambda: (
        lowest.append(available(loop)),
        most.append(len(loop.objects("pods"))),
    )
    loop.roll("v2")
    loop.run_pods()
    assert loop.images() == [(name, "v2") for name in "abcd"]
    assert min(lowest) == 4 and max(most) == 5


def test_a_surge_replaces_a_broken_pod_beyond_its_limit():
    """A node whose old pod is not available gets the new one at once."""
    loop = DaemonLoop("a", "b")
    loop.add(daemon_set(unavailable=0, surge=1))
    loop.run_pods()
    (broken,) = loop.pods_on("a")
    loop.put(broken.replace(status=broken.status.replace(conditions=())))
    loop.roll("v2")
    loop.settle()
    assert loop.images() == [("a", "v2"), ("b", "v1"), ("b", "v2")]


def test_old_pods_that_are_not_available_count():
    """kubernetes#123232: a second bad update takes no further pod."""
    loop = DaemonLoop("a", "b", "c")
    loop.add(daemon_set())
    loop.run_pods()
    for image in ("bad-1", "bad-2", "bad-3"):
        loop.roll(image)
        loop.settle()
        assert sum(is_ready(p) for p in loop.objects("pods")) == 2
    assert [image for _, image in loop.images()].count("bad-3") == 1


def test_on_delete_replaces_only_what_somebody_deletes():
    loop = DaemonLoop("a", "b")
    loop.add(daemon_set(updateStrategy={"type": "OnDelete"}))
    loop.run_pods()
    loop.roll("v2")
    loop.run_pods()
    assert loop.images() == [("a", "v1"), ("b", "v1")]
    loop.apply(Delete("pods", loop.pods_on("a")[0].key))
    loop.run_pods()
    assert loop.images() == [("a", "v2"), ("b", "v1")]


def test_with_surge_a_node_that_falls_out_keeps_its_pod_until_others_are_available():
    """With an update under way, and only a taint that lets running pods be."""
    loop = DaemonLoop("a", node("b", SOFT))
    loop.add(daemon_set(unavailable=0, surge=1))
    loop.run_pods()
    loop.put(node("a", SOFT))
    loop.put(node("b"))
    loop.roll("v2")
    loop.settle()
    assert loop.images() == [("a", "v1"), ("b", "v2")]
    loop.run_pods()
    assert loop.images() == [("b", "v2")]


def test_each_template_has_a_revision_and_an_old_one_is_used_again():
    loop = DaemonLoop("a")
    loop.add(daemon_set())
    loop.run_pods()
    for image in ("v2", "v1"):
        loop.roll(image)
        loop.run_pods()
    revisions = loop.objects("controllerrevisions")
    assert sorted(r.revision for r in revisions) == [2, 3]
    newest = max(revisions, key=lambda r: r.revision)
    (pod,) = loop.objects("pods")
    assert pod.metadata.labels[REVISION_LABEL] == newest.metadata.labels[REVISION_LABEL]


def test_revisions_beyond_the_limit_go_unless_a_pod_has_them():
    loop = DaemonLoop("a")
    loop.add(daemon_set(revisionHistoryLimit=1))
    loop.run_pods()
    for image in ("v2", "v3", "v4"):
        loop.roll(image)
        loop.run_pods()
    assert sorted(r.revision for r in loop.objects("controllerrevisions")) == [3, 4]


def test_a_foreign_revision_of_that_name_costs_a_collision():
    loop = DaemonLoop("a")
    wanted = daemon_set()
    taken = new_revision(wanted, 7).with_metadata(owner_references=(), labels=freeze({"app": "x"}))
    loop.add(taken.replace(data=freeze({"spec": {"template": {"x": 1}}})))
    loop.add(wanted)
    loop.run_pods()
    assert loop.daemon_set.status.collision_count == 1
    assert len(loop.objects("controllerrevisions")) == 2 and len(loop.objects("pods")) == 1


def test_a_revision_of_a_real_cluster_is_known_again():
    """Upstream writes a null for the template's creation time, among other forms."""
    loop = DaemonLoop("a")
    made = loop.add(daemon_set()).value
    body = thaw(template_data(made.spec.template))
    body["spec"]["template"]["metadata"]["creationTimestamp"] = None
    owned = new_revision(made, 4).with_metadata(name="web-5c8d")
    loop.add(owned.replace(data=freeze(body)))
    loop.run_pods()
    (revision,) = loop.objects("controllerrevisions")
    assert revision.name == "web-5c8d" and revision.revision == 4


def test_two_revisions_of_one_template_are_merged():
    """The one with the greatest number stays, and pods get its label."""
    loop = DaemonLoop("a")
    loop.add(daemon_set())
    loop.run_pods()
    (first,) = loop.objects("controllerrevisions")
    label = freeze({**first.metadata.labels, REVISION_LABEL: "other"})
    twin = first.with_metadata(name="web-twin", uid="", labels=label)
    loop.add(twin.replace(revision=5))
    loop.reconcile(0, KEY)
    loop.settle()
    (left,) = loop.objects("controllerrevisions")
    (pod,) = loop.objects("pods")
    assert left.name == "web-twin" and pod.metadata.labels[REVISION_LABEL] == "other"


def test_limits_of_zero_mean_one_unavailable():
    both_zero = daemon_set(unavailable=0, surge=0)
    assert max_unavailable(both_zero, 3) == 1 and max_surge(both_zero, 3) == 0
    on_delete = both_zero.replace(
        spec=both_zero.spec.replace(update_strategy=DaemonSetUpdateStrategy(type="OnDelete"))
    )
    assert max_surge(on_delete, 3) == 0
    assert max_unavailable(daemon_set(unavailable="1%"), 10) == 1


def test_a_surge_waits_for_min_ready_seconds():
    loop = DaemonLoop("a")
    loop.add(daemon_set(unavailable=0, surge=1, minReadySeconds=5))
    loop.run_pods()
    loop.now = 5
    loop.settle()
    loop.roll("v2")
    loop.run_pods()
    assert len(loop.objects("pods")) == 2
    loop.now = 10
    loop.settle()
    assert loop.images() == [("a", "v2")]
