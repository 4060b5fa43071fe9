"""Mutants of node lifecycle."""

from __future__ import annotations

from typing import Any

from kspec_models.controllers.nodelifecycle import NodeLifecycleController
from kspec_models.controllers.nodelifecycle_pass import Look
from kspec_models.controllers.steps import Steps
from kspec_models.host import Notification
from kspec_models.objects import Node
from kspec_models.world import World
from kspec_models.worlds import namespace, node
from kspec_models.worlds_nodes import hear, heartbeat, report, silence
from kspec_properties.mutants.mutant import ModelMutant, replacing_controller


def _silent(name: str, *operations: Any) -> World:
    """Two nodes that have no processes, so that users speak and fall silent for them."""
    names = ("n1", "n2")
    made = [make(n) for make in (node, heartbeat) for n in names]
    return World(
        name=name,
        objects=(namespace("kube-node-lease"), *made),
        operations=operations,
        active_nodes=(),
        controllers=("node-lifecycle-controller", "taint-eviction-controller"),
    )


class IgnoresLeases(NodeLifecycleController):
    def concerns(self, event: Notification) -> bool:
        return event.resource != "leases" and super().concerns(event)


class _NeverForgives(Look):
    def mark_reachable(self, node: Node) -> Steps[None]:
        yield from ()


class _SeesNoDisruption(Look):
    def handle_disruption(self) -> Steps[None]:
        yield from ()


MUTANTS = (
    ModelMutant(
        name="node-lifecycle-ignores-leases",
        description="node lifecycle does not notice that a Lease changed",
        property="a-silent-node-is-tainted",
        world=_silent("a-silent-node", silence("n2")),
        change=replacing_controller("nodelifecycle", lambda _: IgnoresLeases()),
    ),
    ModelMutant(
        name="nodes-stay-tainted",
        description="the taints of a node stay when it is heard of again",
        property="a-node-that-is-heard-of-is-forgiven",
        world=_silent(
            "a-node-that-returns", silence("n2"), hear("n2"), report("n2", "Ready", "True")
        ),
        change=replacing_controller(
            "nodelifecycle", lambda _: NodeLifecycleController(look=_NeverForgives)
        ),
    ),
    ModelMutant(
        name="node-lifecycle-ignores-disruption",
        description="node lifecycle goes on tainting when every node is silent",
        property="nothing-is-evicted-while-every-node-is-down",
        world=_silent("every-node-is-silent", silence("n1"), silence("n2")),
        change=replacing_controller(
            "nodelifecycle", lambda _: NodeLifecycleController(look=_SeesNoDisruption)
        ),
    ),
)
