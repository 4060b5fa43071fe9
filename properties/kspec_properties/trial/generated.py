"""Small random clusters, a function of the seed: what the metamorphic relations are tried on.

One to six nodes, up to six bound pods and one that waits, with the features that scheduling reads:
labels, taints, cordons, host ports, node and pod affinity, topology spread, init containers and
sidecars, overhead, extended resources, images, services, and shared GPUs as a published trace
writes them. Every object is one that an API server accepts.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from kspec_models.objects import Namespace, Node, Pod, Service
from kspec_properties.trial.instances import Instance

HOSTNAME, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"
EXTENDED = "example.com/gpu"
_CPUS = ("100m", "250m", "500m", "1", "1500m", "2")
_MEMORIES = ("64Mi", "256Mi", "512Mi", "1Gi", "2Gi")
_IMAGES = ("app:1", "database:2", "model:3")
_EFFECTS = ("NoSchedule", "NoExecute", "PreferNoSchedule")
_APPS = ("web", "db", "job")
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_GPU = "alibabacloud.com/gpu-"
Json = dict[str, Any]


def instances(seed: int, count: int) -> Iterator[Instance]:
    """So many clusters; the i-th does not depend on how many there are."""
    for i in range(count):
        yield generated(random.Random(f"{seed}/{i}"))


def generated(rng: random.Random) -> Instance:
    """One cluster with one waiting pod."""
    nodes = tuple(_node(rng, f"n{i}") for i in range(1, rng.randint(1, 6) + 1))
    bound = []
    for i in range(rng.randint(0, 6)):
        node = rng.choice(nodes).name
        bound.append(_pod(rng, f"b{i}", is_plain=rng.random() < 0.6, node=node))
    return Instance(nodes, tuple(bound), (_pod(rng, "pending"),), _others(rng))


def _others(rng: random.Random) -> tuple[Any, ...]:
    namespace = Namespace.from_json({"metadata": {"name": "default"}})
    if rng.random() < 0.7:
        return (namespace,)
    app = rng.choice(_APPS)
    spec = {"selector": {"app": app}, "ports": [{"port": 80}]}
    metadata = {"name": app, "namespace": "default"}
    return (namespace, Service.from_json({"metadata": metadata, "spec": spec}))


def _node(rng: random.Random, name: str) -> Node:
    labels = {HOSTNAME: name}
    if rng.random() < 0.8:
        labels[ZONE] = rng.choice("abc")
    if rng.random() < 0.5:
        labels["disk"] = rng.choice(("ssd", "hdd"))
    room = {
        "cpu": rng.choice(("1", "2", "3", "4", "8", "8")),
        "memory": rng.choice(("1Gi", "3Gi", "4Gi", "16Gi", "16Gi")),
        "ephemeral-storage": rng.choice(("1Gi", "10Gi")),
        "pods": rng.choice(("1", "3", "110", "110", "110")),
    }
    if rng.random() < 0.3:
        room[EXTENDED] = rng.choice(("1", "2", "4"))
    if rng.random() < 0.2:
        room[f"{_GPU}count"] = rng.choice(("1", "2"))
        labels[f"{_GPU}card-model"] = rng.choice(("T4", "V100M16"))
    spec: Json = {}
    if rng.random() < 0.25:
        taints = rng.sample(_EFFECTS, rng.randint(1, 2))
        spec["taints"] = [{"key": "team", "value": "a", "effect": effect} for effect in taints]
    if rng.random() < 0.1:
        spec["unschedulable"] = True
    status: Json = {"capacity": room, "allocatable": room}
    if rng.random() < 0.4:
        image = rng.choice(_IMAGES)
        status["images"] = [{"names": [image], "sizeBytes": rng.choice((50, 300, 900)) * 2**20}]
    metadata = {"name": name, "labels": labels}
    return Node.from_json({"metadata": metadata, "spec": spec, "status": status})


def _container(rng: random.Random, name: str) -> Json:
    requests = {}
    if rng.random() < 0.8:
        requests["cpu"] = rng.choice(_CPUS)
    if rng.random() < 0.8:
        requests["memory"] = rng.choice(_MEMORIES)
    if rng.random() < 0.1:
        requests["ephemeral-storage"] = rng.choice(("100Mi", "1Gi"))
    made: Json = {
        "name": name,
        "image": rng.choice(_IMAGES),
        "resources": {"requests": requests},
    }
    if rng.random() < 0.06:
        asked = rng.choice(("1", "2"))
        requests[EXTENDED] = asked
        made["resources"]["limits"] = {EXTENDED: asked}
    if rng.random() < 0.1:
        port = rng.choice((80, 443))
        made["ports"] = [{"containerPort": port, "hostPort": port, "protocol": "TCP"}]
    return made


def _pod(rng: random.Random, name: str, *, is_plain: bool = False, node: str = "") -> Pod:
    count = 1 if is_plain else rng.choice((1, 1, 2, 3))
    spec: Json = {"containers": [_container(rng, f"c{i}") for i in range(count)]}
    metadata: Json = {"name": name, "namespace": "default", "uid": name}
    metadata["labels"] = {"app": rng.choice(_APPS)}
    if node:
        spec["nodeName"] = node
    if not is_plain:
        for feature in _FEATURES:
            feature(rng, spec)
        if rng.random() < 0.15:
            share = rng.choice((250, 500, 1000))
            metadata["annotations"] = {f"{_GPU}milli": str(share), f"{_GPU}count": "1"}
    return Pod.from_json({"metadata": metadata, "spec": spec})


def _init(rng: random.Random, spec: Json) -> None:
    if rng.random() < 0.3:
        spec["initContainers"] = [_container(rng, f"i{i}") for i in range(rng.randint(1, 2))]
        for each in spec["initContainers"]:
            each.pop("ports", None)
            if rng.random() < 0.4:
                each["restartPolicy"] = "Always"


def _overhead(rng: random.Random, spec: Json) -> None:
    if rng.random() < 0.15:
        spec["overhead"] = {"cpu": "250m", "memory": "120Mi"}


def _tolerations(rng: random.Random, spec: Json) -> None:
    if rng.random() < 0.4:
        team = {"key": "team", "operator": "Equal", "value": rng.choice("ab")}
        cordon = {"key": "node.kubernetes.io/unschedulable", "operator": "Exists"}
        spec["tolerations"] = rng.sample([team, cordon, {"operator": "Exists"}], rng.randint(1, 3))


def _node_affinity(rng: random.Random, spec: Json) -> None:
    if rng.random() < 0.08:
        spec["nodeSelector"] = {"disk": rng.choice(("ssd", "hdd"))}
    if rng.random() < 0.4:
        affinity: Json = {}
        zones = {"key": ZONE, "operator": rng.choice(("In", "NotIn")), "values": ["a", "b"]}
        if rng.random() < 0.25:
            affinity[_REQUIRED] = {"nodeSelectorTerms": [{"matchExpressions": [zones]}]}
        host = {"key": HOSTNAME, "operator": "In", "values": [rng.choice(("n1", "n2"))]}
        affinity[_PREFERRED] = [
            {"weight": rng.choice((1, 10, 50)), "preference": {"matchExpressions": [term]}}
            for term in rng.sample([zones, host], rng.randint(1, 2))
        ]
        spec["affinity"] = {"nodeAffinity": affinity}


def _pod_affinity(rng: random.Random, spec: Json) -> None:
    if rng.random() < 0.3:
        labels = {"matchLabels": {"app": rng.choice(_APPS)}}
        term = {"labelSelector": labels, "topologyKey": rng.choice((HOSTNAME, ZONE))}
        weighted = {"weight": rng.choice((1, 30, 100)), "podAffinityTerm": term}
        kind = rng.choice(("podAffinity", "podAntiAffinity", "podAntiAffinity"))
        given = {_REQUIRED: [term]} if rng.random() < 0.5 else {_PREFERRED: [weighted]}
        spec.setdefault("affinity", {})[kind] = given


def _spread(rng: random.Random, spec: Json) -> None:
    if rng.random() < 0.25:
        spec["topologySpreadConstraints"] = [
            {
                "maxSkew": rng.choice((1, 2)),
                "topologyKey": key,
                "whenUnsatisfiable": rng.choice(("DoNotSchedule", "ScheduleAnyway")),
                "labelSelector": {"matchLabels": {"app": rng.choice(_APPS)}},
            }
            for key in rng.sample((HOSTNAME, ZONE), rng.randint(1, 2))
        ]


_FEATURES = (_init, _overhead, _tolerations, _node_affinity, _pod_affinity, _spread)
