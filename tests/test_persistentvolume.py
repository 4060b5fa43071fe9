"""What the volume controllers promise: a claim ends bound to one volume, which is bound to it."""

import pytest
from cluster_runs import settled, walk

from kspec.errors import InputError
from kspec_models.building import build, components_of
from kspec_models.controllers.persistentvolume import PersistentVolumeController
from kspec_models.controllers.persistentvolume_binding import best_match, volume_step
from kspec_models.controllers.provisioner import ProvisionerController, volume_name
from kspec_models.host import View
from kspec_models.objects import CSINode, Node, PersistentVolume, PersistentVolumeClaim
from kspec_models.objects import StorageClass as Class
from kspec_models.requests import Create, Get, Update
from kspec_models.scheduler.plugins.node_volume_limits import NodeVolumeLimits
from kspec_models.scheduler.plugins.volume_binding import VolumeBinding
from kspec_models.scheduler.plugins.volume_restrictions import VolumeRestrictions
from kspec_models.scheduler.plugins.volume_zone import VolumeZone
from kspec_models.scheduler.profile import LOCAL_FILTERS, Profile
from kspec_models.store import Entry, Snapshot
from kspec_models.volumes import BIND_COMPLETED, SELECTED_NODE, is_fully_bound
from kspec_models.world import World
from kspec_models.worlds import delete, node, pod

VOLUME_PLUGINS = (VolumeRestrictions(), NodeVolumeLimits(), VolumeBinding(), VolumeZone())
POLICY = Profile("volumes", (*LOCAL_FILTERS, *VOLUME_PLUGINS))
LOCAL = "kubernetes.io/no-provisioner"


def claim(name="data", size="1Gi", storage_class="", **spec):
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": size}},
        **({} if storage_class is None else {"storageClassName": storage_class}),
        **spec,
    }
    meta = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": spec}


def volume(name="pv", size="1Gi", storage_class="", on="", **spec):
    key = "kubernetes.io/hostname"
    terms = [{"matchExpressions": [{"key": key, "operator": "In", "values": [on]}]}]
    spec = {
        "capacity": {"storage": size},
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": storage_class,
        "hostPath": {"path": "/data"},
        **({"nodeAffinity": {"required": {"nodeSelectorTerms": terms}}} if on else {}),
        **spec,
    }
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": spec,
    }


def storage_class(name="wait", mode="WaitForFirstConsumer", provisioner="csi.example", **fields):
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name, "annotations": fields.pop("annotations", {})},
        "provisioner": provisioner,
        "volumeBindingMode": mode,
        **fields,
    }


def user(name, *claims):
    """A pod that uses the claims."""
    return pod(
        name,
        volumes=[{"name": c, "persistentVolumeClaim": {"claimName": c}} for c in claims],
    )


def cluster(*objects, operations=(), **fields):
    return build(World(objects=objects, nodes=2, operations=operations, **fields), policy=POLICY)


def ended(*objects, operations=()):
    """The API server's objects after a FIFO run."""
    return settled(cluster(*objects, operations=operations)).api.store


def get(store, resource, name):
    space = "default/" if resource in ("pods", "persistentvolumeclaims") else ""
    entry = store.get(f"{resource}/{space}{name}")
    return entry.value if entry is not None else None


def bound_pair(store, claim_name="data"):
    """The claim and its volume, both of which must say that they belong together."""
    found = get(store, "persistentvolumeclaims", claim_name)
    assert is_fully_bound(found) and found.status.phase == "Bound"
    held = get(store, "persistentvolumes", found.spec.volume_name)
    assert held.spec.claim_ref.uid == found.uid and held.status.phase == "Bound"
    assert found.status.capacity == held.spec.capacity
    return found, held


def test_a_claim_is_bound_to_the_smallest_volume_that_fits():
    volumes = (volume("big", "9Gi"), volume("fit", "2Gi"), volume("small", "1Mi"))
    store = ended(*volumes, operations=({"apply": claim()},))
    _, held = bound_pair(store)
    assert held.name == "fit"
    assert get(store, "persistentvolumes", "big").status.phase == "Available"


def test_a_volume_that_was_set_aside_goes_to_its_claim():
    ref = {"name": "data", "namespace": "default"}
    store = ended(claim(), volume("mine", "9Gi", claimRef=ref), volume("fit", "1Gi"))
    assert bound_pair(store)[1].name == "mine"


def test_a_claim_that_names_a_volume_gets_that_one_or_none():
    store = ended(
        claim("data", volumeName="b"), claim("late", volumeName="b"), volume("a"), volume("b")
    )
    assert bound_pair(store)[1].name == "b"
    late = get(store, "persistentvolumeclaims", "late")
    assert late.status.phase == "Pending" and not is_fully_bound(late)
    assert get(store, "persistentvolumes", "a").status.phase == "Available"


def test_fewer_access_modes_go_first():
    volumes = [
        PersistentVolume.from_json(
            {
                **volume(name, size),
                "spec": {**volume(name, size)["spec"], "accessModes": modes},
                "status": {"phase": "Available"},
            }
        )
        for name, size, modes in (
            ("many", "1Gi", ["ReadWriteOnce", "ReadWriteMany"]),
            ("one", "5Gi", ["ReadWriteOnce"]),
        )
    ]
    found = best_match(PersistentVolumeClaim.from_json(claim()), volumes, delayed=False)
    assert found.name == "one"


def test_a_waiting_claim_is_bound_with_its_first_pod_and_not_before():
    things = (claim(storage_class="wait"), storage_class(provisioner=LOCAL))
    local = volume("pv", storage_class="wait", on="n2")
    store = ended(*things, local)
    assert not is_fully_bound(get(store, "persistentvolumeclaims", "data"))
    store = ended(*things, local, user("p", "data"))
    assert bound_pair(store)[1].name == "pv"
    assert get(store, "pods", "p").spec.node_name == "n2"


def test_a_volume_is_provisioned_for_the_node_that_was_chosen():
    csi = [
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "CSINode",
            "metadata": {"name": name},
            "spec": {
                "drivers": [
                    {
                        **{"name": "csi.example", "nodeID": name},
                        "topologyKeys": ["kubernetes.io/hostname"],
                    }
                ]
            },
        }
        for name in ("n1", "n2")
    ]
    store = ended(claim(storage_class="wait"), storage_class(), *csi, user("p", "data"))
    found, held = bound_pair(store)
    chosen = get(store, "pods", "p").spec.node_name
    assert found.metadata.annotations[SELECTED_NODE] == chosen
    (term,) = held.spec.node_affinity["required"]["nodeSelectorTerms"]
    assert term["matchExpressions"][0]["values"] == (chosen,)


def test_an_immediate_claim_is_provisioned_without_a_pod_and_then_lets_pods_run():
    store = ended(claim(storage_class="now"), storage_class("now", "Immediate"), user("p", "data"))
    bound_pair(store)
    assert get(store, "pods", "p").spec.node_name


def test_a_claim_without_a_class_gets_the_default_one():
    mark = {"storageclass.kubernetes.io/is-default-class": "true"}
    default = storage_class("now", "Immediate", annotations=mark)
    found, _ = bound_pair(ended(claim(storage_class=None), default))
    assert found.spec.storage_class_name == "now"
    # One that comes before its class gets it later; one that wants none never does.
    applied = ended(claim(storage_class=None), claim("none"), operations=({"apply": default},))
    assert bound_pair(applied)[0].spec.storage_class_name == "now"
    assert not is_fully_bound(get(applied, "persistentvolumeclaims", "none"))


@pytest.mark.parametrize(
    ("things", "is_left"),
    [
        ((claim(), volume("pv")), True),
        ((claim(storage_class="now"), storage_class("now", "Immediate")), False),
        (
            (
                claim(storage_class="now"),
                storage_class("now", "Immediate", reclaimPolicy="Retain"),
            ),
            True,
        ),
    ],
)
def test_a_volume_is_released_with_its_claim_and_kept_or_deleted_as_its_policy_says(
    things, is_left
):
    system = cluster(*things, operations=(delete("PersistentVolumeClaim", "data"),))
    state = settled(system)
    assert get(state.api.store, "persistentvolumeclaims", "data") is None
    left = [entry.value for entry in state.api.store.bucket("persistentvolumes").entries()]
    if is_left:
        assert [each.status.phase for each in left] in (["Released"], ["Available"])
    else:
        assert left == []


def test_a_claim_is_lost_with_its_volume():
    bound = claim("data", volumeName="pv")
    bound["metadata"]["annotations"] = {BIND_COMPLETED: "yes"}
    store = ended(bound)
    assert get(store, "persistentvolumeclaims", "data").status.phase == "Lost"


def two_users(*claims):
    """A world in which two pods with these claims meet a local volume on each of two nodes."""
    return cluster(
        *(claim(name, storage_class="wait") for name in dict.fromkeys(claims)),
        storage_class(provisioner=LOCAL),
        *(volume(f"pv{n}", storage_class="wait", on=f"n{n}") for n in (1, 2)),
        *(user(f"pod-{n}", name) for n, name in enumerate(claims)),
        ties="explicit",
    )


@pytest.mark.parametrize("claims", [("a", "b"), ("a", "a")])
@pytest.mark.parametrize("seed", range(10))
def test_no_interleaving_binds_a_volume_twice_or_a_pod_where_its_volume_is_not(claims, seed):
    system = two_users(*claims)
    state = system.init()
    for _, _, state in walk(system, seed, 250):
        found = [e.value for e in state.api.store.bucket("persistentvolumeclaims").entries()]
        held = [each.spec.volume_name for each in found if each.spec.volume_name]
        assert len(set(held)) == len(held)
    store = settled(system, state).api.store
    for n, name in enumerate(claims):
        _, held = bound_pair(store, name)
        assert get(store, "pods", f"pod-{n}").spec.node_name == f"n{held.name[-1]}"


def test_a_released_volume_is_told_only_after_the_claim_was_looked_for_live():
    ref = {"name": "data", "namespace": "default", "uid": "gone"}
    obj = PersistentVolume.from_json({**volume("pv", claimRef=ref), "status": {"phase": "Bound"}})
    entry = Entry("persistentvolumes/pv", obj, 1, 1, 1)
    assert volume_step(entry, None, is_live=False) == Get("persistentvolumeclaims", "default/data")
    assert volume_step(entry, None, is_live=True).object.status.phase == "Released"
    another = PersistentVolumeClaim.from_json(
        {"metadata": {"name": "data", "namespace": "default", "uid": "new"}}
    )
    seen = Entry("persistentvolumeclaims/default/data", another, 1, 1, 1)
    assert isinstance(volume_step(entry, seen, is_live=False), Get)
    assert volume_step(entry, seen, is_live=True).object.status.phase == "Released"


def provisioning(*objects):
    """What the provisioner does about the first of the objects."""
    resources = ("persistentvolumeclaims", "persistentvolumes", "storageclasses")
    caches = {resource: Snapshot() for resource in (*resources, "nodes", "csinodes")}
    for obj in objects:
        key = f"{obj.resource}/{obj.key}"
        caches[obj.resource] = caches[obj.resource].patched(key, Entry(key, obj, 1, 1, 1))
    first = objects[0]
    key = f"{first.resource}/{first.key}"
    return ProvisionerController().reconcile(None, key, View(caches, 0)).requests


def test_a_claim_whose_node_is_gone_is_handed_back_to_the_scheduler():
    marks = {SELECTED_NODE: "n9", "volume.kubernetes.io/storage-provisioner": "csi.example"}
    given = claim(storage_class="wait")
    given["metadata"] |= {"annotations": marks, "uid": "persistentvolumeclaims/default/data#0"}
    asking = PersistentVolumeClaim.from_json(given)
    wait = Class.from_json(storage_class())
    (write,) = provisioning(asking, wait)
    assert isinstance(write, Update) and SELECTED_NODE not in write.object.metadata.annotations
    n9 = Node.from_json({"metadata": {"name": "n9"}})
    (made,) = provisioning(asking, wait, n9, CSINode.from_json({"metadata": {"name": "n9"}}))
    assert isinstance(made, Create) and made.object.name == "pvc-default.data.0"
    assert provisioning(asking, wait, n9, made.object) == ()
    assert volume_name(asking) == made.object.name


def test_worlds_without_volumes_have_no_volume_controllers():
    names = {c.name for c in components_of(World(objects=(pod("p"),))).controllers}
    mine = {PersistentVolumeController.name, ProvisionerController.name}
    assert not names & mine
    with_claim = components_of(World(objects=(claim(),)))
    assert mine <= {c.name for c in with_claim.controllers}
    applied = components_of(World(operations=({"apply": volume()},)))
    assert mine <= {c.name for c in applied.controllers}


@pytest.mark.parametrize(
    ("given", "where"),
    [
        (claim(accessModes=[]), "spec.accessModes"),
        (claim(accessModes=["ReadWriteOncePod", "ReadWriteOnce"]), "spec.accessModes"),
        (claim(resources={}), "spec.resources"),
        (claim(selector={"matchExpressions": [{"key": "a", "operator": "X"}]}), "spec.selector"),
        (volume(capacity={}), "spec.capacity"),
        (volume(nodeAffinity={}), None),
        (volume(nodeAffinity={"required": {}}), "nodeSelectorTerms"),
        (storage_class(mode="Later"), "volumeBindingMode"),
        (storage_class(provisioner=""), "provisioner"),
        (storage_class(allowedTopologies=[1]), "allowedTopologies"),
    ],
)
def test_what_the_api_server_would_refuse_is_one_clear_line(given, where):
    if where is None:
        components_of(World(objects=(given,)))
        return
    with pytest.raises(InputError, match=where):
        components_of(World(objects=(given,)))


def test_a_bound_claim_and_a_class_keep_what_they_are():
    things = (claim(), volume("pv"), storage_class("now", "Immediate"), node("n1"))
    for kind, name, patch in (
        ("PersistentVolumeClaim", "data", {"spec": {"accessModes": ["ReadWriteMany"]}}),
        ("PersistentVolume", "pv", {"spec": {"volumeMode": "Block"}}),
        ("StorageClass", "now", {"provisioner": "other"}),
    ):
        operation = {"patch": {"kind": kind, "name": name, "patch": patch}}
        before, after = ended(*things), ended(*things, operations=(operation,))
        resource = f"{kind.lower()}s" if not kind.endswith("s") else f"{kind.lower()}es"
        assert get(before, resource, name).to_json() == get(after, resource, name).to_json()
