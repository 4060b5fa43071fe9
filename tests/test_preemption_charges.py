"""What may keep a pod off a node and is not judged by a property is no ground for a charge."""

import pytest
from cluster_runs import walk

from kspec_models.building import build
from kspec_models.world import World
from kspec_properties.policies import preemptions, victims_help

HOST = "kubernetes.io/hostname"
IN = {"matchExpressions": [{"key": "app", "operator": "In", "values": ["high"]}]}
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
KEPT_OFF = {"podAntiAffinity": {REQUIRED: [{"topologyKey": HOST, "labelSelector": IN}]}}
MOUNTED = [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]


def priority(name, value):
    kind = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass"}
    return {**kind, "metadata": {"name": name}, "value": value}


def pod(name, **spec):
    containers = [{"name": "app", "image": "app", "resources": {"requests": {"cpu": "1"}}}]
    metadata = {"name": name, "namespace": "default", "labels": {"app": name}}
    spec = {"containers": containers, "priorityClassName": name, **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def volumes():
    access, amount = ["ReadWriteOncePod"], {"storage": "1Gi"}
    claim = {"accessModes": access, "storageClassName": "", "volumeName": "pv"}
    claim["resources"] = {"requests": amount}
    volume = {"accessModes": access, "capacity": amount}
    volume["csi"] = {"driver": "d", "volumeHandle": "h"}
    volume["claimRef"] = {"kind": "PersistentVolumeClaim", "namespace": "default", "name": "c"}
    yield {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "c", "namespace": "default"},
        "spec": claim,
    }
    yield {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": "pv"},
        "spec": volume,
    }


@pytest.mark.parametrize(
    ("spec", "others"),
    [({"low": {"affinity": KEPT_OFF}}, ()), ({"both": {"volumes": MOUNTED}}, tuple(volumes()))],
    ids=["anti-affinity-by-expressions", "a-volume-of-one-pod"],
)
def test_a_victim_that_gives_up_more_than_room_is_not_needless(spec, others):
    both = spec.get("both", {})
    low = pod("low", **both, **spec.get("low", {}))
    objects = (priority("low", 1), priority("high", 100), *others, low)
    arrives = ({"apply": pod("high", **both)},)
    cluster = build(World(nodes=1, objects=objects, operations=arrives))
    for seed in range(60):
        decided = False
        for before, _, after in walk(cluster, seed, 150):
            decided = decided or any(preemptions(before, after))
            verdict = victims_help.predicate(before, after)
            assert verdict.holds, verdict.witness
        if decided:
            return
    raise AssertionError("nothing was preempted")
