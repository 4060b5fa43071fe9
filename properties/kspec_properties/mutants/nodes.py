"""Mutants of the controllers that look after nodes."""

from __future__ import annotations

from typing import Any

from kspec_models.controllers.nodeipam import NodeIpamController
from kspec_models.controllers.nodeipam_ranges import Taken
from kspec_models.controllers.podgc import PodGCController
from kspec_models.controllers.tainteviction import TaintEvictionController
from kspec_models.controllers.tainteviction_timers import FOR_EVER, TaintMemory, tolerated_seconds
from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, Notification, View
from kspec_models.objects import Node, Pod
from kspec_models.requests import NOT_FOUND, Get, Request, Response
from kspec_models.store import Snapshot
from kspec_models.world import World
from kspec_models.worlds import delete, node, pod
from kspec_models.worlds_nodes import (
    NOT_READY,
    held,
    ranged,
    set_taints,
    taint,
    tainted,
    tolerate,
)
from kspec_properties.mutants.mutant import ModelMutant, Rewritten, replacing_controller

_USER = "example.com/maintenance"
TRANSIENT = World(
    name="transient-taint",
    nodes=1,
    objects=(
        pod("p", nodeName="n1", tolerations=[tolerate(_USER), tolerate(NOT_READY, 300)]),
        node("n1"),
    ),
    active_nodes=(),
    controllers=("taint-eviction-controller",),
    operations=(
        set_taints("n1", taint(_USER), taint(NOT_READY)),
        set_taints("n1", taint(_USER)),
    ),
)
"""A taint that is tolerated for some time comes to one that is tolerated for ever, and goes."""

RELEASED = World(
    name="held-node",
    objects=(held(ranged("n1", "10.244.0.0/25")),),
    operations=(delete("Node", "n1"), {"apply": node("n2")}),
    active_nodes=(),
    components={
        "kube-controller-manager": {
            "allocateNodeCIDRs": True,
            "clusterCIDR": "10.244.0.0/24",
            "nodeCIDRMaskSize": 25,
        }
    },
)
"""A node is deleted and held on to, and another one joins."""


class OutlivingTimers(TaintEvictionController):
    """Before pull request 93722: timers go only when no NoExecute taint is left."""

    def process_pod(self, memory: TaintMemory, pod: Pod, taints: Any, now: int) -> TaintMemory:
        if tolerated_seconds(taints, pod.spec.tolerations) == FOR_EVER:
            return memory
        return super().process_pod(memory, pod, taints, now)


class IgnoresNewPods(TaintEvictionController):
    def concerns(self, event: Notification) -> bool:
        return event.resource == "nodes" and super().concerns(event)


class ReleasesEarly(NodeIpamController):
    """Before pull request 128305: a node that is being deleted has no range any more."""

    def sync(self, memory: Taken, node: Node) -> Worked:
        if node.is_terminating:
            return Worked(self.released(memory, node))
        return super().sync(memory, node)


class IgnoresDeletedNodes(PodGCController):
    def concerns(self, event: Notification) -> bool:
        return event.resource == "pods" and super().concerns(event)

    def handle(self, memory: Any, event: Notification, view: View) -> Any:
        if event.resource == "nodes":
            return memory, ()
        return super().handle(memory, event, view)


class TakesNodesForGone(PodGCController):
    """Sees no node in its cache, and does not look whether they are really gone."""

    def _has_node(self, event: Notification, view: View) -> bool:
        return False

    def reconcile(self, memory: Any, key: str, view: View) -> Worked:
        empty = dict(Rewritten(view.caches, "nodes", lambda obj: obj))
        return super().reconcile(memory, key, view._replace(caches={**empty, "nodes": Snapshot()}))

    def answer(
        self, memory: Any, call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        if isinstance(request, Get):
            response = Response(NOT_FOUND)
        return super().answer(memory, call, request, response, view)


MUTANTS = (
    ModelMutant(
        name="taint-timers-outlive-their-taint",
        description="a pod's eviction is cancelled only when no NoExecute taint is left at all",
        property="a-pod-is-waited-for-only-while-a-taint-limits-it",
        world=TRANSIENT,
        change=replacing_controller("tainteviction", lambda _: OutlivingTimers()),
    ),
    ModelMutant(
        name="taint-eviction-ignores-new-pods",
        description="a pod that comes to a tainted node is not looked at",
        property="pods-leave-tainted-nodes",
        world=World(
            name="tainted-node",
            objects=(
                pod("p", tolerations=[tolerate(_USER, 60)]),
                tainted("n1", taint(_USER)),
            ),
        ),
        change=replacing_controller("tainteviction", lambda _: IgnoresNewPods()),
    ),
    ModelMutant(
        name="node-ranges-are-released-early",
        description="a node's range is free as soon as the node is being deleted",
        property="node-ranges-are-apart",
        world=RELEASED,
        change=replacing_controller("nodeipam", lambda old: ReleasesEarly(old.ranges, old.service)),
    ),
    ModelMutant(
        name="podgc-ignores-deleted-nodes",
        description="PodGC does not notice that a node is deleted",
        property="pods-do-not-outlive-their-node",
        world=World(
            name="node-is-deleted",
            nodes=1,
            objects=(pod("p"),),
            operations=(delete("Node", "n1"),),
        ),
        change=replacing_controller("podgc", lambda _: IgnoresDeletedNodes()),
    ),
    ModelMutant(
        name="podgc-does-not-look-at-nodes",
        description="PodGC takes every node for gone and does not read it",
        property="a-pod-is-given-up-only-with-its-node",
        world=World(
            name="collected-pods",
            nodes=1,
            objects=(pod("p"),),
            controllers=(
                *("replicaset-controller", "endpointslice-controller", "serviceaccount-controller"),
                *("deployment-controller", "namespace-controller"),
                "pod-garbage-collector-controller",
            ),
        ),
        change=replacing_controller("podgc", lambda _: TakesNodesForGone()),
    ),
)
