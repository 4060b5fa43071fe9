"""Volumes are attached where pods use them, and never detached while a kubelet has them mounted."""

import attrs
import pytest
from cluster_runs import fifo, get, objects, settled, walk

from kspec.errors import InputError
from kspec_models.building import build
from kspec_models.controllers.attachdetach import AttachDetachController
from kspec_models.controllers.attachdetach_state import MAX_WAIT_FOR_UNMOUNT
from kspec_models.host import Notification
from kspec_models.world import World
from kspec_models.worlds import delete, node, pod
from kspec_models.worlds_volumes import claim, force_delete, using, volume

DISK = "kubernetes.io/csi/disk.example.com^disk"
BOUND = (
    claim("data", volume="disk", protected=True),
    volume("disk", claim_name="data", protected=True),
)


def on(name, node):
    """A pod that uses the claim, bound to a node from the start."""
    return {"apply": using(pod(name, nodeName=node), "data")}


def world(*operations, objects=BOUND, nodes=("n1", "n2"), **options):
    return World(
        objects=(*map(node, nodes), *objects),
        operations=operations,
        keep_status=True,
        components={"attachdetach": {}},
        **{"granularity": "reconcile", **options},
    )


def handed(state, name):
    """(attached, in use) as the status of a node says it."""
    status = get(state, f"nodes/{name}").status
    return [v.name for v in status.volumes_attached], list(status.volumes_in_use)


def mounted(state, name):
    memory = state.slots[state.layout.by_host[f"volume-manager/{name}"]].memory
    return [use.volume for use in memory.own.mounted]


def attachments(state):
    return [a.name for a in objects(state, "volumeattachments") if a.status.attached]


@pytest.mark.parametrize("granularity", ["reconcile", "request"])
def test_a_volume_goes_to_the_node_of_its_pod(granularity):
    state = settled(build(world(on("a", "n1"), granularity=granularity)))
    assert attachments(state) == ["csi-disk-n1"]
    assert handed(state, "n1") == ([DISK], [DISK]) and mounted(state, "n1") == [DISK]
    assert handed(state, "n2") == ([], []) and mounted(state, "n2") == []


def test_a_volume_follows_its_pod_to_another_node():
    state = settled(build(world(on("a", "n1"), delete("Pod", "a"), on("b", "n2"))))
    assert attachments(state) == ["csi-disk-n2"]
    assert handed(state, "n1") == ([], []) and mounted(state, "n2") == [DISK]


def test_a_volume_for_one_node_waits_until_the_other_has_given_it_up():
    cluster = build(world(on("a", "n1"), on("b", "n2"), delete("Pod", "a")))
    for _, state in fifo(cluster):
        assert len(objects(state, "volumeattachments")) <= 1
    assert attachments(state) == ["csi-disk-n2"] and mounted(state, "n2") == [DISK]


def test_a_shared_volume_is_attached_to_both():
    disk = volume("disk", claim_name="data", protected=True)
    disk["spec"]["accessModes"] = ["ReadWriteMany"]
    state = settled(build(world(on("a", "n1"), on("b", "n2"), objects=(BOUND[0], disk))))
    assert attachments(state) == ["csi-disk-n1", "csi-disk-n2"]


def test_volumes_that_are_not_csi_are_left_alone():
    disk = volume("disk", claim_name="data", protected=True)
    disk["spec"]["hostPath"] = {"path": "/disk"}
    del disk["spec"]["csi"]
    state = settled(build(world(on("a", "n1"), objects=(BOUND[0], disk))))
    assert not objects(state, "volumeattachments") and not mounted(state, "n1")


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("granularity", ["reconcile", "request"])
def test_what_is_mounted_is_attached_whatever_comes_in_between(seed, granularity):
    operations = (on("a", "n1"), force_delete("a"), on("b", "n1"), force_delete("b"), on("c", "n1"))
    cluster = build(world(*operations, nodes=("n1",), granularity=granularity))
    times = 0
    for _, _, state in walk(cluster, seed, 1200):
        times += bool(mounted(state, "n1"))
        if mounted(state, "n1"):
            (found,) = objects(state, "volumeattachments")
            assert found.status.attached and not found.is_terminating
    assert times


def test_the_status_says_in_use_before_the_mount_and_not_attached_before_the_detach():
    before = ([], [])
    for _, state in fifo(build(world(on("a", "n1"), delete("Pod", "a"), granularity="request"))):
        attached, in_use = now = handed(state, "n1")
        if mounted(state, "n1"):
            assert in_use == [DISK]
        if any(a.is_terminating for a in objects(state, "volumeattachments")):
            assert attached == []
        assert (before, now) != (([DISK], [DISK]), ([], []))
        before = now


ATTACHED = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "VolumeAttachment",
    "metadata": {"name": "csi-disk-n1"},
    "spec": {
        "attacher": "disk.example.com",
        "nodeName": "n1",
        "source": {"persistentVolumeName": "disk"},
    },
    "status": {"attached": True},
}


@pytest.mark.parametrize(
    ("ready", "taints", "ends_at", "has_it"),
    [
        ("Unknown", [], MAX_WAIT_FOR_UNMOUNT + 1, "n2"),
        ("Unknown", ["node.kubernetes.io/out-of-service"], 0, "n2"),
        ("True", [], 0, "n1"),
    ],
    ids=["unhealthy", "out of service", "healthy"],
)
def test_a_volume_is_taken_by_force_only_from_a_node_that_is_not_well(
    ready, taints, ends_at, has_it
):
    """Nothing runs on n1, and its status says for ever that the volume is in use."""
    left = node("n1")
    left["spec"] = {"taints": [{"key": key, "effect": "NoExecute"} for key in taints]}
    left["status"] = {
        **left["status"],
        "conditions": [{"type": "Ready", "status": ready}],
        "volumesInUse": [DISK],
        "volumesAttached": [{"name": DISK, "devicePath": ""}],
    }
    given = world(on("b", "n2"), objects=(left, *BOUND, ATTACHED), nodes=("n2",))
    only = ("persistentvolume-attach-detach-controller", "csi-attacher")
    given = attrs.evolve(given, active_nodes=("n2",), controllers=only)
    state = settled(build(given))
    assert (state.clock, attachments(state)) == (ends_at, [f"csi-disk-{has_it}"])


def test_other_worlds_with_claims_stay_as_they_are():
    plain = attrs.evolve(world(on("a", "n1")), components={})
    cluster = build(plain)
    assert not {"attachdetach", "csiattacher", "volume-manager/n1"} & set(cluster.layout.by_host)
    assert not objects(settled(cluster), "volumeattachments")


def test_the_component_has_no_options():
    with pytest.raises(InputError, match="attachdetach has no option 'x'"):
        build(attrs.evolve(world(), components={"attachdetach": {"x": 1}}))


def test_metadata_of_a_pod_or_a_heartbeat_of_a_node_costs_no_step():
    cluster = build(world(on("a", "n1")))
    state, controller = settled(cluster), AttachDetachController()
    pods, nodes = state.api.store.bucket("pods"), state.api.store.bucket("nodes")
    entry, other = pods.get("pods/default/a"), nodes.get("nodes/n1")
    assert not controller.concerns(Notification("pods", entry, entry))
    assert not controller.concerns(Notification("nodes", other, other))
    assert controller.concerns(Notification("pods", None, entry))
