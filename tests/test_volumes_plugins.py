"""What the scheduler's volume plugins promise: a pod runs where it can use its volumes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kspec_models.objects import (
    CSINode,
    Node,
    PersistentVolume,
    PersistentVolumeClaim,
    Pod,
    StorageClass,
    Unstructured,
)
from kspec_models.requests import Update
from kspec_models.scheduler.events import ADD, DELETE, POD, UPDATE, ClusterEvent
from kspec_models.scheduler.framework import SKIP, UNRESOLVABLE, UNSCHEDULABLE, Context
from kspec_models.scheduler.nodeinfo import node_info
from kspec_models.scheduler.plugins import (
    node_volume_limits,
    volume_binding,
    volume_restrictions,
    volume_zone,
)
from kspec_models.scheduler.volume_binder import assume, assumed, find_pod_volumes
from kspec_models.scheduler.volume_events import CLAIM, CSI_CAPACITY, CSI_NODE, VOLUME
from kspec_models.store import Entry, Snapshot
from kspec_models.volumes import READ_WRITE_ONCE_POD, SELECTED_NODE

RESTRICTIONS = volume_restrictions.VolumeRestrictions()
ZONE = volume_zone.VolumeZone()
LIMITS = node_volume_limits.NodeVolumeLimits()
BINDING = volume_binding.VolumeBinding()
BOUND_BY = {"pv.kubernetes.io/bind-completed": "yes"}
RESOURCES = (
    *("persistentvolumeclaims", "persistentvolumes", "storageclasses", "csinodes"),
    *("csidrivers", "csistoragecapacities"),
)


def pod(name, *volumes, **meta):
    """A pod with a volume for each claim name, or for each volume given whole."""
    given = [v if isinstance(v, dict) else {"persistentVolumeClaim": {"claimName": v}}
             for v in volumes]  # fmt: skip
    named = [{"name": f"v{n}", **v} for n, v in enumerate(given)]
    meta = {"name": name, "namespace": "default", "uid": name, **meta}
    return Pod.from_json({"metadata": meta, "spec": {"volumes": named}})


def claim(name, size="1Gi", volume="", storage_class="wait", modes=("ReadWriteOnce",), **meta):
    annotations = {**(BOUND_BY if volume else {}), **meta.pop("annotations", {})}
    return PersistentVolumeClaim.from_json(
        {
            "metadata": {
                **{"name": name, "namespace": "default", "uid": f"uid-{name}"},
                **meta,
                "annotations": annotations,
            },
            "spec": {
                "accessModes": list(modes),
                "resources": {"requests": {"storage": size}},
                "storageClassName": storage_class,
                "volumeName": volume,
            },
        }
    )


def volume(name, size="1Gi", nodes=(), storage_class="wait", labels=None, **spec):
    affinity = {
        "required": {
            "nodeSelectorTerms": [
                {"matchExpressions": [{"key": "host", "operator": "In", "values": list(nodes)}]}
            ]
        }
    }
    return PersistentVolume.from_json(
        {
            "metadata": {"name": name, "labels": labels or {}},
            "spec": {
                "capacity": {"storage": size},
                "accessModes": ["ReadWriteOnce"],
                "storageClassName": storage_class,
                **({"nodeAffinity": affinity} if nodes else {}),
                **spec,
            },
            "status": {"phase": "Available"},
        }
    )


def storage_class(name="wait", mode="WaitForFirstConsumer", provisioner="csi.example", **fields):
    return StorageClass.from_json(
        {
            **{"metadata": {"name": name}, "provisioner": provisioner, "volumeBindingMode": mode},
            **fields,
        }
    )


def csi_node(name, annotations=None, **limits):
    drivers = [
        {"name": driver.replace("_", "."), "allocatable": {"count": count}}
        for driver, count in limits.items()
    ]
    meta = {"name": name, "annotations": annotations or {}}
    return CSINode.from_json({"metadata": meta, "spec": {"drivers": drivers}})


def info(name, *pods, **labels):
    node = Node.from_json({"metadata": {"name": name, "labels": {"host": name, **labels}}})
    return node_info(node, pods)


def context(*objects, nodes=()):
    caches = {resource: Snapshot() for resource in RESOURCES}
    for obj in objects:
        key = f"{obj.resource}/{obj.key}"
        caches[obj.resource] = caches[obj.resource].patched(key, Entry(key, obj, 1, 1, 1))
    return Context(tuple(nodes), caches)


def verdict(plugin, pod, node, seen):
    """The status of one node, PreFilter first."""
    found = plugin.pre_filter(pod, seen)
    return found.status if not found.status.ok else plugin.filter_with(found.state, pod, node)


class Untouchable:
    """Caches that nobody may look into."""

    def __getattr__(self, name):
        raise AssertionError(f"{name} was asked for")


@pytest.mark.parametrize("plugin", [RESTRICTIONS, ZONE, LIMITS, BINDING])
def test_a_pod_without_volumes_costs_nothing(plugin):
    seen = Context((), Untouchable())
    assert plugin.pre_filter(pod("p"), seen).status.code == SKIP
    assert plugin.pre_filter(pod("p", {"emptyDir": {}}), seen).status.code == SKIP


# VolumeRestrictions


DISKS = {
    "gcePersistentDisk": ({"pdName": "a"}, {"pdName": "b"}),
    "awsElasticBlockStore": ({"volumeID": "a"}, {"volumeID": "b"}),
    "iscsi": ({"iqn": "a", "lun": 0}, {"iqn": "b", "lun": 0}),
    "rbd": (
        {"monitors": ["m", "n"], "pool": "p", "image": "i"},
        {"monitors": ["o"], "pool": "p", "image": "i"},
    ),
}


@pytest.mark.parametrize("kind", DISKS)
def test_one_disk_is_not_used_twice_on_a_node_unless_both_only_read(kind):
    disk, other = DISKS[kind]
    mine = pod("mine", {kind: disk})
    assert verdict(RESTRICTIONS, mine, info("n", pod("p", {kind: disk})), context()).code == (
        UNSCHEDULABLE
    )
    assert verdict(RESTRICTIONS, mine, info("n", pod("p", {kind: other})), context()).ok
    reading = {kind: {**disk, "readOnly": True}}
    both = verdict(RESTRICTIONS, pod("m", reading), info("n", pod("p", reading)), context())
    assert both.ok == (kind != "awsElasticBlockStore")
    one = verdict(RESTRICTIONS, mine, info("n", pod("p", reading)), context())
    assert not one.ok


def test_a_claim_for_one_pod_is_free_only_once_its_user_is_gone():
    user, mine = pod("user", "data"), pod("mine", "data")
    nodes = (info("n1", user), info("n2"))
    seen = context(claim("data", modes=(READ_WRITE_ONCE_POD,)), nodes=nodes)
    state = RESTRICTIONS.pre_filter(mine, seen).state
    assert RESTRICTIONS.filter_with(state, mine, nodes[1]).code == UNSCHEDULABLE
    freed = RESTRICTIONS.remove_pod(state, mine, user, nodes[0])
    assert RESTRICTIONS.filter_with(freed, mine, nodes[1]).ok
    assert RESTRICTIONS.add_pod(freed, mine, user, nodes[0]) == state
    shared = context(claim("data"), nodes=nodes)
    assert RESTRICTIONS.pre_filter(mine, shared).status.code == SKIP


def test_a_claim_that_does_not_exist_lets_no_node_take_the_pod():
    for plugin in (RESTRICTIONS, ZONE, LIMITS, BINDING):
        status = verdict(plugin, pod("p", "data"), info("n"), context())
        assert status.code == UNRESOLVABLE and "data" in status.reasons[0]


# VolumeZone


@pytest.mark.parametrize(
    ("zones", "labels", "fits"),
    [
        ("a", {volume_zone.ZONE: "a"}, True),
        ("a", {volume_zone.ZONE: "b"}, False),
        ("a__b", {volume_zone.ZONE: "b"}, True),
        ("a__", {volume_zone.ZONE: "b"}, True),  # no valid label, so none at all
        ("a", {volume_zone.REGION: "r"}, False),
        ("a", {}, True),
    ],
)
def test_a_pod_follows_its_volume_into_the_zone(zones, labels, fits):
    seen = context(claim("data", volume="pv"), volume("pv", labels={volume_zone.ZONE: zones}))
    node = Node.from_json({"metadata": {"name": "n", "labels": labels}})
    status = verdict(ZONE, pod("p", "data"), node_info(node), seen)
    assert (status.ok or status.code == SKIP) == fits


# NodeVolumeLimits


def attached(name, handle):
    return volume(name, csi={"driver": "csi.example", "volumeHandle": handle})


def test_a_node_takes_no_more_volumes_than_its_driver_allows_and_counts_a_shared_one_once():
    objects = [claim(f"c{n}", volume=f"pv{n}") for n in range(3)]
    objects += [attached(f"pv{n}", f"h{n}") for n in range(3)]
    seen = context(*objects, csi_node("n1", csi_example=2), csi_node("n2", csi_example=3))
    users = (pod("a", "c0"), pod("b", "c1"))
    for name, mine, fits in (
        ("n1", pod("p", "c2"), False),
        ("n1", pod("p", "c0", "c1"), True),
        ("n2", pod("p", "c2"), True),
        ("no-csi-node", pod("p", "c2"), True),
    ):
        assert verdict(LIMITS, mine, info(name, *users), seen).ok == fits


def test_a_volume_that_is_still_to_be_made_takes_its_place_already():
    objects = [claim("c0"), claim("c1"), storage_class(), csi_node("n", csi_example=1)]
    seen = context(*objects)
    assert verdict(LIMITS, pod("p", "c0"), info("n"), seen).ok
    assert not verdict(LIMITS, pod("p", "c0", "c1"), info("n"), seen).ok
    assert verdict(LIMITS, pod("p", "c0"), info("n", pod("q", "c0")), seen).ok


def test_an_in_tree_disk_counts_for_its_driver_only_where_it_was_migrated():
    migrated = {node_volume_limits.MIGRATED_PLUGINS: "kubernetes.io/gce-pd,other"}
    disk = {"gcePersistentDisk": {"pdName": "disk"}}
    limits = {"pd_csi_storage_gke_io": 0}
    for annotations, fits in ((migrated, False), ({}, True)):
        seen = context(csi_node("n", annotations, **limits))
        assert verdict(LIMITS, pod("p", disk), info("n"), seen).ok == fits


# VolumeBinding


def test_a_bound_claim_asks_for_a_node_that_its_volume_allows():
    seen = context(claim("data", volume="pv"), volume("pv", nodes=("n1",)))
    mine = pod("p", "data")
    assert verdict(BINDING, mine, info("n1"), seen).ok
    refused = verdict(BINDING, mine, info("n2"), seen)
    assert (refused.code, refused.reasons) == (
        UNRESOLVABLE,
        ("node(s) had volume node affinity conflict",),
    )
    lost = verdict(BINDING, mine, info("n1"), context(claim("data", volume="pv")))
    assert "non-existent" in lost.reasons[0]


@pytest.mark.parametrize(
    "objects",
    [
        (claim("data", storage_class="now"), storage_class("now", "Immediate"), volume("pv")),
        (claim("data", storage_class="none"), volume("pv")),
    ],
)
def test_an_immediate_claim_must_be_bound_first(objects):
    status = verdict(BINDING, pod("p", "data"), info("n"), context(*objects))
    assert status.reasons == (volume_binding.IMMEDIATE,)


def test_a_waiting_claim_gets_the_smallest_volume_that_fits_and_is_near():
    volumes = (
        volume("big", "5Gi"),
        volume("near", "2Gi", nodes=("n1",)),
        volume("small", "512Mi"),
        volume("other-class", "1Gi", storage_class="x"),
        volume("block", "1Gi", volumeMode="Block"),
    )
    seen = context(
        claim("data"), storage_class(provisioner="kubernetes.io/no-provisioner"), *volumes
    )
    mine = pod("p", "data")
    state = BINDING.pre_filter(mine, seen).state
    for node, name in (("n1", "near"), ("n2", "big")):
        assert BINDING.filter_with(state, mine, info(node)).ok
        ((write,)) = BINDING.pre_bind(mine, info(node), seen)
        assert isinstance(write, Update) and write.object.name == name
        assert write.object.spec.claim_ref.uid == "uid-data"
    none = context(
        claim("data", "9Gi"), *(e.value for e in seen.caches["storageclasses"].entries())
    )
    refused = verdict(BINDING, mine, info("n1"), none)
    assert refused.reasons == ("node(s) didn't find available persistent volumes to bind",)


def test_what_one_pod_was_given_is_taken_for_the_next_one():
    local = storage_class(provisioner="kubernetes.io/no-provisioner")
    seen = context(claim("a"), claim("b"), local, volume("pv"))
    writes = BINDING.pre_bind(pod("p", "a"), info("n"), seen)
    later = seen._replace(caches=assumed(seen.caches, assume("p", writes)))
    assert verdict(BINDING, pod("q", "b"), info("n"), seen).ok
    assert not verdict(BINDING, pod("q", "b"), info("n"), later).ok
    assert BINDING.pre_bind(pod("r", "a"), info("n"), later) == ()
    # An object that somebody else wrote since shows what is true.
    newer = dict(seen.caches)
    key = "persistentvolumes/pv"
    newer["persistentvolumes"] = Snapshot().patched(key, Entry(key, volume("pv"), 1, 9, 2))
    assert assumed(newer, assume("p", writes)) == newer


def test_a_claim_to_be_provisioned_goes_where_the_class_allows_and_says_so():
    topology = [{"matchLabelExpressions": [{"key": "zone", "values": ["a", "b"]}]}]
    seen = context(claim("data"), storage_class(allowedTopologies=topology))
    mine = pod("p", "data")
    assert not verdict(BINDING, mine, info("n1", zone="c"), seen).ok
    there = info("n2", zone="b")
    assert verdict(BINDING, mine, there, seen).ok
    (write,) = BINDING.pre_bind(mine, there, seen)
    assert write.object.metadata.annotations[SELECTED_NODE] == "n2"
    chosen = context(write.object, storage_class(allowedTopologies=topology))
    assert not verdict(BINDING, mine, info("n3", zone="a"), chosen).ok
    assert verdict(BINDING, mine, there, chosen).ok and not BINDING.pre_bind(mine, there, chosen)


def passive(kind, plural, name, **body):
    data = {"kind": kind, "metadata": {"name": name}, **body}
    return Unstructured.from_json(data).replace(plural=plural)


@pytest.mark.parametrize(
    ("size", "zone", "fits"), [("1Gi", "a", True), ("9Gi", "a", False), ("1Gi", "b", False)]
)
def test_a_driver_that_tells_its_capacity_is_believed(size, zone, fits):
    driver = passive("CSIDriver", "csidrivers", "csi.example", spec={"storageCapacity": True})
    tracked = passive(
        *("CSIStorageCapacity", "csistoragecapacities", "here"),
        storageClassName="wait",
        capacity="2Gi",
        nodeTopology={"matchLabels": {"zone": "a"}},
    )
    seen = context(claim("data", size), storage_class(), driver, tracked)
    status = verdict(BINDING, pod("p", "data"), info("n", zone=zone), seen)
    assert status.ok == fits
    assert fits or status.reasons == ("node(s) did not have enough free storage",)


def test_a_claim_of_an_ephemeral_volume_must_be_the_pods_own():
    own = [{"kind": "Pod", "name": "p", "uid": "p", "controller": True}]
    mine = pod("p", {"ephemeral": {"volumeClaimTemplate": {}}})
    for owners, fits in ((own, True), ([], False)):
        seen = context(claim("p-v0", volume="pv", ownerReferences=owners), volume("pv"))
        assert verdict(BINDING, mine, info("n"), seen).ok == fits
    waiting = verdict(BINDING, mine, info("n"), context()).reasons[0]
    assert waiting.startswith("waiting for ephemeral volume controller")


sizes = st.integers(1, 4).map(lambda n: f"{n}Gi")


@settings(max_examples=60)
@given(st.lists(sizes, min_size=1, max_size=3), st.lists(sizes, max_size=4), st.data())
def test_each_claim_gets_a_volume_of_its_own_that_is_large_enough(asked, offered, data):
    claims = [claim(f"c{n}", size) for n, size in enumerate(asked)]
    volumes = []
    for n, size in enumerate(offered):
        nodes = data.draw(st.sampled_from([(), ("n1",), ("n2",)]))
        volumes.append(volume(f"pv{n}", size, nodes=nodes))
    seen = context(*claims, *volumes, storage_class())
    state = BINDING.pre_filter(pod("p", *(c.name for c in claims)), seen).state
    node = info("n1").node
    found = find_pod_volumes(state, node)
    names = [given.value.name for given, _ in found.static]
    assert len(set(names)) == len(names)
    for given_volume, asking in found.static:
        spec, wanted = given_volume.value.spec, asking.value.spec.resources.requests["storage"]
        assert int(spec.capacity["storage"][0]) >= int(wanted[0])
        assert volume_binder_allows(given_volume.value, "n1")
    met = {c.value.name for _, c in found.static} | {c.value.name for c in found.provisions}
    assert met == {c.name for c in claims}
    left = [v for v in volumes if v.name not in names and volume_binder_allows(v, "n1")]
    for asking in found.provisions:
        wanted = int(asking.value.spec.resources.requests["storage"][0])
        assert all(int(v.spec.capacity["storage"][0]) < wanted for v in left)


def volume_binder_allows(volume, node):
    affinity = volume.spec.node_affinity
    if affinity is None:
        return True
    (term,) = affinity["required"]["nodeSelectorTerms"]
    return node in term["matchExpressions"][0]["values"]


# queueing hints


def wakes(plugin, pod, event):
    hint = plugin.EVENTS.get((event.resource, event.action))
    return hint is not None and hint(pod, event)


def test_a_pod_is_retried_by_what_can_help_it_and_not_by_the_rest():
    mine, data, other = pod("p", "data"), claim("data"), claim("other")
    for plugin in (volume_restrictions, volume_zone, node_volume_limits, volume_binding):
        assert wakes(plugin, mine, ClusterEvent(CLAIM, ADD, None, data))
        assert not wakes(plugin, mine, ClusterEvent(CLAIM, ADD, None, other))
    assert wakes(volume_binding, mine, ClusterEvent(CLAIM, UPDATE, data, data))
    assert wakes(volume_binding, mine, ClusterEvent(VOLUME, ADD, None, volume("pv")))
    zoned = volume("pv", labels={volume_zone.ZONE: "a"})
    assert wakes(volume_zone, mine, ClusterEvent(VOLUME, UPDATE, volume("pv"), zoned))
    assert not wakes(volume_zone, mine, ClusterEvent(VOLUME, UPDATE, zoned, zoned))


def test_a_pod_is_retried_when_room_for_its_volumes_is_made():
    mine = pod("p", "data")
    gone = pod("q", "data")
    gone = gone.replace(spec=gone.spec.replace(node_name="n"))
    assert wakes(volume_restrictions, mine, ClusterEvent(POD, DELETE, gone))
    assert not wakes(volume_restrictions, mine, ClusterEvent(POD, DELETE, pod("q", "other")))
    assert wakes(node_volume_limits, mine, ClusterEvent(POD, DELETE, gone))
    low, high = csi_node("n", csi_example=1), csi_node("n", csi_example=2)
    assert wakes(node_volume_limits, mine, ClusterEvent(CSI_NODE, UPDATE, low, high))
    assert not wakes(node_volume_limits, mine, ClusterEvent(CSI_NODE, UPDATE, high, low))
    before, after = (
        passive("CSIStorageCapacity", "csistoragecapacities", "c", capacity=size)
        for size in ("1Gi", "2Gi")
    )
    assert wakes(volume_binding, mine, ClusterEvent(CSI_CAPACITY, UPDATE, before, after))
    assert not wakes(volume_binding, mine, ClusterEvent(CSI_CAPACITY, UPDATE, after, before))
