"""Upstream's cases of the plugins that look at volumes (release 1.29).

Where 1.36 answers otherwise than 1.29 did:

* VolumeRestrictions: the reason for a claim of ReadWriteOncePod is worded anew since
  kubernetes/kubernetes#129145 (1.33).
* What the fake listers of those tests say of an object that is not there is their own wording; the
  name of the object is compared.
* NodeVolumeLimits: the plugins of in-tree volumes (EBSLimits, GCEPDLimits, AzureDiskLimits,
  CinderLimits) were removed by kubernetes/kubernetes#124003 (1.32).
"""

import re

from adapters import NotCovered
from adapters.plugins import plugin_check
from kspec_models.objects import (
    CSINode,
    Node,
    PersistentVolume,
    PersistentVolumeClaim,
    Pod,
    StorageClass,
    Unstructured,
)
from kspec_models.scheduler.framework import SKIP, Context
from kspec_models.scheduler.nodeinfo import node_info
from kspec_models.scheduler.plugins.node_volume_limits import NodeVolumeLimits
from kspec_models.scheduler.plugins.volume_binding import VolumeBinding
from kspec_models.scheduler.plugins.volume_restrictions import VolumeRestrictions
from kspec_models.scheduler.plugins.volume_zone import VolumeZone
from kspec_models.store import Entry, Snapshot

KINDS = {
    "persistentVolumes": PersistentVolume,
    "persistentVolumeClaims": PersistentVolumeClaim,
    "storageClasses": StorageClass,
    "csiNodes": CSINode,
}
PASSIVE = {"csiDrivers": "csidrivers", "csiStorageCapacities": "csistoragecapacities"}
REMOVED = ("EBSLimits", "GCEPDLimits", "AzureDiskLimits", "CinderLimits")
READ_WRITE_ONCE_POD = "ReadWriteOncePod access mode"
NOT_FOUND = re.compile(r"not found|[Uu]nable to find")


def read_kind(kind, data):
    body = {key: value for key, value in data.items() if key not in ("apiVersion", "kind")}
    return kind.from_json(body)


def caches_of(given):
    """The informer caches; every kind that the plugins know can occur."""
    objects = [
        read_kind(kind, data) for key, kind in KINDS.items() for data in given.get(key) or []
    ]
    objects += [
        Unstructured.from_json(data).replace(plural=plural)
        for key, plural in PASSIVE.items()
        for data in given.get(key) or []
    ]
    caches = {kind.RESOURCE: Snapshot() for kind in KINDS.values()}
    caches |= {plural: Snapshot() for plural in PASSIVE.values()}
    for obj in objects:
        key = f"{obj.resource}/{obj.key}"
        caches[obj.resource] = caches[obj.resource].patched(key, Entry(key, obj, 1, 1, 1))
    return caches


def with_uid(pod, number):
    """Pods of a row have no names; a snapshot tells them apart by their uids."""
    return pod if pod.uid else pod.with_metadata(uid=f"row-{number}")


def pods_of(given, key):
    return [with_uid(Pod.from_json(pod), n) for n, pod in enumerate(given.get(key) or [])]


def snapshot_of(given):
    """The NodeInfos that Filter is asked about, and all that PreFilter sees."""
    nodes = [Node.from_json(node) for node in given.get("nodes") or []]
    pods = pods_of(given, "pods")
    everywhere = tuple(
        node_info(node, tuple(pod for pod in pods if pod.spec.node_name == node.name))
        for node in nodes
    )
    known = {node.name for node in nodes}
    for name in sorted({pod.spec.node_name for pod in pods if pod.spec.node_name} - known):
        other = Node.from_json({"metadata": {"name": name}})
        mine = tuple(pod for pod in pods if pod.spec.node_name == name)
        everywhere += (node_info(other, mine),)
    if given.get("podsInNodeInfo") is None:
        return everywhere[: len(nodes)], everywhere
    there = tuple(pods_of(given, "podsInNodeInfo"))
    return tuple(node_info(node, there) for node in nodes), everywhere


def check_status(status, expected):
    assert status.code == expected["code"], (status, expected)
    reasons = expected.get("reasons") or []
    assert len(status.reasons) == len(reasons), (status, expected)
    for found, said in zip(status.reasons, reasons, strict=True):
        assert found == said or is_reworded(found, said), (found, said)


def is_reworded(found, said):
    if READ_WRITE_ONCE_POD in said:
        return READ_WRITE_ONCE_POD in found
    named = re.findall(r'"([^"]*)"', found)
    return bool(NOT_FOUND.search(said) and "not found" in found and named and named[-1] in said)


def check(plugin, given, expected):
    pod = with_uid(Pod.from_json(given["pod"]), "scheduled")
    infos, everywhere = snapshot_of(given)
    found = plugin.pre_filter(pod, Context(everywhere, caches_of(given)))
    if expected.get("prefilter") is not None:
        check_status(found.status, expected["prefilter"])
    if "prefilterNodes" in expected:
        assert (found.nodes or ()) == tuple(sorted(expected["prefilterNodes"] or ()))
    if expected["filter"] is None:
        return
    for info, status in zip(infos, expected["filter"], strict=True):
        if found.status.code == SKIP:
            assert status["code"] == "Success"
        elif found.status.is_rejected:
            check_status(found.status, status)
        else:
            check_status(plugin.filter_with(found.state, pod, info), status)


@plugin_check("filter", "VolumeRestrictions")
def check_volume_restrictions(given, expected):
    features = given.get("features") or {}
    if not features.get("ReadWriteOncePod", True):
        raise NotCovered("VolumeRestrictions: ReadWriteOncePod cannot be turned off since 1.29")
    check(VolumeRestrictions(), given, expected)


@plugin_check("filter", "VolumeZone")
def check_volume_zone(given, expected):
    check(VolumeZone(), given, expected)


@plugin_check("filter", "NodeVolumeLimits")
def check_node_volume_limits(given, expected):
    check(NodeVolumeLimits(), given, expected)


@plugin_check("filter", "VolumeBinding")
def check_volume_binding(given, expected):
    check(VolumeBinding(), given, expected)


def check_removed(given, expected):
    raise NotCovered(f"{given['plugin']} was removed by kubernetes/kubernetes#124003")


for removed in REMOVED:
    plugin_check("filter", removed)(check_removed)
