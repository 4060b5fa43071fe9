"""The built-in world: what `kspec check` runs without any file.

It exercises every component and every promise, on two nodes and with as few pods as that takes.
"""

from __future__ import annotations

from typing import Any, Final

from kspec_models.world import World
from kspec_models.worlds import (
    deployment,
    namespace,
    node,
    pod,
    priority_class,
    service,
    set_image,
)
from kspec_models.worlds_autoscaling import autoscaler, load
from kspec_models.worlds_collection import delete
from kspec_models.worlds_daemonset import (
    daemon_set,
    replication_controller,
    set_daemon_image,
)
from kspec_models.worlds_disruption import budget, evict
from kspec_models.worlds_jobs import cronjob, event, job
from kspec_models.worlds_nodes import (
    hear,
    report,
    set_taints,
    silence,
    taint,
    tainted,
    tolerate,
)
from kspec_models.worlds_quota import limit_range, resource_quota, token_secret
from kspec_models.worlds_statefulset import resize_set, stateful_set, storage_class, update_set

Json = dict[str, Any]

_A_MINUTE: Final = 60


def _within(space: str, document: Json) -> Json:
    """A document of another namespace than it was made for."""
    return {**document, "metadata": {**document["metadata"], "namespace": space}}


def _staging() -> tuple[Json, ...]:
    """A namespace with a quota and limits; its user deletes it with all that is in it."""
    limits = {"type": "Container", "default": {"cpu": "200m"}, "max": {"cpu": "1"}}
    return (
        namespace("staging"),
        _within("staging", resource_quota("room", {"pods": "1"})),
        _within("staging", limit_range("defaults", limits)),
        deployment("api", 1, namespace="staging", cpu="200m"),
        service("api", namespace="staging"),
    )


def _nodes() -> tuple[Json, ...]:
    """Two nodes that run pods, and one that does nothing but fall silent."""
    room = {"cpu": "2", "memory": "2Gi", "pods": "16"}
    return node("n1", **room), node("n2", **room), tainted("spare", taint("idle", "NoSchedule"))


def _endpoints(name: str) -> Json:
    meta = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "Endpoints", "metadata": meta}


def _headless(name: str) -> Json:
    document = service(name)
    return {**document, "spec": {**document["spec"], "clusterIP": "None"}}


def _applications() -> tuple[Json, ...]:
    """What runs in `default`: a controller of each kind, and what looks after its pods."""
    return (
        deployment("web", 2, cpu="200m"),
        service("web"),
        _endpoints("web"),
        budget("web", min_available=1),
        budget("db", max_unavailable=1),
        autoscaler(50, 2, 3),
        load(value="120m"),
        storage_class(),
        stateful_set("db", 2, claims=True),
        _headless("db"),
        daemon_set("agent"),
        replication_controller("old", 1),
        job("once", ttlSecondsAfterFinished=30),
        cronjob("tick", concurrencyPolicy="Forbid"),
        token_secret("token"),
        priority_class("urgent", 1000),
        event("noted"),
    )


def _urgent() -> Json:
    """A pod that others have to make room for, and that bears a taint for a while."""
    patience = [tolerate("maintenance", 30)]
    return pod("urgent", cpu="1900m", priorityClassName="urgent", tolerations=patience)


def _suspend(name: str) -> Json:
    patch = {"spec": {"suspend": True}}
    return {"patch": {"kind": "CronJob", "name": name, "namespace": "default", "patch": patch}}


def built_in() -> World:
    """What `kspec check` runs without any file: it exercises every component and every promise."""
    return World(
        name="built-in",
        active_nodes=("n1", "n2"),
        objects=(*_nodes(), *_applications(), *_staging()),
        components={
            "kube-controller-manager": {
                "allocateNodeCIDRs": True,
                "terminatedPodThreshold": 1,
            },
            "attachdetach": {},
        },
        operations=(
            set_image("web", "app:2"),
            evict("db-0"),
            {"apply": _urgent()},
            update_set("db", "app:2"),
            set_daemon_image("agent", "app:2"),
            set_taints("n1", taint("maintenance")),
            {**set_taints("n1"), "notBefore": 10},
            {"apply": _within("staging", pod("one-too-many"))},
            silence("spare"),
            delete("ServiceAccount", "default", "background"),
            delete("Namespace", "staging", "background"),
            {**_suspend("tick"), "notBefore": _A_MINUTE + 1},
            resize_set("db", 1),
            delete("StatefulSet", "db", "foreground"),
            delete("PersistentVolumeClaim", "data-db-0", "background"),
            delete("ReplicationController", "old", "orphan"),
            hear("spare"),
            {**report("spare", "Ready", "True"), "notBefore": 2 * _A_MINUTE},
            delete("Node", "n2", "background"),
            delete("Pod", "urgent", "background"),
        ),
    )
