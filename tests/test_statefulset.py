"""The StatefulSet controller makes, replaces and removes numbered pods in order, one by one."""

import pytest
from workload_loop import Loop, ready, template

from kspec.values import EMPTY_MAP
from kspec_models.controllers.statefulset import StatefulSetController
from kspec_models.host import View
from kspec_models.objects import PersistentVolumeClaim, Pod, StatefulSet, Time, controller_of
from kspec_models.requests import (
    ALREADY_EXISTS,
    CONFLICT,
    FORBIDDEN,
    NOT_FOUND,
    TIMEOUT,
    Create,
    Delete,
    Update,
)

KEY = "default/db"
WATCHED = ("statefulsets", "pods", "controllerrevisions", "persistentvolumeclaims")


def stateful_set(replicas=2, image="v1", **spec):
    """A StatefulSet `default/db` that selects app=web."""
    return StatefulSet.from_json(
        {
            "metadata": {"name": "db", "namespace": "default"},
            "spec": {
                "replicas": replicas,
                "serviceName": "db",
                "selector": {"matchLabels": {"app": "web"}},
                "template": template(image),
                "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
                **spec,
            },
        }
    )


def partition(number):
    return {"type": "RollingUpdate", "rollingUpdate": {"partition": number}}


def claim_templates(*names):
    return [{"metadata": {"name": name}, "spec": {}} for name in names]


class SetLoop(Loop):
    """A loop around the StatefulSet controller; a new pod is pending, as the API server says."""

    def __init__(self):
        super().__init__(StatefulSetController())

    @property
    def view(self):
        return View({name: self.store.bucket(name) for name in WATCHED}, self.now)

    def _create(self, obj):
        if isinstance(obj, Pod) and not obj.status.phase:
            obj = obj.replace(status=obj.status.replace(phase="Pending"))
        return super()._create(obj)

    def pod(self, ordinal):
        return self.store.get(f"pods/{KEY}-{ordinal}").value

    def make_ready(self, *ordinals):
        for ordinal in ordinals:
            self.put(ready(self.pod(ordinal), self.now))
            self.settle()

    def run(self, wanted):
        """Make every pod ready as it comes, and let pods that are deleted go."""
        for _ in range(20):
            self.settle()
            waiting = [p for p in self.objects("pods") if not p.status.conditions]
            if not waiting:
                break
            self.put(ready(waiting[0], self.now))
        assert [p.name for p in self.objects("pods")] == wanted

    def change(self, **spec):
        old = self.store.get(f"statefulsets/{KEY}").value
        self.put(old.replace(spec=stateful_set(**spec).spec))
        self.settle()

    def status(self):
        return self.store.get(f"statefulsets/{KEY}").value.status

    def images(self):
        return [p.spec.containers[0].image for p in self.objects("pods")]

    def sent(self, kind, resource="pods"):
        """The keys of the requests of a kind so far."""
        found = [r for r, _ in self.requests if isinstance(r, kind)]
        keys = [key_of(r) for r in found if of(r) == resource]
        return [key.removeprefix("default/") for key in keys]


def key_of(request):
    return request.object.key if isinstance(request, Create | Update) else request.key


def of(request):
    return request.object.resource if isinstance(request, Create | Update) else request.resource


@pytest.fixture
def loop():
    return SetLoop()


def test_a_pod_has_the_identity_of_its_ordinal(loop):
    owner = loop.add(
        stateful_set(1, ordinals={"start": 5}, volumeClaimTemplates=claim_templates("data"))
    )
    loop.settle()
    pod, (revision,) = loop.pod(5), loop.objects("controllerrevisions")
    assert controller_of(pod).uid == owner.value.uid
    assert (pod.spec.hostname, pod.spec.subdomain) == ("db-5", "db")
    assert pod.metadata.labels == {
        "app": "web",
        "apps.kubernetes.io/pod-index": "5",
        "statefulset.kubernetes.io/pod-name": "db-5",
        "controller-revision-hash": revision.name,
    }
    (volume,) = pod.spec.volumes
    assert volume["name"] == "data"
    assert volume["persistentVolumeClaim"]["claimName"] == "data-db-5"


def test_ordered_pods_are_created_one_after_the_other(loop):
    loop.add(stateful_set(3))
    loop.settle()
    assert [p.name for p in loop.objects("pods")] == ["db-0"]
    loop.make_ready(0)
    assert [p.name for p in loop.objects("pods")] == ["db-0", "db-1"]
    loop.put(loop.pod(0).replace(status=loop.pod(0).status.replace(conditions=())))
    loop.make_ready(1)
    assert len(loop.objects("pods")) == 2, "db-0 is not ready any more"
    loop.make_ready(0)
    assert len(loop.objects("pods")) == 3


def test_parallel_pods_are_created_at_once(loop):
    loop.add(stateful_set(3, podManagementPolicy="Parallel"))
    loop.settle()
    assert [p.name for p in loop.objects("pods")] == ["db-0", "db-1", "db-2"]


def test_a_missing_pod_does_not_wait_for_its_successors(loop):
    loop.add(stateful_set(2))
    loop.run(["db-0", "db-1"])
    loop.put(loop.pod(1).replace(status=loop.pod(1).status.replace(conditions=())))
    loop.apply(Delete("pods", "default/db-0"))
    loop.settle()
    assert [p.name for p in loop.objects("pods")] == ["db-0", "db-1"]


def test_scaling_down_removes_the_highest_first_and_waits_until_it_is_gone(loop):
    loop.add(stateful_set(3))
    loop.run(["db-0", "db-1", "db-2"])
    loop.put(loop.pod(2).with_metadata(deletion_timestamp=Time(30)))
    loop.change(replicas=1)
    assert not loop.sent(Delete), "db-2 is still terminating"
    loop.apply(Delete("pods", "default/db-2"))
    loop.settle()
    assert loop.sent(Delete) == ["db-1"] and loop.sent(Create) == ["db-0", "db-1", "db-2"]


@pytest.mark.parametrize("phase", ["Failed", "Succeeded"])
def test_a_pod_that_is_over_is_made_again(loop, phase):
    loop.add(stateful_set(1))
    loop.run(["db-0"])
    first = loop.pod(0)
    loop.put(first.replace(status=first.status.replace(phase=phase)))
    loop.run(["db-0"])
    assert loop.pod(0).uid != first.uid


def test_a_rolling_update_goes_down_from_the_highest_and_waits_for_each(loop):
    loop.add(stateful_set(3))
    loop.run(["db-0", "db-1", "db-2"])
    loop.change(replicas=3, image="v2")
    assert loop.images() == ["v1", "v1", "v2"] and loop.sent(Delete) == ["db-2"]
    assert loop.status().current_revision != loop.status().update_revision
    loop.run(["db-0", "db-1", "db-2"])
    assert loop.images() == ["v2"] * 3 and loop.sent(Delete) == ["db-2", "db-1", "db-0"]
    assert loop.status().current_revision == loop.status().update_revision
    assert [r.revision for r in loop.objects("controllerrevisions")].count(2) == 1


def test_a_partition_keeps_the_pods_below_it_even_if_they_are_deleted(loop):
    loop.add(stateful_set(3, updateStrategy=partition(2)))
    loop.run(["db-0", "db-1", "db-2"])
    loop.change(replicas=3, image="v2", updateStrategy=partition(2))
    loop.run(["db-0", "db-1", "db-2"])
    assert loop.images() == ["v1", "v1", "v2"]
    loop.apply(Delete("pods", "default/db-0"))
    loop.run(["db-0", "db-1", "db-2"])
    assert loop.images() == ["v1", "v1", "v2"]
    assert (loop.status().current_replicas, loop.status().updated_replicas) == (2, 1)


def test_on_delete_updates_only_what_somebody_deletes(loop):
    loop.add(stateful_set(2, updateStrategy={"type": "OnDelete"}))
    loop.run(["db-0", "db-1"])
    loop.change(replicas=2, image="v2", updateStrategy={"type": "OnDelete"})
    assert loop.images() == ["v1", "v1"] and not loop.sent(Delete)
    loop.apply(Delete("pods", "default/db-0"))
    loop.run(["db-0", "db-1"])
    assert loop.images() == ["v2", "v1"]


def test_going_back_brings_the_old_revision_to_the_front(loop):
    loop.add(stateful_set(1))
    loop.run(["db-0"])
    first = loop.status().update_revision
    loop.change(replicas=1, image="v2")
    loop.run(["db-0"])
    loop.change(replicas=1)
    loop.run(["db-0"])
    assert loop.status().update_revision == first and loop.images() == ["v1"]
    numbers = {r.name: r.revision for r in loop.objects("controllerrevisions")}
    assert len(numbers) == 2 and numbers[first] == 3


def test_history_beyond_the_limit_goes_and_what_pods_run_stays(loop):
    for image in ("v1", "v2", "v3"):
        spec = {"replicas": 1, "image": image, "revisionHistoryLimit": 0}
        if loop.objects("statefulsets"):
            loop.change(**spec)
        else:
            loop.add(stateful_set(**spec))
        loop.run(["db-0"])
    (left,) = loop.objects("controllerrevisions")
    assert left.name == loop.status().current_revision


def test_a_taken_name_of_a_revision_is_counted_as_a_collision(loop):
    owner = loop.add(stateful_set(1)).value
    worked = StatefulSetController().reconcile(EMPTY_MAP, KEY, loop.view)
    (create,) = worked.requests
    loop.add(create.object.replace(data=create.object.data.set("other", 1)))
    loop.settle()
    assert loop.status().collision_count == 1
    assert (
        len(loop.objects("controllerrevisions")) == 2 and loop.pod(0).namespace == owner.namespace
    )


def test_availability_counts_after_min_ready_seconds(loop):
    loop.add(stateful_set(2, minReadySeconds=10))
    loop.settle()
    loop.make_ready(0)
    status = loop.status()
    assert (status.ready_replicas, status.available_replicas) == (1, 0)
    assert len(loop.objects("pods")) == 1
    assert loop.workers[0].deadline(loop.memories[0]) == 10
    loop.now = 10
    loop.settle()
    assert len(loop.objects("pods")) == 2 and loop.status().available_replicas == 1


def test_claims_are_created_one_by_one_before_their_pod(loop):
    loop.add(stateful_set(1, volumeClaimTemplates=claim_templates("data", "log")))
    loop.settle()
    created = [r.object.key for r, _ in loop.requests if isinstance(r, Create)]
    assert created[1:] == ["default/data-db-0", "default/log-db-0", "default/db-0"]
    assert loop.get("persistentvolumeclaims", "data-db-0").value.metadata.labels == {"app": "web"}


@pytest.mark.parametrize("reason", [FORBIDDEN, TIMEOUT, ALREADY_EXISTS])
def test_without_its_claim_no_pod_is_created(loop, reason):
    loop.add(stateful_set(1, volumeClaimTemplates=claim_templates("data")))
    loop.refuse = lambda request: reason if of(request) == "persistentvolumeclaims" else ""
    loop.settle()
    assert not loop.objects("pods") and loop.workers[0].deadline(loop.memories[0])
    loop.refuse = lambda request: ""
    loop.now = 1
    loop.run(["db-0"])


@pytest.mark.parametrize("reason", [TIMEOUT, NOT_FOUND])
def test_a_failed_request_is_tried_again_and_the_status_is_written_all_the_same(loop, reason):
    loop.add(stateful_set(1))
    loop.refuse = lambda request: reason if of(request) == "pods" else ""
    loop.settle()
    assert loop.status().update_revision and not loop.objects("pods")
    loop.refuse = lambda request: ""
    loop.now = 1
    loop.run(["db-0"])
    assert loop.status().ready_replicas == 1


def test_a_conflict_on_the_status_is_tried_again_over_the_newer_object(loop):
    loop.add(stateful_set(1))
    view = loop.view
    entry = loop.get("statefulsets", "db")
    loop.put(entry.value.with_metadata(annotations={"by": "a user"}))
    loop.reconcile(0, KEY, view)
    reasons = [reason for r, reason in loop.requests if isinstance(r, Update)]
    assert reasons == [CONFLICT, ""] and loop.status().update_revision


def test_a_matching_orphan_of_that_name_is_adopted_and_others_are_left(loop):
    labels = {"app": "web"}
    for name in ("db-0", "other-0", "db-x"):
        pod = Pod.from_json({"metadata": {"name": name, "namespace": "default", "labels": labels}})
        loop.add(pod)
    owner = loop.add(stateful_set(1)).value
    loop.settle()
    owned = [p.name for p in loop.objects("pods") if controller_of(p)]
    assert owned == ["db-0"] and controller_of(loop.pod(0)).uid == owner.uid
    loop.make_ready(0)
    assert loop.sent(Update) == ["db-0"], "it gets the labels of its identity"
    assert loop.sent(Delete) == ["db-0"], "and is of no revision, so that it is updated"


def test_a_claim_that_still_belongs_to_a_scaled_down_pod_is_waited_for(loop):
    retention = {"whenScaled": "Delete", "whenDeleted": "Retain"}
    spec = {
        "volumeClaimTemplates": claim_templates("data"),
        "persistentVolumeClaimRetentionPolicy": retention,
    }
    loop.add(stateful_set(2, **spec))
    loop.run(["db-0", "db-1"])
    gone = loop.pod(1)
    loop.change(replicas=1, **spec)
    claim: PersistentVolumeClaim = loop.get("persistentvolumeclaims", "data-db-1").value
    assert controller_of(claim).uid == gone.uid
    loop.change(replicas=2, **spec)
    assert [p.name for p in loop.objects("pods")] == ["db-0"]
    loop.apply(Delete("persistentvolumeclaims", "default/data-db-1"))
    loop.now = loop.workers[0].deadline(loop.memories[0])
    loop.run(["db-0", "db-1"])
    assert controller_of(loop.get("persistentvolumeclaims", "data-db-1").value) is None


def test_a_set_that_is_being_deleted_makes_no_pods(loop):
    loop.add(stateful_set(1).with_metadata(deletion_timestamp=Time(0), finalizers=("keep",)))
    loop.settle()
    assert not loop.objects("pods") and loop.status().observed_generation == 1


def test_with_a_stale_check_a_key_waits_until_its_own_writes_are_seen(loop):
    loop.add(stateful_set(1))
    controller = StatefulSetController(stale_check=lambda view, resource, revision: False)
    assert controller.reconcile(EMPTY_MAP, KEY, loop.view).requests
    written = EMPTY_MAP.set(KEY, (("pods", 7),))
    waiting = controller.reconcile(written, KEY, loop.view)
    assert waiting.failed and not waiting.requests
    seen = StatefulSetController(stale_check=lambda view, resource, revision: revision <= 7)
    assert seen.reconcile(written, KEY, loop.view).requests


def test_a_claim_that_is_there_is_used_as_it_is(loop):
    claim = PersistentVolumeClaim.from_json(
        {"metadata": {"name": "data-db-0", "namespace": "default"}, "spec": {}}
    )
    before = loop.add(claim)
    loop.add(stateful_set(1, volumeClaimTemplates=claim_templates("data")))
    loop.run(["db-0"])
    assert loop.get("persistentvolumeclaims", "data-db-0") == before


def test_no_pod_is_created_on_a_claim_that_is_being_deleted(loop):
    claim = PersistentVolumeClaim.from_json(
        {"metadata": {"name": "data-db-0", "namespace": "default"}, "spec": {}}
    )
    entry = loop.add(claim)
    loop.put(entry.value.with_metadata(deletion_timestamp=Time(0), finalizers=("in-use",)))
    loop.add(stateful_set(1, volumeClaimTemplates=claim_templates("data")))
    loop.settle()
    assert not loop.objects("pods") and loop.workers[0].deadline(loop.memories[0])
