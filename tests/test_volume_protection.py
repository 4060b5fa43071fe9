"""Claims and volumes in use are protected, and those that nobody uses go in the end."""

import pytest
from cluster_runs import get, settled

from kspec_models.building import build
from kspec_models.controllers.pvcprotection import FINALIZER, PVCProtectionController
from kspec_models.controllers.pvprotection import PVProtectionController
from kspec_models.host import Call, Notification, View
from kspec_models.manifests import Document, read_object
from kspec_models.requests import CONFLICT, NOT_FOUND, TIMEOUT, List, Response, Update
from kspec_models.store import Store
from kspec_models.world import World
from kspec_models.worlds import delete, node, pod
from kspec_models.worlds_disruption import running
from kspec_models.worlds_volumes import PV_PROTECTION, claim, force_delete, using, volume

CLAIM, KEY = "persistentvolumeclaims/default/data", "default/data"
CONTROLLER = PVCProtectionController()


def entries(*documents):
    store = Store()
    for document in documents:
        obj = read_object(Document("test", document))
        store, _ = store.put(f"{obj.resource}/{obj.key}", obj)
    return store


def view(store):
    names = ("pods", "persistentvolumeclaims", "persistentvolumes")
    return View({name: store.bucket(name) for name in names}, 0)


def deleted(**options):
    data = claim("data", **{"protected": True, **options})
    data["metadata"]["deletionTimestamp"] = "2024-01-01T00:00:00Z"
    return data


def user(name="a", *, phase="Running", node="n1"):
    data = using(running(name, node), "data")
    return {**data, "status": {**data["status"], "phase": phase}}


def pods_event(old, new):
    stores = (entries(each) if each else None for each in (old, new))
    return Notification("pods", *(s.get(f"pods/default/{'a'}") if s else None for s in stores))


def reincarnated(data):
    return {**data, "metadata": {**data["metadata"], "uid": "another"}}


def world(*objects, operations=()):
    return World(objects=(node("n1"), *objects), operations=operations, keep_status=True)


def test_new_claims_and_volumes_are_protected():
    state = settled(build(World(nodes=1, objects=(claim("data"), volume("disk")))))
    assert get(state, CLAIM).metadata.finalizers == (FINALIZER,)
    assert get(state, "persistentvolumes/disk").metadata.finalizers == (PV_PROTECTION,)


def test_a_claim_without_protection_gets_it():
    store = entries(claim("data"))
    (update,) = CONTROLLER.reconcile(None, KEY, view(store)).requests
    assert update.object.metadata.finalizers == (FINALIZER,)
    assert update.resource_version == store.get(CLAIM).resource_version


@pytest.mark.parametrize(
    ("used_by", "is_kept"),
    [
        (user(), True),
        (user(phase="Succeeded"), True),
        (user(node=""), False),
        (running("a", "n1"), False),
        (None, False),
    ],
)
def test_a_deleted_claim_is_kept_while_a_bound_pod_is_there(used_by, is_kept):
    documents = (deleted(), used_by) if used_by else (deleted(),)
    store = entries(*documents)
    worked = CONTROLLER.reconcile(None, KEY, view(store))
    assert worked.requests == (() if is_kept else (List("pods", "default"),))


@pytest.mark.parametrize("live", [(user(),), ()])
def test_the_live_list_decides(live):
    store = entries(deleted())
    worked = CONTROLLER.reconcile(None, KEY, view(store))
    answer = Response(entries=entries(*live).bucket("pods").entries())
    call = Call(KEY, (), worked.phase)
    after = CONTROLLER.answer(None, call, worked.requests[0], answer, view(store))
    assert bool(after.requests) is not bool(live)
    for update in after.requests:
        assert isinstance(update, Update) and update.object.metadata.finalizers == ()
        assert update.resource_version == store.get(CLAIM).resource_version


@pytest.mark.parametrize(
    ("reason", "failed"), [(CONFLICT, True), (TIMEOUT, True), (NOT_FOUND, False)]
)
def test_an_error_means_to_try_again_unless_the_claim_is_gone(reason, failed):
    store = entries(deleted())
    worked = CONTROLLER.reconcile(None, KEY, view(store))
    call = Call(KEY, (), worked.phase)
    after = CONTROLLER.answer(None, call, worked.requests[0], Response(reason), view(store))
    assert (after.failed, after.requests) == (failed, ())


@pytest.mark.parametrize(
    ("old", "new", "keys"),
    [
        (None, user(), ()),
        (user(), user(phase="Succeeded"), (KEY,)),
        (None, user(node=""), (KEY,)),
        (user(), None, (KEY,)),
        (user(), running("a", "n1"), ()),
        (user(), reincarnated(running("a", "n1")), (KEY,)),
    ],
)
def test_a_pod_that_lets_go_wakes_its_claims(old, new, keys):
    event = pods_event(old, new)
    assert CONTROLLER.released(event) == keys
    assert CONTROLLER.concerns(event) is bool(keys)
    assert CONTROLLER.handle(None, event, None) == (None, keys)


def test_a_claim_goes_after_its_pod():
    operations = (delete("PersistentVolumeClaim", "data"), delete("Pod", "a"))
    state = settled(build(world(claim("data", protected=True), user(), operations=operations)))
    assert get(state, "pods/default/a") is None and get(state, CLAIM) is None


def test_a_claim_stays_terminating_while_its_pod_runs():
    operations = (delete("PersistentVolumeClaim", "data"),)
    state = settled(build(world(claim("data", protected=True), user(), operations=operations)))
    assert get(state, CLAIM).is_terminating and get(state, "pods/default/a") is not None


def test_a_claim_goes_though_another_pod_of_the_name_comes():
    operations = (
        delete("PersistentVolumeClaim", "data"),
        force_delete("a"),
        {"apply": pod("a", nodeName="n1")},
    )
    state = settled(build(world(claim("data", protected=True), user(), operations=operations)))
    assert get(state, CLAIM) is None and get(state, "pods/default/a") is not None


@pytest.mark.parametrize(("phase", "is_kept"), [("Bound", True), ("Released", False)])
def test_a_volume_is_kept_while_its_status_says_bound(phase, is_kept):
    data = volume("disk", protected=True)
    data["metadata"]["deletionTimestamp"] = "2024-01-01T00:00:00Z"
    data["status"] = {"phase": phase}
    worked = PVProtectionController().reconcile(None, "disk", view(entries(data)))
    assert bool(worked.requests) is not is_kept


def test_a_bound_volume_goes_with_its_claim():
    """The claim is unused, so it goes; then the volume is released, and may go as well."""
    operations = (delete("PersistentVolume", "disk"), delete("PersistentVolumeClaim", "data"))
    bound = claim("data", volume="disk", protected=True)
    disk = volume("disk", claim_name="data", protected=True)
    state = settled(build(world(bound, disk, operations=operations)))
    assert get(state, CLAIM) is None and get(state, "persistentvolumes/disk") is None
